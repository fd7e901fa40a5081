/**
 * Finds where the fields of a delimited line end, for the whole line before any field is read. Each step turns 64 bytes
 * into masks with one bit per byte, so that finding a field does not wait for the end of the field before it.
 */
import { BACKSLASH, CR, FIELD_ENDS, LF, QUOTE, SPACE, splatOf } from './memory';

/** Bytes per entry of FIELD_ENDS; the last entry is the end of the line. */
export const END_BYTES: usize = 4;
/** A line with more field ends than this before its last 64 bytes is unsupported. */
const MAX_FIELDS: u32 = 200;

/** Fields found in the current line. */
export let fieldsFound: u32 = 0;
/**
 * The line can be copied to JSON unchanged, except for its quotes: it has no control character, no backslash and no
 * byte that is not ASCII.
 */
export let plain: bool = false;

/**
 * Finds the ends of a line's fields, which are spaces outside of quotes and the line's end, and writes them to
 * FIELD_ENDS.
 *
 * The line is unsupported if a field is empty, if a quote is anywhere but at the start or the end of a field, if a
 * quote is still open at the end of the line, or if there are too many fields. Only if the line is not `plain` may a
 * quoted field be followed by CR within it; delimited.ts checks for that.
 *
 * @returns the line's end, or 0 if the line is unsupported
 */
export function findFields(p: usize): usize {
  const quote = splatOf(QUOTE);
  const space = splatOf(SPACE);
  const backslash = splatOf(BACKSLASH);
  let at = FIELD_ENDS;
  let special: u64 = 0;
  // All ones if the last byte of the block before was within quotes.
  let within: u64 = 0;
  let malformed: u64 = 0;
  // Carried over from the block before, in bit 0: whether a field starts with this block, and whether a quote closed
  // just before this block, so that its field must end here.
  let startsNext: u64 = 1;
  let closedBefore: u64 = 0;
  while (true) {
    const a = v128.load(p);
    const b = v128.load(p, 16);
    const c = v128.load(p, 32);
    const d = v128.load(p, 48);
    let quotes = whereIs(a, b, c, d, quote);
    let spaces = whereIs(a, b, c, d, space);
    let lineFeed: u64 = 0;
    let carriageReturns: u64 = 0;
    const specialA = specialIn(a, backslash, space);
    const specialB = specialIn(b, backslash, space);
    const specialC = specialIn(c, backslash, space);
    const specialD = specialIn(d, backslash, space);
    if (v128.any_true(v128.or(v128.or(specialA, specialB), v128.or(specialC, specialD)))) {
      lineFeed = whereIs(a, b, c, d, splatOf(LF));
      // Of the line feeds only the first counts, and of the other masks only the bits before it.
      lineFeed &= 0 - lineFeed;
      const inLine = lineFeed - 1;
      special |= bits(specialA, specialB, specialC, specialD) & inLine;
      quotes &= inLine;
      spaces &= inLine;
      carriageReturns = whereIs(a, b, c, d, splatOf(CR));
    }
    const inside = upToEach(quotes) ^ within;
    within = <u64>(<i64>inside >> 63);
    const ends = (spaces & ~inside) | lineFeed;
    const closing = quotes & ~inside;
    const starts = (ends << 1) | startsNext;
    // The line is malformed if a field is empty, if a quote opens within a field, or if a closed quote is not followed
    // by the end of its field.
    malformed |=
      (starts & ends) | (quotes & inside & ~starts) | (((closing << 1) | closedBefore) & ~(ends | carriageReturns));
    startsNext = ends >> 63;
    closedBefore = closing >> 63;
    at = putEnds(at, p, ends);
    if (lineFeed != 0) {
      if (malformed | (inside & lineFeed)) return 0;
      break;
    }
    if (at - FIELD_ENDS > <usize>MAX_FIELDS * END_BYTES) return 0;
    p += 64;
  }
  fieldsFound = <u32>((at - FIELD_ENDS) / END_BYTES);
  plain = special == 0;
  let end = <usize>load<u32>(at - END_BYTES);
  if (load<u8>(end - 1) == CR) store<u32>(at - END_BYTES, --end);
  return end;
}

/** Mask of the bytes, out of 64, that equal those of `wanted`. */
// @ts-ignore: decorator
@inline
function whereIs(a: v128, b: v128, c: v128, d: v128, wanted: v128): u64 {
  return bits(i8x16.eq(a, wanted), i8x16.eq(b, wanted), i8x16.eq(c, wanted), i8x16.eq(d, wanted));
}

/** Joins the top bits of 64 bytes to a mask. The first byte has the lowest bit. */
// @ts-ignore: decorator
@inline
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u64>(<u32>i8x16.bitmask(a)) | (<u64>(<u32>i8x16.bitmask(b)) << 16);
  const high = <u64>(<u32>i8x16.bitmask(c)) | (<u64>(<u32>i8x16.bitmask(d)) << 16);
  return low | (high << 32);
}

/**
 * Marks backslashes, control characters, and bytes that are not ASCII: as signed numbers the latter two are below a
 * space.
 */
// @ts-ignore: decorator
@inline
function specialIn(bytes: v128, backslash: v128, space: v128): v128 {
  return v128.or(i8x16.eq(bytes, backslash), i8x16.lt_s(bytes, space));
}

/**
 * Prefix XOR: sets the bits from each odd-numbered set bit of the mask up to, but not including, the next set bit.
 * Applied to quotes, it marks the bytes within them.
 */
// @ts-ignore: decorator
@inline
function upToEach(mask: u64): u64 {
  mask ^= mask << 1;
  mask ^= mask << 2;
  mask ^= mask << 4;
  mask ^= mask << 8;
  mask ^= mask << 16;
  return mask ^ (mask << 32);
}

/**
 * Writes the ends of a block, four at a time: most blocks of 64 bytes have few. Surplus entries are overwritten later.
 */
// @ts-ignore: decorator
@inline
function putEnds(at: usize, p: usize, ends: u64): usize {
  const next = at + <usize>popcnt(ends) * END_BYTES;
  do {
    store<u32>(at, p + <usize>ctz(ends));
    ends &= ends - 1;
    store<u32>(at, p + <usize>ctz(ends), 4);
    ends &= ends - 1;
    store<u32>(at, p + <usize>ctz(ends), 8);
    ends &= ends - 1;
    store<u32>(at, p + <usize>ctz(ends), 12);
    ends &= ends - 1;
    at += 4 * END_BYTES;
  } while (at < next);
  return next;
}
