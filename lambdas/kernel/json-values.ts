/**
 * Copies JSON values into a row, or finds their end. Values are copied as `plainText` in
 * lambdas/core/reading/json-text.ts gives them: strings without quotes and escapes, other values as JSON without white
 * space.
 */
import { copyQuoted, copyString, endOfString, putQuote } from './json-strings';
import {
  COLON, DISCARDED, DOT, HYPHEN, inputOf, NESTING, outputOf, pair, put, putBytes, putTextKey, QUOTE, SPACE, ZERO,
} from './memory';
import { copyDecimal, digitsIn, endOfDecimal, isDigit } from './numbers';
import { specialBytes } from './text';

/** Objects and arrays that may be within each other: the bytes at NESTING. */
const MAX_DEPTH: u32 = 1024;

/** Skips white space at `p`. Mostly there is none. */
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
 * Copies a value as text: of a string its content, of any other value its JSON without white space.
 *
 * @param level 1: the text is in a string of the row; 2: it is in a JSON text that is itself in a string, as in `extra`
 * @returns 0 if the value is not valid, or unsupported
 */
// @ts-ignore: decorator
@inline
export function copyPlain(p: usize, o: usize, level: u32): u64 {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return copyString(p + 1, o, level, false);
  return c == 0x7b || c == 0x5b ? copyNested(p, o, level) : copyBare(p, o);
}

/** Copies a value to a text column, with the column's key. */
// @ts-ignore: decorator
@inline
export function copyText(p: usize, o: usize, key: u64): u64 {
  const pointers = copyPlain(p, putTextKey(o, key), 1);
  return pointers == 0 ? 0 : pair(inputOf(pointers), put(outputOf(pointers), QUOTE));
}

/** Skips a value that is not copied, given its end. Returns 0 if that is 0. */
// @ts-ignore: decorator
@inline
export function skipTo(end: usize, o: usize): u64 {
  return end == 0 ? 0 : pair(end, o);
}

/** Copies a value as JSON without white space, for a JSON text that is in a string. */
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
    return pair(p + digits, o + digits);
  }
  const end = endOfBare(p);
  return end == 0 ? 0 : pair(end, putBytes(o, p, end - p));
}

/** Number of digits at `p`, up to 16. */
// @ts-ignore: decorator
@inline
function digitsAt(p: usize): usize {
  return <usize>ctz(~digitsIn(v128.load(p)));
}

/**
 * True if the digits at `p` are a whole number: without leading zeros, fraction and exponent, and of at most 15 digits.
 */
// @ts-ignore: decorator
@inline
function isWhole(p: usize, digits: usize): bool {
  if (digits - 1 > 14 || (digits > 1 && load<u8>(p) == ZERO)) return false;
  const next = <u32>load<u8>(p + digits);
  return next != DOT && (next | 0x20) != 0x65;
}

/** Copies an integer of at most `maxDigits` digits without a sign. Returns 0 for any other form. */
// @ts-ignore: decorator
@inline
export function copyWholeNumber(p: usize, o: usize, maxDigits: usize): u64 {
  const digits = digitsAt(p);
  if (digits > maxDigits || !isWhole(p, digits)) return 0;
  v128.store(o, v128.load(p));
  return pair(p + digits, o + digits);
}

/** Copies a number without sign and exponent, with or without a fraction. Returns 0 for any other form. */
// @ts-ignore: decorator
@inline
export function copyDecimalNumber(p: usize, o: usize): u64 {
  const end = endOfDecimal(p);
  // The number may be longer than the 16 bytes looked at, or have an exponent.
  if (end - p == 16 || (load<u8>(end) | 0x20) == 0x65) return 0;
  const done = copyDecimal(p, end, o);
  return done == 0 ? 0 : pair(end, done);
}

const END_OF_OBJECT: u32 = 0x7d;

/** Copies an object or an array without the white space between its parts. */
function copyNested(p: usize, o: usize, level: u32): u64 {
  // NESTING is a stack of the closing brackets of the objects and arrays around `p`; `closing` is its last one.
  let closing: u32 = 0;
  let depth: u32 = 0;
  do {
    const c = <u32>load<u8>(p);
    let pointers: u64;
    if (c == 0x7b || c == 0x5b) {
      if (depth == MAX_DEPTH) return 0;
      // In ASCII, a bracket that closes comes two after the one that it closes.
      closing = c + 2;
      store<u8>(NESTING + depth++, closing);
      o = put(o, c);
      p = pastSpace(p + 1);
      if (load<u8>(p) != closing) {
        if (closing != END_OF_OBJECT) continue;
        pointers = copyKey(p, o, level);
        if (pointers == 0) return 0;
        p = inputOf(pointers);
        o = outputOf(pointers);
        continue;
      }
    } else {
      pointers = c == QUOTE ? copyQuoted(p, o, level) : copyBare(p, o);
      if (pointers == 0) return 0;
      p = pastSpace(inputOf(pointers));
      o = outputOf(pointers);
    }
    while (load<u8>(p) == closing) {
      o = put(o, closing);
      p++;
      if (--depth == 0) return pair(p, o);
      closing = load<u8>(NESTING + depth - 1);
      p = pastSpace(p);
    }
    if (load<u8>(p) != 0x2c) return 0;
    o = put(o, 0x2c);
    p = pastSpace(p + 1);
    if (closing == END_OF_OBJECT) {
      pointers = copyKey(p, o, level);
      if (pointers == 0) return 0;
      p = inputOf(pointers);
      o = outputOf(pointers);
    }
  } while (true);
}

/** Copies a key and its colon. Most keys have fewer than 16 bytes of plain text and no white space before the colon. */
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
  return pair(pastSpace(p), put(o, COLON));
}

const QUOTE_COLON: u32 = 0x3a22;

/** Copies a key of any length, and its colon. */
function copyAnyKey(p: usize, o: usize, level: u32): u64 {
  const pointers = copyQuoted(p, o, level);
  if (pointers == 0) return 0;
  p = pastSpace(inputOf(pointers));
  return load<u8>(p) == COLON ? pair(pastSpace(p + 1), put(outputOf(pointers), COLON)) : 0;
}

/** End of a value, or 0 if the value is not valid or unsupported. */
export function endOfValue(p: usize): usize {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return endOfString(p + 1);
  if (c == 0x7b || c == 0x5b) return inputOf(copyNested(p, DISCARDED, 1));
  return endOfBare(p);
}

export function endOfBare(p: usize): usize {
  const c = <u32>load<u8>(p);
  return c == HYPHEN || isDigit(c) ? endOfNumber(p) : endOfLiteral(p);
}

/** End of true, false or null, or 0 if the text is none of these. */
// @ts-ignore: decorator
@inline
export function endOfLiteral(p: usize): usize {
  const word = load<u32>(p);
  if (word == 0x65757274 || word == 0x6c6c756e) return p + 4; // true, null
  return word == 0x736c6166 && load<u8>(p, 4) == 0x65 ? p + 5 : 0; // false
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
