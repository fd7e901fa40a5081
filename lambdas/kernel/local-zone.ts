/**
 * Offsets from UTC of times that were written without a zone. This file mirrors lambdas/core/reading/local-zone.ts, whose
 * changes the program contains.
 */
import { zoneChanges, zoneCount } from './program';

const CHANGE_BYTES: usize = 8;
const MINUTE_MS: i64 = 60_000;

/**
 * Offset, in milliseconds, of a local minute that is given as the milliseconds that it would be in UTC; i64.MIN_VALUE
 * for a time before the first change or from the last one on, which only ends the table.
 */
export function localOffset(minute: i64): i64 {
  const count = zoneCount();
  if (count == 0) return 0;
  const changes = zoneChanges();
  const at = minute / MINUTE_MS;
  if (at < changeAt(changes, 0) || at >= changeAt(changes, count - 1)) return i64.MIN_VALUE;
  let low: u32 = 0;
  let high: u32 = count - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (changeAt(changes, middle) <= at) low = middle;
    else high = middle - 1;
  }
  return <i64>load<i32>(changes + <usize>low * CHANGE_BYTES, 4) * MINUTE_MS;
}

/** The local minute, since the epoch, from which a change applies. */
// @ts-ignore: decorator
@inline
function changeAt(changes: usize, index: u32): i64 {
  return <i64>load<i32>(changes + <usize>index * CHANGE_BYTES);
}
