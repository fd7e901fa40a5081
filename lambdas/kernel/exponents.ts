/**
 * Copies JSON numbers that have an exponent: doubles as JavaScript writes them, whole numbers without the exponent. Many
 * languages log small or large numbers with an exponent, such as 1.5e-05 and 1e+06.
 * https://tc39.es/ecma262/#sec-numeric-types-number-tostring
 */
import { DIGITS, DOT, HYPHEN, put, putBytes, ZERO } from './memory';
import { isDigit } from './numbers';

/**
 * Up to 15 digits survive a round trip through a double: they are the same when the double is written again. With more
 * digits, only arithmetic could tell what JavaScript writes.
 */
const MAX_DIGITS: i32 = 15;
/**
 * Numbers of up to MAX_DIGITS digits survive the round trip if the decimal exponent is within ±290; beyond that come
 * subnormals and infinity.
 */
const MAX_EXPONENT: i32 = 290;
/** Digits that are read at most, including zeros at the end, which do not count as significant. */
const MAX_DIGITS_READ: i32 = 40;

/**
 * The number that was read: its significant digits, of which DIGITS holds `count`, and the place of the decimal point
 * among them. `point` is 0 if the point is directly before the first digit, and negative if zeros follow the point.
 */
let count: i32 = 0;
let point: i32 = 0;

/**
 * Copies a number with an exponent.
 *
 * @returns the end of the copy, or 0 if the text is not such a number or has too many digits for a double
 */
export function copyExponent(p: usize, end: usize, o: usize): usize {
  const negative = load<u8>(p) == HYPHEN;
  if (!readDigits(negative ? p + 1 : p, end)) return 0;
  if (count == 0) return put(o, ZERO);
  if (count > MAX_DIGITS || point > MAX_EXPONENT || point < -MAX_EXPONENT) return 0;
  return putNumber(negative ? put(o, HYPHEN) : o);
}

/**
 * Copies a number with an exponent without its exponent, if it is a whole number of at most `maxDigits` digits.
 *
 * @returns the end of the copy, or 0 if the text is not such a number
 */
export function copyWholeExponent(p: usize, end: usize, o: usize, maxDigits: usize): usize {
  const digits = wholeDigits(p, end);
  if (digits <= 0 || digits > <i32>maxDigits) return 0;
  if (count == 0) return put(o, ZERO);
  if (load<u8>(p) == HYPHEN) o = put(o, HYPHEN);
  return putZeros(putBytes(o, DIGITS, <usize>count), point - count);
}

/**
 * Number of digits that a number with an exponent has as a whole number.
 *
 * @returns -1 if the number is not whole, 0 if the text is not such a number or has too many digits to tell
 */
export function wholeDigits(p: usize, end: usize): i32 {
  if (!readDigits(load<u8>(p) == HYPHEN ? p + 1 : p, end)) return 0;
  if (count == 0) return 1;
  return point < count ? -1 : point;
}

/** Reads digits, optionally a point and more digits, and an exponent. Returns false if the text is anything else. */
function readDigits(p: usize, end: usize): bool {
  count = 0;
  point = 0;
  let fraction = false;
  if (!isDigit(load<u8>(p))) return false;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (isDigit(c)) {
      if (c != ZERO || count > 0) {
        if (count == MAX_DIGITS_READ) return false;
        store<u8>(DIGITS + <usize>count, c);
        count++;
      }
      if (fraction ? count == 0 : count > 0) point += fraction ? -1 : 1;
    } else if (c == DOT && !fraction && isDigit(load<u8>(p, 1))) {
      fraction = true;
    } else {
      if ((c | 0x20) != 0x65) return false;
      break;
    }
  }
  while (count > 0 && load<u8>(DIGITS + <usize>(count - 1)) == ZERO) count--;
  return readExponent(p + 1, end);
}

/** Reads the exponent after its `e` and moves the point by it. */
function readExponent(p: usize, end: usize): bool {
  const sign = p < end ? <u32>load<u8>(p) : 0;
  const negative = sign == HYPHEN;
  if (negative || sign == PLUS) p++;
  if (p >= end || end - p > 3) return false;
  let exponent: i32 = 0;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (!isDigit(c)) return false;
    exponent = exponent * 10 + <i32>(c - ZERO);
  }
  point += negative ? -exponent : exponent;
  return true;
}

const PLUS: u32 = 0x2b;

/** Writes the number. JavaScript writes an exponent only for numbers from 1e21 on and for numbers below 1e-6. */
function putNumber(o: usize): usize {
  if (point > 21 || point <= -6) {
    o = putFraction(o, 1);
    o = put(put(o, 0x65), point > 0 ? PLUS : HYPHEN);
    return putSmall(o, point > 0 ? point - 1 : 1 - point);
  }
  if (point > 0) {
    o = putFraction(o, point);
    return putZeros(o, point - count);
  }
  o = putZeros(put(put(o, ZERO), DOT), -point);
  return putBytes(o, DIGITS, <usize>count);
}

/** Writes the digits, with a point after the first `whole` digits if there are more. */
function putFraction(o: usize, whole: i32): usize {
  if (count <= whole) return putBytes(o, DIGITS, <usize>count);
  o = put(putBytes(o, DIGITS, <usize>whole), DOT);
  return putBytes(o, DIGITS + <usize>whole, <usize>(count - whole));
}

function putZeros(o: usize, zeros: i32): usize {
  for (; zeros > 0; zeros--) o = put(o, ZERO);
  return o;
}

/** Writes a number of at most three digits. */
function putSmall(o: usize, value: i32): usize {
  if (value > 99) o = put(o, ZERO + <u32>(value / 100));
  if (value > 9) o = put(o, ZERO + <u32>((value / 10) % 10));
  return put(o, ZERO + <u32>(value % 10));
}
