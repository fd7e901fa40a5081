/**
 * Reads JSON objects, one per line, in which each column has a path. This file mirrors
 * lambdas/core/formats/json.ts and lambdas/core/reading/json-paths.ts.
 *
 * Each value is written as soon as it is read: the value of a column to the output, any other member aside (see
 * json-others.ts), as `extra` comes last in a row. If the members are not in the order of their columns, what has been
 * written is put in order at the end.
 *
 * A path can be in the line in several ways, of which the TypeScript reader chooses one. A line in which it is more than
 * once is unsupported, but for a key of the line itself that is there twice.
 */
import { fieldErrors, noteRepeatedKey, putErrors } from './errors';
import { beginColumns, readColumn } from './json-columns';
import {
  BEFORE_FIRST, keyIn, keyLength, LOG_LENGTH, logColumn, MAY_MARK, MAY_NAME, MAY_WRAP, MESSAGE_LENGTH, messageColumn,
  NO_COLUMN, OBJECT, OF_ENVELOPE, OUTERMOST, prepareKeys, targetOf, valueAfter,
} from './json-keys';
import { beginObject, beginOthers, earlierOther, endObject, othersEnd, putOthers, takeNested, takeOther } from './json-others';
import { endOfValue, pastSpace } from './json-values';
import { BACKSLASH, inputOf, isEnd, outputOf, pair, PIECES, putBytes, QUOTE, SEEN_COLUMNS, SPACE } from './memory';
import { isDigit } from './numbers';
import { flags, IDENTITY } from './program';

/**
 * Follows the 256-bit set of columns seen. Per column: start and end of its output, and the address of its key in the
 * line, or 0 if the column is in a nested object.
 */
const SPANS: usize = SEEN_COLUMNS + 32;
const SPAN_BYTES: usize = 16;
/** 256-bit set of the nested objects with columns that the line has had, after the spans of 250 columns. */
const SEEN_OBJECTS: usize = SPANS + 256 * SPAN_BYTES;

/**
 * While a nested object is read: the key that was read last, which predicts the next one (see json-keys.ts), and the
 * last column in the order of columns that has been written. Outside of nested objects they are local variables, which
 * are faster.
 */
let lastKey: usize = 0;
let lastColumn: i32 = -1;
/** Whether all columns have been written in their order. */
let inOrder: bool = true;
/** Number of columns that nested objects have had. */
let nestedColumns: u32 = 0;

/** Clears what is known of the members of the line before. */
// @ts-ignore: decorator
@inline
function beginMembers(): void {
  v128.store(SEEN_COLUMNS, i64x2.splat(0));
  v128.store(SEEN_COLUMNS, i64x2.splat(0), 16);
  v128.store(SEEN_OBJECTS, i64x2.splat(0));
  v128.store(SEEN_OBJECTS, i64x2.splat(0), 16);
  beginOthers();
  beginColumns();
  inOrder = true;
  nestedColumns = 0;
}

/**
 * Reads a line to its row, or to the slots of its record key.
 *
 * @returns the addresses of the line's end and of the end of the row's columns, or 0 if the line is unsupported
 */
export function readJson(p: usize, o: usize): u64 {
  prepareKeys();
  beginMembers();
  const start = o;
  let key = BEFORE_FIRST;
  let last: i32 = -1;
  isNamed = false;
  hasFile = false;
  hasText = false;
  mayWrap = false;
  hasLog = false;
  hasStream = false;
  p = pastSpace(p);
  if (load<u8>(p) != 0x7b) return 0;
  do {
    p = pastSpace(p + 1);
    if (load<u8>(p) != QUOTE) return 0;
    const keyStart = p + 1;
    key = keyIn(OUTERMOST, keyStart, key);
    if (key == 0) return 0;
    p = valueAfter(key, keyStart);
    if (p == 0) return 0;
    const target = targetOf(key);
    if (target >= MAY_NAME) {
      if (target != NO_COLUMN && isOfEnvelope(key, target, p)) return 0;
      const end = takeOther(key, keyStart, p);
      p = end != 0 ? end : takeRepeated(earlierOther, key, keyStart, p);
      if (p == 0) return 0;
    } else if (target & OBJECT) {
      lastKey = key;
      lastColumn = last;
      const pointers = readObject(key, target, 0, p, o);
      if (pointers == 0) return 0;
      key = lastKey;
      last = lastColumn;
      p = inputOf(pointers);
      o = outputOf(pointers);
    } else if (<i32>target <= last && isSeen(target)) {
      p = takeRepeated(keyInLineOf(target), key, keyStart, p);
      if (p == 0) return 0;
    } else {
      if (<i32>target > last) last = target;
      else inOrder = false;
      const pointers = readColumn(target, p, o);
      if (pointers == 0) return 0;
      addColumn(target, keyStart, o, outputOf(pointers));
      p = inputOf(pointers);
      o = outputOf(pointers);
    }
    p = pastSpace(p);
  } while (load<u8>(p) == 0x2c);
  if (load<u8>(p) != 0x7d) return 0;
  p = pastSpace(p + 1);
  if (!isEnd(p)) return 0;
  if ((isNamed || hasFile) && (mayBeLine(logColumn, LOG_LENGTH) || mayBeLine(messageColumn, MESSAGE_LENGTH))) return 0;
  if (flags() & IDENTITY) return pair(p, o);
  // The loader counts rows without any value, so such a line is left to the TypeScript reader.
  if (o == start) return 0;
  if (!inOrder) putInOrder(start, o);
  o = putOthers(o);
  if (fieldErrors != 0) o = putErrors(o);
  return o == 0 ? 0 : pair(p, o);
}

