/**
 * Takes lines out of the envelope of a container runtime. This file mirrors lambdas/core/reading/envelope.ts, and is
 * used by log-format.ts and json-record.ts.
 *
 * A line may have no envelope, a CRI prefix (then it is read in place), or a JSON object around it (then it is copied
 * to INNER_LINE without its escapes, and the object's other members go to `extra`).
 */
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

/** Address of the name of the output stream in the envelope, or 0 if the envelope has none. */
let streamName: usize = 0;
/** End of the JSON envelope, or 0 if the inner line ends where the whole line does. */
let envelopeEnd: usize = 0;
/** End of the copy at INNER_LINE. */
let innerEnd: usize = 0;

/** The current line has an envelope. */
export let hasEnvelope: bool = false;

/**
 * Whether the texts of Docker's records end in a line feed, so that a text without it is a piece of a line: not known yet;
 * a log collector has removed them all; or they do. A record that is of another kind than the ones before is left to the
 * TypeScript reader, which joins pieces.
 */
const UNKNOWN: u32 = 0;
const REMOVED: u32 = 1;
const KEPT: u32 = 2;
let lineFeeds: u32 = UNKNOWN;

export function setLineFeeds(known: u32): void {
  lineFeeds = known;
}

/** The JSON envelope is a record of Docker's: its text is `log`, its stream is `stream`, and it has no mark of a piece. */
let isDocker: bool = false;

/**
 * Parts of an envelope have the indices of ENVELOPE in lambdas/core/reading/envelope.ts: 0 and 1 are keys of the line, 2
 * and 3 of the stream, 4 to 7 of the time, 8 to 10 mark pieces of lines.
 */
const STREAM_PART: u32 = 2;
const SOURCE_PART: u32 = 3;
const TIME_PART: u32 = 4;
const PIECE_PART: u32 = 8;
/** `partial_message`, the last of the marks. */
const PARTIAL_MESSAGE_PART: u32 = 10;

/**
 * `"stdout"` and `"stderr"` as little-endian u64. The names without quotes have six bytes; the other two are masked
 * out.
 */
const STDOUT_QUOTED: u64 = 0x2274756f64747322;
const STDERR_QUOTED: u64 = 0x2272726564747322;
const NAME_LENGTH: usize = 6;
const NAME_MASK: u64 = 0xffff_ffff_ffff;
const STDOUT: u64 = (STDOUT_QUOTED >> 8) & NAME_MASK;
const STDERR: u64 = (STDERR_QUOTED >> 8) & NAME_MASK;

/**
 * Takes a line out of its envelope, if it has one, and sets the stream filter.
 *
 * @returns the address of the inner line, or 0 if the line is unsupported. If a filter leaves the line out, the address
 * has no meaning.
 */
export function unwrap(p: usize): usize {
  const c = <u32>load<u8>(p);
  hasEnvelope = false;
  streamName = 0;
  envelopeEnd = 0;
  isDocker = false;
  if (c == 0x7b) {
    const isOwn = kind() == JSON_RECORD || (startLength() > 0 && hasStart(p));
    if (isOwn && !mayHoldLine(p)) return p;
    const line = unwrapJson(p);
    // An object without a stream is an envelope only if the line within it begins as lines of the format do.
    if (line != 0 && streamName == 0 && !hasStart(line)) return isOwn ? discardEnvelope(p) : 0;
    hasEnvelope = true;
    p = line;
  } else if (isDigit(c)) {
    const space = streamOf(p);
    if (space == 0) return isTagged(p) ? 0 : p;
    hasEnvelope = true;
    p = unwrapCri(p, space);
  }
  if (p == 0) return 0;
  if (streamName != 0 && flags() & NOT_STDOUT && (load<u64>(streamName) & NAME_MASK) != STDOUT) {
    setFilter(FILTER_NOT_STDOUT);
    if (envelopeEnd == 0) envelopeEnd = find(p, LF);
    return p;
  }
  if (isDocker && (lineFeeds == UNKNOWN || (load<u8>(innerEnd - 1) == LF) != (lineFeeds == KEPT))) return 0;
  if (envelopeEnd != 0 && !isOneLine()) return 0;
  // The inner line may consist of spaces or begin with a byte order mark, or be in another envelope.
  const first = <u32>load<u8>(p);
  if (first <= SPACE || first >= 0x80) return 0;
  if (first == 0x7b ? mayHoldLine(p) : isDigit(first) && (streamOf(p) != 0 || isTagged(p))) return 0;
  return p;
}

/** Address of the space before the name of a stream, if the line may be one of CRI; otherwise 0. */
// @ts-ignore: decorator
@inline
function streamOf(p: usize): usize {
  if (load<u8>(p, 4) != HYPHEN) return 0;
  const space = find(p, SPACE);
  const head = load<u32>(space, 1);
  return load<u8>(space) == SPACE && (head == <u32>STDOUT || head == <u32>STDERR) ? space : 0;
}

/** True if the line may be one of Fluentd: a time of at most 47 bytes, a tab, the tag, a tab, and an object. */
// @ts-ignore: decorator
@inline
function isTagged(p: usize): bool {
  for (let at: usize = 0; at < 48; at += 16) {
    const bytes = v128.load(p + at);
    const found = i8x16.bitmask(v128.or(i8x16.eq(bytes, i8x16.splat(<i8>TAB)), i8x16.eq(bytes, i8x16.splat(<i8>LF))));
    if (found != 0) {
      const first = p + at + <usize>ctz(found);
      const second = load<u8>(first) == TAB ? find(first + 1, TAB) : first;
      return load<u8>(second) == TAB && load<u8>(second, 1) == 0x7b;
    }
  }
  return false;
}

