/**
 * Copies numbers as `Row` in lambdas/core/reading/row.ts takes and writes them. Rare forms are not copied: a plus sign,
 * leading zeros, -0, and, except in JSON, exponents.
 */
import { DOT, HYPHEN, ZERO } from './memory';

// @ts-ignore: decorator
@inline
export function isDigit(c: u32): bool {
  return c - ZERO < 10;
}

/** Value of the three digits at `p`. */
// @ts-ignore: decorator
@inline
export function threeDigits(p: usize): u32 {
  return <u32>load<u8>(p) * 100 + <u32>load<u8>(p, 1) * 10 + <u32>load<u8>(p, 2) - ZERO * 111;
}

/** Bytes that one vector holds. Longer numbers are copied byte by byte. */
const VECTOR_BYTES: usize = 16;

/** Mask of the digits among 16 bytes. */
// @ts-ignore: decorator
@inline
export function digitsIn(bytes: v128): u32 {
  return i8x16.bitmask(i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10)));
}

/** End of the digits and dots at `p`, of which at most 16 are looked at. */
// @ts-ignore: decorator
@inline
export function endOfDecimal(p: usize): usize {
  const bytes = v128.load(p);
  return p + <usize>ctz(~(digitsIn(bytes) | i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(<i8>DOT)))));
}

/**
 * Copies an integer of at most `maxDigits` digits, which may have a minus sign but no leading zeros.
 *
 * @returns the end of the copy, or 0 if the text is not such an integer
 */
export function copyWhole(p: usize, end: usize, o: usize, maxDigits: usize): usize {
  if (end <= p) return 0;
  if (load<u8>(p) == HYPHEN) {
    store<u8>(o++, HYPHEN);
    p++;
    // -0 is written as 0, and a minus sign alone is not a number.
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

/** Digits up to which a decimal number is written as it was logged: beyond them a double is not exact. */
const MAX_DIGITS: usize = 17;

/** Copies a decimal number that may have a minus sign. See `copyDecimal`. */
export function copySigned(p: usize, end: usize, o: usize): usize {
  if (load<u8>(p) != HYPHEN) return copyDecimal(p, end, o);
  store<u8>(o, HYPHEN);
  const done = copyDecimal(p + 1, end, o + 1);
  // -0 is written as 0.
  return done == o + 2 && load<u8>(o, 1) == ZERO ? 0 : done;
}

/**
 * Copies a decimal number without a sign, and without the zeros at the end of its fraction.
 *
 * @returns the end of the copy, or 0 if the text is not such a number, or has more digits than a double holds exactly
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

/** `copyDecimal` for a number that fits one vector. */
function copyShortDecimal(p: usize, length: u32, o: usize): usize {
  const bytes = v128.load(p);
  v128.store(o, bytes);
  const all: u32 = (1 << length) - 1;
  const others = ~digitsIn(bytes) & all;
  // A number that is all digits has no fraction. Otherwise the first other character must be the point.
  const whole = others == 0 ? length : <u32>ctz(others);
  if (whole == 0 || (whole > 1 && load<u8>(p) == ZERO)) return 0;
  if (others == 0) return o + length;
  if (others != 1 << whole || load<u8>(p + whole) != DOT || whole == length - 1) return 0;
  const zeros: u32 = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x30)));
  const last: u32 = 31 - <u32>clz(~zeros & all);
  return o + (last == whole ? last : last + 1);
}
