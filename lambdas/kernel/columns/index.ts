/**
 * Columns: the encoder of Parquet pages, compiled to WebAssembly as the kernel is. Its host is
 * lambdas/core/parquet/encoder.ts, which has one instance for each file.
 *
 * The host gives rows as the core packs them (rows.ts). When a page is full it asks for it column by column (page.ts),
 * and compresses what it gets. At the end of a row group it asks for the dictionaries and the bounds.
 *
 * Rows come from the core's own readers. What they cannot have written is an error, never a value.
 */
import { Column, columnAt, TextBound } from './column';
import { endDictionary } from './dictionary';

export { begin, clearPage, column, failedAt, jsonBytes, place, read, rowCount } from './rows';
export { badRow, encode, nulls, pageAt, usesDictionary } from './page';

/** The dictionary of a column: its values, which are `dictionaryBytes` from `dictionaryAt` on. */
export function dictionaryEntries(index: u32): u32 {
  return columnAt(index).entries;
}
export function dictionaryAt(index: u32): usize {
  return columnAt(index).dictionary.at;
}
export function dictionaryBytes(index: u32): u32 {
  return columnAt(index).dictionaryBytes;
}

export function hasBounds(index: u32): bool {
  return columnAt(index).hasBounds;
}
/** Address of the least value of a column of numbers, and after it of the greatest. */
export function numberBoundsAt(index: u32): usize {
  return changetype<usize>(columnAt(index)) + offsetof<Column>('least');
}
/** Address of the first bytes of the least or the greatest text, their number, and whether it has no more. */
export function textBoundAt(index: u32, greatest: bool): usize {
  return bound(index, greatest).at;
}
export function textBoundLength(index: u32, greatest: bool): u32 {
  return bound(index, greatest).length;
}
export function textBoundIsWhole(index: u32, greatest: bool): bool {
  return bound(index, greatest).isWhole;
}

/** Ends the row group's part of a column. */
export function endChunk(index: u32): void {
  const column = columnAt(index);
  column.hasBounds = false;
  endDictionary(column);
}

function bound(index: u32, greatest: bool): TextBound {
  const column = columnAt(index);
  return greatest ? column.greatestText : column.leastText;
}
