/**
 * Reads values whose ends are known, of log_formats and JSON records, and writes their columns. This file mirrors
 * lambdas/core/reading/log-fields.ts and log-values.ts.
 */
import { isIpv4, isIpv6, isMappedIpv4, MAPPED_HEAD_BYTES } from './addresses';
import { conversionError, DIGITS, FORM, noteFailedField } from './errors';
import { COLON, DOT, HTTP, HYPHEN, put, putKey, putTextKey, QUOTE, SPACE } from './memory';
import { copyDecimal, copyWhole, isDigit } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, CLIENT, DOUBLE, flags, flagsOf, HOST, INT, INT_DIGITS, keyOf, kind, LOCAL_CLIENT, LOG_FORMAT,
  NGINX_REQUEST, opOf, PART, PART_MASK, PART_SHIFT, REPEATED, SECONDS_LIST, SEPARATOR_SHIFT, setSlot, SKIP, STATUS, STATUS_LIST, TEXT,
  TIME, TOKEN, URL, VERSION,
} from './program';
import { repeats } from './log-repeats';
import { copySpan, findIn, lastOf } from './text';
import { copyUnescaped } from './unescape';
import { copyTime, setEventTime } from './times';

/**
 * What has been found in the current line: a request with `HTTP/`, a client's address, an address of the machine
 * itself, a status or time in its field (a "mark" of the format), and a client that is no address.
 */
export const SAW_HTTP: u32 = 1;
export const SAW_CLIENT: u32 = 2;
export const SAW_LOCAL: u32 = 4;
export const SAW_MARK: u32 = 8;
export const SAW_NO_ADDRESS: u32 = 16;
export let saw: u32 = 0;

/** The value to be read holds a backslash, and so may hold `\xHH` escapes. */
let escaped: bool = false;

// @ts-ignore: decorator
@inline
export function beginLine(): void {
  saw = 0;
}

/** Adds to what has been found in the current line. */
// @ts-ignore: decorator
@inline
export function see(what: u32): void {
  saw |= what;
}

/** True if the line is a request of the machine itself and the filter leaves such lines out. */
// @ts-ignore: decorator
@inline
export function isLocal(): bool {
  return (flags() & LOCAL_CLIENT) != 0 && (saw & SAW_LOCAL) != 0;
}

// @ts-ignore: decorator
@inline
export function setEscaped(is: bool): void {
  escaped = is;
}

/**
 * Reads a value and writes its columns.
 *
 * @returns the end of the columns in the output, or 0 if the line is unsupported
 */
export function readValue(field: usize, p: usize, end: usize, o: usize): usize {
  const op = opOf(field);
  if (op == REPEATED) return repeats(field, p, end) ? o : 0;
  if (p == end || (end - p == 1 && load<u8>(p) == HYPHEN)) return op == HOST ? putProject(field, p, p, o) : o;
  return readLogged(field, p, end, o);
}

/** Reads a value as `readValue` does, also one that means "missing" in a log_format. */
export function readLogged(field: usize, p: usize, end: usize, o: usize): usize {
  const op = opOf(field);
  const length = end - p;
  if (flagsOf(field) & TOKEN && findIn(p, end, SPACE) < end) return 0;
  if (escaped && (op == HOST || op == PART)) return 0;
  // A host is written to two columns. The limit keeps the row within the size that the output has room for.
  if (op == HOST && length > MAX_HOST_BYTES) return 0;
  const from = o;
  switch (op) {
    case SKIP:
      return o;
    case TEXT:
      return putText(field, 0, p, end, o);
    case INT:
      if (flagsOf(field) & STATUS) {
        if (length != 3) return noStatus(field, p, end, o);
        if (isDigit(load<u8>(p)) && isDigit(load<u8>(p, 1)) && isDigit(load<u8>(p, 2))) saw |= SAW_MARK;
      }
      o = copyWhole(p, end, putKey(o, keyOf(field, 0)), INT_DIGITS);
      break;
    case BIGINT:
      o = copyWhole(p, end, putKey(o, keyOf(field, 0)), BIGINT_DIGITS);
      break;
    case DOUBLE:
      o = copyDecimal(p, end, putKey(o, keyOf(field, 0)));
      break;
    case TIME:
      o = copyTime(p, end, putKey(o, keyOf(field, 0)));
      if (o == 0) break;
      setEventTime();
      saw |= SAW_MARK;
      break;
    case CLIENT:
      return readClient(field, p, end, o);
    case NGINX_REQUEST:
      return readRequest(field, p, end, o);
    case URL:
      return putUrl(field, 0, p, end, o);
    case PART:
      return putPart(field, p, end, o);
    case VERSION:
      return putVersion(field, 0, p, end, o);
    case HOST:
      return putProject(field, p, end, keyOf(field, 0) == 0 ? o : putText(field, 0, p, end, o));
    case SECONDS_LIST:
      return putSeconds(field, 2, p, end, putSeconds(field, 1, p, end, putText(field, 0, p, end, o)));
    case STATUS_LIST:
      return putStatus(field, p, end, putText(field, 0, p, end, o));
    default:
      return 0;
  }
  if (o == 0) return noValue(field, p, end, from);
  setSlot(field, 0, from, o);
  return o;
}

