/** Copies JSON strings and their escapes into a row, or finds their end. */
import { BACKSLASH, inputOf, outputOf, pair, put, QUOTE, ZERO } from './memory';
import { isDigit } from './numbers';
import { putChar, putHexDigits, specialBytes, utf8Length } from './text';

/**
 * Copies the content of a string, from the address after its opening quote.
 *
 * @param level 0: as text, without escapes; 1: the content is in a string of the row; 2: it is in a JSON text that is
 * itself in a string, as in `extra`
 * @param nested the string is part of an object or array, whose JSON keeps escapes as they were logged; otherwise
 * escapes are written as JSON.stringify does
 * @returns the address after the closing quote, and the end of the copy
 */
export function copyString(p: usize, o: usize, level: u32, nested: bool): u64 {
  while (true) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    const special = specialBytes(bytes);
    if (special == 0) {
      p += 16;
      o += 16;
      continue;
    }
    const plain = <usize>ctz(special);
    p += plain;
    o += plain;
    const c = <u32>load<u8>(p);
    if (c == QUOTE) return pair(p + 1, o);
    if (c < 0x20) return 0;
    let pointers: u64;
    if (c != BACKSLASH) pointers = copyWideOrBroken(p, o, level, nested);
    else if (level == 0) pointers = copyCharacter(p, o);
    else pointers = nested ? copyRawEscape(p, o, level) : copyEscape(p, o, level);
    if (pointers == 0) return 0;
    p = inputOf(pointers);
    o = outputOf(pointers);
  }
}

/**
 * `\xHH` is not valid in JSON and is kept as it is: nginx writes it into JSON, unless its log_format has escape=json.
 */
const X: u32 = 0x78;

/** Copies the content of a string as text, without its escapes. */
export function copyDecoded(p: usize, o: usize): u64 {
  return copyString(p, o, 0, false);
}

/** Copies the character of an escape. */
export function copyCharacter(p: usize, o: usize): u64 {
  if (load<u8>(p, 1) == X) return pair(p + 2, put(put(o, BACKSLASH), X));
  const end = endOfEscape(p);
  if (end == 0) return 0;
  const c = <u32>load<u8>(p, 1);
  if (c != 0x75) return pair(end, put(o, characterOf(c)));
  const code = codePointAt(p, end);
  if (code == REPLACEMENT) return 0;
  return pair(end, code < 0x80 ? put(o, code) : putCodePoint(o, code, 1));
}

/** Character of an escape of one letter. */
function characterOf(letter: u32): u32 {
  switch (letter) {
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
      return letter;
  }
}

/** Copies characters that are not ASCII. Returns 0 if they are not valid UTF-8. */
export function copyWide(p: usize, o: usize): u64 {
  do {
    const length = utf8Length(p);
    if (length == 0) return 0;
    store<u32>(o, load<u32>(p));
    p += length;
    o += length;
  } while (load<u8>(p) >= 0x80);
  return pair(p, o);
}

/** Copies characters that are not ASCII, and bytes that are not valid UTF-8. */
function copyWideOrBroken(p: usize, o: usize, level: u32, nested: bool): u64 {
  do {
    const length = utf8Length(p);
    if (length == 0) {
      o = putBrokenByte(o, load<u8>(p), level, nested);
      p++;
      continue;
    }
    store<u32>(o, load<u32>(p));
    p += length;
    o += length;
  } while (load<u8>(p) >= 0x80);
  return pair(p, o);
}

/**
 * Writes a byte that is not valid UTF-8. It is the text `\xHH` (lambdas/core/lines/utf8.ts), whose backslash JSON text
 * within a row has twice (lambdas/core/reading/json-text.ts).
 */
function putBrokenByte(o: usize, byte: u32, level: u32, nested: bool): usize {
  o = level == 0 ? put(o, BACKSLASH) : putEscapedBackslash(o, level);
  if (nested) o = putEscapedBackslash(o, level);
  return putHexDigits(put(o, X), byte);
}

/** Copies an escape as JSON.stringify writes its character. */
function copyEscape(p: usize, o: usize, level: u32): u64 {
  const c = <u32>load<u8>(p, 1);
  if (c == 0x75) return copyUnicode(p, o, level);
  if (c == 0x2f) return pair(p + 2, put(o, c));
  if (c == X) return pair(p + 2, put(putEscapedBackslash(o, level), X));
  // The other escapes are those that JSON.stringify writes. At level 2 such an escape is itself text in a string.
  if (level == 2) return copyRawEscape(p, o, 1);
  if (endOfEscape(p) == 0) return 0;
  store<u16>(o, load<u16>(p));
  return pair(p + 2, o + 2);
}

