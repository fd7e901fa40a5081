/**
 * JSON objects, one a line: core/formats/json.ts, for objects whose members need no second look.
 *
 * Each value is written as soon as it is read: a column's to the output, what no column stands for aside, as `extra`
 * comes last. Where members come in another order than their columns, what has been written is put in order at the end.
 */
import { copyExponent } from './exponents';
import { both, DOT, HAD, inOf, isEnd, outOf, PIECES, put, putBytes, putKey, QUOTE, ZERO } from './memory';
import { copySigned, copyWhole } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, BOOLEAN, DOUBLE, flags, IDENTITY, INT, INT_DIGITS, keyOf, opOf, RECORD_BYTES, RECORDS, SKIP, TEXT, TIME,
  wrote,
} from './program';
import { beginEvent, copyTime, noteTime } from './times';
import { BEFORE_FIRST, columnOf, keyAt, keyLength, NO_COLUMN, prepareKeys, valueAfter } from './json-keys';
import { fieldErrors, noteFailed, noteRepeated, putErrors } from './errors';
import { beginOthers, putOthers, takeOther } from './json-others';
import { copyDecimalNumber, copyText, copyWholeNumber, endOfLiteral, endOfValue, pass, pastSpace } from './json-values';

/** Behind the columns that the line has had, a bit each of 256: where their pieces of the row stand: start and end of each, and where its key is in the line. */
const PLACES: usize = HAD + 32;
const PLACE_BYTES: usize = 16;
/** The first column that told a time: its time is the event's. */
let timeColumn: u32 = NO_COLUMN;

// @ts-ignore: decorator
@inline
function beginMembers(): void {
  v128.store(HAD, i64x2.splat(0));
  v128.store(HAD, i64x2.splat(0), 16);
  beginOthers();
  timeColumn = NO_COLUMN;
}

/** @returns the line's end; 0 for a surprise */
export function readJson(p: usize, o: usize): u64 {
  prepareKeys();
  beginMembers();
  const start = o;
  let key = BEFORE_FIRST;
  let last: i32 = -1;
  let inOrder = true;
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
    const column = columnOf(key);
    if (column == NO_COLUMN) {
      p = takeOther(key, p);
      if (p == 0) return 0;
    } else if (<i32>column <= last && hasHad(column)) {
      if (!noteRepeated(keyOfColumn(column), keyStart, keyLength(key) - 1, p)) return 0;
      p = endOfValue(p);
      if (p == 0) return 0;
    } else {
      if (<i32>column > last) last = column;
      else inOrder = false;
      const places = readColumn(column, p, o);
      if (places == 0) return 0;
      noteColumn(column, keyStart, o, outOf(places));
      p = inOf(places);
      o = outOf(places);
    }
    p = pastSpace(p);
  } while (load<u8>(p) == 0x2c);
  if (load<u8>(p) != 0x7d) return 0;
  p = pastSpace(p + 1);
  if (!isEnd(p)) return 0;
  if (flags() & IDENTITY) return both(p, o);
  // A row without any value is never normal.
  if (o == start) return 0;
  if (!inOrder) putInOrder(start, o);
  o = putOthers(o);
  if (fieldErrors != 0) o = putErrors(o);
  return o == 0 ? 0 : both(p, o);
}

// @ts-ignore: decorator
@inline
function hasHad(column: u32): bool {
  return ((load<u64>(HAD + <usize>(column >> 6) * 8) >> (column & 63)) & 1) != 0;
}

// @ts-ignore: decorator
@inline
function keyOfColumn(column: u32): usize {
  return <usize>load<u32>(PLACES + <usize>column * PLACE_BYTES, 8);
}

// @ts-ignore: decorator
@inline
function noteColumn(column: u32, key: usize, from: usize, to: usize): void {
  const word = HAD + <usize>(column >> 6) * 8;
  store<u64>(word, load<u64>(word) | ((<u64>1) << (column & 63)));
  const place = PLACES + <usize>column * PLACE_BYTES;
  store<u32>(place, from);
  store<u32>(place, to, 4);
  store<u32>(place, key, 8);
}

/** Puts what has been written of the columns in their order. */
function putInOrder(start: usize, end: usize): void {
  putBytes(PIECES, start, end - start);
  let o = start;
  for (let word: usize = 0; word < 4; word++) {
    for (let had = load<u64>(HAD + word * 8); had != 0; had &= had - 1) {
      const place = PLACES + (word * 64 + <usize>ctz(had)) * PLACE_BYTES;
      const from = <usize>load<u32>(place);
      o = putBytes(o, PIECES + (from - start), <usize>load<u32>(place, 4) - from);
    }
  }
}

/** Writes a column's value; where it does not convert, notes that. */
// @ts-ignore: decorator
@inline
function readColumn(column: u32, p: usize, o: usize): u64 {
  const record = RECORDS + <usize>column * RECORD_BYTES;
  const op = opOf(record);
  if (op == SKIP) return pass(endOfValue(p), o);
  if (load<u8>(p) == 0x6e) return pass(endOfLiteral(p), o);
  const key = keyOf(record, 0);
  let places: u64 = 0;
  if (op == TEXT) {
    places = copyText(p, o, key);
    if (places == 0) return 0;
  } else {
    if (op == INT) places = copyWholeNumber(p, putKey(o, key), INT_DIGITS);
    else if (op == DOUBLE) places = copyDecimalNumber(p, putKey(o, key));
    else if (op == BIGINT) places = copyWholeNumber(p, putKey(o, key), BIGINT_DIGITS);
    if (places == 0) places = readScalar(record, column, p, o);
    if (places == 0 || outOf(places) == o) return places;
  }
  wrote(record, 0, o, outOf(places));
  return places;
}

/** The same for a value that is no text, in whatever form. */
function readScalar(record: usize, column: u32, p: usize, o: usize): u64 {
  const end = endOfValue(p);
  if (end == 0) return 0;
  const done = copyScalar(record, column, p, end, o);
  if (done != 0) return both(end, done);
  return noteFailed(column, p, end) ? both(end, o) : 0;
}

function copyScalar(record: usize, column: u32, p: usize, end: usize, o: usize): usize {
  const key = keyOf(record, 0);
  const quoted = load<u8>(p) == QUOTE;
  const from = quoted ? p + 1 : p;
  const to = quoted ? end - 1 : end;
  switch (opOf(record)) {
    case INT:
      return copyWhole(from, withoutZeroFraction(from, to), putKey(o, key), INT_DIGITS);
    case BIGINT:
      return copyWhole(from, withoutZeroFraction(from, to), putKey(o, key), BIGINT_DIGITS);
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
      if (o != 0) noteTimeOf(column);
      return o;
    default:
      return 0;
  }
}

/** Writes a time, in quotes or not. */
export function copyTimeOf(p: usize, end: usize, o: usize): usize {
  if (load<u8>(p) == QUOTE) {
    p++;
    end--;
  }
  // nginx's own form is none of JSON's.
  return end - p > 2 && load<u8>(p, 2) == 0x2f ? 0 : copyTime(p, end, o);
}

/** The time just written is the column's: the event's where no column before it has told one. */
function noteTimeOf(column: u32): void {
  if (column > timeColumn) return;
  timeColumn = column;
  beginEvent();
  noteTime();
}

/** `200.0` is 200. */
function withoutZeroFraction(p: usize, end: usize): usize {
  let at = end;
  while (at > p && load<u8>(at - 1) == ZERO) at--;
  return at < end && end - at <= 20 && at > p && load<u8>(at - 1) == DOT ? at - 1 : end;
}