/**
 * Records that a value does not convert.
 *
 * @returns the unchanged address in the output, or 0 if the TypeScript reader must decide
 */
function noValue(field: usize, p: usize, end: usize, o: usize): usize {
  // A record's value is somewhere else than in the line; and a quote begins no value of another format.
  if (escaped || kind() != LOG_FORMAT || load<u8>(p) == QUOTE) return 0;
  return conversionError(field, p, end, o);
}

/** Records that a status has fewer or more than three digits, or is no number. */
function noStatus(field: usize, p: usize, end: usize, o: usize): usize {
  for (let at = p; at < end; at++) if (!isDigit(load<u8>(at))) return noValue(field, p, end, o);
  if (kind() != LOG_FORMAT) return 0;
  noteFailedField(field, p, end, DIGITS);
  return o;
}

/** Writes a text column, unless the field does not fill that column. */
function putText(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  const key = keyOf(field, column);
  if (key == 0) return o;
  const from = o;
  o = putTextKey(o, key);
  o = escaped ? copyUnescaped(p, end, o) : copySpan(p, end, o, 1);
  if (o == 0) return 0;
  o = put(o, QUOTE);
  setSlot(field, column, from, o);
  return o;
}

/** Reads `METHOD URL HTTP/version`, with spaces around it. The URL may hold spaces, and the version may be missing. */
function readRequest(field: usize, p: usize, end: usize, o: usize): usize {
  const value = p;
  const valueEnd = end;
  while (p < end && load<u8>(p) == SPACE) p++;
  while (end > p && load<u8>(end - 1) == SPACE) end--;
  if (p == end) return 0;
  const first = findIn(p, end, SPACE);
  let method = p;
  while (method < first && isMethod(load<u8>(method))) method++;
  // The TypeScript reader trims the request. Whatever that removes, what is left begins with no method and a space.
  const firstByte = <u32>load<u8>(p);
  if (first == end || (method < first && firstByte > SPACE && firstByte < 0x80)) {
    noteFailedField(field, value, valueEnd, FORM);
    return o;
  }
  const lastByte = <u32>load<u8>(end - 1);
  if (method < first || method == p || lastByte <= SPACE || lastByte >= 0x80) return 0;
  let last = lastOf(SPACE, end);
  if (last == 0) for (last = end - 1; load<u8>(last) != SPACE; ) last--;
  o = putText(field, 0, p, first, o);
  if (o == 0) return 0;
  const hasVersion = last > first && load<u32>(last, 1) == HTTP && load<u8>(last, 5) == 0x2f;
  o = putUrl(field, 1, first + 1, hasVersion ? last : end, o);
  return o == 0 || !hasVersion ? o : putVersion(field, 3, last + 1, end, o);
}

/** True for letters, digits, `_` and `-`. */
// @ts-ignore: decorator
@inline
export function isMethod(c: u32): bool {
  return (c | 0x20) - 0x61 < 26 || isDigit(c) || c == 0x5f || c == HYPHEN;
}

/** Writes a URL to a column, and its query without the question mark to the next column. */
function putUrl(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  const mark = findIn(p, end, 0x3f);
  if (mark == end) return p == end ? o : putText(field, column, p, end, o);
  if (mark > p) o = putText(field, column, p, mark, o);
  return o == 0 || mark + 1 == end ? o : putText(field, column + 1, mark + 1, end, o);
}

/** Writes one of the parts of a value, or the whole value if that part is empty or missing. */
function putPart(field: usize, p: usize, end: usize, o: usize): usize {
  const separator = (flagsOf(field) >> SEPARATOR_SHIFT) & 0xff;
  let from = p;
  let to = findIn(p, end, separator);
  for (let part = partOf(field); part > 0 && to < end; part--) {
    from = to + 1;
    to = findIn(from, end, separator);
    if (part == 1) break;
  }
  if (partOf(field) > 0 && from == p) return putText(field, 0, p, end, o);
  return to == from ? putText(field, 0, p, end, o) : putText(field, 0, from, to, o);
}

