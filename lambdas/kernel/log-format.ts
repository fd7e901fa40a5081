/** Lines as an nginx log_format describes them: core/reading/access-log.ts. */
import { hasEnvelope, hasStart, lineEndOf, putStream, unwrap } from './envelope';
import { endWithoutHttp, filter, FILTER_LOCAL_CLIENT, FILTER_NO_CLIENT, FILTER_NO_HTTP, setFilter } from './filters';
import { beginOthers, putOthers } from './json-others';
import { BACKSLASH, COLON, CR, DOT, inputOf, isEnd, LF, outputOf, pair, SPACE } from './memory';
import { follows, matched, readDirectly } from './log-direct';
import { beginLine, isHex, isLocal, readValue, saw, SAW_CLIENT, SAW_HTTP, SAW_MARK, setEscaped } from './log-values';
import {
  CLIENT, FIELD_BYTES, fieldCount, FIELDS, flags, flagsOf, HEX_ESCAPES, IDENTITY, IN_ESCAPE, JSON_ESCAPES, LIST,
  literalHead, literalLength, literalOf, MARKED, neededFields, NO_CLIENT, NO_HTTP, opOf, startLength,
} from './program';
import { find, isUtf8 } from './text';
import { eventMillis } from './times';

/** Where the value found last ends, whether the line ends with it, and early. */
let valueEnd: usize = 0;
let lineEnded: bool = false;

/** @returns the line's end; 0 for a surprise */
export function readLogFormat(p: usize, o: usize): u64 {
  beginOthers();
  p = unwrap(p);
  if (p == 0) return 0;
  if (filter == 0) {
    const pointers = readLine(p, putStream(o));
    if (pointers != 0) return pointers;
    p = matchFilters(p);
    if (p == 0) return 0;
  }
  return pair(lineEndOf(p), o);
}

/** @returns the end of a line that is no request for certain, where that is left out; 0 for any other */
function matchFilters(p: usize): usize {
  const program = flags();
  const end = program & NO_HTTP ? endWithoutHttp(p) : 0;
  if (end != 0) {
    setFilter(FILTER_NO_HTTP);
    return end;
  }
  if (!(program & NO_CLIENT) || !hasNoClient(p)) return 0;
  setFilter(FILTER_NO_CLIENT);
  return find(p, LF);
}

/** Is there for certain no address where a format that begins with the client's has it? */
function hasNoClient(p: usize): bool {
  if (!hasStart(p)) return !(flags() & IN_ESCAPE);
  if (opOf(FIELDS) != CLIENT) return false;
  const stop = literalLength(FIELDS) == 0 ? LF : <u32>(literalHead(FIELDS) & 0xff);
  let at = p + <usize>startLength();
  let c = <u32>load<u8>(at);
  while (isAddressByte(c) && c != stop) c = <u32>load<u8>(++at);
  // What is none of those may be space around it, another address, or a zone.
  return c != stop && c > SPACE && c < 0x80 && c != 0x2c && c != 0x25;
}

// @ts-ignore: decorator
@inline
function isAddressByte(c: u32): bool {
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
  lineEnded = false;
  for (let field = FIELDS; index < count && !lineEnded; field += FIELD_BYTES) {
    const pointers = readDirectly(field, p, o);
    if (pointers != 0) {
      p = inputOf(pointers);
      o = outputOf(pointers);
      index++;
      continue;
    }
    const next = findValueEnd(p, field);
    if (next == 0) return 0;
    // A line that breaks off before a value does not have it.
    if (lineEnded && valueEnd == p) {
      p = next;
      break;
    }
    o = readValue(field, p, valueEnd, o);
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
  if (hasEnvelope && eventMillis != eventMillis) return 0;
  if (isLocal()) setFilter(FILTER_LOCAL_CLIENT);
  if (!hasEnvelope) return pair(p, o);
  return pair(lineEndOf(p), program & IDENTITY ? o : putOthers(o));
}

/**
 * Finds where the value at a place ends, and where the next begins. Sets valueEnd, and `ended` where the line ends
 * before the text does that should follow.
 *
 * @returns 0 for escapes of JSON, for a quote with a backslash before it, and for a list whose items are separated by the space that ends it
 */
function findValueEnd(p: usize, field: usize): usize {
  const length = literalLength(field);
  const literal = literalOf(field);
  const program = flags();
  const first = length == 0 ? LF : <u32>(literalHead(field) & 0xff);
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
      lineEnded = length > 0;
      return p;
    }
    if (c == CR) return 0;
    if (length > 0 && c == first) {
      if (follows(field, p, length)) {
        if (escaped && load<u8>(p - 1) == BACKSLASH) return 0;
        if (flagsOf(field) & LIST && first == SPACE && separatesItems(p, from)) return 0;
        valueEnd = p;
        return p + length;
      }
      const matchedCount = matched(p, literal, length);
      if (isEnd(p + matchedCount)) {
        if (escaped && load<u8>(p - 1) == BACKSLASH) return 0;
        // Cut within a character, what is left of it is no text.
        if (load<u8>(p + matchedCount - 1) >= 0x80) return 0;
        valueEnd = p;
        lineEnded = true;
        return p + matchedCount;
      }
    }
    p++;
  }
}

/** Is the space at a place part of `, ` or ` : `? */
function separatesItems(p: usize, from: usize): bool {
  if (p > from && (load<u8>(p - 1) == 0x2c || load<u8>(p - 1) == COLON)) return true;
  return load<u8>(p + 1) == COLON && load<u8>(p + 2) == SPACE;
}
