/**
 * Values of a log_format that show by themselves where they end: read and copied in one go. What does not is left to a
 * second look, which finds the end first: log-format.ts.
 */
import { BACKSLASH, both, DOT, HTTP, HYPHEN, inOf, isEnd, outOf, put, putBytes, putKey, putTextKey, QUOTE, SPACE } from './memory';
import { isIpv4, isMethod, SAW_HTTP, SAW_MARK, see, seeIpv4 } from './log-values';
import { copyDecimal, copyWhole, digitsIn, endOfDecimal, isDigit } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, CLIENT, DOUBLE, flags, flagsOf, HEX_ESCAPES, INT, INT_DIGITS, JSON_ESCAPES, keyOf, LIST, literalHead, literalLength,
  literalOf, NGINX_REQUEST, opOf, STATUS, TEXT, TIME, TOKEN, wrote,
} from './program';
import { copyUntil, findIn, noBackslash, putChar, sawBackslash, specialBytes } from './text';
import { copyTime, LOCAL_BYTES, noteTime } from './times';

/** @returns where the next value begins; 0 for a value that needs a second look, or may be the last of its line */
export function readDirectly(record: usize, p: usize, o: usize): u64 {
  const length = literalLength(record);
  if (length == 0 || flagsOf(record) & LIST) return 0;
  const first = <u32>(literalHead(record) & 0xff);
  switch (opOf(record)) {
    case TEXT:
      return readText(record, p, o, first, length);
    case INT:
      return readWhole(record, p, o, first, length, INT_DIGITS);
    case BIGINT:
      return readWhole(record, p, o, first, length, BIGINT_DIGITS);
    case DOUBLE:
      return readDecimal(record, p, o, first, length);
    case TIME:
      return first == 0x5d ? readTime(record, p, o, length) : 0;
    case CLIENT:
      return readClient(record, p, o, first, length);
    case NGINX_REQUEST:
      return first == QUOTE ? readRequest(record, p, o, length) : 0;
    default:
      return 0;
  }
}

/** Does the text that follows a field stand at a place? */
// @ts-ignore: decorator
@inline
export function follows(record: usize, p: usize, length: u32): bool {
  const differs = load<u64>(p) ^ literalHead(record);
  if (length <= 8) return differs << ((8 - length) * 8) == 0;
  return differs == 0 && matched(p, literalOf(record), length) == length;
}

/** How many of a literal's bytes stand at a place. */
// @ts-ignore: decorator
@inline
export function matched(p: usize, literal: usize, length: u32): u32 {
  let i: u32 = 0;
  while (i < length && load<u8>(p + i) == load<u8>(literal + i)) i++;
  return i;
}

/** Finds where a text ends, and copies it on the way. */
function readText(record: usize, p: usize, o: usize, first: u32, length: u32): u64 {
  // What begins as what follows the value, or as an escape does, takes a second look.
  if (first == HYPHEN || first == BACKSLASH) return 0;
  if (load<u8>(p) == HYPHEN && follows(record, p + 1, length)) return both(p + 1 + length, o);
  const from = o;
  const start = p;
  o = putTextKey(o, keyOf(record, 0));
  noBackslash();
  while (true) {
    const places = copyUntil(p, o, first);
    p = inOf(places);
    o = outOf(places);
    if (load<u8>(p) != first) return 0;
    if (follows(record, p, length)) break;
    // Part of a character that is another's too: alone it may be no text.
    if (first >= 0x80 || isEnd(p + 1)) return 0;
    o = putChar(o, first, 1);
    p++;
  }
  if (p == start || (sawBackslash() && flags() & (HEX_ESCAPES | JSON_ESCAPES))) return 0;
  if (flagsOf(record) & TOKEN && findIn(start, p, SPACE) < p) return 0;
  o = put(o, QUOTE);
  wrote(record, 0, from, o);
  return both(p + length, o);
}

/** A number without sign, all digits up to what follows. */
function readWhole(record: usize, p: usize, o: usize, first: u32, length: u32, most: usize): u64 {
  const digits = <usize>ctz(~digitsIn(v128.load(p)));
  const end = p + digits;
  if (digits == 0 || isDigit(first) || !follows(record, end, length)) return 0;
  const from = o;
  o = copyWhole(p, end, putKey(o, keyOf(record, 0)), most);
  if (o == 0) return 0;
  if (flagsOf(record) & STATUS && digits == 3) see(SAW_MARK);
  wrote(record, 0, from, o);
  return both(end + length, o);
}

