/** Values of JSON: copied as they stand in a row, or only passed. */
import { BACKSLASH, both, COLON, DOT, HYPHEN, inOf, NOWHERE, outOf, put, putBytes, putTextKey, QUOTE, SPACE, ZERO } from './memory';
import { copyDecimal, digitsIn, endOfDecimal, isDigit } from './numbers';
import { putChar, specialBytes, utf8Length } from './text';

/** Objects and arrays within each other. */
const MOST_DEPTH: u32 = 64;

/** Behind the space at a place: mostly there is none. */
// @ts-ignore: decorator
@inline
export function pastSpace(p: usize): usize {
  return load<u8>(p) > SPACE ? p : skipSpace(p);
}

function skipSpace(p: usize): usize {
  let c = <u32>load<u8>(p);
  while (c == SPACE || c == 0x09) c = <u32>load<u8>(++p);
  return p;
}

/**
 * Copies a value as text: a string's own, and of anything else its JSON without space.
 *
 * @param level 1: within a string; 2: within a string within a string, as `extra` is
 * @returns 0 where it is none, or one that needs a second look
 */
// @ts-ignore: decorator
@inline
export function copyPlain(p: usize, o: usize, level: u32): u64 {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return copyString(p + 1, o, level, false);
  return c == 0x7b || c == 0x5b ? copyNested(p, o, level) : copyBare(p, o);
}

/** A column's text, with its key. */
// @ts-ignore: decorator
@inline
export function copyText(p: usize, o: usize, key: u64): u64 {
  const places = copyPlain(p, putTextKey(o, key), 1);
  return places == 0 ? 0 : both(inOf(places), put(outOf(places), QUOTE));
}

/** Goes past a value that is not copied, to its end; 0 where that is 0. */
// @ts-ignore: decorator
@inline
export function pass(end: usize, o: usize): u64 {
  return end == 0 ? 0 : both(end, o);
}

/** Copies a value as its JSON without space, which is part of a text. */
export function copyJson(p: usize, o: usize, level: u32): u64 {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return copyQuoted(p, o, level);
  return c == 0x7b || c == 0x5b ? copyNested(p, o, level) : copyBare(p, o);
}

/** Copies a number, true, false or null. */
function copyBare(p: usize, o: usize): u64 {
  const digits = digitsAt(p);
  if (isWhole(p, digits)) {
    v128.store(o, v128.load(p));
    return both(p + digits, o + digits);
  }
  const end = endOfBare(p);
  return end == 0 ? 0 : both(end, putBytes(o, p, end - p));
}

/** How many digits stand at a place, up to 16. */
// @ts-ignore: decorator
@inline
function digitsAt(p: usize): usize {
  return <usize>ctz(~digitsIn(v128.load(p)));
}

/** Are the digits at a place a whole number, with nothing to follow that would make it another? */
// @ts-ignore: decorator
@inline
function isWhole(p: usize, digits: usize): bool {
  if (digits - 1 > 14 || (digits > 1 && load<u8>(p) == ZERO)) return false;
  const next = <u32>load<u8>(p + digits);
  return next != DOT && (next | 0x20) != 0x65;
}

/** Copies a number of at most `most` digits; 0 for any but the plainest. */
// @ts-ignore: decorator
@inline
export function copyWholeNumber(p: usize, o: usize, most: usize): u64 {
  const digits = digitsAt(p);
  if (digits > most || !isWhole(p, digits)) return 0;
  v128.store(o, v128.load(p));
  return both(p + digits, o + digits);
}

/** The same with a fraction or without. */
// @ts-ignore: decorator
@inline
export function copyDecimalNumber(p: usize, o: usize): u64 {
  const end = endOfDecimal(p);
  // It may go on.
  if (end - p == 16 || (load<u8>(end) | 0x20) == 0x65) return 0;
  const done = copyDecimal(p, end, o);
  return done == 0 ? 0 : both(end, done);
}

/**
 * Copies a string's text up to its quote, and goes behind that.
 *
 * @param level as above; 0: a text of its own, without escapes
 * @param nested it is part of an object or array, whose text keeps its escapes; else they are as JSON.stringify writes them
 */
function copyString(p: usize, o: usize, level: u32, nested: bool): u64 {
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
    if (c == QUOTE) return both(p + 1, o);
    if (c < 0x20) return 0;
    let places: u64;
    if (c != BACKSLASH) places = copyWide(p, o);
    else if (level == 0) places = copyCharacter(p, o);
    else places = nested ? copyRawEscape(p, o, level) : copyEscape(p, o, level);
    if (places == 0) return 0;
    p = inOf(places);
    o = outOf(places);
  }
}

/** The same without its escapes. */
export function copyUnquoted(p: usize, o: usize): u64 {
  return copyString(p, o, 0, false);
}

/** Copies the character that an escape stands for. */
function copyCharacter(p: usize, o: usize): u64 {
  const end = endOfEscape(p);
  if (end == 0) return 0;
  const c = <u32>load<u8>(p, 1);
  if (c != 0x75) return both(end, put(o, characterOf(c)));
  const code = codePointAt(p, end);
  return both(end, code < 0x80 ? put(o, code) : putCodePoint(o, code, 1));
}

/** What the letter of an escape stands for. */
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

/** Copies characters that are no ASCII. */
function copyWide(p: usize, o: usize): u64 {
  do {
    const length = utf8Length(p);
    if (length == 0) return 0;
    store<u32>(o, load<u32>(p));
    p += length;
    o += length;
  } while (load<u8>(p) >= 0x80);
  return both(p, o);
}