// @ts-ignore: decorator
@inline
function partOf(field: usize): u32 {
  return (flagsOf(field) >> PART_SHIFT) & PART_MASK;
}

/** Writes the version of `HTTP/version`. */
function putVersion(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  if (end - p < 5 || load<u32>(p) != HTTP || load<u8>(p, 4) != 0x2f) return 0;
  saw |= SAW_HTTP;
  return putText(field, column, p + 5, end, o);
}

/** Writes the seconds of the only try of an upstream, unless the field does not fill that column. */
function putSeconds(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  const key = keyOf(field, column);
  if (o == 0 || key == 0) return o;
  const to = copyDecimal(p, end, putKey(o, key));
  if (to != 0) setSlot(field, column, o, to);
  return to;
}

/** Writes the status of the only try of an upstream. */
function putStatus(field: usize, p: usize, end: usize, o: usize): usize {
  const key = keyOf(field, 1);
  if (o == 0 || key == 0) return o;
  if (end - p != 3) return 0;
  const to = copyWhole(p, end, putKey(o, key), INT_DIGITS);
  if (to != 0) setSlot(field, 1, o, to);
  return to;
}

/** Maximum length of a host's name in bytes. https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const MAX_HOST_BYTES: usize = 255;

/** `platform` as a little-endian u64. */
const NO_PROJECT: u64 = 0x6d726f6674616c70;

/** Writes the project: the host's first label up to its first hyphen, or `platform` if that label has no hyphen. */
function putProject(field: usize, p: usize, end: usize, o: usize): usize {
  const key = keyOf(field, 1);
  if (o == 0 || key == 0) return o;
  let at = p;
  while (at < end && load<u8>(at) != HYPHEN && load<u8>(at) != DOT) at++;
  if (at > p && at < end && load<u8>(at) == HYPHEN) return putText(field, 1, p, at, o);
  const from = o;
  o = putTextKey(o, key);
  store<u64>(o, NO_PROJECT);
  o = put(o + 8, QUOTE);
  setSlot(field, 1, from, o);
  return o;
}

/** Writes the first address of a list. */
function readClient(field: usize, p: usize, end: usize, o: usize): usize {
  end = findIn(p, end, 0x2c);
  if (isIpv4(p, end)) seeIpv4(p, end);
  else if (isMappedIpv4(p, end)) seeIpv4(p + MAPPED_HEAD_BYTES, end);
  else if (isIpv6(p, end)) {
    if (end - p == 3 && (load<u32>(p) & 0xffffff) == LOCAL_IPV6) saw |= SAW_LOCAL;
    saw |= SAW_CLIENT;
  } else {
    if (escaped || kind() != LOG_FORMAT) return 0;
    if (!isUnixSocket(p, end)) {
      if (!isNoAddress(p, end)) return 0;
      saw |= SAW_NO_ADDRESS;
    }
    noteFailedField(field, p, end, FORM);
    return o;
  }
  return putText(field, 0, p, end, o);
}

/** True for `unix:`, which nginx logs where there is a socket and no address. */
function isUnixSocket(p: usize, end: usize): bool {
  return end - p == 5 && load<u32>(p) == UNIX && load<u8>(p, 4) == COLON && load<u8>(end) != 0x2c;
}

/** `unix` as a little-endian u32. */
const UNIX: u32 = 0x78696e75;

/** True for one word that is no address in any form: a host name, or an address of which parts are masked. */
function isNoAddress(p: usize, end: usize): bool {
  let hasLetter = false;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (!isMethod(c) && c != DOT) return false;
    if (!isDigit(c) && c != DOT) hasLetter = true;
  }
  // A list goes on after its first item.
  return hasLetter && load<u8>(end) != 0x2c;
}

/** `::1` as a little-endian u32 of which the fourth byte is masked out. */
const LOCAL_IPV6: u32 = 0x313a3a;
/** `127.0.0.` as a little-endian u64. */
const LOCAL_HEAD: u64 = 0x2e302e302e373231;

/** Records that the line has a client's address, and whether it is 127.0.0.1. */
// @ts-ignore: decorator
@inline
export function seeIpv4(p: usize, end: usize): void {
  saw |= SAW_CLIENT;
  if (end - p == 9 && load<u64>(p) == LOCAL_HEAD && load<u8>(p, 8) == 0x31) saw |= SAW_LOCAL;
}
