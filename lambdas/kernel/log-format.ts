/** Lines as an nginx log_format describes them: core/reading/access-log.ts. */
import { enveloped, hasStart, lineEndOf, putStream, takeOut } from './envelope';
import { endWithoutHttp, filter, LOCAL, setFilter, WITHOUT_CLIENT, WITHOUT_HTTP } from './filters';
import { beginOthers, putOthers } from './json-others';
import { BACKSLASH, both, COLON, CR, DOT, inOf, isEnd, LF, outOf, SPACE } from './memory';
import { follows, matched, readDirectly } from './log-direct';
import { beginLine, isHex, isLocal, readValue, saw, SAW_CLIENT, SAW_HTTP, SAW_MARK, setEscaped } from './log-values';
import {
  CLIENT, fieldCount, flags, flagsOf, HEX_ESCAPES, IDENTITY, IN_ESCAPE, JSON_ESCAPES, LIST, literalHead, literalLength, literalOf, MARKED,
  neededFields, NO_CLIENT, NO_HTTP, opOf, RECORD_BYTES, RECORDS, startLength,
} from './program';
import { find, isUtf8 } from './text';
import { eventMillis } from './times';

/** Where the value found last ends, whether the line ends with it, and early. */
let valueEnd: usize = 0;
let ended: bool = false;

/** @returns the line's end; 0 for a surprise */
export function readLogFormat(p: usize, o: usize): u64 {
  beginOthers();
  p = takeOut(p);
  if (p == 0) return 0;
  if (filter == 0) {
    const places = readLine(p, putStream(o));
    if (places != 0) return places;
    p = leaveOut(p);
    if (p == 0) return 0;
  }
  return both(lineEndOf(p), o);
}

/** @returns the end of a line that is no request for certain, where that is left out; 0 for any other */
function leaveOut(p: usize): usize {
  const program = flags();
  const end = program & NO_HTTP ? endWithoutHttp(p) : 0;
  if (end != 0) {
    setFilter(WITHOUT_HTTP);
    return end;
  }
  if (!(program & NO_CLIENT) || !isWithoutClient(p)) return 0;
  setFilter(WITHOUT_CLIENT);
  return find(p, LF);
}

/** Is there for certain no address where a format that begins with the client's has it? */
function isWithoutClient(p: usize): bool {
  if (!hasStart(p)) return !(flags() & IN_ESCAPE);
  if (opOf(RECORDS) != CLIENT) return false;
  const stop = literalLength(RECORDS) == 0 ? LF : <u32>(literalHead(RECORDS) & 0xff);
  let at = p + <usize>startLength();
  let c = <u32>load<u8>(at);
  while (isOfAddress(c) && c != stop) c = <u32>load<u8>(++at);
  // What is none of those may be space around it, another address, or a zone.
  return c != stop && c > SPACE && c < 0x80 && c != 0x2c && c != 0x25;
}

// @ts-ignore: decorator
@inline
function isOfAddress(c: u32): bool {
  return isHex(c) || c == COLON || c == DOT || c == 0x5b || c == 0x5d;
}

function readLine(p: usize, o: usize): u64 {
  const line = p;
  if (!hasStart(p)) return 0;
  p += <usize>startLength();
  const count = fieldCount();
  let index: u32 = 0;
  const from = o;
  beginLine();
  ended = false;
  for (let record = RECORDS; index < count && !ended; record += RECORD_BYTES) {
    const places = readDirectly(record, p, o);
    if (places != 0) {
      p = inOf(places);
      o = outOf(places);
      index++;
      continue;
    }
    const next = findEnd(p, record);
    if (next == 0) return 0;
    // A line that breaks off before a value does not have it.
    if (ended && valueEnd == p) {
      p = next;
      break;
    }
    o = readValue(record, p, valueEnd, o);
    if (o == 0) return 0;
    p = next;
    index++;
  }
  if (!isEnd(p) || index < neededFields()) return 0;
  const program = flags();
  if (program & IN_ESCAPE && !isUtf8(line, p)) return 0;
  if (program & NO_HTTP && !(saw & SAW_HTTP)) return 0;
  if (program & NO_CLIENT && !(saw & SAW_CLIENT)) return 0;
  if (program & MARKED && !(saw & (SAW_MARK | SAW_CLIENT))) return 0;
  // A row without any value is never normal.
  if (o == from && !(program & IDENTITY)) return 0;
  // An envelope's time is the row's where the line tells none.
  if (enveloped && eventMillis != eventMillis) return 0;
  if (isLocal()) setFilter(LOCAL);
  if (!enveloped) return both(p, o);
  return both(lineEndOf(p), program & IDENTITY ? o : putOthers(o));
}

/**
 * Finds where the value at a place ends, and where the next begins. Sets valueEnd, and `ended` where the line ends
 * before the text does that should follow.
 *
 * @returns 0 for escapes of JSON, for a quote with a backslash before it, and for a list whose items are separated by the space that ends it
 */
function findEnd(p: usize, record: usize): usize {
  const length = literalLength(record);
  const literal = literalOf(record);
  const program = flags();
  const first = length == 0 ? LF : <u32>(literalHead(record) & 0xff);
  const firsts = i8x16.splat(<i8>first);
  const from = p;
  let escaped = false;
  setEscaped(false);
  while (true) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, firsts), i8x16.eq(bytes, i8x16.splat(0x5c))),
        i8x16.lt_u(bytes, i8x16.splat(0x20)),
      ),
    );
    if (found == 0) {
      p += 16;
      continue;
    }
    p += ctz(found);
    const c = <u32>load<u8>(p);
    if (c == BACKSLASH) {
      if (program & JSON_ESCAPES) return 0;
      escaped = (program & HEX_ESCAPES) != 0;
      setEscaped(escaped);
    }
    if (c == LF || (c == CR && load<u8>(p, 1) == LF)) {
      valueEnd = p;
      ended = length > 0;
      return p;
    }
    if (c == CR) return 0;
    if (length > 0 && c == first) {
      if (follows(record, p, length)) {
        if (escaped && load<u8>(p - 1) == BACKSLASH) return 0;
        if (flagsOf(record) & LIST && first == SPACE && separates(p, from)) return 0;
        valueEnd = p;
        return p + length;
      }
      const same = matched(p, literal, length);
      if (isEnd(p + same)) {
        if (escaped && load<u8>(p - 1) == BACKSLASH) return 0;
        // Cut within a character, what is left of it is no text.
        if (load<u8>(p + same - 1) >= 0x80) return 0;
        valueEnd = p;
        ended = true;
        return p + same;
      }
    }
    p++;
  }
}

/** Is the space at a place part of `, ` or ` : `? */
function separates(p: usize, from: usize): bool {
  if (p > from && (load<u8>(p - 1) == 0x2c || load<u8>(p - 1) == COLON)) return true;
  return load<u8>(p + 1) == COLON && load<u8>(p + 2) == SPACE;
}
