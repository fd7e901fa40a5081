/**
 * Reads values of a log_format that show by themselves where they end, and copies each of them in one pass. Other
 * values are read in two steps, which log-format.ts describes.
 *
 * Parameters in this file: `first` is the first byte of the literal that follows the field, and `length` the length of
 * that literal.
 */
import { isIpv4 } from './addresses';
import {
  BACKSLASH, DOT, HTTP, HYPHEN, inputOf, isEnd, outputOf, pair, put, putBytes, putKey, putTextKey, QUOTE, SPACE,
} from './memory';
import { isMethod, SAW_HTTP, SAW_MARK, see, seeIpv4 } from './log-values';
import { copyDecimal, copyWhole, digitsIn, endOfDecimal, isDigit } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, CLIENT, DOUBLE, flags, flagsOf, HEX_ESCAPES, INT, INT_DIGITS, JSON_ESCAPES, keyOf, LIST,
  literalHead, literalLength, literalOf, NGINX_REQUEST, opOf, setSlot, STATUS, TEXT, TIME, TOKEN,
} from './program';
import { copyUntil, findIn, noBackslash, putChar, sawBackslash, specialBytes } from './text';
import { copyTime, LOCAL_BYTES, setEventTime } from './times';

/**
 * Reads a value that is followed by a literal.
 *
 * @returns the start of the next value and the end of the copy, or 0 if the value must be read in two steps, as it must
 * be if the line may end with it
 */
export function readDirectly(field: usize, p: usize, o: usize): u64 {
  const length = literalLength(field);
  if (length == 0 || flagsOf(field) & LIST) return 0;
  const first = <u32>(literalHead(field) & 0xff);
  switch (opOf(field)) {
    case TEXT:
      return readText(field, p, o, first, length);
    case INT:
      return readWhole(field, p, o, first, length, INT_DIGITS);
    case BIGINT:
      return readWhole(field, p, o, first, length, BIGINT_DIGITS);
    case DOUBLE:
      return readDecimal(field, p, o, first, length);
    case TIME:
      return first == 0x5d ? readTime(field, p, o, length) : 0;
    case CLIENT:
      return readClient(field, p, o, first, length);
    case NGINX_REQUEST:
      return first == QUOTE ? readRequest(field, p, o, length) : 0;
    default:
      return 0;
  }
}

/** True if the field's literal is at `p`. */
// @ts-ignore: decorator
@inline
export function follows(field: usize, p: usize, length: u32): bool {
  const differs = load<u64>(p) ^ literalHead(field);
  if (length <= 8) return differs << ((8 - length) * 8) == 0;
  return differs == 0 && matched(p, literalOf(field), length) == length;
}

/** Number of a literal's bytes that match the bytes at `p`, from the first byte on. */
// @ts-ignore: decorator
@inline
export function matched(p: usize, literal: usize, length: u32): u32 {
  let i: u32 = 0;
  while (i < length && load<u8>(p + i) == load<u8>(literal + i)) i++;
  return i;
}

/** Copies a text while looking for its end. */
function readText(field: usize, p: usize, o: usize, first: u32, length: u32): u64 {
  // The start of such a literal looks like a missing value, which is `-`, or like an escape.
  if (first == HYPHEN || first == BACKSLASH) return 0;
  if (load<u8>(p) == HYPHEN && follows(field, p + 1, length)) return pair(p + 1 + length, o);
  const from = o;
  const start = p;
  o = putTextKey(o, keyOf(field, 0));
  noBackslash();
  while (true) {
    const pointers = copyUntil(p, o, first);
    p = inputOf(pointers);
    o = outputOf(pointers);
    if (load<u8>(p) != first) return 0;
    if (follows(field, p, length)) break;
    // The byte may be part of another character, of which it must not be copied alone; and the line may end within the
    // literal.
    if (first >= 0x80 || isEnd(p + 1)) return 0;
    o = putChar(o, first, 1);
    p++;
  }
  if (p == start || (sawBackslash() && flags() & (HEX_ESCAPES | JSON_ESCAPES))) return 0;
  if (flagsOf(field) & TOKEN && findIn(start, p, SPACE) < p) return 0;
  o = put(o, QUOTE);
  setSlot(field, 0, from, o);
  return pair(p + length, o);
}

