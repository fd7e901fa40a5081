/**
 * Where the fields of a delimited line end, found for the whole line before any is read: 64 bytes become masks of a bit
 * each, so that no field waits for the one before it to end.
 */
import { BACKSLASH, CR, FIELD_ENDS, LF, QUOTE, SPACE, splatOf } from './memory';

/** Of one end; the last is the line's. */
export const END_BYTES: usize = 4;
/** Where so many are found before the line's end, it is left to the clear path. */
const MAX_FIELDS: u32 = 200;

/** Of the line. */
export let fieldsFound: u32 = 0;
/** All of the line but its quotes stands in JSON as it stands here: no control character, backslash or what is no ASCII. */
export let plain: bool = false;

/**
 * Finds the ends of a line's fields: at spaces outside of quotes, and at the line's end. None is empty, and quotes stand
 * only where a field begins and ends; in a line that is not plain, what follows the second may be CR.
 *
 * @returns the line's end; 0 where fields are not so, a quote is still open there, or there are too many
 */
export function findFields(p: usize): usize {
  const quote = splatOf(QUOTE);
  const space = splatOf(SPACE);
  const backslash = splatOf(BACKSLASH);
  let at = FIELD_ENDS;
  let special: u64 = 0;
  // All ones where the byte before is within quotes.
  let within: u64 = 0;
  let malformed: u64 = 0;
  // A bit where a field begins in the block, and where one must have ended: left over from the block before.
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
      // Of the line's end only the first bit, and of the rest what comes before it.
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
    malformed |= (starts & ends) | (quotes & inside & ~starts) | (((closing << 1) | closedBefore) & ~(ends | carriageReturns));
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

// @ts-ignore: decorator
@inline
function whereIs(a: v128, b: v128, c: v128, d: v128, wanted: v128): u64 {
  return bits(i8x16.eq(a, wanted), i8x16.eq(b, wanted), i8x16.eq(c, wanted), i8x16.eq(d, wanted));
}

/** A bit of each byte, the first the lowest. */
// @ts-ignore: decorator
@inline
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u64>(<u32>i8x16.bitmask(a)) | (<u64>(<u32>i8x16.bitmask(b)) << 16);
  const high = <u64>(<u32>i8x16.bitmask(c)) | (<u64>(<u32>i8x16.bitmask(d)) << 16);
  return low | (high << 32);
}

/** Backslash, control characters, and what is no ASCII: as signed numbers the last two are below a space. */
// @ts-ignore: decorator
@inline
function specialIn(bytes: v128, backslash: v128, space: v128): v128 {
  return v128.or(i8x16.eq(bytes, backslash), i8x16.lt_s(bytes, space));
}

/** Ones from every odd bit of the mask up to the next even one, the latter left out. */
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

/** Four at a time, as there are mostly fewer in 64 bytes: what is written too much is written over. */
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
