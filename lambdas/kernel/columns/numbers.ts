/** Converts the numbers and times of rows. `isValue` is false after a text that is none, or that is out of range. */
import { dayExists, daysFrom } from '../calendar';
import { IS_TEXT, LENGTH, addressOf } from './rows';

/** The double nearest to a number, or NaN: lambdas/core/parquet/encoder.ts. */
@external('host', 'double')
declare function hostDouble(p: usize, length: u32): f64;

export let isValue: bool = true;

const HYPHEN: u32 = 0x2d;
const DOT: u32 = 0x2e;
const COLON: u32 = 0x3a;
const SPACE: u32 = 0x20;
const ZERO: u32 = 0x30;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_DIGITS: u32 = 6;
/** The last millisecond of a JavaScript Date. */
const MAX_MILLIS: i64 = 8_640_000_000_000_000;

export function intOf(value: usize): i64 {
  const number = bigintOf(value);
  if (number > i32.MAX_VALUE || number < i32.MIN_VALUE) isValue = false;
  return number;
}

export function bigintOf(value: usize): i64 {
  const length = load<u32>(value, 4);
  let p = addressOf(value);
  const end = p + <usize>(length & LENGTH);
  const isNegative = load<u8>(p) == HYPHEN;
  if (isNegative) p++;
  // Twenty digits could overflow the number that is to show whether they do.
  isValue = (length & IS_TEXT) == 0 && p < end && end - p <= 19;
  let number: u64 = 0;
  for (; p < end; p++) {
    const digit = <u32>load<u8>(p) - ZERO;
    if (digit > 9) isValue = false;
    number = number * 10 + digit;
  }
  if (number > <u64>i64.MAX_VALUE + <u64>isNegative) isValue = false;
  return isNegative ? -<i64>number : <i64>number;
}

/** 10 ^ n. Up to 22 they are exact as doubles. */
const POWERS: StaticArray<f64> = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/** A whole number of up to 15 digits and a power of ten are exact, and so their quotient is rounded once. */
export function doubleOf(value: usize): f64 {
  const length = load<u32>(value, 4);
  const start = addressOf(value);
  const end = start + <usize>(length & LENGTH);
  const isNegative = load<u8>(start) == HYPHEN;
  let p = start + <usize>isNegative;
  let point: usize = 0;
  let number: u64 = 0;
  let isPlain = end - p <= 16 && (length & IS_TEXT) == 0;
  const first = p;
  for (; p < end && isPlain; p++) {
    const c = <u32>load<u8>(p);
    if (c - ZERO <= 9) number = number * 10 + (c - ZERO);
    else if (c == DOT && point == 0) point = p;
    else isPlain = false;
  }
  const digits = end - first - <usize>(point != 0);
  if (isPlain && digits > 0 && digits <= 15 && point != first && point != end - 1) {
    isValue = true;
    const whole = <f64>number;
    const size = point == 0 ? whole : whole / unchecked(POWERS[<i32>(end - 1 - point)]);
    return isNegative ? -size : size;
  }
  const number64 = (length & IS_TEXT) == 0 ? hostDouble(start, length) : NaN;
  isValue = number64 - number64 == 0;
  return number64;
}

/** Microseconds since the epoch. A number beyond 32 bits is in milliseconds: lambdas/core/reading/times.ts. */
export function timestampOf(value: usize): i64 {
  const length = load<u32>(value, 4);
  if ((length & IS_TEXT) != 0) {
    const p = addressOf(value);
    return timeOfText(p, p + <usize>(length & LENGTH));
  }
  const number = bigintOf(value);
  if (number <= i32.MAX_VALUE && number >= i32.MIN_VALUE) return number * MICROS_PER_SECOND;
  if (number > MAX_MILLIS || number < -MAX_MILLIS) isValue = false;
  return number * 1000;
}

let at: usize = 0;

/** `yyyy-M-d HH:mm:ss[.ffffff]` */
function timeOfText(p: usize, end: usize): i64 {
  isValue = end - p >= 17;
  at = p;
  const year = digits(4, 4);
  separator(HYPHEN);
  const month = digits(1, 2);
  separator(HYPHEN);
  const day = digits(1, 2);
  separator(SPACE);
  const hour = digits(2, 2);
  separator(COLON);
  const minute = digits(2, 2);
  separator(COLON);
  const second = digits(2, 2);
  let micros: i64 = 0;
  if (at < end) {
    separator(DOT);
    const fraction = at;
    micros = digits(1, MICROS_DIGITS);
    for (let places = <u32>(at - fraction); places < MICROS_DIGITS; places++) micros *= 10;
  }
  if (at != end || !dayExists(<u32>year, <u32>month, <u32>day) || hour > 23 || minute > 59 || second > 59) {
    isValue = false;
  }
  const seconds = ((daysFrom(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  return seconds * MICROS_PER_SECOND + micros;
}

function separator(wanted: u32): void {
  if (load<u8>(at++) != wanted) isValue = false;
}

function digits(least: u32, most: u32): i64 {
  let number: i64 = 0;
  let count: u32 = 0;
  for (; count < most; count++) {
    const digit = <u32>load<u8>(at) - ZERO;
    if (digit > 9) break;
    number = number * 10 + digit;
    at++;
  }
  if (count < least) isValue = false;
  return number;
}
