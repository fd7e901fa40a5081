/**
 * The rows of the page that is being filled: their JSON, and where in it the value of each column is. Nothing is
 * converted before the page is full; each column is then encoded by itself, while its dictionary and its values are in
 * the processor's cache.
 *
 * A value is a pair of u32 for each column and row: the offset of its first byte in the JSON, and its length with two
 * flags. A text's bytes are those between its quotes. Zeros stand for null.
 */
import { addColumn, beginColumns, columnAt, columnCount, columnWithKey, TEXT } from './column';
import { Block, newBlock, reserve, SLACK, take } from './memory';

/** Flag of a length: the value is a text in JSON. Otherwise it is a number, true or false. */
export const IS_TEXT: u32 = 0x8000_0000;
/** Flag of a length: the text has backslashes. */
export const IS_ESCAPED: u32 = 0x4000_0000;
export const LENGTH: u32 = 0x3fff_ffff;

const QUOTE: u32 = 0x22;
const BACKSLASH: u32 = 0x5c;
const COLON: u32 = 0x3a;
const COMMA: u32 = 0x2c;
const OPEN: u32 = 0x7b;
const CLOSE: u32 = 0x7d;
const LETTER_E: u32 = 0x65;
/** The first four bytes of these words. */
const NULL: u32 = 0x6c6c_756e;
export const TRUE: u32 = 0x6575_7274;
export const FALSE: u32 = 0x736c_6166;

let json: Block = newBlock();
/** Bytes of JSON that belong to rows of the page. */
export let jsonBytes: u32 = 0;
/** Rows of the page, and how many it can have. */
export let rowCount: u32 = 0;
let maxRows: u32 = 0;

/**
 * Begins the file.
 *
 * @param rows that a page has at most, a multiple of 8
 */
export function begin(columns: u32, rows: u32): void {
  maxRows = rows;
  beginColumns(columns);
}

/** @param key the bytes of the column's key, the first one lowest */
export function column(type: u32, key: u32): void {
  // The columns of a row must not share the same lines of the cache, as they would at a distance of 4 KiB.
  addColumn(type, key, take(<usize>maxRows * 8 + 64));
}

/** Address for the next bytes of JSON. */
export function place(bytes: u32): usize {
  return reserve(json, jsonBytes + bytes, jsonBytes) + jsonBytes;
}

/** Address of a value. */
// @ts-ignore: decorator
@inline
export function addressOf(value: usize): usize {
  return json.at + <usize>load<u32>(value);
}

/** Where `read` came to something that it cannot read; the offset of it in the bytes it was given. */
export let failedAt: i32 = -1;

/**
 * Reads rows at the address that `place` gave.
 *
 * @returns their bytes: less than those given if the page has no room for another row, or if there is an error, which
 * `failedAt` tells
 */
export function read(bytes: u32): u32 {
  const start = json.at + jsonBytes;
  const end = start + bytes;
  // What is searched for is found behind the end, if not before it.
  for (let after: usize = 0; after < SLACK; after += 16) v128.store(end + after, i16x8.splat(0x7d22));
  failedAt = -1;
  let p = start;
  while (p < end && rowCount < maxRows) {
    const next = readRow(p, end);
    if (next == 0) break;
    p = next;
    rowCount++;
  }
  jsonBytes += <u32>(p - start);
  if (failedAt >= 0) failedAt -= <i32>start;
  return <u32>(p - start);
}

function fail(p: usize): usize {
  failedAt = <i32>p;
  return 0;
}

/** @returns the end of the row, or 0 */
function readRow(p: usize, end: usize): usize {
  const at = <usize>rowCount * 8;
  if (load<u8>(p) != OPEN) return fail(p);
  while (true) {
    // The comma or the brace before the key, its quotes, and the key of one to three bytes between them.
    if (load<u8>(p, 1) != QUOTE) return fail(p);
    let key = load<u32>(p, 2);
    if (((key >> 8) & 0xff) == QUOTE) {
      key &= 0xff;
      p += 4;
    } else if (((key >> 16) & 0xff) == QUOTE) {
      key &= 0xffff;
      p += 5;
    } else if (key >> 24 == QUOTE) {
      key &= 0xff_ffff;
      p += 6;
    } else return fail(p);
    const number = columnWithKey(key);
    if (number == 0 || load<u8>(p) != COLON) return fail(p);
    const column = columnAt(number - 1);
    const value = column.values + at;
    p++;
    const from = p;
    if (load<u8>(p) == QUOTE) {
      p = endOfText(p + 1);
      store<u32>(value, <u32>(from + 1 - json.at));
      store<u32>(value, <u32>(p - from - 1) | IS_TEXT | (textIsEscaped ? IS_ESCAPED : 0), 4);
      p++;
    } else {
      p = endOfToken(p);
      if (p - from == 4 && load<u32>(from) == NULL) store<u64>(value, 0);
      else {
        // The other types look at every byte of their values.
        if (column.type == TEXT && !isToken(from, p)) return fail(from);
        store<u32>(value, <u32>(from - json.at));
        store<u32>(value, <u32>(p - from), 4);
      }
    }
    // A row that breaks off ends behind the end.
    if (p >= end) return fail(end);
    const after = load<u8>(p);
    if (after == CLOSE) return p + 1;
    if (after != COMMA) return fail(p);
  }
}

let textIsEscaped: bool = false;

/** End of the text at `p`: its closing quote. Sets `textIsEscaped`. */
// @ts-ignore: decorator
@inline
function endOfText(p: usize): usize {
  textIsEscaped = false;
  while (true) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(
      v128.or(i8x16.eq(bytes, i8x16.splat(<i8>QUOTE)), i8x16.eq(bytes, i8x16.splat(<i8>BACKSLASH))),
    );
    if (found == 0) {
      p += 16;
      continue;
    }
    p += ctz(found);
    if (load<u8>(p) == QUOTE) return p;
    textIsEscaped = true;
    p += 2;
  }
}

/** End of a number, true, false or null: a comma or a closing brace. */
// @ts-ignore: decorator
@inline
function endOfToken(p: usize): usize {
  while (true) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(
      v128.or(i8x16.eq(bytes, i8x16.splat(<i8>COMMA)), i8x16.eq(bytes, i8x16.splat(<i8>CLOSE))),
    );
    if (found != 0) return p + ctz(found);
    p += 16;
  }
}

/** True if the bytes are a number, true or false: as a text, they stay what they are. */
function isToken(p: usize, end: usize): bool {
  if (end - p == 4 && load<u32>(p) == TRUE) return true;
  if (end - p == 5 && load<u32>(p) == FALSE && load<u8>(p, 4) == LETTER_E) return true;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    // + - . and digits; e and E.
    if ((c < 0x2b || c > 0x39 || c == COMMA || c == 0x2f) && (c | 0x20) != LETTER_E) return false;
  }
  return true;
}

/** Begins another page. */
export function clearPage(): void {
  const bytes = <usize>(rowCount + 7) / 8 * 64;
  for (let index: u32 = 0; index < columnCount; index++) memory.fill(columnAt(index).values, 0, bytes);
  rowCount = 0;
  jsonBytes = 0;
}
