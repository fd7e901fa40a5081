/**
 * Copies log text into JSON strings, and searches it, 16 bytes at a time. What is written here equals `JSON.stringify`
 * of the text that lambdas/core/lines/utf8.ts decodes.
 */
import { BACKSLASH, CR, inputOf, LF, outputOf, pair, put, QUOTE, ZERO } from './memory';

/**
 * Copies text into a JSON string up to the byte `until` or the line's end.
 *
 * @returns the address of that byte or of the line's end, and the end of the copy
 */
export function copyUntil(p: usize, o: usize, until: u32): u64 {
  const ends = i8x16.splat(<i8>until);
  while (true) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const special = specialBytes(bytes) | i8x16.bitmask(i8x16.eq(bytes, ends));
    if (special == 0) {
      p += 16;
      o += 16;
      continue;
    }
    const plain = ctz(special);
    p += plain;
    o += plain;
    const c = <u32>load<u8>(p);
    if (c == until || c == LF || (c == CR && load<u8>(p, 1) == LF)) return pair(p, o);
    const pointers = copySpecial(p, o, c, 1);
    p = inputOf(pointers);
    o = outputOf(pointers);
  }
}

/**
 * Copies the text from `p` to `end` into a JSON string.
 *
 * @param level 1: the text is in a string of the row; 2: it is in a JSON text that is itself in a string, as in `extra`
 * @returns the end of the copy
 */
export function copySpan(p: usize, end: usize, o: usize, level: u32): usize {
  while (p < end) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const special = specialBytes(bytes);
    const plain = special == 0 ? 16 : ctz(special);
    p += plain;
    o += plain;
    if (p >= end) return o - (p - end);
    if (special == 0) continue;
    const pointers = copySpecial(p, o, load<u8>(p), level);
    p = inputOf(pointers);
    o = outputOf(pointers);
  }
  return o;
}

/**
 * Mask of the bytes that JSON strings do not hold as they are, or that must be checked: quotes, backslashes, control
 * characters, and bytes that are not ASCII. As signed numbers, the latter two are below a space.
 */
// @ts-ignore: decorator
@inline
export function specialBytes(bytes: v128): i32 {
  return i8x16.bitmask(
    v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
      i8x16.lt_s(bytes, i8x16.splat(0x20)),
    ),
  );
}

/** A backslash has been copied since `noBackslash` was last called. */
let backslash: bool = false;

// @ts-ignore: decorator
@inline
export function noBackslash(): void {
  backslash = false;
}

// @ts-ignore: decorator
@inline
export function sawBackslash(): bool {
  return backslash;
}

/** Writes a text of the kernel's own, which is ASCII. */
export function putText(o: usize, text: string): usize {
  for (let i = 0; i < text.length; i++) o = put(o, load<u16>(changetype<usize>(text) + (<usize>i << 1)));
  return o;
}

/** Copies one character that is not plain ASCII text. */
function copySpecial(p: usize, o: usize, c: u32, level: u32): u64 {
  if (c == BACKSLASH) backslash = true;
  if (c < 0x80) return pair(p + 1, putChar(o, c, level));
  const length = utf8Length(p);
  if (length == 0) return pair(p + 1, putHex(o, c, level));
  for (let i: usize = 0; i < length; i++) store<u8>(o + i, load<u8>(p + i));
  return pair(p + length, o + length);
}

/** Writes a byte that is not valid UTF-8 as `\xHH`, as lambdas/core/lines/utf8.ts does. */
function putHex(o: usize, byte: u32, level: u32): usize {
  return putHexDigits(put(putChar(o, BACKSLASH, level), 0x78), byte);
}

/** Writes a byte as two hexadecimal digits. */
export function putHexDigits(o: usize, byte: u32): usize {
  return put(put(o, hexDigit(byte >> 4)), hexDigit(byte & 15));
}

