/**
 * The kernel's memory: which region holds what. lambdas/core/reading/kernel.ts writes the program, the prefix and the
 * input block, and reads the output and the result.
 *
 * State kept between calls: the program, the prefix, and caches (the last minute, the last local time, the last keys).
 * Caches are verified before use, so they never change a result.
 *
 * Conventions in all files of the kernel:
 *
 * - `p` is an address that is read from, `o` an address that is written to, and `end` is exclusive.
 * - A function that both reads and writes returns the two new addresses in one number, so that they stay in registers:
 *   the address after what it has read in the upper half, the address after what it has written in the lower half. See
 *   `pair`, `inputOf` and `outputOf`.
 * - A function that returns 0 in place of an address, or of such a pair, could not do its work: the line is
 *   unsupported, unless the comment of the function says otherwise. An unsupported line is left to the TypeScript
 *   reader.
 * - Reads and writes take 16 bytes or more at a time and may go beyond the text they are for; whatever they write too
 *   much is overwritten later.
 */

/**
 * Results of one call. Counts and lengths are u32, times are f64 in milliseconds since the epoch:
 *
 *   0   offset in the block of the next line to read
 *   4   bytes of output
 *   8   rows
 *   12  lines left out by filters
 *   16  unknown fields, or unknown members of JSON objects
 *   20  values that did not convert, and repeated keys
 *   24  time of the first event, NaN without any
 *   32  time of the last event, NaN without any
 *   40  lines left out, one count for each filter: filters.ts
 *   72  offset in the block of the first line that each filter left out; only valid if its count is not 0
 *   92  lines that are rejected and only counted: rejected.ts
 *   96  rows that have a time
 *
 * `readEvents` (events.ts) has results of its own.
 */
export const RESULT: usize = 1024;
/** Start of the small buffers and tables. Each holds data of one line, or a cache: */
const SCRATCH: usize = 4096;
/** Cache: the last minute that was read, then the last `$time_local` and its value as it was written (times.ts). */
export const MINUTE: usize = SCRATCH;
export const LOCAL_TIME: usize = SCRATCH + 32;
export const LOCAL_TIME_VALUE: usize = SCRATCH + 64;
/** Cache: the minute at MINUTE as a row has it in text, `yyyy-M-d HH:mm` (times.ts). */
export const MINUTE_TEXT: usize = SCRATCH + 128;
/** An ISO 8601 time without separators, after they have been put in (times.ts). */
export const SEPARATED_TIME: usize = SCRATCH + 160;
/** End of the current line's position, which is stored as decimal text (index.ts). */
export const POSITION_END: usize = SCRATCH + 224;
/** The current JSON key in lower case, padded with zeros to a multiple of 16 bytes (json-keys.ts). */
export const LOWER_KEY: usize = SCRATCH + 256;
/** Digits of a number that has an exponent (exponents.ts). */
export const DIGITS: usize = SCRATCH + 512;
/** Where in the output the record key's columns were written (program.ts). */
export const SLOTS: usize = SCRATCH + 1024;
/** Bit set of the columns that the current JSON object has had, followed by tables of json.ts and json-record.ts. */
export const SEEN_COLUMNS: usize = SCRATCH + 4096;
/** Bit set of the columns whose values do not convert, followed by these values' addresses (errors.ts). */
export const FAILED_COLUMNS: usize = SCRATCH + 10_240;
/** Closing brackets of the objects and arrays around a JSON value, 1 KB (json-values.ts). */
export const NESTING: usize = SCRATCH + 14_336;
/** Cache: JSON keys and their columns, 20 KB (json-keys.ts). */
export const KEY_CACHE: usize = SCRATCH + 16_384;
/** Ends of a delimited line's fields (fields.ts), or values of a log_format that are repeated (log-repeats.ts). */
export const FIELD_ENDS: usize = SCRATCH + 40_960;
/** Each of the 256 byte values, 16 times in a row: see `splatOf`. */
const SPLATS: usize = SCRATCH + 49_152;
/** The format's program, written by lambdas/core/reading/kernel-program.ts. Its layout is in program.ts. */
export const PROGRAM: usize = 65_536;
export const PROGRAM_BYTES: usize = 131_072;
/** Beginning of every row: `{"0":"origin","1":`, directly followed by the text that comes after the row's position. */
export const PREFIX: usize = PROGRAM + PROGRAM_BYTES;
export const PREFIX_BYTES: usize = 65_536;
/** The block: whole lines, each with its LF. Reads of 16 bytes may go beyond the end of the last line. */
export const INPUT: usize = PREFIX + PREFIX_BYTES;
export const INPUT_BYTES: usize = 262_144;
export const OUTPUT: usize = INPUT + INPUT_BYTES + 4096;
/** Largest `room` that a call may be given; lambdas/core/reading/kernel.ts enforces it. */
export const ROOM_BYTES: usize = 1_048_576;
/**
 * A row is only started below `room`, so the output holds at most one row beyond it. The largest row consists of the
 * prefix; each byte of a block once in `extra` or `errors`, where it is escaped twice (11 bytes for a byte that is not
 * UTF-8, in JSON text); each byte once more in `raw` (6 bytes); and some punctuation.
 */
