/** Numbers as core/reading/row.ts takes and writes them; the rarer forms are surprises. */
import { DOT, HYPHEN, ZERO } from './memory';

// @ts-ignore: decorator
@inline
export function isDigit(c: u32): bool {
  return c - ZERO < 10;
}

/** The number that three digits are. */
// @ts-ignore: decorator
@inline
export function threeDigits(p: usize): u32 {
  return <u32>load<u8>(p) * 100 + <u32>load<u8>(p, 1) * 10 + <u32>load<u8>(p, 2) - ZERO * 111;
}

/** Bytes that are looked at together; longer numbers are looked at byte by byte. */
const VECTOR_BYTES: usize = 16;

/** A bit of each of the 16 bytes that is a digit. */
// @ts-ignore: decorator
@inline
export function digitsIn(bytes: v128): u32 {
  return i8x16.bitmask(i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10)));
}

/** The end of the digits and dots at a place, of which 16 are looked at. */
// @ts-ignore: decorator
@inline
export function endOfDecimal(p: usize): usize {
  const bytes = v128.load(p);
  return p + <usize>ctz(~(digitsIn(bytes) | i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(<i8>DOT)))));
}

/**
 * Copies a whole number of at most `most` digits, without sign but for a minus and without leading zeros.
 *
 * @returns where it has ended, in the output; 0 where it is no such number
 */
export function copyWhole(p: usize, end: usize, o: usize, maxDigits: usize): usize {
  if (end <= p) return 0;
  if (load<u8>(p) == HYPHEN) {
    store<u8>(o++, HYPHEN);
    p++;
    // -0 is 0, and a minus alone is no number.
    if (load<u8>(p) == ZERO) return 0;
  }
  const digits = end - p;
  if (digits == 0 || digits > maxDigits || (digits > 1 && load<u8>(p) == ZERO)) return 0;
  if (digits <= VECTOR_BYTES) {
    const bytes = v128.load(p);
    v128.store(o, bytes);
    return (~digitsIn(bytes) & ((1 << <u32>digits) - 1)) == 0 ? o + digits : 0;
  }
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (!isDigit(c)) return 0;
    store<u8>(o++, c);
  }
  return o;
}

/** Digits of a decimal number that is written as it was logged. */
const MAX_DIGITS: usize = 17;

/** `copyDecimal`, with a minus before it or not. */
export function copySigned(p: usize, end: usize, o: usize): usize {
  if (load<u8>(p) != HYPHEN) return copyDecimal(p, end, o);
  store<u8>(o, HYPHEN);
  const done = copyDecimal(p + 1, end, o + 1);
  // -0 is 0.
  return done == o + 2 && load<u8>(o, 1) == ZERO ? 0 : done;
}

/**
 * Copies a decimal number without the zeros at the end of its fraction.
 *
 * @returns where it has ended, in the output; 0 where it is no such number, or longer than a double is exact
 */
export function copyDecimal(p: usize, end: usize, o: usize): usize {
  if (end - p <= VECTOR_BYTES) return copyShortDecimal(p, <u32>(end - p), o);
  const start = p;
  let point: usize = 0;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c == DOT) {
      if (point != 0) return 0;
      point = p;
    } else if (!isDigit(c)) return 0;
    store<u8>(o + (p - start), c);
  }
  const whole = (point == 0 ? end : point) - start;
  if (whole == 0 || whole > MAX_DIGITS || (whole > 1 && load<u8>(start) == ZERO)) return 0;
  if (point == 0) return o + whole;
  const fraction = end - point - 1;
  if (fraction == 0 || whole + fraction > MAX_DIGITS) return 0;
  let last = o + whole + fraction;
  while (load<u8>(last) == ZERO) last--;
  return load<u8>(last) == DOT ? last : last + 1;
}

function copyShortDecimal(p: usize, length: u32, o: usize): usize {
  const bytes = v128.load(p);
  v128.store(o, bytes);
  const all: u32 = (1 << length) - 1;
  const others = ~digitsIn(bytes) & all;
  // Of a fraction nothing is seen here: a number without one is all digits.
  const whole = others == 0 ? length : <u32>ctz(others);
  if (whole == 0 || (whole > 1 && load<u8>(p) == ZERO)) return 0;
  if (others == 0) return o + length;
  if (others != 1 << whole || load<u8>(p + whole) != DOT || whole == length - 1) return 0;
  const zeros: u32 = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x30)));
  const last: u32 = 31 - <u32>clz(~zeros & all);
  return o + (last == whole ? last : last + 1);
}
