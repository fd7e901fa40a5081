/** JSON objects, one a line: core/formats/json.ts, for objects whose members need no second look. */
import { both, COLON, isEnd, put, putBytes, putKey, putTextKey, QUOTE, SCRATCH, ZERO } from './memory';
import { copySigned, copyWhole, isDigit } from './numbers';
import {
  BIGINT, BIGINT_DIGITS, BOOLEAN, DOUBLE, extraKey, fieldCount, flags, IDENTITY, INT, INT_DIGITS, keyOf, names, opOf, RECORD_BYTES,
  RECORDS, SKIP, TEXT, TIME, wrote,
} from './program';
import { copyTime, noteTime } from './times';
import { hash } from './hash';
import { copyPlain, endOfValue, skipSpace } from './json-values';

/** Members no column stands for, kept in `extra`. */
export let unknown: u32 = 0;

/** A key in lower case, with zeros behind it up to whole 16 bytes. */
const KEY: usize = SCRATCH + 256;
const NAME_BYTES: usize = 64;

/** Where the columns' values stand in the line: start and end of each; 0 where it has none. */
const VALUES: usize = SCRATCH + 4096;
const VALUE_BYTES: usize = 8;
/** The members beyond: start and end of key and value, and a hash of the key. */
const OTHERS: usize = VALUES + 4096;
const OTHER_BYTES: usize = 24;
const MOST_OTHERS: u32 = 64;
/** Which column each member of the line before was: the next line's are mostly the same. */
const EXPECTED: usize = OTHERS + OTHER_BYTES * <usize>MOST_OTHERS;
const MOST_EXPECTED: u32 = 128;
const NO_COLUMN: u32 = 0xffff;

/** @returns the line's end; 0 for a surprise */
export function readJson(p: usize, o: usize): u64 {
  const columns = fieldCount();
  const start = o;
  const wantsRow = !(flags() & IDENTITY);
  for (let i: usize = 0; i < <usize>columns * VALUE_BYTES; i += 16) v128.store(VALUES + i, i64x2.splat(0));
  p = skipSpace(p);
  if (load<u8>(p) != 0x7b) return 0;
  p = skipSpace(p + 1);
  let others: u32 = 0;
  for (let member: u32 = 0; ; member++) {
    if (load<u8>(p) != QUOTE) return 0;
    const keyStart = p + 1;
    let column = expectedColumn(keyStart, member, columns);
    let keyEnd: usize;
    if (column != NO_COLUMN) keyEnd = keyStart + nameLength(column);
    else {
      keyEnd = lowerKey(keyStart);
      if (keyEnd == 0) return 0;
      column = columnOf(keyEnd - keyStart, member, columns);
    }
    p = skipSpace(keyEnd + 1);
    if (load<u8>(p) != COLON) return 0;
    p = skipSpace(p + 1);
    const valueEnd = endOfValue(p, 0);
    if (valueEnd == 0) return 0;
    if (column != NO_COLUMN) {
      const value = VALUES + <usize>column * VALUE_BYTES;
      if (load<u32>(value) != 0) return 0;
      store<u32>(value, p);
      store<u32>(value, valueEnd, 4);
    } else {
      if (others == MOST_OTHERS || !noteOther(others, keyStart, keyEnd, p, valueEnd)) return 0;
      others++;
    }
    p = skipSpace(valueEnd);
    const c = <u32>load<u8>(p);
    p = skipSpace(p + 1);
    if (c == 0x7d) break;
    if (c != 0x2c) return 0;
  }
  if (!isEnd(p)) return 0;
  let record = RECORDS;
  for (let column: u32 = 0; column < columns; column++, record += RECORD_BYTES) {
    const value = VALUES + <usize>column * VALUE_BYTES;
    const at = load<u32>(value);
    if (at == 0 || load<u8>(at) == 0x6e || opOf(record) == SKIP) continue;
    const from = o;
    o = copyValue(record, at, load<u32>(value, 4), o);
    if (o == 0) return 0;
    wrote(record, 0, from, o);
  }
  if (!wantsRow) return both(p, o);
  // A row without any value is never normal.
  return o == start ? 0 : both(p, copyOthers(others, o));
}

/** Writes a key in lower case to KEY. @returns where it ends; 0 for one that is empty, long, escaped or no ASCII */
function lowerKey(p: usize): usize {
  for (let at: usize = 0; at < NAME_BYTES; at += 16) {
    const bytes = v128.load(p + at);
    const special = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
        i8x16.lt_s(bytes, i8x16.splat(0x20)),
      ),
    );
    const upper = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x41)), i8x16.splat(26));
    const lower = v128.or(bytes, v128.and(upper, i8x16.splat(0x20)));
    if (special == 0) {
      v128.store(KEY + at, lower);
      continue;
    }
    const length = ctz(special);
    const end = p + at + length;
    if (load<u8>(end) != QUOTE || end == p) return 0;
    v128.store(KEY + at, v128.and(lower, v128.load(FIRST_BYTES + 16 - length)));
    return end;
  }
  return 0;
}

/** Read from 16 - n on, 16 bytes of which the first n are all ones. */
const FIRST_BYTES: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0,
]);

