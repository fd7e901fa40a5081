/**
 * Reads times in the forms that logs use most, and writes them as a row has them (time-values.ts). This file mirrors
 * lambdas/core/reading/time-forms.ts. It also notes the time of the line's event, in milliseconds since the epoch.
 */
import { dayExists, daysFrom } from './calendar';
import { localOffset } from './local-zone';
import {
  COLON, DIGITS, DOT, HYPHEN, LOCAL_TIME, LOCAL_TIME_VALUE, MINUTE, MINUTE_TEXT, put, putBytes, QUOTE, SEPARATED_TIME,
  SPACE, ZERO,
} from './memory';
import { digitsIn, isDigit, threeDigits } from './numbers';
import {
  eightDigits, endText, fractionLength, LAST_SECONDS, MILLIS_FRACTION, putMillis, putMonthAndDay, putNumber, putText,
  TEN_DIGITS, twoDigits,
} from './time-values';

/** Milliseconds since the epoch of the time that was written last. */
let millis: f64 = 0;

/**
 * Milliseconds since the epoch of the row's event, which is the first time that `setEventTime` was called for since
 * `clearEventTime`; NaN if there was none.
 */
export let eventMillis: f64 = NaN;

/** Starts a line, which has no time yet. */
// @ts-ignore: decorator
@inline
export function clearEventTime(): void {
  eventMillis = NaN;
}

/** Takes the time that was just written for the event's time, unless the event has one already. */
// @ts-ignore: decorator
@inline
export function setEventTime(): void {
  if (eventMillis != eventMillis) eventMillis = millis;
}

const INVALID: u32 = 1000;
const DAY_MS: i64 = 86_400_000;

/** Value of two digits, or INVALID. */
// @ts-ignore: decorator
@inline
function parseTwo(p: usize): u32 {
  const tens = <u32>load<u8>(p) - ZERO;
  const ones = <u32>load<u8>(p, 1) - ZERO;
  return tens > 9 || ones > 9 ? INVALID : tens * 10 + ones;
}

/**
 * Cache of the last minute that was read, whose text is at MINUTE: its milliseconds since the epoch. Most lines are of
 * the same minute as the line before.
 */
let minuteMillis: i64 = 0;
/**
 * Text of that minute's seconds, if all of them have ten digits: the first eight digits; the first eight digits of the
 * hundred seconds that follow; and the value of the last two digits of the minute's start, or INVALID if not all have
 * ten digits.
 */
let minuteHead: u64 = 0;
let nextHead: u64 = 0;
let minuteTail: u32 = INVALID;
/** Length of the text at MINUTE_TEXT, `yyyy-M-d HH:mm`. */
let minuteLength: usize = 0;

/**
 * Milliseconds since the epoch of the `yyyy-MM-ddTHH:mm` at `p`, which may have a space for the `T`; i64.MIN_VALUE if
 * there is none.
 */
// @ts-ignore: decorator
@inline
function minuteOf(p: usize): i64 {
  return v128.any_true(v128.xor(v128.load(p), v128.load(MINUTE))) ? readMinute(p) : minuteMillis;
}

/** Reads a minute that is not the cached one, and caches it. */
function readMinute(p: usize): i64 {
  const year = yearOf(p);
  const month = parseTwo(p + 5);
  const day = parseTwo(p + 8);
  const hour = parseTwo(p + 11);
  const minute = parseTwo(p + 14);
  const between = <u32>load<u8>(p, 10);
  if (load<u8>(p, 4) != HYPHEN || load<u8>(p, 7) != HYPHEN || load<u8>(p, 13) != COLON) return i64.MIN_VALUE;
  if (year == 0 || !dayExists(year, month, day)) return i64.MIN_VALUE;
  if (hour > 23 || minute > 59 || (between != 0x54 && between != SPACE)) {
    return i64.MIN_VALUE;
  }
  minuteMillis = daysFrom(year, month, day) * DAY_MS + <i64>(hour * 60 + minute) * 60_000;
  v128.store(MINUTE, v128.load(p));
  setMinuteDigits(minuteMillis / 1000);
  store<u32>(MINUTE_TEXT, load<u32>(p));
  const text = putMonthAndDay(MINUTE_TEXT + 4, month, day);
  store<u32>(text, load<u32>(p, 11));
  store<u8>(text, load<u8>(p, 15), 4);
  minuteLength = text + 5 - MINUTE_TEXT;
  return minuteMillis;
}