const TAB: u32 = 9;

/** Discards what was read of an object that turned out not to be an envelope. */
function discardEnvelope(p: usize): usize {
  envelopeEnd = 0;
  beginOthers();
  return p;
}

/** End of the enclosing line, given that the inner line ended at `p`. */
// @ts-ignore: decorator
@inline
export function lineEndOf(p: usize): usize {
  return envelopeEnd == 0 ? p : envelopeEnd;
}

/** Writes the column of the output stream, if the envelope has one. */
export function putStream(o: usize): usize {
  if (streamName == 0) return o;
  const from = o;
  o = put(putBytes(putTextKey(o, streamKey()), streamName, NAME_LENGTH), QUOTE);
  setStreamSlot(from, o);
  return o;
}

/** Takes a line out of a CRI prefix: `2025-01-01T00:00:00.123456789Z stdout F the line`. */
function unwrapCri(p: usize, space: usize): usize {
  streamName = space + 1;
  const name = load<u64>(streamName) & NAME_MASK;
  if (!isCriTime(p, space) || (name != STDOUT && name != STDERR)) return 0;
  // The tag is F for a whole line. P marks a piece of a line that the runtime has cut: the TypeScript reader rejects it
  // unless the stream filter leaves it out, which is the only case the kernel supports. More may follow F or P, after a
  // colon: this is unsupported.
  const tag = load<u32>(streamName, NAME_LENGTH) & 0xffffff;
  const isPiece = tag == 0x205020 && flags() & NOT_STDOUT && name != STDOUT;
  return tag == 0x204620 || isPiece ? streamName + NAME_LENGTH + 3 : 0;
}

/** True for `yyyy-MM-ddTHH:mm:ss`, optionally with a fraction, and with `Z` or an offset such as `+HH:mm`. */
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

/**
 * Takes a line out of a JSON object: `{"log":"the line\n","stream":"stdout","time":…}`. The members may come in any
 * order; members that are not part of the envelope go to `extra`.
 */
function unwrapJson(p: usize): usize {
  prepareKeys();
  let key = BEFORE_FIRST;
  let lineEnd: usize = 0;
  let timed = false;
  let isSource = false;
  let isLog = false;
  let isTag = false;
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
      isLog = part == 0;
      const pointers = copyDecoded(p + 1, INNER_LINE);
      p = inputOf(pointers);
      lineEnd = outputOf(pointers);
      // Of an empty text and another one, the other one is the line.
      if (p != 0 && lineEnd == INNER_LINE) return 0;
    } else if (part == STREAM_PART && (streamName == 0 || isSource)) {
      const value = load<u64>(p);
      // If `source` came before, it is not the stream but another member, which is too late to be taken.
      if (isSource || !isStream(value)) return 0;
      streamName = p + 1;
      p += NAME_LENGTH + 2;
    } else if (part == SOURCE_PART && streamName == 0 && isStream(load<u64>(p))) {
      isSource = true;
      streamName = p + 1;
      p += NAME_LENGTH + 2;
    } else if (part >= TIME_PART && part < PIECE_PART && !timed) {
      timed = true;
      p = endOfValue(p);
    } else {
      // A piece of a line is left to the TypeScript reader; `F` marks a whole line.
      const isMark = part >= PIECE_PART && part <= PARTIAL_MESSAGE_PART;
      isTag = isTag || isMark;
      if (isMark && (part == PARTIAL_MESSAGE_PART || (load<u32>(p) & 0xffffff) != FULL_QUOTED)) return 0;
      p = takeOther(key, keyStart, p);
    }
    if (p == 0) return 0;
    p = pastSpace(p);
  } while (load<u8>(p) == 0x2c);
  if (load<u8>(p) != 0x7d || lineEnd == 0) return 0;
  envelopeEnd = pastSpace(p + 1);
  if (!isEnd(envelopeEnd)) return 0;
  innerEnd = lineEnd;
  isDocker = isLog && streamName != 0 && !isSource && !isTag;
  return INNER_LINE;
}

/** `"F"` as a little-endian u32 of which the last byte is masked out. */
const FULL_QUOTED: u32 = 0x224622;

/** True for `"stdout"` and `"stderr"`, as a little-endian u64. */
// @ts-ignore: decorator
@inline
function isStream(value: u64): bool {
  return value == STDOUT_QUOTED || value == STDERR_QUOTED;
}

/**
 * Ends the copy at INNER_LINE with one LF, in place of its own line ends. Returns false if there is another line end
 * within.
 */
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

/** True if the line begins as lines of the format do. */
// @ts-ignore: decorator
@inline
export function hasStart(p: usize): bool {
  const length = startLength();
  return length == 0 || matched(p, startText(), length) == length;
}

/**
 * True if an object that begins as lines of the format do may still be an envelope, because it may hold a key of the
 * line within: `log` or `message`.
 */
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
        // The key may be written with escapes: `\u006x` and `\u007x` are letters.
        const hex = load<u32>(at, 2) & 0xffffff;
        if (hex == HEX_006 || hex == HEX_007) return true;
      } else if (load<u32>(at, 1) == LOG_QUOTED || load<u64>(at, 1) == MESSAGE_QUOTED) return true;
    }
    p += 16;
  } while (true);
}

/** `log"` and `message"`, as little-endian u32 and u64. */
const LOG_QUOTED: u32 = 0x22676f6c;
const MESSAGE_QUOTED: u64 = 0x226567617373656d;
/** `006` and `007`, as little-endian u32 of which the last byte is masked out. */
const HEX_006: u32 = 0x363030;
const HEX_007: u32 = 0x373030;