/** A number with a point or without. */
function readDecimal(record: usize, p: usize, o: usize, first: u32, length: u32): u64 {
  const end = endOfDecimal(p);
  if (isDigit(first) || first == DOT || !follows(record, end, length)) return 0;
  const from = o;
  o = copyDecimal(p, end, putKey(o, keyOf(record, 0)));
  if (o == 0) return 0;
  wrote(record, 0, from, o);
  return both(end + length, o);
}

/** `29/Nov/2024:11:41:46 +0000`, which holds no bracket. */
function readTime(record: usize, p: usize, o: usize, length: u32): u64 {
  const end = p + LOCAL_BYTES;
  if (load<u8>(p, 2) != 0x2f || flagsOf(record) & TOKEN || !follows(record, end, length)) return 0;
  const from = o;
  o = copyTime(p, end, putKey(o, keyOf(record, 0)));
  if (o == 0) return 0;
  noteTime();
  see(SAW_MARK);
  wrote(record, 0, from, o);
  return both(end + length, o);
}

/** An IPv4 address. */
function readClient(record: usize, p: usize, o: usize, first: u32, length: u32): u64 {
  const end = endOfDecimal(p);
  const key = keyOf(record, 0);
  if (key == 0 || isDigit(first) || first == DOT || !follows(record, end, length) || !isIpv4(p, end)) return 0;
  const from = o;
  o = put(putBytes(putTextKey(o, key), p, end - p), QUOTE);
  seeIpv4(p, end);
  wrote(record, 0, from, o);
  return both(end + length, o);
}

/** `METHOD URL HTTP/version` or `METHOD URL?QUERY HTTP/version` up to a quote, plain text without further space. */
function readRequest(record: usize, p: usize, o: usize, length: u32): u64 {
  const methodKey = keyOf(record, 0);
  const urlKey = keyOf(record, 1);
  const queryKey = keyOf(record, 2);
  const versionKey = keyOf(record, 3);
  if (methodKey == 0 || urlKey == 0 || queryKey == 0 || versionKey == 0) return 0;
  const method = o;
  let at = p;
  while (isMethod(load<u8>(at))) at++;
  if (at == p || load<u8>(at) != SPACE) return 0;
  o = put(putBytes(putTextKey(o, methodKey), p, at - p), QUOTE);
  const url = o;
  let from = at + 1;
  let places = copyPart(from, putTextKey(o, urlKey), 0x3f);
  at = inOf(places);
  o = put(outOf(places), QUOTE);
  const query = o;
  if (at == from) return 0;
  if (load<u8>(at) == 0x3f) {
    from = at + 1;
    places = copyPart(from, putTextKey(o, queryKey), SPACE);
    at = inOf(places);
    if (at == from) return 0;
    o = put(outOf(places), QUOTE);
  }
  const version = o;
  if (load<u8>(at) != SPACE || load<u32>(at, 1) != HTTP || load<u8>(at, 5) != 0x2f) return 0;
  from = at + 6;
  places = copyPart(from, putTextKey(o, versionKey), SPACE);
  at = inOf(places);
  if (at == from || !follows(record, at, length)) return 0;
  o = put(outOf(places), QUOTE);
  see(SAW_HTTP);
  wrote(record, 0, method, url);
  wrote(record, 1, url, query);
  if (query != version) wrote(record, 2, query, version);
  wrote(record, 3, version, o);
  return both(at + length, o);
}

/** Copies text up to a space, to `until`, or to what does not stand in JSON as it is. */
// @ts-ignore: decorator
@inline
function copyPart(p: usize, o: usize, until: u32): u64 {
  while (true) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const stops = v128.or(i8x16.eq(bytes, i8x16.splat(<i8>until)), i8x16.eq(bytes, i8x16.splat(<i8>SPACE)));
    const found = specialBytes(bytes) | i8x16.bitmask(stops);
    if (found != 0) return both(p + <usize>ctz(found), o + <usize>ctz(found));
    p += 16;
    o += 16;
  }
}
