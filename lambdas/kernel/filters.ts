/**
 * Says which filter leaves the current line out, and counts such lines. This file mirrors
 * lambdas/core/reading/filters.ts.
 */
import { COLON, CR, HTTP, INPUT, isEnd, LF, RESULT, SPACE } from './memory';
import { digitsIn, isDigit } from './numbers';
import { ERROR_LOG_NO_CLIENT, ERROR_LOG_NO_HTTP, flags } from './program';
import { find } from './text';

/** Numbers of the filters, which are the indices of KERNEL_FILTERS in lambdas/core/reading/kernel.ts plus 1. */
export const FILTER_LOCAL_CLIENT: u32 = 1;
export const FILTER_NOT_STDOUT: u32 = 2;
export const FILTER_NO_HTTP: u32 = 3;
export const FILTER_NO_CLIENT: u32 = 4;
export const FILTER_BLANK_LINE: u32 = 5;

/** Counts of the lines that each filter has left out in this call, which the host reads. */
const COUNTS: usize = RESULT + 40;
/** Offsets in the block of the first line that each filter has left out. */
const FIRSTS: usize = RESULT + 72;

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
  v128.store(COUNTS, i64x2.splat(0), 16);
}

/** Counts the line at `p`, and notes the offset of the first line that the filter left out: an example of them. */
export function countFiltered(p: usize): void {
  const at = COUNTS + <usize>(filter - 1) * 4;
  const count = load<u32>(at);
  if (count == 0) store<u32>(at, p - INPUT, FIRSTS - COUNTS);
  store<u32>(at, count + 1);
}

/** Sets the filter that leaves out a line of nothing but white space. Returns the line's end, or 0 for other lines. */
export function matchBlankLine(p: usize): usize {
  for (; ; p++) {
    if (isEnd(p)) break;
    const c = <u32>load<u8>(p);
    if (c != SPACE && (c < 0x09 || c > CR)) return 0;
  }
  setFilter(FILTER_BLANK_LINE);
  return p;
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

/**
 * Sets the filter that leaves out a line of the gateway's own error log: `no_http`, or `no_client_address` if the line
 * quotes a request. This mirrors `errorLogFilter` in lambdas/core/reading/filters.ts.
 *
 * @returns the line's end, or 0 if the line is not of the error log or no such filter is on
 */
export function matchErrorLog(p: usize): usize {
  // The slashes of `yyyy/MM/dd`, which lines of other formats hardly have there, are checked before the rest.
  if (load<u8>(p, 4) != 0x2f || load<u8>(p, 7) != 0x2f || !isErrorLog(p)) return 0;
  const program = flags();
  const end = endWithoutHttp(p);
  if (end != 0 && program & ERROR_LOG_NO_HTTP) setFilter(FILTER_NO_HTTP);
  else if (program & ERROR_LOG_NO_CLIENT) setFilter(FILTER_NO_CLIENT);
  else if (program & ERROR_LOG_NO_HTTP) setFilter(FILTER_NO_HTTP);
  else return 0;
  return end == 0 ? find(p, LF) : end;
}

/** The digits and the punctuation of `yyyy/MM/dd HH:mm`, a bit for each byte. */
const TIME_DIGITS: i32 = 0b1101_1011_0110_1111;
const TIME_PUNCTUATION: i32 = 0b0010_0100_1001_0000;

/**
 * True if the line begins like a message that nginx writes before it can log: `nginx: [warn] …`. The TypeScript reader
 * decides about it.
 */
export function isStartMessage(p: usize): bool {
  return load<u64>(p) == START_MESSAGE;
}

/** `nginx: [` as a little-endian u64. */
const START_MESSAGE: u64 = 0x5b203a786e69676e;

/** True for `yyyy/MM/dd HH:mm:ss [`, a level of nginx's error log, and `] `. */
function isErrorLog(p: usize): bool {
  const time = v128.load(p);
  const punctuation = i8x16.eq(time, i8x16(0, 0, 0, 0, 0x2f, 0, 0, 0x2f, 0, 0, 0x20, 0, 0, 0x3a, 0, 0));
  if (i8x16.bitmask(punctuation) != TIME_PUNCTUATION || (digitsIn(time) & TIME_DIGITS) != TIME_DIGITS) return false;
  if (load<u8>(p, 16) != COLON || !isDigit(load<u8>(p, 17)) || !isDigit(load<u8>(p, 18))) return false;
  if (load<u16>(p, 19) != 0x5b20) return false;
  let at = p + 21;
  let level: u64 = 0;
  for (let count: u32 = 0; count < 8 && load<u8>(at) != 0x5d; count++, at++) level = (level << 8) | load<u8>(at);
  return load<u16>(at) == 0x205d && isLevel(level);
}

/** Levels of nginx's error log, their letters as a big-endian number. */
function isLevel(level: u64): bool {
  return (
    level == 0x6572726f72 || level == 0x7761726e || level == 0x6e6f74696365 || level == 0x696e666f ||
    level == 0x6465627567 || level == 0x63726974 || level == 0x616c657274 || level == 0x656d657267
  );
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
