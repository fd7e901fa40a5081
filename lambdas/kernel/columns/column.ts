/** The columns of the file, and which of them a key of a row stands for. */
import { Block, newBlock, take } from './memory';

/** Types of columns, by their numbers in lambdas/core/parquet/encoder.ts. */
export const TEXT: u32 = 0;
export const INT: u32 = 1;
export const BIGINT: u32 = 2;
export const DOUBLE: u32 = 3;
export const BOOLEAN: u32 = 4;
export const TIMESTAMP: u32 = 5;

/** Bytes of a text that bounds keep: lambdas/core/parquet/bounds.ts shortens it to whole characters. */
export const BOUND_BYTES: usize = 64;

/** The least or the greatest text of a column: its first bytes. */
@unmanaged
export class TextBound {
  /** First eight bytes as a number, the first one highest, with zeros for bytes that are not there. */
  head: u64;
  at: usize;
  length: u32;
  /** The text has no more bytes than these. */
  isWhole: bool;
}

@unmanaged
export class Column {
  type: u32;
  /** What the rows of the page have in the column: `rows.ts` describes it. */
  values: usize;

  // From here on the state of the row group's part of the column.
  /** The column has a value, so that there is a least and a greatest one. */
  hasBounds: bool;
  /** Of numbers, as they are in a page. */
  least: u64;
  greatest: u64;
  leastText: TextBound;
  greatestText: TextBound;
  /** No dictionary any more: dictionary.ts. */
  noDictionary: bool;
  /** Values of the dictionary, one after the other as in its page. */
  dictionary: Block;
  dictionaryBytes: u32;
  entries: u32;
  /** Where each value of the dictionary begins: an offset of 4 bytes. */
  starts: Block;
  /** Hash table: dictionary.ts describes it. */
  slots: Block;
  slotMask: u32;
  /** Values of the column that were looked up. */
  lookedUp: u32;
}

let columns: usize = 0;
export let columnCount: u32 = 0;

/** Table of keys: the key in 4 bytes, the column's number from 1 in the next 4; zeros in a free place. */
let keys: usize = 0;
let keyMask: u32 = 0;

/** Begins the file. Its columns follow, in their order. */
export function beginColumns(count: u32): void {
  columns = take(<usize>count * offsetof<Column>());
  keyMask = (<u32>1 << (34 - <u32>clz(count))) - 1;
  keys = take((<usize>keyMask + 1) * 8);
}

/** @param key the bytes of its key, the first one lowest @param values memory for the values of a page */
export function addColumn(type: u32, key: u32, values: usize): void {
  const column = columnAt(columnCount++);
  column.type = type;
  column.values = values;
  column.leastText = newTextBound();
  column.greatestText = newTextBound();
  column.dictionary = newBlock();
  column.starts = newBlock();
  column.slots = newBlock();
  let place = placeOf(key);
  while (load<u32>(place) != 0) place = nextPlace(place);
  store<u32>(place, key);
  store<u32>(place, columnCount, 4);
}

function newTextBound(): TextBound {
  const bound = changetype<TextBound>(take(offsetof<TextBound>()));
  bound.at = take(BOUND_BYTES + 64);
  return bound;
}

// @ts-ignore: decorator
@inline
export function columnAt(index: u32): Column {
  return changetype<Column>(columns + <usize>index * offsetof<Column>());
}

// @ts-ignore: decorator
@inline
function placeOf(key: u32): usize {
  return keys + <usize>(((key * 0x9e3779b1) >> 12) & keyMask) * 8;
}

// @ts-ignore: decorator
@inline
function nextPlace(place: usize): usize {
  return keys + ((place + 8 - keys) & (<usize>keyMask * 8 + 7));
}

/** Number of the column with a key, from 1; 0 if there is none. */
// @ts-ignore: decorator
@inline
export function columnWithKey(key: u32): u32 {
  let place = placeOf(key);
  while (true) {
    const found = load<u32>(place);
    if (found == key) return load<u32>(place, 4);
    if (found == 0) return 0;
    place = nextPlace(place);
  }
}
