/** The least and the greatest value of a column within a row group, which let readers skip it. */
import { BOUND_BYTES, Column, TextBound } from './column';
import { headOf } from './texts';

// @ts-ignore: decorator
@inline
export function considerText(column: Column, p: usize, length: usize): void {
  const head = headOf(p, length);
  if (column.hasBounds && head > column.leastText.head && head < column.greatestText.head) return;
  considerCloseText(column, p, length, head);
}

function considerCloseText(column: Column, p: usize, length: usize, head: u64): void {
  if (!column.hasBounds) {
    column.hasBounds = true;
    setText(column.leastText, p, length, head);
    setText(column.greatestText, p, length, head);
    return;
  }
  const order = compareToBound(p, length, head, column.leastText);
  if (order < 0) setText(column.leastText, p, length, head);
  // Of texts that begin alike, one without more bytes is the least, and one with more bytes is the greatest.
  else if (order == 0 && length <= BOUND_BYTES) column.leastText.isWhole = true;
  const other = compareToBound(p, length, head, column.greatestText);
  if (other > 0) setText(column.greatestText, p, length, head);
  else if (other == 0 && length > BOUND_BYTES) column.greatestText.isWhole = false;
}

function setText(bound: TextBound, p: usize, length: usize, head: u64): void {
  bound.head = head;
  bound.length = <u32>min(length, BOUND_BYTES);
  bound.isWhole = length <= BOUND_BYTES;
  memory.copy(bound.at, p, bound.length);
}

/** Compares the bytes that a bound would keep of a text with those of a bound. */
function compareToBound(p: usize, length: usize, head: u64, bound: TextBound): i32 {
  if (head != bound.head) return head < bound.head ? -1 : 1;
  const kept = min(length, BOUND_BYTES);
  const shared = min(kept, <usize>bound.length);
  for (let i: usize = 0; i < shared; i += 8) {
    const own = headOf(p + i, shared - i);
    const other = headOf(bound.at + i, shared - i);
    if (own != other) return own < other ? -1 : 1;
  }
  return <i32>kept - <i32>bound.length;
}

// @ts-ignore: decorator
@inline
export function considerWhole(column: Column, number: i64): void {
  if (!column.hasBounds) {
    column.hasBounds = true;
    column.least = number;
    column.greatest = number;
  } else if (number < <i64>column.least) column.least = number;
  else if (number > <i64>column.greatest) column.greatest = number;
}

// @ts-ignore: decorator
@inline
export function considerDouble(column: Column, number: f64): void {
  const bits = reinterpret<u64>(number);
  if (!column.hasBounds) {
    column.hasBounds = true;
    column.least = bits;
    column.greatest = bits;
  } else if (number < reinterpret<f64>(column.least)) column.least = bits;
  else if (number > reinterpret<f64>(column.greatest)) column.greatest = bits;
}