/** Caches the digits of the minute that begins at `seconds`. */
function setMinuteDigits(seconds: i64): void {
  if (seconds < TEN_DIGITS || seconds + 59 > LAST_SECONDS) {
    minuteTail = INVALID;
    return;
  }
  const hundreds = <u32>(seconds / 100);
  minuteHead = eightDigits(hundreds);
  nextHead = eightDigits(hundreds + 1);
  minuteTail = <u32>(seconds % 100);
}

/** Value of the `:ss` at `p`, or INVALID. */
// @ts-ignore: decorator
@inline
function secondsOf(p: usize): u32 {
  const second = parseTwo(p + 1);
  return load<u8>(p) != COLON || second > 59 ? INVALID : second;
}

/**
 * Value of four digits, or 0 if they are not digits or the year is before 1000. JavaScript takes the years 0 to 99 for
 * 1900 to 1999, so such years are unsupported.
 */
function yearOf(p: usize): u32 {
  const century = parseTwo(p);
  const ofCentury = parseTwo(p + 2);
  return century < 10 || century == INVALID || ofCentury == INVALID ? 0 : century * 100 + ofCentury;
}

/** Milliseconds of the `HH:mm:ss` at `p`, or -1 if there is none. */
// @ts-ignore: decorator
@inline
function clockOf(p: usize): i64 {
  const hour = parseTwo(p);
  const minute = parseTwo(p + 3);
  const second = parseTwo(p + 6);
  if (hour > 23 || minute > 59 || second > 59 || load<u8>(p, 2) != COLON || load<u8>(p, 5) != COLON) return -1;
  return <i64>((hour * 60 + minute) * 60 + second) * 1000;
}

/** End of the digits at `p`, of which at most 16 are looked at. Fractions of a second have at most nine. */
// @ts-ignore: decorator
@inline
function endOfFraction(p: usize): usize {
  return p + <usize>ctz(~digitsIn(v128.load(p)));
}

/** Milliseconds of a fraction of up to nine digits, rounded down. */
// @ts-ignore: decorator
@inline
function fractionMillis(p: usize, end: usize): i64 {
  if (end - p >= 3) return <i64>threeDigits(p);
  let value: i64 = 0;
  for (let i: usize = 0; i < 3; i++) value = value * 10 + (p + i < end ? load<u8>(p + i) - ZERO : 0);
  return value;
}

/**
 * Copies a time of the form `yyyy-MM-ddTHH:mm:ss[.fraction]Z`, which AWS's logs have.
 *
 * @returns the end of the copy, or 0 if the text is not such a time
 */
export function copyIso(p: usize, end: usize, o: usize): usize {
  if (end - p < 20 || load<u8>(p, 10) != 0x54 || load<u8>(end - 1) != 0x5a) return 0;
  const minute = minuteOf(p);
  const second = secondsOf(p + 16);
  if (minute == i64.MIN_VALUE || second == INVALID) return 0;
  let fraction = p + 19;
  let fractionEnd = fraction;
  if (end - p > 20) {
    if (load<u8>(fraction++) != DOT) return 0;
    fractionEnd = endOfFraction(fraction);
    if (fractionEnd == fraction || fractionEnd - fraction > 9) return 0;
  }
  if (fractionEnd != end - 1) return 0;
  const length = fractionLength(fraction, fractionEnd);
  millis = <f64>(minute + <i64>(second * 1000) + fractionMillis(fraction, fractionEnd));
  if (length <= MILLIS_FRACTION) {
    const done = putNumberInMinute(o, minute, second, fraction, length);
    if (done != 0) return done;
  }
  o = put(o, QUOTE);
  v128.store(o, v128.load(MINUTE_TEXT));
  o += minuteLength;
  store<u32>(o, load<u32>(p, 16));
  return endText(o + 3, fraction, length);
}

/** `putNumber` for a second of the minute that was read last, whose digits are cached. */
// @ts-ignore: decorator
@inline
function putNumberInMinute(o: usize, minute: i64, second: u32, p: usize, length: usize): usize {
  if (minuteTail == INVALID) return putNumber(o, minute / 1000 + <i64>second, p, length);
  const tail = minuteTail + second;
  store<u64>(o, tail < 100 ? minuteHead : nextHead);
  store<u16>(o, twoDigits(tail < 100 ? tail : tail - 100), 8);
  return length == 0 ? o + 10 : putMillis(o + 10, p, length);
}