// @ts-ignore: decorator
@inline
function nameLength(column: u32): usize {
  return <usize>load<u32>(RECORDS + <usize>column * RECORD_BYTES, 8);
}

/** The column of the key at a place where it is the one expected and written as the column is; else NO_COLUMN. */
// @ts-ignore: decorator
@inline
function expectedColumn(p: usize, member: u32, columns: u32): u32 {
  const likely = <u32>load<u16>(EXPECTED + <usize>min(member, MOST_EXPECTED - 1) * 2);
  if (likely >= columns) return NO_COLUMN;
  const length = nameLength(likely);
  if (length > 16 || load<u8>(p + length) != QUOTE) return NO_COLUMN;
  const differs = v128.xor(v128.load(p), v128.load(names() + <usize>likely * NAME_BYTES));
  return v128.any_true(v128.and(differs, v128.load(FIRST_BYTES + 16 - length))) ? NO_COLUMN : likely;
}

/** The column of the key in KEY, or NO_COLUMN. */
function columnOf(length: usize, member: u32, columns: u32): u32 {
  const expected = EXPECTED + <usize>min(member, MOST_EXPECTED - 1) * 2;
  for (let column: u32 = 0; column < columns; column++) {
    if (isName(column, length)) {
      store<u16>(expected, column);
      return column;
    }
  }
  return NO_COLUMN;
}

// @ts-ignore: decorator
@inline
function isName(column: u32, length: usize): bool {
  const name = names() + <usize>column * NAME_BYTES;
  // A name and the zero behind it: KEY has one too.
  for (let at: usize = 0; at <= length; at += 16) {
    if (i8x16.bitmask(i8x16.ne(v128.load(name + at), v128.load(KEY + at))) != 0) return false;
  }
  return true;
}

/** Keeps a member for `extra`. False for a key given twice, or one that JavaScript would put before others. */
function noteOther(others: u32, keyStart: usize, keyEnd: usize, p: usize, valueEnd: usize): bool {
  if (isDigit(load<u8>(keyStart))) return false;
  const key = <u32>hash(KEY, keyEnd - keyStart, 0);
  for (let i: u32 = 0; i < others; i++) if (load<u32>(OTHERS + <usize>i * OTHER_BYTES, 16) == key) return false;
  const other = OTHERS + <usize>others * OTHER_BYTES;
  store<u32>(other, keyStart);
  store<u32>(other, keyEnd, 4);
  store<u32>(other, p, 8);
  store<u32>(other, valueEnd, 12);
  store<u32>(other, key, 16);
  return true;
}

function copyOthers(others: u32, o: usize): usize {
  let count: u32 = 0;
  for (let i: u32 = 0; i < others; i++) {
    const other = OTHERS + <usize>i * OTHER_BYTES;
    const start = <usize>load<u32>(other, 8);
    if (load<u8>(start) == 0x6e) continue;
    o = count++ == 0 ? put(putTextKey(o, extraKey()), 0x7b) : put(o, 0x2c);
    store<u16>(o, 0x225c); // \"
    const key = <usize>load<u32>(other);
    o = putBytes(o + 2, key, <usize>load<u32>(other, 4) - key);
    store<u32>(o, 0x5c3a225c); // \":\
    o = copyPlain(start, load<u32>(other, 12), put(o + 4, QUOTE), 2);
    store<u16>(o, 0x225c);
    o += 2;
  }
  unknown = count;
  if (count == 0) return o;
  store<u16>(o, 0x227d); // }"
  return o + 2;
}

/** A column's value. 0 where it does not convert. */
function copyValue(record: usize, p: usize, end: usize, o: usize): usize {
  const op = opOf(record);
  const key = keyOf(record, 0);
  if (op == TEXT) return put(copyPlain(p, end, putTextKey(o, key), 1), QUOTE);
  const quoted = load<u8>(p) == QUOTE;
  const from = quoted ? p + 1 : p;
  const to = quoted ? end - 1 : end;
  switch (op) {
    case INT:
      return copyWhole(from, withoutZeroFraction(from, to), putKey(o, key), INT_DIGITS);
    case BIGINT:
      return copyWhole(from, withoutZeroFraction(from, to), putKey(o, key), BIGINT_DIGITS);
    case DOUBLE:
      return copySigned(from, to, putKey(o, key));
    case BOOLEAN: {
      const first = <u32>load<u8>(p);
      if (first != 0x74 && first != 0x66) return 0;
      return putBytes(putKey(o, key), p, end - p);
    }
    case TIME: {
      // nginx's own form is none of JSON's.
      if (to - from > 2 && load<u8>(from, 2) == 0x2f) return 0;
      o = copyTime(from, to, putTextKey(o, key));
      if (o == 0) return 0;
      noteTime();
      return put(o, QUOTE);
    }
    default:
      return 0;
  }
}

/** `200.0` is 200. */
function withoutZeroFraction(p: usize, end: usize): usize {
  let at = end;
  while (at > p && load<u8>(at - 1) == ZERO) at--;
  return at < end && end - at <= 20 && at > p && load<u8>(at - 1) == 0x2e ? at - 1 : end;
}
