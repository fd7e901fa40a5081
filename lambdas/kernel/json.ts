/**
 * Reads JSON objects, one per line, whose keys are columns. This file mirrors lambdas/core/formats/json.ts.
 *
 * Each value is written as soon as it is read: the value of a column to the output, the value of any other key aside
 * (see json-others.ts), as `extra` comes last in a row. If the members are not in the order of their columns, what has
 * been written is put in order at the end.
 */
import { copyExponent, copyWholeExponent } from './exponents';
import {
  BACKSLASH, DOT, inputOf, isEnd, outputOf, pair, PIECES, put, putBytes, putKey, QUOTE, SEEN_COLUMNS, SPACE, ZERO,
} from './memory';
import { copySigned, copyWhole, isDigit } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, BOOLEAN, DOUBLE, fieldAt, flags, IDENTITY, INT, INT_DIGITS, keyOf, opOf, setSlot, SKIP, TEXT,
  TIME,
} from './program';
import { findIn } from './text';
import { clearEventTime, copyTime, setEventTime } from './times';
import {
  BEFORE_FIRST, keyAt, keyLength, LOG_LENGTH, logColumn, MAY_MARK, MAY_NAME, MAY_WRAP, MESSAGE_LENGTH, messageColumn,
  NO_COLUMN, prepareKeys, targetOf, valueAfter,
} from './json-keys';
import { fieldErrors, noteConversionError, noteFailed, noteRepeatedKey, putErrors } from './errors';
import { beginOthers, putOthers, takeOther } from './json-others';
import {
  copyDecimalNumber, copyText, copyWholeNumber, endOfLiteral, endOfValue, pastSpace, skipTo,
} from './json-values';

/**
 * Follows the 256-bit set of columns seen. Per column: start and end of its output, and the address of its key in the
 * line.
 */
const SPANS: usize = SEEN_COLUMNS + 32;
const SPAN_BYTES: usize = 16;
/** The column that gave the event's time, or NO_COLUMN. */
let timeColumn: u32 = NO_COLUMN;

/** Clears what is known of the members of the line before. */
// @ts-ignore: decorator
@inline
function beginMembers(): void {
  v128.store(SEEN_COLUMNS, i64x2.splat(0));
  v128.store(SEEN_COLUMNS, i64x2.splat(0), 16);
  beginOthers();
  timeColumn = NO_COLUMN;
}

/**
 * Reads a line to its row, or to the slots of its record key.
 *
 * @returns the addresses of the line's end and of the end of the row's columns, or 0 if the line is unsupported
 */
export function readJson(p: usize, o: usize): u64 {
  prepareKeys();
  beginMembers();
  const start = o;
  let key = BEFORE_FIRST;
  let last: i32 = -1;
  let inOrder = true;
  isWrapped = false;
  hasText = false;
  p = pastSpace(p);
  if (load<u8>(p) != 0x7b) return 0;
  do {
    p = pastSpace(p + 1);
    if (load<u8>(p) != QUOTE) return 0;
    const keyStart = p + 1;
    key = keyAt(keyStart, key);
    if (key == 0) return 0;
    p = valueAfter(key, keyStart);
    if (p == 0) return 0;
    const column = targetOf(key);
    if (column >= MAY_NAME) {
      if (column != NO_COLUMN && isOfEnvelope(column, p)) return 0;
      p = takeOther(key, p);
      if (p == 0) return 0;
    } else if (<i32>column <= last && isSeen(column)) {
      if (!noteRepeatedKey(keyInLineOf(column), keyStart, keyLength(key) - 1, p)) return 0;
      p = endOfValue(p);
      if (p == 0) return 0;
    } else {
      if (<i32>column > last) last = column;
      else inOrder = false;
      const pointers = readColumn(column, p, o);
      if (pointers == 0) return 0;
      addColumn(column, keyStart, o, outputOf(pointers));
      p = inputOf(pointers);
      o = outputOf(pointers);
    }
    p = pastSpace(p);
  } while (load<u8>(p) == 0x2c);
  if (load<u8>(p) != 0x7d) return 0;
  p = pastSpace(p + 1);
  if (!isEnd(p)) return 0;
  if (isWrapped && (mayBeLine(logColumn, LOG_LENGTH) || mayBeLine(messageColumn, MESSAGE_LENGTH))) return 0;
  if (flags() & IDENTITY) return pair(p, o);
  // The loader counts rows without any value, so such a line is left to the TypeScript reader.
  if (o == start) return 0;
  if (!inOrder) putInOrder(start, o);
  o = putOthers(o);
  if (fieldErrors != 0) o = putErrors(o);
  return o == 0 ? 0 : pair(p, o);
}

