/**
 * Writes a time as a row has it: as a number of seconds or of milliseconds since the epoch, or as text. This file
 * mirrors `rowTime` in lambdas/core/reading/times.ts, which says when to use which form.
 *
 * In all functions, `p` is the address of the digits of a fraction of a second, and `length` is the number of these
 * digits that are written: see `fractionLength`.
 */
import { COLON, DOT, HYPHEN, put, QUOTE, SPACE, ZERO } from './memory';

const MAX_FRACTION_DIGITS: usize = 6;

/** Number of a fraction's digits that are written: at most six (microseconds), and without zeros at the end. */
// @ts-ignore: decorator
@inline
export function fractionLength(p: usize, end: usize): usize {
  const zeros = <u32>i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(<i8>ZERO)));
  return <usize>(32 - clz(~zeros & ((1 << <u32>min(end - p, MAX_FRACTION_DIGITS)) - 1)));
}

/** Writes a time's fraction, if it has digits, and the closing quote. */
// @ts-ignore: decorator
@inline
export function endText(o: usize, p: usize, length: usize): usize {
  if (length > 0) {
    o = put(o, DOT);
    store<u64>(o, load<u64>(p));
    o += length;
  }
  return put(o, QUOTE);
}

export const MILLIS_FRACTION: usize = 3;
/** The first second that has ten digits, whose milliseconds have 13 digits, and the first second that has eleven. */
export const TEN_DIGITS: i64 = 1_000_000_000;
const ELEVEN_DIGITS: i64 = 10_000_000_000;
/** The last second that is written as a number of seconds. Later times are written in milliseconds. */
export const LAST_SECONDS: i64 = 2_147_483_647;

/**
 * Writes a time as a number, if its fraction is at most milliseconds.
 *
 * @returns the end of the number, or 0 if the time must be written as text
 */
export function putNumber(o: usize, seconds: i64, p: usize, length: usize): usize {
  if (seconds < TEN_DIGITS) return length > 0 || seconds < 0 ? 0 : putShort(o, <u32>seconds);
  if (seconds >= ELEVEN_DIGITS) return 0;
  store<u64>(o, eightDigits(<u32>(seconds / 100)));
  store<u16>(o, twoDigits(<u32>(seconds % 100)), 8);
  return length == 0 && seconds <= LAST_SECONDS ? o + 10 : putMillis(o + 10, p, length);
}

/** Writes seconds of fewer than ten digits, which are those before 2001-09-09. */
function putShort(o: usize, seconds: u32): usize {
  let digits: usize = 1;
  for (let rest = seconds / 10; rest > 0; rest /= 10) digits++;
  for (let at = o + digits - 1; at >= o; at--) {
    store<u8>(at, ZERO + (seconds % 10));
    seconds /= 10;
  }
  return o + digits;
}

/** Writes three digits of milliseconds, padded with zeros. */
// @ts-ignore: decorator
@inline
export function putMillis(o: usize, p: usize, length: usize): usize {
  const keptBytes: u32 = (1 << (<u32>length * 8)) - 1;
  store<u32>(o, (load<u32>(p) & keptBytes) | (0x303030 & ~keptBytes));
  return o + MILLIS_FRACTION;
}

/** Returns a number below 100 as two ASCII digits in a u16. */
// @ts-ignore: decorator
@inline
export function twoDigits(value: u32): u32 {
  return value / 10 + ((value % 10) << 8) + 0x3030;
}

/**
 * Returns a number below 10^8 as eight ASCII digits, with leading zeros. It is split in halves three times: into four
 * digits, two digits and one digit, all in one u64.
 */
export function eightDigits(value: u32): u64 {
  const fours = <u64>(value / 10_000) | (<u64>(value % 10_000) << 32);
  const hundreds = ((fours * 5243) >> 19) & 0x7f_0000_007f;
  const twos = hundreds | ((fours - hundreds * 100) << 16);
  const tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
  return tens + ((twos - tens * 10) << 8) + 0x3030_3030_3030_3030;
}

/** Times in milliseconds that have 13 digits. */
const MIN_MILLIS: f64 = 1_000_000_000_000;
const MAX_MILLIS: f64 = 9_999_999_999_999;

/**
 * Writes a time in milliseconds since the epoch.
 *
 * @returns the end of the number, or 0 if the time is not whole milliseconds of 13 digits
 */
export function putEpoch(o: usize, time: f64): usize {
  if (!(time >= MIN_MILLIS && time <= MAX_MILLIS) || Math.floor(time) != time) return 0;
  const millis = <i64>time;
  const low = <u32>(millis % 100_000);
  store<u64>(o, eightDigits(<u32>(millis / 100_000)));
  store<u64>(o, eightDigits(low) >> 24, 8);
  return low % 1000 == 0 && millis <= LAST_SECONDS * 1000 ? o + 10 : o + 13;
}

/**
 * Writes a time from 1970 on as text: `"yyyy-M-d HH:mm:ss[.fraction]"`. The date is computed by days since 0000-03-01,
 * as the leap day is then the last day of a year.
 */
export function putText(o: usize, seconds: i64, p: usize, length: usize): usize {
  const secondOfDay = <u32>(seconds % 86_400);
  const shifted = seconds / 86_400 + 719_468;
  const era = shifted / 146_097;
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const monthFromMarch = (5 * dayOfYear + 2) / 153;
  const day = <u32>(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1);
  const month = <u32>(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9);
  const year = <u32>(yearOfEra + era * 400 + (month <= 2 ? 1 : 0));
  o = put(o, QUOTE);
  putTwo(o, year / 100);
  putTwo(o + 2, year % 100);
  o = putMonthAndDay(o + 4, month, day);
  putTwo(o, secondOfDay / 3600);
  putTwo(put(o + 2, COLON), (secondOfDay / 60) % 60);
  putTwo(put(o + 5, COLON), secondOfDay % 60);
  return endText(o + 8, p, length);
}

/** Writes what follows the year: `-M-d `. */
export function putMonthAndDay(o: usize, month: u32, day: u32): usize {
  o = putOneOrTwo(put(o, HYPHEN), month);
  return put(putOneOrTwo(put(o, HYPHEN), day), SPACE);
}

// @ts-ignore: decorator
@inline
function putOneOrTwo(o: usize, value: u32): usize {
  if (value < 10) return put(o, ZERO + value);
  putTwo(o, value);
  return o + 2;
}

// @ts-ignore: decorator
@inline
function putTwo(o: usize, value: u32): void {
  store<u8>(o, ZERO + value / 10);
  store<u8>(o, ZERO + (value % 10), 1);
}
