/** Lines in the envelope of a container runtime: core/reading/envelope.ts, for envelopes that need no second look. */
import { FILTER_NOT_STDOUT, setFilter } from './filters';
import { beginOthers, takeOther } from './json-others';
import { BEFORE_FIRST, keyIn, NO_COLUMN, OUTERMOST, prepareKeys, targetOf, valueAfter } from './json-keys';
import { copyDecoded } from './json-strings';
import { endOfValue, pastSpace } from './json-values';
import {
  BACKSLASH, COLON, CR, DOT, HYPHEN, INNER_LINE, inputOf, isEnd, LF, outputOf, put, putBytes, putTextKey, QUOTE, SPACE,
} from './memory';
import { matched } from './log-direct';
import { digitsIn, isDigit } from './numbers';
import { flags, JSON_RECORD, kind, NOT_STDOUT, setStreamSlot, startLength, startText, streamKey } from './program';
import { find } from './text';

/** Name of its output stream in the envelope; 0 where that tells none. */
let streamName: usize = 0;
/** Where the envelope ends; 0 where that is the line's own end. */
let envelopeEnd: usize = 0;
/** Where the line ends that is copied from it. */
let innerEnd: usize = 0;

/** The line has an envelope. */
export let hasEnvelope: bool = false;

/** Names of parts, in the order of core/reading/envelope.ts: two that may stand for the line, the stream, two for the time. */
const STREAM_PART: u32 = 2;

/** `"stdout"` and `"stderr"`, as eight bytes are read, and their names as six and two more are, the two left out. */
const STDOUT_QUOTED: u64 = 0x2274756f64747322;
const STDERR_QUOTED: u64 = 0x2272726564747322;
const NAME_LENGTH: usize = 6;
const NAME_MASK: u64 = 0xffff_ffff_ffff;
const STDOUT: u64 = (STDOUT_QUOTED >> 8) & NAME_MASK;
const STDERR: u64 = (STDERR_QUOTED >> 8) & NAME_MASK;

/** @returns where the line that is read begins; 0 for a surprise; anything where a filter leaves the line out */
export function unwrap(p: usize): usize {
  const c = <u32>load<u8>(p);
  hasEnvelope = false;
  streamName = 0;
  envelopeEnd = 0;
  setFilter(0);
  if (c == 0x7b) {
    const isOwn = kind() == JSON_RECORD || (startLength() > 0 && hasStart(p));
    if (isOwn && !mayHoldLine(p)) return p;
    const line = unwrapJson(p);
    // What tells no stream is an envelope only where a line of the format is in it.
    if (line != 0 && streamName == 0 && !hasStart(line)) return isOwn ? discardEnvelope(p) : 0;
    hasEnvelope = true;
    p = line;
  } else if (isDigit(c) && load<u8>(p, 4) == HYPHEN) {
    const space = find(p, SPACE);
    const head = load<u32>(space, 1);
    if (load<u8>(space) != SPACE || (head != <u32>STDOUT && head != <u32>STDERR)) return p;
    hasEnvelope = true;
    p = unwrapCri(p, space);
  }
  if (p == 0) return 0;
  if (streamName != 0 && flags() & NOT_STDOUT && (load<u64>(streamName) & NAME_MASK) != STDOUT) {
    setFilter(FILTER_NOT_STDOUT);
    if (envelopeEnd == 0) envelopeEnd = find(p, LF);
    return p;
  }
  if (envelopeEnd != 0 && !isOneLine()) return 0;
  // Space may be all there is, or a byte order mark.
  const first = <u32>load<u8>(p);
  return first <= SPACE || first >= 0x80 ? 0 : p;
}

/** Forgets what was read of an object that is no envelope after all. */
function discardEnvelope(p: usize): usize {
  envelopeEnd = 0;
  beginOthers();
  return p;
}

/** Where the line ends of which the one that was read has ended at a place. */
// @ts-ignore: decorator
@inline
export function lineEndOf(p: usize): usize {
  return envelopeEnd == 0 ? p : envelopeEnd;
}

export function putStream(o: usize): usize {
  if (streamName == 0) return o;
  const from = o;
  o = put(putBytes(putTextKey(o, streamKey()), streamName, NAME_LENGTH), QUOTE);
  setStreamSlot(from, o);
  return o;
}

/** `2025-01-01T00:00:00.123456789Z stdout F the line` */
function unwrapCri(p: usize, space: usize): usize {
  streamName = space + 1;
  const name = load<u64>(streamName) & NAME_MASK;
  if (!isCriTime(p, space) || (name != STDOUT && name != STDERR)) return 0;
  // Tags may be more than one; and of a line that was cut this is a piece, which is kept where it is not left out.
  const tag = load<u32>(streamName, NAME_LENGTH) & 0xffffff;
  const isPiece = tag == 0x205020 && flags() & NOT_STDOUT && name != STDOUT;
  return tag == 0x204620 || isPiece ? streamName + NAME_LENGTH + 3 : 0;
}

