/** JSON objects in which each column has its place, at some depth: core/formats/kong-json.ts. */
import { enveloped, lineEndOf, putStream, takeOut } from './envelope';
import { filter, LOCAL, setFilter } from './filters';
import { copyTimeOf } from './json';
import { BEFORE_FIRST, BEFORE_INNER, columnOf, keyIn, NO_COLUMN, OBJECT, prepareKeys, RECORD, valueAfter } from './json-keys';
import { beginObject, beginOthers, endObject, othersEnd, putOthers, takeNested, takeOther } from './json-others';
import { copyUnquoted } from './json-strings';
import { copyDecimalNumber, copyText, copyWholeNumber, endOfLiteral, endOfValue, pass, pastSpace } from './json-values';
import { beginLine, isLocal, readValue, saw, SAW_CLIENT, setEscaped } from './log-values';
import { both, HAD, HYPHEN, inOf, isEnd, outOf, putKey, QUOTE, UNESCAPED } from './memory';
import {
  BIGINT, BIGINT_DIGITS, flags, IDENTITY, INT, INT_DIGITS, keyOf, NO_CLIENT, opOf, RECORD_BYTES, RECORDS, SECONDS, SKIP, TEXT, TIME,
  URL, wrote,
} from './program';
import { noteTime } from './times';

/** Behind the columns that the line has had, a bit each of 256: the objects, of 64. */
const OBJECTS: usize = HAD + 32;

/** The key read last. */
let key: usize = 0;
/** The line has had one that a column has. */
let found: bool = false;

/** @returns the line's end; 0 for a surprise */
export function readRecord(p: usize, o: usize): u64 {
  prepareKeys();
  beginOthers();
  beginLine();
  setEscaped(false);
  v128.store(HAD, i64x2.splat(0));
  v128.store(HAD, i64x2.splat(0), 16);
  store<u64>(OBJECTS, 0);
  found = false;
  p = takeOut(p);
  if (p == 0) return 0;
  if (filter != 0) return both(lineEndOf(p), o);
  if (load<u8>(p) != 0x7b) return 0;
  o = putStream(o);
  key = enveloped ? BEFORE_INNER : BEFORE_FIRST;
  const places = readMembers(RECORD, 0, p, o);
  if (places == 0 || !found) return 0;
  p = pastSpace(inOf(places));
  if (!isEnd(p)) return 0;
  const program = flags();
  if (program & NO_CLIENT && !(saw & SAW_CLIENT)) return 0;
  if (isLocal()) setFilter(LOCAL);
  if (program & IDENTITY) return both(lineEndOf(p), outOf(places));
  // A row without any value is never normal.
  return outOf(places) == o ? 0 : both(lineEndOf(p), putOthers(outOf(places)));
}

/**
 * Reads an object.
 *
 * @param context its number
 * @param depth objects around it
 * @returns where it has ended
 */
function readMembers(context: u32, depth: u32, p: usize, o: usize): u64 {
  p = pastSpace(p + 1);
  if (load<u8>(p) == 0x7d) return both(p + 1, o);
  do {
    if (load<u8>(p) != QUOTE) return 0;
    const keyStart = p + 1;
    const member = keyIn(context, keyStart, key);
    if (member == 0) return 0;
    key = member;
    p = valueAfter(member, keyStart);
    if (p == 0) return 0;
    const is = columnOf(member);
    if (is == NO_COLUMN) {
      p = depth == 0 ? takeOther(member, p) : takeNested(member, p);
      if (p == 0) return 0;
    } else {
      const places = is & OBJECT ? readObject(member, is & ~OBJECT, depth, p, o) : readColumn(is, p, o);
      if (places == 0) return 0;
      p = inOf(places);
      o = outOf(places);
    }
    p = pastSpace(p);
    if (load<u8>(p) == 0x7d) return both(p + 1, o);
    if (load<u8>(p) != 0x2c) return 0;
    p = pastSpace(p + 1);
  } while (true);
}

function readObject(member: usize, context: u32, depth: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) != 0x7b || !isFirst(OBJECTS, context)) return 0;
  const before = othersEnd;
  if (!beginObject(member, depth)) return 0;
  const begun = othersEnd;
  const places = readMembers(context, depth + 1, p, o);
  if (places != 0) endObject(before, begun, depth);
  return places;
}

/** Notes one of a set by its bit. False where it was there before. */
function isFirst(set: usize, index: u32): bool {
  const word = set + <usize>(index >> 6) * 8;
  const bit = (<u64>1) << (index & 63);
  const had = load<u64>(word);
  store<u64>(word, had | bit);
  return (had & bit) == 0;
}

/** Writes a column's value. */
function readColumn(column: u32, p: usize, o: usize): u64 {
  if (!isFirst(HAD, column)) return 0;
  found = true;
  const record = RECORDS + <usize>column * RECORD_BYTES;
  const op = opOf(record);
  if (op == SKIP) return pass(endOfValue(p), o);
  if (load<u8>(p) == 0x6e) return pass(endOfLiteral(p), o);
  const from = o;
  let places: u64;
  switch (op) {
    case TEXT:
      places = copyText(p, o, keyOf(record, 0));
      break;
    case INT:
      places = copyWholeNumber(p, putKey(o, keyOf(record, 0)), INT_DIGITS);
      break;
    case BIGINT:
      places = copyWholeNumber(p, putKey(o, keyOf(record, 0)), BIGINT_DIGITS);
      break;
    case SECONDS:
      // What goes on as a longer number is none that a member can end with here.
      if (load<u16>(p) == MINUS_ONE) return both(p + 2, o);
      places = copyDecimalNumber(p, putKey(o, keyOf(record, 0)));
      break;
    case TIME: {
      const end = endOfValue(p);
      if (end == 0) return 0;
      o = copyTimeOf(p, end, putKey(o, keyOf(record, 0)));
      if (o == 0) return 0;
      noteTime();
      places = both(end, o);
      break;
    }
    default:
      return readText(record, op, p, o);
  }
  if (places != 0) wrote(record, 0, from, outOf(places));
  return places;
}

/** `-1`, as two bytes are read. */
const MINUS_ONE: u32 = 0x312d;

/** Writes a text that is looked into. */
function readText(record: usize, op: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) != QUOTE) return 0;
  const places = copyUnquoted(p + 1, UNESCAPED);
  if (places == 0) return 0;
  const end = outOf(places);
  // What says of a log_format's value that it is missing is a value here; and so is a URL without anything before its query.
  const first = <u32>load<u8>(UNESCAPED);
  if (end == UNESCAPED || (first == HYPHEN && end == UNESCAPED + 1) || (first == 0x3f && op == URL)) return 0;
  o = readValue(record, UNESCAPED, end, o);
  return o == 0 ? 0 : both(inOf(places), o);
}
