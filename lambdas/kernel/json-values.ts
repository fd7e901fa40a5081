/** Values of JSON: where one ends, and its text as it stands in a row. */
import { BACKSLASH, COLON, HYPHEN, put, putBytes, QUOTE, SPACE, ZERO } from './memory';
import { isDigit } from './numbers';
import { putChar, utf8Length } from './text';

/** Objects and arrays within each other. */
const MOST_DEPTH: u32 = 64;

// @ts-ignore: decorator
@inline
export function skipSpace(p: usize): usize {
  let c = <u32>load<u8>(p);
  while (c == SPACE || c == 0x09) c = <u32>load<u8>(++p);
  return p;
}

/** A value as text: a string's own, and of anything else its JSON without space. */
export function copyPlain(p: usize, end: usize, o: usize, level: u32): usize {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return copyString(p + 1, end - 1, o, level);
  return c == 0x7b || c == 0x5b ? copyCompact(p, end, o, level) : putBytes(o, p, end - p);
}

/** A string's text, with its escapes as JSON.stringify writes them. It is known to be valid. */
function copyString(p: usize, end: usize, o: usize, level: u32): usize {
  while (p < end) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const escaped = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x5c)));
    const plain = escaped == 0 ? 16 : ctz(escaped);
    p += plain;
    o += plain;
    if (p >= end) return o - (p - end);
    if (escaped == 0) continue;
    const c = <u32>load<u8>(p, 1);
    if (c == 0x75) {
      const high = hexOf(p + 2);
      p += 6;
      if (high >> 11 == 0x1b) {
        o = putCodePoint(o, 0x10000 + ((high & 0x3ff) << 10) + (hexOf(p + 2) & 0x3ff), level);
        p += 6;
      } else o = putCodePoint(o, high, level);
    } else {
      o = putChar(o, unescaped(c), level);
      p += 2;
    }
  }
  return o;
}

function unescaped(c: u32): u32 {
  switch (c) {
    case 0x62:
      return 8;
    case 0x66:
      return 12;
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    default:
      return c;
  }
}

function putCodePoint(o: usize, code: u32, level: u32): usize {
  if (code < 0x80) return putChar(o, code, level);
  if (code < 0x800) return put(put(o, 0xc0 | (code >> 6)), 0x80 | (code & 63));
  if (code < 0x10000) {
    return put(put(put(o, 0xe0 | (code >> 12)), 0x80 | ((code >> 6) & 63)), 0x80 | (code & 63));
  }
  o = put(put(o, 0xf0 | (code >> 18)), 0x80 | ((code >> 12) & 63));
  return put(put(o, 0x80 | ((code >> 6) & 63)), 0x80 | (code & 63));
}

/** Four hexadecimal digits; more than 0xffff where they are not. */
function hexOf(p: usize): u32 {
  let value: u32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const c = <u32>load<u8>(p + i);
    const letter = (c | 0x20) - 0x61;
    if (!isDigit(c) && letter > 5) return 0x10000;
    value = (value << 4) | (isDigit(c) ? c - ZERO : letter + 10);
  }
  return value;
}

/** JSON text without space between its parts. It is known to be valid. */
function copyCompact(p: usize, end: usize, o: usize, level: u32): usize {
  let inString = false;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c == QUOTE) {
      inString = !inString;
      o = putChar(o, c, level);
    } else if (c == BACKSLASH) {
      o = putChar(o, c, level);
      o = putChar(o, load<u8>(++p), level);
    } else if (c > SPACE || inString) o = put(o, c);
  }
  return o;
}

/** Where a value ends; 0 where it is none, or one that needs a second look. */
export function endOfValue(p: usize, depth: u32): usize {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return endOfString(p + 1);
  if (c == HYPHEN || isDigit(c)) return endOfNumber(p);
  if (c == 0x7b || c == 0x5b) return depth < MOST_DEPTH ? endOfNested(p, depth) : 0;
  if (load<u32>(p) == 0x65757274 || load<u32>(p) == 0x6c6c756e) return p + 4; // true, null
  return c == 0x66 && load<u32>(p, 1) == 0x65736c61 ? p + 5 : 0; // false
}

function endOfString(p: usize): usize {
  while (true) {
    const bytes = v128.load(p);
    const special = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
        i8x16.lt_s(bytes, i8x16.splat(0x20)),
      ),
    );
    if (special == 0) {
      p += 16;
      continue;
    }
    p += ctz(special);
    const c = <u32>load<u8>(p);
    if (c == QUOTE) return p + 1;
    if (c < 0x20) return 0;
    if (c == BACKSLASH) {
      p = endOfEscape(p);
      if (p == 0) return 0;
    } else {
      do {
        const length = utf8Length(p);
        if (length == 0) return 0;
        p += length;
      } while (load<u8>(p) >= 0x80);
    }
  }
}

function endOfEscape(p: usize): usize {
  switch (<u32>load<u8>(p, 1)) {
    case 0x22:
    case 0x2f:
    case 0x5c:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return p + 2;
    case 0x75: {
      const high = hexOf(p + 2);
      if (high > 0xffff) return 0;
      // Half of a pair alone is no text.
      if (high >> 11 != 0x1b) return p + 6;
      if (high >= 0xdc00 || load<u16>(p, 6) != 0x755c) return 0;
      return hexOf(p + 8) >> 10 == 0x37 ? p + 12 : 0;
    }
    default:
      return 0;
  }
}

function endOfNumber(p: usize): usize {
  if (load<u8>(p) == HYPHEN) p++;
  if (load<u8>(p) == ZERO) p++;
  else {
    const from = p;
    while (isDigit(load<u8>(p))) p++;
    if (p == from) return 0;
  }
  if (load<u8>(p) == 0x2e) {
    const from = ++p;
    while (isDigit(load<u8>(p))) p++;
    if (p == from) return 0;
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++;
    if (load<u8>(p) == 0x2b || load<u8>(p) == HYPHEN) p++;
    const from = p;
    while (isDigit(load<u8>(p))) p++;
    if (p == from) return 0;
  }
  return p;
}

function endOfNested(p: usize, depth: u32): usize {
  const isObject = load<u8>(p) == 0x7b;
  const close: u32 = isObject ? 0x7d : 0x5d;
  p = skipSpace(p + 1);
  if (load<u8>(p) == close) return p + 1;
  while (true) {
    if (isObject) {
      if (load<u8>(p) != QUOTE) return 0;
      p = endOfString(p + 1);
      if (p == 0) return 0;
      p = skipSpace(p);
      if (load<u8>(p) != COLON) return 0;
      p = skipSpace(p + 1);
    }
    p = endOfValue(p, depth + 1);
    if (p == 0) return 0;
    p = skipSpace(p);
    const c = <u32>load<u8>(p);
    if (c == close) return p + 1;
    if (c != 0x2c) return 0;
    p = skipSpace(p + 1);
  }
}