// @ts-ignore: decorator
@inline
function hexDigit(digit: u32): u32 {
  return digit < 10 ? ZERO + digit : 0x37 + digit;
}

/** Writes an ASCII character as JSON.stringify does, or as two calls of JSON.stringify do if `level` is 2. */
export function putChar(o: usize, c: u32, level: u32): usize {
  if (c >= 0x20 && c != QUOTE && c != BACKSLASH) return put(o, c);
  o = putBackslash(o, level);
  if (c == QUOTE || c == BACKSLASH) {
    if (level == 2) o = put(o, BACKSLASH);
    return put(o, c);
  }
  const short = shortEscape(c);
  if (short != 0) return put(o, short);
  store<u32>(o, 0x30303075); // u000
  o = put(o + 3, 0x30 + (c >> 4));
  const low = c & 15;
  return put(o, low < 10 ? 0x30 + low : 0x57 + low);
}

// @ts-ignore: decorator
@inline
function putBackslash(o: usize, level: u32): usize {
  o = put(o, BACKSLASH);
  return level == 2 ? put(o, BACKSLASH) : o;
}

/** Returns the letter after the backslash for the control characters that have a short escape, or 0 for others. */
function shortEscape(c: u32): u32 {
  switch (c) {
    case 8:
      return 0x62;
    case 9:
      return 0x74;
    case 10:
      return 0x6e;
    case 12:
      return 0x66;
    case 13:
      return 0x72;
    default:
      return 0;
  }
}

/**
 * Returns the length of the well-formed UTF-8 sequence of two to four bytes at `p`, or 0 if there is none. See
 * `sequenceLength` in lambdas/core/lines/utf8.ts.
 */
export function utf8Length(p: usize): usize {
  const first = <u32>load<u8>(p);
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = <u32>load<u8>(p, 1);
  if (first < 0xe0) return (second & 0xc0) == 0x80 ? 2 : 0;
  const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high || (load<u8>(p, 2) & 0xc0) != 0x80) return 0;
  if (first < 0xf0) return 3;
  return (load<u8>(p, 3) & 0xc0) == 0x80 ? 4 : 0;
}

/** Finds the byte `until` or the line's end, whichever comes first. */
export function find(p: usize, until: u32): usize {
  const ends = i8x16.splat(<i8>until);
  while (true) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(v128.or(i8x16.eq(bytes, ends), i8x16.lt_u(bytes, i8x16.splat(0x20))));
    if (found == 0) {
      p += 16;
      continue;
    }
    p += ctz(found);
    const c = <u32>load<u8>(p);
    if (c == until || c == LF || (c == CR && load<u8>(p, 1) == LF)) return p;
    p++;
  }
}

/** Finds the byte `wanted` before `end`. Returns `end` if it does not occur. */
// @ts-ignore: decorator
@inline
export function findIn(p: usize, end: usize, wanted: u32): usize {
  for (; p < end; p += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(<i8>wanted)));
    if (found != 0) return min(p + <usize>ctz(found), end);
  }
  return end;
}

/**
 * Finds the last occurrence of a byte among the 16 bytes before `end`. Returns 0 if it does not occur there. The 16
 * bytes may begin before the value: callers must check that.
 */
// @ts-ignore: decorator
@inline
export function lastOf(byte: u32, end: usize): usize {
  const found = <u32>i8x16.bitmask(i8x16.eq(v128.load(end - 16), i8x16.splat(<i8>byte)));
  return found == 0 ? 0 : end - 16 + (31 - <usize>clz(found));
}

/** True if the bytes from `p` to `end` are valid UTF-8. */
export function isUtf8(p: usize, end: usize): bool {
  while (p < end) {
    const high = i8x16.bitmask(v128.load(p));
    if (high == 0) {
      p += 16;
      continue;
    }
    p += ctz(high);
    if (p >= end) return true;
    const length = utf8Length(p);
    if (length == 0) return false;
    p += length;
  }
  return true;
}
