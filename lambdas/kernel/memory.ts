/**
 * Where things lie in the kernel's memory. core/reading/kernel.ts writes the program, the prefix and the block, and
 * reads the output and the result. Nothing is kept from one call to the next that changes a result: the program and the
 * prefix, and what was read last, which is looked at again before it is used.
 *
 * Functions that read and write return both places in one number, so that they stay in registers:
 * the one read from above, the one written to below. 0 is a surprise: the line is left to the clear path.
 */

/** What one call came to: see core/reading/kernel.ts. */
export const RESULT: usize = 1024;
/** Small texts and tables, of one line or of what was read last; each has its place: */
const SCRATCH: usize = 4096;
/** The last minute read, and the last `$time_local` with what it was written as: times.ts. */
export const MINUTE: usize = SCRATCH;
export const LOCAL_TIME: usize = SCRATCH + 32;
export const LOCAL_TIME_VALUE: usize = SCRATCH + 64;
/** That minute, as a row's text begins. */
export const MINUTE_TEXT: usize = SCRATCH + 128;
/** The line's number, as text that ends here: index.ts. */
export const POSITION_END: usize = SCRATCH + 224;
/** A key of JSON in lower case, with zeros behind it up to whole 16 bytes: json-keys.ts. */
export const LOWER_KEY: usize = SCRATCH + 256;
/** Digits of a number with an exponent: exponents.ts. */
export const DIGITS: usize = SCRATCH + 512;
/** Where the columns of an identity were written: program.ts. */
export const SLOTS: usize = SCRATCH + 1024;
/** What of JSON's members a line has had: json.ts, json-record.ts. */
export const SEEN_COLUMNS: usize = SCRATCH + 4096;
/** Hashes of the keys that no column stands for: json-others.ts. */
export const OTHER_KEY_HASHES: usize = SCRATCH + 8448;
/** Which columns' values do not convert: errors.ts. */
export const FAILED_COLUMNS: usize = SCRATCH + 10_240;
/** Keys of JSON that are kept, 20 KB: json-keys.ts. */
export const KEY_CACHE: usize = SCRATCH + 16_384;
/** Ends of a delimited line's fields: fields.ts. */
export const FIELD_ENDS: usize = SCRATCH + 40_960;
/** 16 times each byte there is: see `every`. */
const SPLATS: usize = SCRATCH + 49_152;
/** The format's program, as core/reading/kernel-program.ts lays it out. */
export const PROGRAM: usize = 65_536;
export const PROGRAM_BYTES: usize = 131_072;
/** How every row begins: `{"0":"origin","1":`, and what follows its position. */
export const PREFIX: usize = PROGRAM + PROGRAM_BYTES;
export const PREFIX_BYTES: usize = 65_536;
/** Whole lines. Reads of 16 bytes may pass the end of the last. */
export const INPUT: usize = PREFIX + PREFIX_BYTES;
export const INPUT_BYTES: usize = 262_144;
export const OUTPUT: usize = INPUT + INPUT_BYTES + 4096;
/** What a call may be given room for at most; core/reading/kernel.ts holds callers to it. */
export const ROOM_BYTES: usize = 1_048_576;
/**
 * Rows are only begun below the room, so one row beyond it is all that must fit. At its largest, a row has the prefix and
 * each byte of a block once in `extra` or `errors`, escaped twice (7 bytes), and once in `raw` (6), and a little.
 */
export const OUTPUT_BYTES: usize = ROOM_BYTES + PREFIX_BYTES + INPUT_BYTES * 13 + 16_384;

/** A value without its escapes. Behind the static data, which lies where bin/kernel.ts says. */
export const UNESCAPED: usize = 5_505_024;
/** JSON's members for `extra`, each byte at most four times, until the columns are written. */
export const OTHERS: usize = UNESCAPED + INPUT_BYTES + 4096;
/** What is written of JSON's columns, at most twice as long, while it is put in order. */
export const PIECES: usize = OTHERS + INPUT_BYTES * 4 + 4096;
/** What is copied only to be looked at. */
export const DISCARDED: usize = PIECES;
/** A line without its envelope. */
export const INNER_LINE: usize = PIECES + INPUT_BYTES * 2 + 4096;

export const LF: u32 = 0x0a;
export const CR: u32 = 0x0d;
export const SPACE: u32 = 0x20;
export const QUOTE: u32 = 0x22;
export const HYPHEN: u32 = 0x2d;
export const DOT: u32 = 0x2e;
export const ZERO: u32 = 0x30;
export const COLON: u32 = 0x3a;
export const BACKSLASH: u32 = 0x5c;

for (let byte: usize = 0; byte < 256; byte++) v128.store(SPLATS + byte * 16, i8x16.splat(<i8>byte));

/** A byte 16 times, for loops: the engine makes a constant anew each time around, which takes a tenth of finding fields. */
// @ts-ignore: decorator
@inline
export function splatOf(byte: usize): v128 {
  return v128.load(SPLATS + byte * 16);
}

// @ts-ignore: decorator
@inline
export function pair(p: usize, o: usize): u64 {
  return (u64(p) << 32) | u64(o);
}

// @ts-ignore: decorator
@inline
export function inputOf(pointers: u64): usize {
  return usize(pointers >> 32);
}

// @ts-ignore: decorator
@inline
export function outputOf(pointers: u64): usize {
  return usize(u32(pointers));
}

/** `HTTP`, as four bytes are read. */
export const HTTP: u32 = 0x50545448;

/** Is the line at its end here: LF, or CR LF? */
// @ts-ignore: decorator
@inline
export function isEnd(p: usize): bool {
  const c = load<u8>(p);
  return c == LF || (c == CR && load<u8>(p, 1) == LF);
}

// @ts-ignore: decorator
@inline
export function put(o: usize, byte: u32): usize {
  store<u8>(o, byte);
  return o + 1;
}

/** A key as `,"a":"`: up to 7 bytes, and their number in the eighth. */
// @ts-ignore: decorator
@inline
export function putTextKey(o: usize, key: u64): usize {
  store<u64>(o, key);
  return o + usize(key >> 56);
}

/** The same for a value without quotes. */
// @ts-ignore: decorator
@inline
export function putKey(o: usize, key: u64): usize {
  store<u64>(o, key);
  return o + usize(key >> 56) - 1;
}

/** Copies bytes that need no look; may write up to 31 beyond them, as most texts are no longer than the first step. */
// @ts-ignore: decorator
@inline
export function putBytes(o: usize, from: usize, length: usize): usize {
  let i: usize = 0;
  do {
    v128.store(o + i, v128.load(from + i));
    v128.store(o + i, v128.load(from + i, 16), 16);
    i += 32;
  } while (i < length);
  return o + length;
}