export const OUTPUT_BYTES: usize = ROOM_BYTES + PREFIX_BYTES + INPUT_BYTES * 17 + 16_384;

/**
 * A value without its escapes: at most 4 bytes for each byte of the line. This address is above the static data, whose
 * address bin/kernel.ts sets.
 */
export const UNESCAPED: usize = 6_553_600;
/** JSON members for `extra`, kept here until all columns are written: at most 11 bytes for each byte of the line. */
export const OTHERS: usize = UNESCAPED + INPUT_BYTES * 4 + 4096;
/** Copy of the columns of a JSON object while they are put in order: at most 7 bytes for each byte of the line. */
export const PIECES: usize = OTHERS + INPUT_BYTES * 11 + 4096;
/** Target of copies that are made only to check a value and find its end. It shares its memory with PIECES. */
export const DISCARDED: usize = PIECES;
/** The line within an envelope, without its JSON escapes: at most 4 bytes for each of its bytes (envelope.ts). */
export const INNER_LINE: usize = PIECES + INPUT_BYTES * 7 + 4096;
/** Keys of the line for which there is no column, 96 KB (json-others.ts), and keys that came again, 1 KB (errors.ts). */
export const OTHER_KEYS: usize = INNER_LINE + INPUT_BYTES * 4 + 4096;
export const REPEATED_KEYS: usize = OTHER_KEYS + 98_304;

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

/**
 * A vector of 16 equal bytes, for use in loops: the engine rebuilds a constant vector at each iteration, which costs a
 * tenth of the time of finding fields.
 */
// @ts-ignore: decorator
@inline
export function splatOf(byte: usize): v128 {
  return v128.load(SPLATS + byte * 16);
}

/** Combines the address after the bytes read with the address after the bytes written. */
// @ts-ignore: decorator
@inline
export function pair(p: usize, o: usize): u64 {
  return (u64(p) << 32) | u64(o);
}

/** The address after the bytes read, from a `pair`. */
// @ts-ignore: decorator
@inline
export function inputOf(pointers: u64): usize {
  return usize(pointers >> 32);
}

/** The address after the bytes written, from a `pair`. */
// @ts-ignore: decorator
@inline
export function outputOf(pointers: u64): usize {
  return usize(u32(pointers));
}

/** `HTTP` as a little-endian u32. */
export const HTTP: u32 = 0x50545448;

/** True if the line ends here, with LF or CR LF. */
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

/** Writes a column's key, for a value without quotes. The argument holds `,"a":`: up to 7 bytes, and their count. */
// @ts-ignore: decorator
@inline
export function putKey(o: usize, key: u64): usize {
  store<u64>(o, key);
  return o + usize(key >> 56);
}

/** Writes a column's key up to the opening quote of its value. */
// @ts-ignore: decorator
@inline
export function putTextKey(o: usize, key: u64): usize {
  return put(putKey(o, key), QUOTE);
}

/**
 * Copies bytes without looking at them. It may write up to 31 bytes too many: most texts fit the first 32-byte step.
 */
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
