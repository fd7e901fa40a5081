/**
 * A page of one column: which rows have a value, then the values, or their indexes in the dictionary.
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import { considerDouble, considerText, considerWhole } from './bounds';
import { BIGINT, BOOLEAN, Column, columnAt, DOUBLE, INT, TEXT } from './column';
import { beginDictionary, giveUp, GIVEN_UP, indexOfNumber, indexOfText, isText, LENGTH_BYTES } from './dictionary';
import { Block, newBlock, reserve } from './memory';
import { bigintOf, doubleOf, intOf, isValue, timestampOf } from './numbers';
import { addressOf, FALSE, jsonBytes, rowCount, TRUE } from './rows';
import { textLength, textOf } from './texts';

/** Results of `encode`. */
export let nulls: u32 = 0;
export let usesDictionary: bool = false;
/** Row of the page whose value does not fit the column; -1 if all do. */
export let badRow: i32 = -1;
/** Address of the page. */
export let pageAt: usize = 0;

let page: Block = newBlock();
/** Indexes in the dictionary, 4 bytes each. */
let indexes: Block = newBlock();

/**
 * Encodes what the page has in a column.
 *
 * @returns bytes of the page at `pageAt`
 */
export function encode(index: u32): u32 {
  const column = columnAt(index);
  // A text has less bytes than its JSON, and every other value at most eight.
  pageAt = reserve(page, <usize>jsonBytes + <usize>rowCount * 8 + 1024, 0);
  const o = putLevels(column, pageAt);
  badRow = -1;
  usesDictionary = false;
  // A page without values is a plain one: a dictionary without values would be none.
  if (nulls == rowCount) return <u32>(o - pageAt);
  if (column.type == TEXT) return <u32>(putTexts(column, o) - pageAt);
  if (column.type == BOOLEAN) return <u32>(putBooleans(column, o) - pageAt);
  return <u32>(putNumbers(column, o) - pageAt);
}

/** Definition levels: a bit for each row, which is set if it has a value. Sets `nulls`. */
function putLevels(column: Column, o: usize): usize {
  const groups = (rowCount + 7) >> 3;
  const start = o + 8;
  let count: u32 = 0;
  let p = column.values;
  for (let group: usize = 0; group < groups; group++) {
    const bits =
      hasValues(p) | (hasValues(p + 16) << 2) | (hasValues(p + 32) << 4) | (hasValues(p + 48) << 6);
    store<u8>(start + group, bits);
    count += <u32>popcnt(bits);
    p += 64;
  }
  nulls = rowCount - count;
  if (count == 0 || nulls == 0) {
    const end = putRun(o + 4, rowCount, count == 0 ? 0 : 1, 1);
    store<u32>(o, <u32>(end - o - 4));
    return end;
  }
  const bytes = putVarint(o + 4, (groups << 1) | 1);
  memory.copy(bytes, start, groups);
  store<u32>(o, <u32>(bytes + groups - o - 4));
  return bytes + groups;
}

/** Which of two values are there. */
// @ts-ignore: decorator
@inline
function hasValues(p: usize): i32 {
  return i64x2.bitmask(i64x2.ne(v128.load(p), i64x2.splat(0)));
}

/** A run of equal values of up to 16 bits. */
function putRun(o: usize, count: u32, value: u32, bytes: u32): usize {
  const at = putVarint(o, count << 1);
  store<u16>(at, <u16>value);
  return at + bytes;
}

function putVarint(o: usize, number: u32): usize {
  for (; number > 127; number >>= 7) store<u8>(o++, number | 128);
  store<u8>(o, number);
  return o + 1;
}

function putTexts(column: Column, o: usize): usize {
  if (wantsDictionary(column) && lookUpTexts(column)) return putIndexes(column, o);
  const end = column.values + <usize>rowCount * 8;
  for (let value = column.values; value < end; value += 8) {
    if (load<u64>(value) == 0) continue;
    const p = textOf(value);
    const length = textLength;
    considerText(column, p, length);
    store<u32>(o, <u32>length);
    o = putBytes(o + LENGTH_BYTES, p, length);
  }
  return o;
}

/** Copies bytes, and up to 31 more. */
// @ts-ignore: decorator
@inline
function putBytes(o: usize, p: usize, length: usize): usize {
  for (let i: usize = 0; i < length; i += 32) {
    v128.store(o + i, v128.load(p + i));
    v128.store(o + i, v128.load(p + i, 16), 16);
  }
  return o + length;
}