/** `yyyy-MM-ddTHH:mm:ss`, a fraction or none, and `Z` or `+HH:mm`. */
function isCriTime(p: usize, space: usize): bool {
  const punctuation = i8x16.eq(
    v128.load(p),
    i8x16(0, 0, 0, 0, 0x2d, 0, 0, 0x2d, 0, 0, 0x54, 0, 0, 0x3a, 0, 0),
  );
  if (i8x16.bitmask(punctuation) != PUNCTUATION || digitsIn(v128.load(p)) != <i32>(0xffff & ~PUNCTUATION)) return false;
  if (load<u8>(p, 16) != COLON || !isDigit(load<u8>(p, 17)) || !isDigit(load<u8>(p, 18))) return false;
  p += 19;
  if (load<u8>(p) == DOT) {
    const digits = <usize>ctz(~digitsIn(v128.load(p, 1)));
    if (digits == 0 || digits > 9) return false;
    p += 1 + digits;
  }
  if (load<u8>(p) == 0x5a) return p + 1 == space;
  return (
    (load<u8>(p) == 0x2b || load<u8>(p) == HYPHEN) && space - p == 6 && load<u8>(p, 3) == COLON &&
    isDigit(load<u8>(p, 1)) && isDigit(load<u8>(p, 2)) && isDigit(load<u8>(p, 4)) && isDigit(load<u8>(p, 5))
  );
}

const PUNCTUATION: i32 = 0b0010_0100_1001_0000;

/** `{"log":"the line\n","stream":"stdout","time":…}`, its members in any order and others among them, which `extra` keeps. */
function unwrapJson(p: usize): usize {
  prepareKeys();
  let key = BEFORE_FIRST;
  let lineEnd: usize = 0;
  let timed = false;
  do {
    p = pastSpace(p + 1);
    if (load<u8>(p) != QUOTE) return 0;
    const keyStart = p + 1;
    key = keyIn(OUTERMOST, keyStart, key);
    if (key == 0) return 0;
    p = valueAfter(key, keyStart);
    if (p == 0) return 0;
    const part = targetOf(key);
    if (part < STREAM_PART && lineEnd == 0) {
      if (load<u8>(p) != QUOTE) return 0;
      const pointers = copyDecoded(p + 1, INNER_LINE);
      p = inputOf(pointers);
      lineEnd = outputOf(pointers);
    } else if (part == STREAM_PART && streamName == 0) {
      const value = load<u64>(p);
      if (value != STDOUT_QUOTED && value != STDERR_QUOTED) return 0;
      streamName = p + 1;
      p += NAME_LENGTH + 2;
    } else if (part != NO_COLUMN && part > STREAM_PART && !timed) {
      timed = true;
      p = endOfValue(p);
    } else p = takeOther(key, p);
    if (p == 0) return 0;
    p = pastSpace(p);
  } while (load<u8>(p) == 0x2c);
  if (load<u8>(p) != 0x7d || lineEnd == 0) return 0;
  envelopeEnd = pastSpace(p + 1);
  if (!isEnd(envelopeEnd)) return 0;
  innerEnd = lineEnd;
  return INNER_LINE;
}

/** Puts LF behind the line at INNER, in place of the line ends there. False where it holds another. */
function isOneLine(): bool {
  let o = innerEnd;
  while (o > INNER_LINE && isLineBreak(load<u8>(o - 1))) o--;
  store<u8>(o, LF);
  return find(INNER_LINE, LF) == o;
}

// @ts-ignore: decorator
@inline
function isLineBreak(c: u32): bool {
  return c == LF || c == CR;
}

/** Does a line begin as those of the format do? */
// @ts-ignore: decorator
@inline
export function hasStart(p: usize): bool {
  const length = startLength();
  return length == 0 || matched(p, startText(), length) == length;
}

/** Can the object of a line be an envelope all the same: does it hold a key that may stand for the line within? */
function mayHoldLine(p: usize): bool {
  do {
    const bytes = v128.load(p);
    const next = v128.load(p, 1);
    const quoted = v128.and(
      i8x16.eq(bytes, i8x16.splat(<i8>QUOTE)),
      v128.or(i8x16.eq(next, i8x16.splat(0x6c)), i8x16.eq(next, i8x16.splat(0x6d))),
    );
    const unicode = v128.and(i8x16.eq(bytes, i8x16.splat(<i8>BACKSLASH)), i8x16.eq(next, i8x16.splat(0x75)));
    const ends = i8x16.eq(bytes, i8x16.splat(<i8>LF));
    let found = i8x16.bitmask(v128.or(v128.or(quoted, unicode), ends));
    for (; found != 0; found &= found - 1) {
      const at = p + <usize>ctz(found);
      const c = <u32>load<u8>(at);
      if (c == LF) return false;
      if (c == BACKSLASH) {
        // Letters: of a key that is written with escapes.
        const hex = load<u32>(at, 2) & 0xffffff;
        if (hex == HEX_006 || hex == HEX_007) return true;
      } else if (load<u32>(at, 1) == LOG_QUOTED || load<u64>(at, 1) == MESSAGE_QUOTED) return true;
    }
    p += 16;
  } while (true);
}

/** `log"` and `message"`, as four and eight bytes are read. */
const LOG_QUOTED: u32 = 0x22676f6c;
const MESSAGE_QUOTED: u64 = 0x226567617373656d;
/** `006` and `007`, as four bytes are read, the last left out. */
const HEX_006: u32 = 0x363030;
const HEX_007: u32 = 0x373030;