/** Copies an escape as JSON.stringify writes the character. */
function copyEscape(p: usize, o: usize, level: u32): u64 {
  const c = <u32>load<u8>(p, 1);
  if (c == 0x75) return copyUnicode(p, o, level);
  if (c == 0x2f) return both(p + 2, put(o, c));
  // The others are what JSON.stringify writes; within another string, that is a text with escapes.
  if (level == 2) return copyRawEscape(p, o, 1);
  if (endOfEscape(p) == 0) return 0;
  store<u16>(o, load<u16>(p));
  return both(p + 2, o + 2);
}

function copyUnicode(p: usize, o: usize, level: u32): u64 {
  const end = endOfEscape(p);
  return end == 0 ? 0 : both(end, putCodePoint(o, codePointAt(p, end), level));
}

/** Of one `\uHHHH`, or of two that are a pair. */
function codePointAt(p: usize, end: usize): u32 {
  const code = hexOf(p + 2);
  return end - p == 6 ? code : 0x10000 + ((code & 0x3ff) << 10) + (hexOf(p + 8) & 0x3ff);
}

/** Copies an escape as it stands: one of two bytes, or those of one character as `\uHHHH`. */
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
  return both(end, o);
}

// @ts-ignore: decorator
@inline
function putEscapedBackslash(o: usize, level: u32): usize {
  store<u32>(o, 0x5c5c5c5c);
  return o + (<usize>level) * 2;
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

/** Copies an object or array without the space between its parts. */
function copyNested(p: usize, o: usize, level: u32): u64 {
  // What stands around a place, a bit for each from the lowest on: 1 for an object.
  let around: u64 = 0;
  let depth: u32 = 0;
  do {
    const c = <u32>load<u8>(p);
    let places: u64;
    if (c == 0x7b || c == 0x5b) {
      if (depth++ == MOST_DEPTH) return 0;
      around = (around << 1) | (c == 0x7b ? 1 : 0);
      o = put(o, c);
      p = pastSpace(p + 1);
      if (load<u8>(p) != closing(around)) {
        if ((around & 1) == 0) continue;
        places = copyKey(p, o, level);
        if (places == 0) return 0;
        p = inOf(places);
        o = outOf(places);
        continue;
      }
    } else {
      places = c == QUOTE ? copyQuoted(p, o, level) : copyBare(p, o);
      if (places == 0) return 0;
      p = pastSpace(inOf(places));
      o = outOf(places);
    }
    while (load<u8>(p) == closing(around)) {
      o = put(o, load<u8>(p));
      p++;
      around >>= 1;
      if (--depth == 0) return both(p, o);
      p = pastSpace(p);
    }
    if (load<u8>(p) != 0x2c) return 0;
    o = put(o, 0x2c);
    p = pastSpace(p + 1);
    if ((around & 1) != 0) {
      places = copyKey(p, o, level);
      if (places == 0) return 0;
      p = inOf(places);
      o = outOf(places);
    }
  } while (true);
}

// @ts-ignore: decorator
@inline
function closing(around: u64): u32 {
  return (around & 1) != 0 ? 0x7d : 0x5d;
}

/** Copies a key and its colon: mostly less than 16 bytes of plain text, and no space. */
// @ts-ignore: decorator
@inline
function copyKey(p: usize, o: usize, level: u32): u64 {
  if (load<u8>(p) != QUOTE) return 0;
  const bytes = v128.load(p, 1);
  const length = <usize>ctz(specialBytes(bytes));
  if (length > 15 || load<u16>(p + length, 1) != QUOTE_COLON) return copyAnyKey(p, o, level);
  o = putQuote(o, level);
  v128.store(o, bytes);
  o = putQuote(o + length, level);
  p += length + 3;
  return both(pastSpace(p), put(o, COLON));
}

const QUOTE_COLON: u32 = 0x3a22;

function copyAnyKey(p: usize, o: usize, level: u32): u64 {
  const places = copyQuoted(p, o, level);
  if (places == 0) return 0;
  p = pastSpace(inOf(places));
  return load<u8>(p) == COLON ? both(pastSpace(p + 1), put(outOf(places), COLON)) : 0;
}

/** Copies a string with its quotes. */
// @ts-ignore: decorator
@inline
function copyQuoted(p: usize, o: usize, level: u32): u64 {
  const places = copyString(p + 1, putQuote(o, level), level, true);
  return places == 0 ? 0 : both(inOf(places), putQuote(outOf(places), level));
}

// @ts-ignore: decorator
@inline
function putQuote(o: usize, level: u32): usize {
  store<u32>(o, level == 2 ? 0x225c5c5c : 0x225c); // \\\" or \"
  return o + (<usize>level) * 2;
}

/** Where a value ends; 0 where it is none, or one that needs a second look. */
export function endOfValue(p: usize): usize {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return endOfString(p + 1);
  if (c == 0x7b || c == 0x5b) return inOf(copyNested(p, NOWHERE, 1));
  return endOfBare(p);
}

function endOfBare(p: usize): usize {
  const c = <u32>load<u8>(p);
  return c == HYPHEN || isDigit(c) ? endOfNumber(p) : endOfLiteral(p);
}

/** Where true, false or null ends; 0 where it is none of them. */
// @ts-ignore: decorator
@inline
export function endOfLiteral(p: usize): usize {
  const word = load<u32>(p);
  if (word == 0x65757274 || word == 0x6c6c756e) return p + 4; // true, null
  return word == 0x736c6166 && load<u8>(p, 4) == 0x65 ? p + 5 : 0; // false
}

function endOfString(p: usize): usize {
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
  if (load<u8>(p) == DOT) {
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