/**
 * True if the value at `p` may belong to an envelope around a record: it may mark a piece of one; it is a text that may
 * begin with an object; or it is any text beside the name of an output stream. The TypeScript reader then decides.
 */
function isOfEnvelope(target: u32, p: usize): bool {
  if (target == MAY_MARK) return true;
  const first = <u32>load<u8>(p + 1);
  const isText = load<u8>(p) == QUOTE;
  if (target == MAY_WRAP && load<u8>(p) == 0x7b) isWrapped = true;
  else if (target == MAY_NAME) isWrapped = isWrapped || (isText && load<u16>(p, 1) == ST);
  else hasText = hasText || isText;
  if (hasText && isWrapped) return true;
  return target == MAY_WRAP && isText && mayBeginObject(first);
}

/** True if the target is a column whose value may be a JSON record as text, or a piece of a line of Docker's. */
function mayBeLine(target: u32, keyLength: usize): bool {
  if (target >= MAY_NAME || !isSeen(target)) return false;
  const value = pastSpace(pastSpace(keyInLineOf(target) + keyLength + 1) + 1);
  return load<u8>(value) == QUOTE && (keyLength == LOG_LENGTH || mayBeginObject(load<u8>(value, 1)));
}

/** True if a text that begins so may be an object, or a line of CRI. */
// @ts-ignore: decorator
@inline
function mayBeginObject(first: u32): bool {
  return first == 0x7b || first == BACKSLASH || first <= SPACE || isDigit(first);
}

/** `st`, with which `stdout` and `stderr` begin, as a little-endian u16. */
const ST: u32 = 0x7473;
/** The line has a text that names an output stream, or a `log` that is an object; and a text that may be a line. */
let isWrapped: bool = false;
let hasText: bool = false;

// @ts-ignore: decorator
@inline
function isSeen(column: u32): bool {
  return ((load<u64>(SEEN_COLUMNS + <usize>(column >> 6) * 8) >> (column & 63)) & 1) != 0;
}

/** Address in the line of the key that gave a column its value. */
// @ts-ignore: decorator
@inline
function keyInLineOf(column: u32): usize {
  return <usize>load<u32>(SPANS + <usize>column * SPAN_BYTES, 8);
}

/** Adds a column to the set of columns seen, with its entry in SPANS. */
// @ts-ignore: decorator
@inline
function addColumn(column: u32, key: usize, from: usize, to: usize): void {
  const word = SEEN_COLUMNS + <usize>(column >> 6) * 8;
  store<u64>(word, load<u64>(word) | ((<u64>1) << (column & 63)));
  const span = SPANS + <usize>column * SPAN_BYTES;
  store<u32>(span, from);
  store<u32>(span, to, 4);
  store<u32>(span, key, 8);
}

/** Puts the columns that have been written from `start` to `end` in their order. */
function putInOrder(start: usize, end: usize): void {
  putBytes(PIECES, start, end - start);
  let o = start;
  for (let word: usize = 0; word < 4; word++) {
    for (let seen = load<u64>(SEEN_COLUMNS + word * 8); seen != 0; seen &= seen - 1) {
      const span = SPANS + (word * 64 + <usize>ctz(seen)) * SPAN_BYTES;
      const from = <usize>load<u32>(span);
      o = putBytes(o, PIECES + (from - start), <usize>load<u32>(span, 4) - from);
    }
  }
}

/**
 * Writes a column's value, or records that it does not convert. Common forms come first; `readScalar` takes all others.
 */
// @ts-ignore: decorator
@inline
function readColumn(column: u32, p: usize, o: usize): u64 {
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
  noteFailed(column, p, end, length == OUT_OF_RANGE);
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