/**
 * Copies a time in one of the most common forms that lambdas/core/reading/time-forms.ts reads: ISO 8601 with `T` or a
 * space, a dot or a comma, and with `Z`, an offset or nothing, or without separators; nginx's `$time_local`; epoch seconds
 * and epoch milliseconds, with or without a fraction.
 *
 * @returns the end of the copy, or 0 if the text is not in such a form
 */
export function copyTime(p: usize, end: usize, o: usize): usize {
  const length = end - p;
  const fifth = <u32>load<u8>(p, 4);
  if (length >= 19 && fifth == HYPHEN) {
    const done = copyIso(p, end, o);
    return done != 0 ? done : copyIsoOffset(p, end, o);
  }
  if (length == LOCAL_BYTES && load<u8>(p, 2) == 0x2f) return copyLocal(p, o);
  if (length >= 15 && load<u8>(p, 8) == 0x54) return copyUnseparated(p, end, o);
  return copyEpoch(p, end, o);
}

const COMMA: u32 = 0x2c;

/** Copies an ISO 8601 time that `copyIso` does not take: with a space, a comma or an offset, or without `Z`. */
function copyIsoOffset(p: usize, end: usize, o: usize): usize {
  const minute = minuteOf(p);
  const second = secondsOf(p + 16);
  if (minute == i64.MIN_VALUE || second == INVALID) return 0;
  let fraction = p + 19;
  let fractionEnd = fraction;
  if (fraction < end && (load<u8>(fraction) == DOT || load<u8>(fraction) == COMMA)) {
    fraction++;
    fractionEnd = endOfFraction(fraction);
    if (fractionEnd == fraction || fractionEnd - fraction > 9) return 0;
  }
  const offset = fractionEnd == end ? localOffset(minute) : offsetOf(fractionEnd, end);
  if (offset == i64.MIN_VALUE) return 0;
  return putTime(o, minute + <i64>(second * 1000) - offset, fraction, fractionEnd);
}

/** Longest text after the seconds: `.123456789+00:00`. */
const MAX_TAIL: usize = 16;

/** Copies an ISO 8601 time without separators, such as `20240501T100000Z`: first it puts the separators in. */
function copyUnseparated(p: usize, end: usize, o: usize): usize {
  const tail = end - p - 15;
  if (tail > MAX_TAIL) return 0;
  const at = SEPARATED_TIME;
  store<u32>(at, load<u32>(p));
  store<u8>(at, HYPHEN, 4);
  store<u16>(at, load<u16>(p, 4), 5);
  store<u8>(at, HYPHEN, 7);
  store<u16>(at, load<u16>(p, 6), 8);
  store<u8>(at, 0x54, 10);
  store<u16>(at, load<u16>(p, 9), 11);
  store<u8>(at, COLON, 13);
  store<u16>(at, load<u16>(p, 11), 14);
  store<u8>(at, COLON, 16);
  store<u16>(at, load<u16>(p, 13), 17);
  v128.store(at, v128.load(p, 15), 19);
  const done = copyIso(at, at + 19 + tail, o);
  return done != 0 ? done : copyIsoOffset(at, at + 19 + tail, o);
}

/** No clock is further from UTC. */
const MAX_OFFSET_MINUTES: u32 = 18 * 60;

/** Milliseconds of the `Z`, `+HHmm` or `+HH:mm` at `p`, or i64.MIN_VALUE if there is none. */
function offsetOf(p: usize, end: usize): i64 {
  const sign = <u32>load<u8>(p);
  if (sign == 0x5a) return end - p == 1 ? 0 : i64.MIN_VALUE;
  if (sign != 0x2b && sign != HYPHEN) return i64.MIN_VALUE;
  const colon: usize = load<u8>(p, 3) == COLON ? 1 : 0;
  if (end - p != 5 + colon) return i64.MIN_VALUE;
  const hours = parseTwo(p + 1);
  const minutes = parseTwo(p + 3 + colon);
  if (hours >= INVALID || minutes > 59 || hours * 60 + minutes > MAX_OFFSET_MINUTES) return i64.MIN_VALUE;
  const offset = <i64>(hours * 60 + minutes) * 60_000;
  return sign == HYPHEN ? -offset : offset;
}

export const LOCAL_BYTES: usize = 26;
/**
 * Cache of the last `$time_local` that was read, whose text is at LOCAL_TIME: its milliseconds since the epoch, and the
 * length of its copy at LOCAL_TIME_VALUE. Lines of the same second follow each other.
 */
let localMillis: f64 = 0;
let localLength: usize = 0;