/** Takes a member whose key the line has already. Returns the value's end, or 0 if the line is unsupported. */
function takeRepeated(earlier: usize, key: usize, keyStart: usize, p: usize): usize {
  if (earlier == 0 || !noteRepeatedKey(earlier, keyStart, keyLength(key) - 1, p)) return 0;
  return endOfValue(p);
}

/**
 * True if the value at `p` may belong to an envelope around a record: it may mark a piece of one; it is any text beside
 * the name of an output stream; it is a `log` that may begin with an object or as a line of CRI does, or stands beside a
 * `stream`, which may be a piece of Docker's whatever the stream is; or it is a `message` that may begin with an object,
 * beside a `log` that is an object. The TypeScript reader then decides, by columns that promoted ones are not among.
 */
function isOfEnvelope(key: usize, target: u32, p: usize): bool {
  if (target == MAY_MARK) return true;
  const isText = load<u8>(p) == QUOTE;
  if (target == MAY_NAME) {
    isNamed = isNamed || (isText && load<u16>(p, 1) == ST);
    hasStream = hasStream || load<u16>(key) == ST;
  } else if (load<u8>(p) == 0x7b) hasFile = true;
  else if (isText) {
    const first = <u32>load<u8>(p + 1);
    hasText = true;
    if (keyLength(key) - 1 == LOG_LENGTH) {
      if (mayBeginLine(first)) return true;
      hasLog = true;
    } else mayWrap = mayWrap || mayBeginObject(first);
  }
  return (isNamed && hasText) || (hasFile && mayWrap) || (hasLog && hasStream);
}

/** True if the target is a column whose value may be a JSON record as text, or a piece of a line of Docker's. */
function mayBeLine(target: u32, keyLength: usize): bool {
  if ((target & OBJECT) != 0 || !isSeen(target)) return false;
  const value = pastSpace(pastSpace(keyInLineOf(target) + keyLength + 1) + 1);
  return load<u8>(value) == QUOTE && (keyLength == LOG_LENGTH || mayBeginLine(load<u8>(value, 1)));
}

/** True if a text that begins so may be an object, or a line of CRI. */
// @ts-ignore: decorator
@inline
function mayBeginLine(first: u32): bool {
  return isDigit(first) || mayBeginObject(first);
}

// @ts-ignore: decorator
@inline
function mayBeginObject(first: u32): bool {
  return first == 0x7b || first == BACKSLASH || first <= SPACE;
}

/** `st`, with which `stdout`, `stderr` and the key `stream` begin, as a little-endian u16. */
const ST: u32 = 0x7473;
/** The line has a text that names an output stream; a `log` that is an object; and a text that may be a line. */
let isNamed: bool = false;
let hasFile: bool = false;
let hasText: bool = false;
/** The line has a `message`, which is no column, that may begin with an object. */
let mayWrap: bool = false;
/** The line has a text under the key `log`, which is no column; and a value under the key `stream`. */
let hasLog: bool = false;
let hasStream: bool = false;

/**
 * Reads the value of a key that leads to columns if it is an object.
 *
 * @param member the key
 * @param depth number of objects around it, without the outermost
 */
