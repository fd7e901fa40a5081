/**
 * Says which filter leaves the current line out, and counts such lines. This file mirrors
 * lambdas/core/reading/filters.ts.
 */
import { HTTP, LF, RESULT } from './memory';

/** Numbers of the filters, which are the indices of KERNEL_FILTERS in lambdas/core/reading/kernel.ts plus 1. */
export const FILTER_LOCAL_CLIENT: u32 = 1;
export const FILTER_NOT_STDOUT: u32 = 2;
export const FILTER_NO_HTTP: u32 = 3;
export const FILTER_NO_CLIENT: u32 = 4;

/** Counts of the lines that each filter has left out in this call, which the host reads. */
const COUNTS: usize = RESULT + 40;

/** The filter that leaves out the current line, or 0 if none does. */
export let filter: u32 = 0;

// @ts-ignore: decorator
@inline
export function setFilter(by: u32): void {
  filter = by;
}

export function clearFiltered(): void {
  filter = 0;
  v128.store(COUNTS, i64x2.splat(0));
}

export function countFiltered(): void {
  const at = COUNTS + <usize>(filter - 1) * 4;
  store<u32>(at, load<u32>(at) + 1);
}

/**
 * True if the line holds NUL, which text never does. The TypeScript reader then decides whether a filter leaves out the
 * line or it is rejected.
 */
export function hasNul(p: usize, end: usize): bool {
  for (; p < end; p += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), i64x2.splat(0)));
    if (found != 0 && p + <usize>ctz(found) < end) return true;
  }
  return false;
}

/** Returns the line's end if the line holds no `HTTP/`, or 0 if it does. */
export function endWithoutHttp(p: usize): usize {
  do {
    const bytes = v128.load(p);
    let found = i8x16.bitmask(v128.or(i8x16.eq(bytes, i8x16.splat(0x48)), i8x16.eq(bytes, i8x16.splat(<i8>LF))));
    for (; found != 0; found &= found - 1) {
      const at = p + <usize>ctz(found);
      if (load<u8>(at) == LF) return at;
      if (load<u32>(at) == HTTP && load<u8>(at, 4) == 0x2f) return 0;
    }
    p += 16;
  } while (true);
}
