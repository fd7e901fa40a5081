/**
 * Numbers with an exponent, written as JavaScript does: many languages have one in what is small or large, as 1.5e-05.
 * https://tc39.es/ecma262/#sec-numeric-types-number-tostring
 */
import { DIGITS, DOT, HYPHEN, put, putBytes, ZERO } from './memory';
import { isDigit } from './numbers';

/** So many digits a double holds whatever they are: read and written again they are the same. Others take arithmetic. */
const MAX_DIGITS: i32 = 15;
/** Within it, it holds them: beyond are numbers of less precision, and none. */
const MAX_EXPONENT: i32 = 290;
/** Digits that are looked at, zeros at the end included. */
const MAX_DIGITS_READ: i32 = 40;

/** Significant digits at DIGITS, and the place of the point among them: 0 before the first. */
let count: i32 = 0;
let point: i32 = 0;

/** @returns where it has ended, in the output; 0 where it is no such number, or one of another precision */
export function copyExponent(p: usize, end: usize, o: usize): usize {
  const negative = load<u8>(p) == HYPHEN;
  if (!readDigits(negative ? p + 1 : p, end)) return 0;
  if (count == 0) return put(o, ZERO);
  if (count > MAX_DIGITS || point > MAX_EXPONENT || point < -MAX_EXPONENT) return 0;
  return putNumber(negative ? put(o, HYPHEN) : o);
}

/** False where the text is not digits, perhaps a point and more digits, and an exponent. */
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

/** Up to 21 digits before the point and six zeros behind it stand without an exponent. */
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

/** The digits, with a point where some come behind the first `whole`. */
function putFraction(o: usize, whole: i32): usize {
  if (count <= whole) return putBytes(o, DIGITS, <usize>count);
  o = put(putBytes(o, DIGITS, <usize>whole), DOT);
  return putBytes(o, DIGITS + <usize>whole, <usize>(count - whole));
}

function putZeros(o: usize, zeros: i32): usize {
  for (; zeros > 0; zeros--) o = put(o, ZERO);
  return o;
}

/** A number of at most three digits. */
function putSmall(o: usize, value: i32): usize {
  if (value > 99) o = put(o, ZERO + <u32>(value / 100));
  if (value > 9) o = put(o, ZERO + <u32>((value / 10) % 10));
  return put(o, ZERO + <u32>(value % 10));
}