/** Copies a `$time_local`: `29/Nov/2024:11:41:46 +0000`. */
function copyLocal(p: usize, o: usize): usize {
  const same = v128.and(
    i8x16.eq(v128.load(p), v128.load(LOCAL_TIME)),
    i8x16.eq(v128.load(p, 10), v128.load(LOCAL_TIME, 10)),
  );
  if (!i8x16.all_true(same)) {
    const day = parseTwo(p);
    const month = monthOf(load<u32>(p, 2));
    const year = yearOf(p + 7);
    const clock = clockOf(p + 12);
    const offset = offsetOf(p + 21, p + LOCAL_BYTES);
    if (year == 0 || !dayExists(year, month, day) || clock < 0) return 0;
    if (load<u8>(p, 6) != 0x2f || load<u8>(p, 11) != COLON || load<u8>(p, 20) != SPACE) return 0;
    if (offset == i64.MIN_VALUE) return 0;
    const done = putTime(LOCAL_TIME_VALUE, daysFrom(year, month, day) * DAY_MS + clock - offset, 0, 0);
    if (done == 0) return 0;
    localLength = done - LOCAL_TIME_VALUE;
    localMillis = millis;
    v128.store(LOCAL_TIME, v128.load(p));
    v128.store(LOCAL_TIME, v128.load(p, 10), 10);
  }
  millis = localMillis;
  return putBytes(o, LOCAL_TIME_VALUE, localLength);
}

/** Number of the month whose `/Jan` to `/Dec` is given as a little-endian u32, or 0. */
function monthOf(name: u32): u32 {
  switch (name) {
    case 0x6e614a2f:
      return 1;
    case 0x6265462f:
      return 2;
    case 0x72614d2f:
      return 3;
    case 0x7270412f:
      return 4;
    case 0x79614d2f:
      return 5;
    case 0x6e754a2f:
      return 6;
    case 0x6c754a2f:
      return 7;
    case 0x6775412f:
      return 8;
    case 0x7065532f:
      return 9;
    case 0x74634f2f:
      return 10;
    case 0x766f4e2f:
      return 11;
    case 0x6365442f:
      return 12;
    default:
      return 0;
  }
}

/** Epoch numbers are milliseconds from this many digits before the point on, and else seconds. */
const MILLIS_DIGITS: usize = 13;

/** Copies a number of epoch seconds or of epoch milliseconds, with or without a fraction. */
function copyEpoch(p: usize, end: usize, o: usize): usize {
  let whole: i64 = 0;
  let at = p;
  for (; at < end && isDigit(load<u8>(at)); at++) {
    if (at - p > MILLIS_DIGITS) return 0;
    whole = whole * 10 + (load<u8>(at) - ZERO);
  }
  const digits = at - p;
  if (digits == 0 || digits > MILLIS_DIGITS) return 0;
  if (at == end) {
    if (digits < MILLIS_DIGITS) return putTime(o, whole * 1000, 0, 0);
    return whole % 1000 == 0 ? putTime(o, whole, 0, 0) : putTime(o, whole, end - 3, end);
  }
  if (load<u8>(at) != DOT) return 0;
  const fraction = at + 1;
  const fractionEnd = endOfFraction(fraction);
  if (fractionEnd != end || fraction == end) return 0;
  if (digits < MILLIS_DIGITS) return putTime(o, whole * 1000, fraction, end);
  // The fraction of a second begins with the milliseconds, and goes on after the point.
  store<u32>(DIGITS, load<u32>(at - 3));
  v128.store(DIGITS, v128.load(fraction), 3);
  return putTime(o, whole, DIGITS, DIGITS + 3 + (end - fraction));
}

/** Last millisecond of the year 9999, the last year that a table can hold. */
const LAST_MS: i64 = 253_402_300_799_999;

/**
 * Writes the time `time`, in milliseconds, to the second, and the fraction from `p` to `end`.
 *
 * @returns the end of the text, or 0 if the time is before 1970 or after the year 9999
 */
function putTime(o: usize, time: i64, p: usize, end: usize): usize {
  if (time < 0 || time > LAST_MS) return 0;
  const seconds = time / 1000;
  const length = fractionLength(p, end);
  millis = <f64>(seconds * 1000 + fractionMillis(p, end));
  if (length <= MILLIS_FRACTION) {
    const done = putNumber(o, seconds, p, length);
    if (done != 0) return done;
  }
  return putText(o, seconds, p, length);
}
