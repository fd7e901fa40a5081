/** Says what is an IP address. This file mirrors lambdas/core/reading/address.ts. */
import { COLON, DOT, ZERO } from './memory';
import { digitsIn, isDigit, threeDigits } from './numbers';

/**
 * True for an IPv4 address: four numbers up to 255, of up to three digits each, with dots between them. This is
 * IPV4 there.
 */
export function isIpv4(p: usize, end: usize): bool {
  const length = <u32>(end - p);
  if (length > 15) return false;
  const bytes = v128.load(p);
  const all: u32 = (1 << length) - 1;
  let dots = <u32>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(<i8>DOT))) & all;
  if (popcnt(dots) != 3 || ((digitsIn(bytes) | dots) & all) != all) return false;
  // The end of the text is treated as a dot, so that the last number ends like the others.
  for (dots |= 1 << length; dots != 0; dots &= dots - 1) {
    const digits = <usize>ctz(dots) - (p - (end - length));
    if (digits - 1 > 2 || (digits == 3 && !isUpTo255(p))) return false;
    p += digits + 1;
  }
  return true;
}

/** True if the three digits at `p` are a number from 100 to 255. */
// @ts-ignore: decorator
@inline
function isUpTo255(p: usize): bool {
  return threeDigits(p) - 100 <= 155;
}

/**
 * True for an IPv6 address of eight groups of up to four hexadecimal digits, of which `::` may replace one or more.
 * Other forms are left to the TypeScript reader.
 */
export function isIpv6(p: usize, end: usize): bool {
  let groups = 0;
  let gap = false;
  if (end - p < 3) return false;
  if (load<u8>(p) == COLON) {
    if (load<u8>(p, 1) != COLON) return false;
    gap = true;
    p += 2;
  }
  while (p < end) {
    const from = p;
    while (p < end && isHex(load<u8>(p))) p++;
    const digits = p - from;
    if (digits == 0 || digits > 4) return false;
    groups++;
    if (p == end) break;
    if (load<u8>(p++) != COLON || p == end) return false;
    if (load<u8>(p) == COLON) {
      if (gap) return false;
      gap = true;
      p++;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

// @ts-ignore: decorator
@inline
export function isHex(c: u32): bool {
  return isDigit(c) || (c | 0x20) - 0x61 < 6;
}

/** Bytes of `::ffff:`. */
export const MAPPED_HEAD_BYTES: usize = 7;
/** `::ffff:` as a little-endian u64 of which the last byte is masked out. */
const MAPPED_HEAD: u64 = 0x3a666666663a3a;

/** True for an IPv4 address as an IPv6 socket has it: `::ffff:192.0.2.7`. Its numbers have no zeros before them. */
export function isMappedIpv4(p: usize, end: usize): bool {
  if (end - p <= MAPPED_HEAD_BYTES || (load<u64>(p) & 0xff_ffff_ffff_ffff) != MAPPED_HEAD) return false;
  for (let at = p + MAPPED_HEAD_BYTES; at < end; at++) {
    const begins = load<u8>(at - 1) == COLON || load<u8>(at - 1) == DOT;
    if (begins && load<u8>(at) == ZERO && isDigit(load<u8>(at, 1))) return false;
  }
  return isIpv4(p + MAPPED_HEAD_BYTES, end);
}
