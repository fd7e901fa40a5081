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
  const count = end - p;
  // Twenty digits could overflow the number that is to show whether they do.
  isValue = (length & IS_TEXT) == 0 && count > 0 && count <= 19;
  if (!isValue) return 0;
  const number = digitsOf(p, count);
  if (number > <u64>i64.MAX_VALUE + <u64>isNegative) isValue = false;
  return isNegative ? -<i64>number : <i64>number;
}

/** The number of up to 19 digits. Sets `isValue` to false if there are other characters. */
// @ts-ignore: decorator
@inline
function digitsOf(p: usize, count: usize): u64 {
  if (count <= 8) return eightDigitsOf(p, count);
  if (count <= 16) return eightDigitsOf(p, count - 8) * 100_000_000 + eightDigitsOf(p + count - 8, 8);
  const first = eightDigitsOf(p, count - 16) * 100_000_000 + eightDigitsOf(p + count - 16, 8);
  return first * 100_000_000 + eightDigitsOf(p + count - 8, 8);
}

/**
 * The number of one to eight digits, all at once: the digits become the upper bytes, then pairs, fours, and all eight of
 * them numbers. https://kholdstare.github.io/technical/2020/05/26/faster-integer-parsing.html
 */
// @ts-ignore: decorator
@inline
function eightDigitsOf(p: usize, count: usize): u64 {
  let digits = (load<u64>(p) ^ 0x3030_3030_3030_3030) << (<u64>(8 - count) << 3);
  if ((((digits + 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080) != 0) isValue = false;
  digits = digits * 10 + (digits >> 8);
  return (
    ((digits & 0xff_0000_00ff) * 0xf4240_0000_0064 + ((digits >> 16) & 0xff_0000_00ff) * 0x2710_0000_0001) >> 32
  );
}

/** 10 ^ n. They are exact as doubles. */
const WHOLE_POWERS: StaticArray<u64> = [
  1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
  100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
];
const POWERS: StaticArray<f64> = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/** Bytes of a decimal number that is read here: fifteen digits and a point. */
const MAX_DECIMAL: usize = 16;

/** A whole number of up to 15 digits and a power of ten are exact, and so their quotient is rounded once. */
export function doubleOf(value: usize): f64 {
  const length = load<u32>(value, 4);
  const start = addressOf(value);
  const end = start + <usize>(length & LENGTH);
  const isNegative = load<u8>(start) == HYPHEN;
  const p = start + <usize>isNegative;
  const count = end - p;
  if ((length & IS_TEXT) == 0 && count > 0 && count <= MAX_DECIMAL) {
    const points = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(<i8>DOT)));
    const whole = <usize>ctz(points | (1 << <i32>count));
    const decimals: usize = whole == count ? 0 : count - whole - 1;
    isValue = whole > 0 && (whole == count ? count < MAX_DECIMAL : decimals > 0);
    if (isValue) {
      let number = digitsOf(p, whole);
      if (decimals > 0) number = number * unchecked(WHOLE_POWERS[<i32>decimals]) + digitsOf(p + whole + 1, decimals);
      const size = <f64>number / unchecked(POWERS[<i32>decimals]);
      if (isValue) return isNegative ? -size : size;
    }
  }
  const number = (length & IS_TEXT) == 0 ? hostDouble(start, length) : NaN;
  isValue = number - number == 0;
  return number;
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