function copyUnicode(p: usize, o: usize, level: u32): u64 {
  const end = endOfEscape(p);
  return end == 0 ? 0 : pair(end, putCodePoint(o, codePointAt(p, end), level));
}

/** U+FFFD, which a row has in place of a surrogate that is not one of a pair. */
const REPLACEMENT: u32 = 0xfffd;

/** Code point of one `\uHHHH`, or of two that are a surrogate pair. */
function codePointAt(p: usize, end: usize): u32 {
  const code = hexOf(p + 2);
  if (end - p == 6) return code >> 11 == 0x1b ? REPLACEMENT : code;
  return 0x10000 + ((code & 0x3ff) << 10) + (hexOf(p + 8) & 0x3ff);
}

/** Copies an escape as it was logged: two bytes, or one or two `\uHHHH`. */
function copyRawEscape(p: usize, o: usize, level: u32): u64 {
  const end = endOfEscape(p);
  if (end == 0) return 0;
  do {
    o = putEscapedBackslash(o, level);
    const c = <u32>load<u8>(p, 1);
    p += 2;
    if (c == QUOTE) o = putQuote(o, level);
    else if (c == BACKSLASH) o = putEscapedBackslash(o, level);
    else o = put(o, c);
    if (c == 0x75) {
      store<u32>(o, load<u32>(p));
      p += 4;
      o += 4;
    }
  } while (p < end);
  return pair(end, o);
}

/** Writes a backslash of a text: `\\` at level 1, `\\\\` at level 2. */
// @ts-ignore: decorator
@inline
function putEscapedBackslash(o: usize, level: u32): usize {
  store<u32>(o, 0x5c5c5c5c);
  return o + (<usize>level) * 2;
}

/** Writes a character as UTF-8, or as an escape if JSON needs one. */
function putCodePoint(o: usize, code: u32, level: u32): usize {
  if (code < 0x80) return putChar(o, code, level);
  if (code < 0x800) return put(put(o, 0xc0 | (code >> 6)), 0x80 | (code & 63));
  if (code < 0x10000) {
    return put(put(put(o, 0xe0 | (code >> 12)), 0x80 | ((code >> 6) & 63)), 0x80 | (code & 63));
  }
  o = put(put(o, 0xf0 | (code >> 18)), 0x80 | ((code >> 12) & 63));
  return put(put(o, 0x80 | ((code >> 6) & 63)), 0x80 | (code & 63));
}

/** Value of four hexadecimal digits, or more than 0xffff if they are not. */
export function hexOf(p: usize): u32 {
  let value: u32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const c = <u32>load<u8>(p + i);
    const letter = (c | 0x20) - 0x61;
    if (!isDigit(c) && letter > 5) return 0x10000;
    value = (value << 4) | (isDigit(c) ? c - ZERO : letter + 10);
  }
  return value;
}

/** Copies a string with its quotes. */
// @ts-ignore: decorator
@inline
export function copyQuoted(p: usize, o: usize, level: u32): u64 {
  const pointers = copyString(p + 1, putQuote(o, level), level, true);
  return pointers == 0 ? 0 : pair(inputOf(pointers), putQuote(outputOf(pointers), level));
}

/** Writes a quote of a JSON text: `\"` at level 1, `\\\"` at level 2. */
// @ts-ignore: decorator
@inline
export function putQuote(o: usize, level: u32): usize {
  store<u32>(o, level == 2 ? 0x225c5c5c : 0x225c); // \\\" or \"
  return o + (<usize>level) * 2;
}

/** Address after the closing quote of the string whose content begins at `p`, or 0 if the string is not valid. */
export function endOfString(p: usize): usize {
  while (true) {
    const special = specialBytes(v128.load(p));
    if (special == 0) {
      p += 16;
      continue;
    }
    p += ctz(special);
    const c = <u32>load<u8>(p);
    if (c == QUOTE) return p + 1;
    if (c < 0x20) return 0;
    if (c == BACKSLASH) {
      p = load<u8>(p, 1) == X ? p + 2 : endOfEscape(p);
      if (p == 0) return 0;
    } else {
      do {
        p += max(utf8Length(p), 1);
      } while (load<u8>(p) >= 0x80);
    }
  }
}

/** End of the escape at `p`, or 0 if it is not valid. */
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
      // Two escapes that are a pair of surrogates are one character.
      const isPair = high >> 10 == 0x36 && load<u16>(p, 6) == 0x755c && hexOf(p + 8) >> 10 == 0x37;
      return isPair ? p + 12 : p + 6;
    }
    default:
      return 0;
  }
}