/** Reads a number that consists of digits only. */
function readWhole(field: usize, p: usize, o: usize, first: u32, length: u32, maxDigits: usize): u64 {
  const digits = <usize>ctz(~digitsIn(v128.load(p)));
  const end = p + digits;
  if (digits == 0 || isDigit(first) || !follows(field, end, length)) return 0;
  if (flagsOf(field) & STATUS && digits != 3) return 0;
  const from = o;
  o = copyWhole(p, end, putKey(o, keyOf(field, 0)), maxDigits);
  if (o == 0) return 0;
  if (flagsOf(field) & STATUS) see(SAW_MARK);
  setSlot(field, 0, from, o);
  return pair(end + length, o);
}

/** Reads a number with or without a fraction. */
function readDecimal(field: usize, p: usize, o: usize, first: u32, length: u32): u64 {
  const end = endOfDecimal(p);
  if (isDigit(first) || first == DOT || !follows(field, end, length)) return 0;
  const from = o;
  o = copyDecimal(p, end, putKey(o, keyOf(field, 0)));
  if (o == 0) return 0;
  setSlot(field, 0, from, o);
  return pair(end + length, o);
}

/** Reads `29/Nov/2024:11:41:46 +0000`, which has a fixed length. */
function readTime(field: usize, p: usize, o: usize, length: u32): u64 {
  const end = p + LOCAL_BYTES;
  if (load<u8>(p, 2) != 0x2f || flagsOf(field) & TOKEN || !follows(field, end, length)) return 0;
  const from = o;
  o = copyTime(p, end, putKey(o, keyOf(field, 0)));
  if (o == 0) return 0;
  setEventTime();
  see(SAW_MARK);
  setSlot(field, 0, from, o);
  return pair(end + length, o);
}

/** Reads an IPv4 address. */
function readClient(field: usize, p: usize, o: usize, first: u32, length: u32): u64 {
  const end = endOfDecimal(p);
  const key = keyOf(field, 0);
  if (key == 0 || isDigit(first) || first == DOT || !follows(field, end, length) || !isIpv4(p, end)) return 0;
  const from = o;
  o = put(putBytes(putTextKey(o, key), p, end - p), QUOTE);
  seeIpv4(p, end);
  setSlot(field, 0, from, o);
  return pair(end + length, o);
}

/**
 * Reads `METHOD URL HTTP/version` or `METHOD URL?QUERY HTTP/version`, in quotes, if it is plain text without other
 * spaces.
 */
function readRequest(field: usize, p: usize, o: usize, length: u32): u64 {
  const methodKey = keyOf(field, 0);
  const urlKey = keyOf(field, 1);
  const queryKey = keyOf(field, 2);
  const versionKey = keyOf(field, 3);
  if (methodKey == 0 || urlKey == 0 || queryKey == 0 || versionKey == 0) return 0;
  const method = o;
  let at = p;
  while (isMethod(load<u8>(at))) at++;
  if (at == p || load<u8>(at) != SPACE) return 0;
  o = put(putBytes(putTextKey(o, methodKey), p, at - p), QUOTE);
  const url = o;
  let from = at + 1;
  let pointers = copyUntilSpace(from, putTextKey(o, urlKey), 0x3f);
  at = inputOf(pointers);
  o = put(outputOf(pointers), QUOTE);
  const query = o;
  if (at == from) return 0;
  if (load<u8>(at) == 0x3f) {
    from = at + 1;
    pointers = copyUntilSpace(from, putTextKey(o, queryKey), SPACE);
    at = inputOf(pointers);
    if (at == from) return 0;
    o = put(outputOf(pointers), QUOTE);
  }
  const version = o;
  if (load<u8>(at) != SPACE || load<u32>(at, 1) != HTTP || load<u8>(at, 5) != 0x2f) return 0;
  from = at + 6;
  pointers = copyUntilSpace(from, putTextKey(o, versionKey), SPACE);
  at = inputOf(pointers);
  if (at == from || !follows(field, at, length)) return 0;
  o = put(outputOf(pointers), QUOTE);
  see(SAW_HTTP);
  setSlot(field, 0, method, url);
  setSlot(field, 1, url, query);
  if (query != version) setSlot(field, 2, query, version);
  setSlot(field, 3, version, o);
  return pair(at + length, o);
}

/** Copies text up to a space, to the byte `until`, or to a byte that a JSON string does not hold as it is. */
// @ts-ignore: decorator
@inline
function copyUntilSpace(p: usize, o: usize, until: u32): u64 {
  while (true) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const stops = v128.or(i8x16.eq(bytes, i8x16.splat(<i8>until)), i8x16.eq(bytes, i8x16.splat(<i8>SPACE)));
    const found = specialBytes(bytes) | i8x16.bitmask(stops);
    if (found != 0) return pair(p + <usize>ctz(found), o + <usize>ctz(found));
    p += 16;
    o += 16;
  }
}
