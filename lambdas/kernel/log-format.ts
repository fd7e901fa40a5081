/** Lines as an nginx log_format describes them: core/access-log.ts, for whole lines of a format without an envelope. */
import { BACKSLASH, both, COLON, CR, DOT, HYPHEN, inOf, isEnd, LF, outOf, put, putKey, putTextKey, QUOTE, SPACE } from './memory';
import { copyDecimal, copyWhole, isDigit } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, CLIENT, DOUBLE, fieldCount, flags, flagsOf, HEX_ESCAPES, HOST, IDENTITY, INT, INT_DIGITS, JSON_ESCAPES, keyOf, LIST,
  literalLength, literalOf, LOCAL_CLIENT, MARKED, neededFields, NGINX_REQUEST, NO_CLIENT, NO_HTTP, opOf, RECORD_BYTES,
  RECORDS, PART, PART_SHIFT, SEPARATOR_SHIFT, SKIP, startLength, startText, STATUS, TEXT, TIME, TOKEN, URL, VERSION, wrote,
} from './program';
import { copySpan, copyUntil, find, noBackslash, putChar, sawBackslash } from './text';
import { copyUnescaped } from './unescape';
import { copyTime, noteTime } from './times';

/** The line is a request of the machine itself, and left out. */
export let local: bool = false;

/** What a line has shown: a request, a client's address, a status or time in its place. */
const SAW_HTTP: u32 = 1;
const SAW_CLIENT: u32 = 2;
const SAW_LOCAL: u32 = 4;
const SAW_MARK: u32 = 8;
let saw: u32 = 0;

/** Where the value found last ends, whether the line ends with it, and early. */
let valueEnd: usize = 0;
let ended: bool = false;
/** The value found last holds a backslash, and so perhaps escapes. */
let escaped: bool = false;