function putBooleans(column: Column, o: usize): usize {
  const end = column.values + <usize>rowCount * 8;
  let bits: u32 = 0;
  let count: u32 = 0;
  for (let value = column.values; value < end; value += 8) {
    if (load<u64>(value) == 0) continue;
    const p = addressOf(value);
    const length = load<u32>(value, 4);
    const isTrue = length == 4 && load<u32>(p) == TRUE;
    if (!isTrue && !(length == 5 && load<u32>(p) == FALSE && load<u8>(p, 4) == 0x65)) return fail(column, value, o);
    considerWhole(column, <i64>isTrue);
    bits |= <u32>isTrue << (count & 7);
    if ((++count & 7) == 0) {
      store<u8>(o++, bits);
      bits = 0;
    }
  }
  if ((count & 7) != 0) store<u8>(o++, bits);
  return o;
}

function fail(column: Column, value: usize, o: usize): usize {
  badRow = <i32>((value - column.values) >> 3);
  return o;
}

/** Writes the numbers as they are, and over them their indexes if the column has a dictionary. */
function putNumbers(column: Column, o: usize): usize {
  const type = column.type;
  const width: usize = type == INT ? 4 : 8;
  const end = column.values + <usize>rowCount * 8;
  let to = o;
  for (let value = column.values; value < end; value += 8) {
    if (load<u64>(value) == 0) continue;
    if (type == DOUBLE) {
      const number = doubleOf(value);
      considerDouble(column, number);
      store<f64>(to, number);
    } else {
      const number = type == INT ? intOf(value) : type == BIGINT ? bigintOf(value) : timestampOf(value);
      considerWhole(column, number);
      store<i64>(to, number);
    }
    if (!isValue) return fail(column, value, o);
    to += width;
  }
  return wantsDictionary(column) && lookUpNumbers(column, o, to, <u32>width) ? putIndexes(column, o) : to;
}

/** True if the column has a dictionary, or may still get one. */
function wantsDictionary(column: Column): bool {
  if (column.noDictionary) return false;
  if (column.slotMask == 0) beginDictionary(column);
  reserve(indexes, <usize>rowCount * 4 + 64, 0);
  return true;
}

/** Looks the texts up in the dictionary. Returns false if there is none any more. */
function lookUpTexts(column: Column): bool {
  const entries = column.entries;
  const bytes = column.dictionaryBytes;
  const end = column.values + <usize>rowCount * 8;
  let to = indexes.at;
  let index = GIVEN_UP;
  for (let value = column.values; value < end; value += 8) {
    if (load<u64>(value) == 0) continue;
    const p = textOf(value);
    const length = textLength;
    column.lookedUp++;
    // Of many columns, most values are those of the row before.
    if (index == GIVEN_UP || !isText(column, index, p, length)) index = indexOfText(column, p, length);
    if (index == GIVEN_UP) {
      giveUp(column, entries, bytes);
      return false;
    }
    store<u32>(to, index);
    to += 4;
  }
  return true;
}

/** Looks the numbers from `p` to `end` up in the dictionary. Returns false if there is none any more. */
function lookUpNumbers(column: Column, p: usize, end: usize, width: u32): bool {
  const entries = column.entries;
  const bytes = column.dictionaryBytes;
  let to = indexes.at;
  for (; p < end; p += width) {
    column.lookedUp++;
    const index = indexOfNumber(column, width == 4 ? <u64>load<u32>(p) : load<u64>(p), width);
    if (index == GIVEN_UP) {
      giveUp(column, entries, bytes);
      return false;
    }
    store<u32>(to, index);
    to += 4;
  }
  return true;
}

/** Writes the indexes: their width, then one run if all are equal, or else all of them packed. */
function putIndexes(column: Column, o: usize): usize {
  usesDictionary = true;
  const count = rowCount - nulls;
  // Some readers know no width of 0, which would do for a single value.
  const width: u32 = max(1, 32 - <u32>clz(column.entries - 1));
  store<u8>(o++, width);
  const start = indexes.at;
  const first = load<u32>(start);
  let equal: u32 = 1;
  while (equal < count && load<u32>(start + <usize>equal * 4) == first) equal++;
  if (equal == count) return putRun(o, count, first, (width + 7) >> 3);
  const groups = (count + 7) >> 3;
  o = putVarint(o, (groups << 1) | 1);
  const end = start + <usize>groups * 32;
  memory.fill(start + <usize>count * 4, 0, end - start - <usize>count * 4);
  let bits: u64 = 0;
  let used: u64 = 0;
  for (let p = start; p < end; p += 4) {
    bits |= <u64>load<u32>(p) << used;
    used += width;
    if (used >= 32) {
      store<u32>(o, <u32>bits);
      o += 4;
      bits >>= 32;
      used -= 32;
    }
  }
  store<u32>(o, <u32>bits);
  return o + <usize>((used + 7) >> 3);
}
