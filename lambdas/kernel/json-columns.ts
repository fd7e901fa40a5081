/**
 * Reads the values of a JSON line's columns, and writes them. This file mirrors `WRITE` in
 * lambdas/core/formats/json.ts.
 */
import { FORM, noteConversionError, noteFailed, RANGE } from './errors';
import { copyExponent, copyWholeExponent } from './exponents';
import { NO_COLUMN } from './json-keys';
import { copyDecimalNumber, copyText, copyWholeNumber, endOfLiteral, endOfValue, skipTo } from './json-values';
import { BACKSLASH, DOT, outputOf, pair, putBytes, putKey, QUOTE, ZERO } from './memory';
import { copySigned, copyWhole } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, BOOLEAN, DOUBLE, fieldAt, INT, INT_DIGITS, keyOf, opOf, setSlot, SKIP, TEXT, TIME,
} from './program';
import { findIn } from './text';
import { clearEventTime, copyTime, setEventTime } from './times';

/** The column that gave the event's time, or NO_COLUMN. */
let timeColumn: u32 = NO_COLUMN;

/** Forgets the time of the line before. */
// @ts-ignore: decorator
@inline
export function beginColumns(): void {
  timeColumn = NO_COLUMN;
}

/**
 * Writes a column's value, or records that it does not convert. Common forms come first; `readScalar` takes all others.
 */
// @ts-ignore: decorator
@inline
export function readColumn(column: u32, p: usize, o: usize): u64 {
  const field = fieldAt(column);
  const op = opOf(field);
  if (op == SKIP) return skipTo(endOfValue(p), o);
  if (load<u8>(p) == 0x6e) return skipTo(endOfLiteral(p), o);
  const key = keyOf(field, 0);
  let pointers: u64 = 0;
  if (op == TEXT) {
    pointers = copyText(p, o, key);
    if (pointers == 0) return 0;
  } else {
    if (op == INT) pointers = copyWholeNumber(p, putKey(o, key), INT_DIGITS);
    else if (op == DOUBLE) pointers = copyDecimalNumber(p, putKey(o, key));
    else if (op == BIGINT) pointers = copyWholeNumber(p, putKey(o, key), BIGINT_DIGITS);
    if (pointers == 0) pointers = readScalar(field, column, p, o);
    if (pointers == 0 || outputOf(pointers) == o) return pointers;
  }
  setSlot(field, 0, o, outputOf(pointers));
  return pointers;
}

/** Writes a value that is not text, in any form: in quotes, with a zero fraction, or with an exponent. */
function readScalar(field: usize, column: u32, p: usize, o: usize): u64 {
  const end = endOfValue(p);
  if (end == 0) return 0;
  const done = copyScalar(field, column, p, end, o);
  if (done != 0) return pair(end, done);
  return noteConversionError(column, p, end) ? pair(end, o) : convertRare(field, column, p, end, o);
}

/** Has the host convert a number of a rare form, which would take more code here than it is worth. */
function convertRare(field: usize, column: u32, p: usize, end: usize, o: usize): u64 {
  const op = opOf(field);
  if (op > DOUBLE || findIn(p, end, BACKSLASH) != end) return 0;
  const quotes: usize = load<u8>(p) == QUOTE ? 1 : 0;
  const to = putKey(o, keyOf(field, 0));
  const length = convert(op, p + quotes, end - p - quotes * 2, to);
  if (length > 0) return pair(end, to + length);
  noteFailed(column, p, end, length == OUT_OF_RANGE ? RANGE : FORM);
  return pair(end, o);
}

/**
 * Converts a number as it was logged, and writes it as a row has it: lambdas/core/reading/kernel.ts.
 *
 * @param op INT, BIGINT or DOUBLE
 * @returns the bytes written, or 0 or OUT_OF_RANGE if the text does not convert
 */
// @ts-ignore: decorator
@external("host", "convert")
declare function convert(op: u32, from: usize, length: usize, to: usize): i32;

/** The text is a number, which the type has no room for. */
const OUT_OF_RANGE: i32 = -1;

/** Copies a value in any form. Returns 0 if that is not possible, as when the value does not convert. */
function copyScalar(field: usize, column: u32, p: usize, end: usize, o: usize): usize {
  const key = keyOf(field, 0);
  const quoted = load<u8>(p) == QUOTE;
  const from = quoted ? p + 1 : p;
  const to = quoted ? end - 1 : end;
  switch (opOf(field)) {
    case INT:
      return copyInteger(from, to, putKey(o, key), INT_DIGITS);
    case BIGINT:
      return copyInteger(from, to, putKey(o, key), BIGINT_DIGITS);
    case DOUBLE: {
      o = putKey(o, key);
      const done = copySigned(from, to, o);
      return done != 0 ? done : copyExponent(from, to, o);
    }
    case BOOLEAN: {
      const first = <u32>load<u8>(p);
      if (first != 0x74 && first != 0x66) return 0;
      return putBytes(putKey(o, key), p, end - p);
    }
    case TIME:
      o = copyTimeOf(p, end, putKey(o, key));
      if (o != 0) setEventTimeOf(column);
      return o;
    default:
      return 0;
  }
}

/** Copies an integer of at most `maxDigits` digits, which may have a fraction that is zero, or an exponent. */
function copyInteger(p: usize, end: usize, o: usize, maxDigits: usize): usize {
  const done = copyWhole(p, withoutZeroFraction(p, end), o, maxDigits);
  return done != 0 ? done : copyWholeExponent(p, end, o, maxDigits);
}

/** Copies a time that may be in quotes. */
export function copyTimeOf(p: usize, end: usize, o: usize): usize {
  if (load<u8>(p) == QUOTE) {
    p++;
    end--;
  }
  return copyTime(p, end, o);
}

/**
 * Takes the time that was just written for the event's time, unless an earlier column has given it: the TypeScript
 * reader reads columns in their order, whatever the order of the members.
 */
function setEventTimeOf(column: u32): void {
  if (column > timeColumn) return;
  timeColumn = column;
  clearEventTime();
  setEventTime();
}

/** End of a number without a fraction that is zero: `200.0` is 200. */
function withoutZeroFraction(p: usize, end: usize): usize {
  let at = end;
  while (at > p && load<u8>(at - 1) == ZERO) at--;
  return at < end && end - at <= 20 && at > p && load<u8>(at - 1) == DOT ? at - 1 : end;
}