/** @returns the line's end; 0 for a surprise */
export function readLogFormat(p: usize, o: usize): u64 {
  if (mayBeEnveloped(p)) return 0;
  const start = startLength();
  if (start > 0) {
    if (matched(p, startText(), start) != start) return 0;
    p += start;
  }
  const count = fieldCount();
  let index: u32 = 0;
  const from = o;
  saw = 0;
  ended = false;
  for (let record = RECORDS; index < count && !ended; record += RECORD_BYTES) {
    if (opOf(record) == TEXT && !(flagsOf(record) & LIST)) {
      const places = readText(record, p, o);
      if (places != 0) {
        p = inOf(places);
        o = outOf(places);
        index++;
        continue;
      }
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
  if (program & NO_HTTP && !(saw & SAW_HTTP)) return 0;
  if (program & NO_CLIENT && !(saw & SAW_CLIENT)) return 0;
  if (program & MARKED && !(saw & (SAW_MARK | SAW_CLIENT))) return 0;
  // A row without any value is never normal.
  if (o == from && !(program & IDENTITY)) return 0;
  local = (program & LOCAL_CLIENT && saw & SAW_LOCAL) != 0;
  return both(p, o);
}

/**
 * Finds where a text ends, and copies it on the way.
 *
 * @returns where the next value begins; 0 for a value that needs a look before it is copied, or the last of its line
 */
function readText(record: usize, p: usize, o: usize): u64 {
  const length = literalLength(record);
  if (length == 0) return 0;
  const literal = literalOf(record);
  const first = <u32>load<u8>(literal);
  // What begins as what follows the value, or as an escape does, takes a second look.
  if (first == HYPHEN || first == BACKSLASH) return 0;
  if (load<u8>(p) == HYPHEN && matched(p + 1, literal, length) == length) return both(p + 1 + length, o);
  const from = o;
  const start = p;
  o = putTextKey(o, keyOf(record, 0));
  noBackslash();
  while (true) {
    const places = copyUntil(p, o, first, 1);
    if (places == 0) return 0;
    p = inOf(places);
    o = outOf(places);
    if (load<u8>(p) != first) return 0;
    if (matched(p, literal, length) == length) break;
    if (isEnd(p + 1)) return 0;
    o = putChar(o, first, 1);
    p++;
  }
  if (p == start || (sawBackslash() && flags() & (HEX_ESCAPES | JSON_ESCAPES))) return 0;
  if (flagsOf(record) & TOKEN && find(start, SPACE) < p) return 0;
  o = put(o, QUOTE);
  wrote(record, 0, from, o);
  return both(p + length, o);
}

/** JSON of a container's log driver, the head of a CRI line, a byte order mark; or space, which may be all there is. */
function mayBeEnveloped(p: usize): bool {
  const c = <u32>load<u8>(p);
  if (c <= SPACE || c == 0x7b || c >= 0x80) return true;
  if (!isDigit(c) || load<u8>(p, 4) != HYPHEN) return false;
  const stream = load<u32>(find(p, SPACE), 1);
  return stream == 0x6f647473 || stream == 0x65647473; // stdo, stde
}

/** How many of a literal's bytes stand at a place. */
// @ts-ignore: decorator
@inline
function matched(p: usize, literal: usize, length: u32): u32 {
  let i: u32 = 0;
  while (i < length && load<u8>(p + i) == load<u8>(literal + i)) i++;
  return i;
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
  const first = length == 0 ? LF : <u32>load<u8>(literal);
  const firsts = i8x16.splat(<i8>first);
  const from = p;
  escaped = false;
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
    }
    if (c == LF || (c == CR && load<u8>(p, 1) == LF)) {
      valueEnd = p;
      ended = length > 0;
      return p;
    }
    if (c == CR) return 0;
    if (length > 0 && c == first) {
      const same = matched(p, literal, length);
      if (same == length) {
        if (escaped && load<u8>(p - 1) == BACKSLASH) return 0;
        if (flagsOf(record) & LIST && first == SPACE && separates(p, from)) return 0;
        valueEnd = p;
        return p + length;
      }
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

function readValue(record: usize, p: usize, end: usize, o: usize): usize {
  const op = opOf(record);
  const length = end - p;
  if (length == 0 || (length == 1 && load<u8>(p) == HYPHEN)) return op == HOST ? putProject(record, p, p, o) : o;
  if (flagsOf(record) & TOKEN && find(p, SPACE) < end) return 0;
  if (escaped && (op == HOST || op == PART)) return 0;
  // A host is written twice: a long one could be more than the output has room for.
  if (op == HOST && length > MOST_HOST) return 0;
  const from = o;
  switch (op) {
    case SKIP:
      return o;
    case TEXT:
      return putText(record, 0, p, end, o);
    case INT:
      if (flagsOf(record) & STATUS && length == 3 && load<u8>(p) != HYPHEN) saw |= SAW_MARK;
      o = copyWhole(p, end, putKey(o, keyOf(record, 0)), INT_DIGITS);
      break;
    case BIGINT:
      o = copyWhole(p, end, putKey(o, keyOf(record, 0)), BIGINT_DIGITS);
      break;
    case DOUBLE:
      o = copyDecimal(p, end, putKey(o, keyOf(record, 0)));
      break;
    case TIME:
      o = copyTime(p, end, putTextKey(o, keyOf(record, 0)));
      if (o == 0) return 0;
      o = put(o, QUOTE);
      noteTime();
      saw |= SAW_MARK;
      break;
    case CLIENT:
      return readClient(record, p, end, o);
    case NGINX_REQUEST:
      return readRequest(record, p, end, o);
    case URL:
      return putUrl(record, 0, p, end, o);
    case PART:
      return putPart(record, p, end, o);
    case VERSION:
      return putVersion(record, 0, p, end, o);
    case HOST:
      return putProject(record, p, end, keyOf(record, 0) == 0 ? o : putText(record, 0, p, end, o));
    default:
      return 0;
  }
  if (o != 0) wrote(record, 0, from, o);
  return o;
}

/** A column's text; none where the field does not fill the column. */
function putText(record: usize, column: usize, p: usize, end: usize, o: usize): usize {
  const key = keyOf(record, column);
  if (key == 0) return o;
  const from = o;
  o = putTextKey(o, key);
  o = escaped ? copyUnescaped(p, end, o) : copySpan(p, end, o, 1);
  if (o == 0) return 0;
  o = put(o, QUOTE);
  wrote(record, column, from, o);
  return o;
}

function readRequest(record: usize, p: usize, end: usize, o: usize): usize {
  const lastByte = <u32>load<u8>(end - 1);
  if (lastByte <= SPACE || lastByte >= 0x80) return 0;
  let first = p;
  while (isMethod(load<u8>(first))) first++;
  if (first == p || load<u8>(first) != SPACE) return 0;
  let last = end - 1;
  while (load<u8>(last) != SPACE) last--;
  if (last <= first) return 0;
  o = putText(record, 0, p, first, o);
  if (o == 0) return 0;
  o = putUrl(record, 1, first + 1, last, o);
  return o == 0 ? 0 : putVersion(record, 3, last + 1, end, o);
}

/** Letters, digits, `_` and `-`. */
// @ts-ignore: decorator
@inline
function isMethod(c: u32): bool {
  return (c | 0x20) - 0x61 < 26 || isDigit(c) || c == 0x5f || c == HYPHEN;
}

/** The URL to the column, what follows its question mark to the next. */
function putUrl(record: usize, column: usize, p: usize, end: usize, o: usize): usize {
  const mark = find(p, 0x3f);
  if (mark >= end) return p == end ? o : putText(record, column, p, end, o);
  if (mark > p) o = putText(record, column, p, mark, o);
  return o == 0 || mark + 1 == end ? o : putText(record, column + 1, mark + 1, end, o);
}

/** One of the parts of a value; the value where that part is empty or missing. */
function putPart(record: usize, p: usize, end: usize, o: usize): usize {
  const separator = (flagsOf(record) >> SEPARATOR_SHIFT) & 0xff;
  let from = p;
  let to = find(p, separator);
  for (let part = flagsOf(record) >> PART_SHIFT; part > 0 && to < end; part--) {
    from = to + 1;
    to = find(from, separator);
    if (part == 1) break;
  }
  if ((flagsOf(record) >> PART_SHIFT) > 0 && from == p) return putText(record, 0, p, end, o);
  to = min(to, end);
  return to == from ? putText(record, 0, p, end, o) : putText(record, 0, from, to, o);
}

/** `HTTP`, as four bytes are read. */
const HTTP: u32 = 0x50545448;

function putVersion(record: usize, column: usize, p: usize, end: usize, o: usize): usize {
  if (end - p < 6 || load<u32>(p) != HTTP || load<u8>(p, 4) != 0x2f) return 0;
  saw |= SAW_HTTP;
  return putText(record, column, p + 5, end, o);
}

/** Bytes of a host's name at most. https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const MOST_HOST: usize = 255;

/** `platform`, as eight bytes are written. */
const NO_PROJECT: u64 = 0x6d726f6674616c70;

/** The host's first label up to its first hyphen; `platform` where it has none. */
function putProject(record: usize, p: usize, end: usize, o: usize): usize {
  const key = keyOf(record, 1);
  if (o == 0 || key == 0) return o;
  let at = p;
  while (at < end && load<u8>(at) != HYPHEN && load<u8>(at) != DOT) at++;
  if (at > p && at < end && load<u8>(at) == HYPHEN) return putText(record, 1, p, at, o);
  const from = o;
  o = putTextKey(o, key);
  store<u64>(o, NO_PROJECT);
  o = put(o + 8, QUOTE);
  wrote(record, 1, from, o);
  return o;
}

/** `127.0.0.`, as eight bytes are read. */
const LOCAL_HEAD: u64 = 0x2e302e302e373231;
/** `::1`, as four bytes are read, the fourth left out. */
const LOCAL_IPV6: u32 = 0x313a3a;

function readClient(record: usize, p: usize, end: usize, o: usize): usize {
  const comma = find(p, 0x2c);
  if (comma < end) end = comma;
  if (isIpv4(p, end)) {
    if (end - p == 9 && load<u64>(p) == LOCAL_HEAD && load<u8>(p, 8) == 0x31) saw |= SAW_LOCAL;
  } else if (isIpv6(p, end)) {
    if (end - p == 3 && (load<u32>(p) & 0xffffff) == LOCAL_IPV6) saw |= SAW_LOCAL;
  } else return 0;
  saw |= SAW_CLIENT;
  return putText(record, 0, p, end, o);
}

function isIpv4(p: usize, end: usize): bool {
  if (end - p > 15) return false;
  let parts = 0;
  while (true) {
    let value: u32 = 0;
    const from = p;
    while (p < end && isDigit(load<u8>(p))) value = value * 10 + (load<u8>(p++) - 0x30);
    const digits = p - from;
    if (digits == 0 || digits > 3 || value > 255 || (digits == 3 && value < 100)) return false;
    parts++;
    if (p == end) return parts == 4;
    if (load<u8>(p++) != DOT) return false;
  }
}

/** Eight groups of up to four hexadecimal digits, of which one or more in a row may be left out; no other form. */
function isIpv6(p: usize, end: usize): bool {
  let groups = 0;
  let gap = false;
  if (end - p < 3) return false;
  if (load<u8>(p) == COLON) {
    if (load<u8>(p, 1) != COLON) return false;
    gap = true;
    p += 2;
  }
  while (p < end) {
    const from = p;
    while (p < end && isHex(load<u8>(p))) p++;
    const digits = p - from;
    if (digits == 0 || digits > 4) return false;
    groups++;
    if (p == end) break;
    if (load<u8>(p++) != COLON || p == end) return false;
    if (load<u8>(p) == COLON) {
      if (gap) return false;
      gap = true;
      p++;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

// @ts-ignore: decorator
@inline
function isHex(c: u32): bool {
  return isDigit(c) || (c | 0x20) - 0x61 < 6;
}