function readObject(member: usize, target: u32, depth: u32, p: usize, o: usize): u64 {
  const context = target & ~(OBJECT | OF_ENVELOPE);
  if (!isNewObject(context)) return 0;
  if (load<u8>(p) != 0x7b) {
    if (target & OF_ENVELOPE) return 0;
    p = depth == 0 ? takeOther(member, 0, p) : takeNested(member, p);
    return p == 0 ? 0 : pair(p, o);
  }
  if (target & OF_ENVELOPE) {
    if (hasText) return 0;
    hasFile = true;
  }
  const before = othersEnd;
  if (!beginObject(member, depth)) return 0;
  const begun = othersEnd;
  const columns = nestedColumns;
  const pointers = readMembers(context, depth + 1, p, o);
  if (pointers != 0) endObject(before, begun, depth, nestedColumns == columns);
  return pointers;
}

/** Reads the members of a nested object. */
function readMembers(context: u32, depth: u32, p: usize, o: usize): u64 {
  p = pastSpace(p + 1);
  if (load<u8>(p) == 0x7d) return pair(p + 1, o);
  do {
    if (load<u8>(p) != QUOTE) return 0;
    const key = keyIn(context, p + 1, lastKey);
    if (key == 0) return 0;
    p = valueAfter(key, p + 1);
    if (p == 0) return 0;
    lastKey = key;
    const target = targetOf(key);
    if (target == NO_COLUMN) {
      p = takeNested(key, p);
      if (p == 0) return 0;
    } else {
      const pointers = target & OBJECT ? readObject(key, target, depth, p, o) : readNested(target, p, o);
      if (pointers == 0) return 0;
      p = inputOf(pointers);
      o = outputOf(pointers);
    }
    p = pastSpace(p);
    if (load<u8>(p) == 0x7d) return pair(p + 1, o);
    if (load<u8>(p) != 0x2c) return 0;
    p = pastSpace(p + 1);
  } while (true);
}

/** Adds an object to the set of objects seen. Returns false if the line has had it already. */
function isNewObject(context: u32): bool {
  const word = SEEN_OBJECTS + <usize>(context >> 6) * 8;
  const bit = (<u64>1) << (context & 63);
  const present = load<u64>(word);
  store<u64>(word, present | bit);
  return (present & bit) == 0;
}

/** Reads the value of a column in a nested object. */
function readNested(column: u32, p: usize, o: usize): u64 {
  if (isSeen(column)) return 0;
  if (<i32>column > lastColumn) lastColumn = column;
  else inOrder = false;
  const pointers = readColumn(column, p, o);
  if (pointers == 0) return 0;
  addColumn(column, 0, o, outputOf(pointers));
  nestedColumns++;
  return pointers;
}

// @ts-ignore: decorator
@inline
function isSeen(column: u32): bool {
  return ((load<u64>(SEEN_COLUMNS + <usize>(column >> 6) * 8) >> (column & 63)) & 1) != 0;
}

/** Address in the line of the key that gave a column its value, or 0 if the column is in a nested object. */
// @ts-ignore: decorator
@inline
function keyInLineOf(column: u32): usize {
  return <usize>load<u32>(SPANS + <usize>column * SPAN_BYTES, 8);
}

/** Adds a column to the set of columns seen, with its entry in SPANS. */
// @ts-ignore: decorator
@inline
function addColumn(column: u32, key: usize, from: usize, to: usize): void {
  const word = SEEN_COLUMNS + <usize>(column >> 6) * 8;
  store<u64>(word, load<u64>(word) | ((<u64>1) << (column & 63)));
  const span = SPANS + <usize>column * SPAN_BYTES;
  store<u32>(span, from);
  store<u32>(span, to, 4);
  store<u32>(span, key, 8);
}

/** Puts the columns that have been written from `start` to `end` in their order. */
function putInOrder(start: usize, end: usize): void {
  putBytes(PIECES, start, end - start);
  let o = start;
  for (let word: usize = 0; word < 4; word++) {
    for (let seen = load<u64>(SEEN_COLUMNS + word * 8); seen != 0; seen &= seen - 1) {
      const span = SPANS + (word * 64 + <usize>ctz(seen)) * SPAN_BYTES;
      const from = <usize>load<u32>(span);
      o = putBytes(o, PIECES + (from - start), <usize>load<u32>(span, 4) - from);
    }
  }
}
