/** JSON objects in which each column has its place, at some depth: core/formats/kong-json.ts. */
import { hasEnvelope, lineEndOf, putStream, unwrap } from './envelope';
import { filter, FILTER_LOCAL_CLIENT, setFilter } from './filters';
import { copyTimeOf } from './json';
import {
  BEFORE_FIRST, BEFORE_INNER, keyIn, NO_COLUMN, OBJECT, prepareKeys, RECORD, targetOf, valueAfter,
} from './json-keys';
import { beginObject, beginOthers, endObject, othersEnd, putOthers, takeNested, takeOther } from './json-others';
import { copyDecoded } from './json-strings';
import {
  copyDecimalNumber, copyText, copyWholeNumber, endOfLiteral, endOfValue, pastSpace, skipTo,
} from './json-values';
import { beginLine, isLocal, readValue, saw, SAW_CLIENT, setEscaped } from './log-values';
import { HYPHEN, inputOf, isEnd, outputOf, pair, putKey, QUOTE, SEEN_COLUMNS, UNESCAPED } from './memory';
import {
  BIGINT, BIGINT_DIGITS, FIELD_BYTES, FIELDS, flags, IDENTITY, INT, INT_DIGITS, keyOf, NO_CLIENT, opOf, SECONDS,
  setSlot, SKIP, TEXT, TIME, URL,
} from './program';
import { setEventTime } from './times';

/** Behind the columns that the line has had, a bit each of 256: the objects, of 64. */
const OBJECTS: usize = SEEN_COLUMNS + 32;

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
  v128.store(SEEN_COLUMNS, i64x2.splat(0));
  v128.store(SEEN_COLUMNS, i64x2.splat(0), 16);
  store<u64>(OBJECTS, 0);
  found = false;
  p = unwrap(p);
  if (p == 0) return 0;
  if (filter != 0) return pair(lineEndOf(p), o);
  if (load<u8>(p) != 0x7b) return 0;
  o = putStream(o);
  key = hasEnvelope ? BEFORE_INNER : BEFORE_FIRST;
  const pointers = readMembers(RECORD, 0, p, o);
  if (pointers == 0 || !found) return 0;
  p = pastSpace(inputOf(pointers));
  if (!isEnd(p)) return 0;
  const program = flags();
  if (program & NO_CLIENT && !(saw & SAW_CLIENT)) return 0;
  if (isLocal()) setFilter(FILTER_LOCAL_CLIENT);
  if (program & IDENTITY) return pair(lineEndOf(p), outputOf(pointers));
  // A row without any value is never normal.
  return outputOf(pointers) == o ? 0 : pair(lineEndOf(p), putOthers(outputOf(pointers)));
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
  if (load<u8>(p) == 0x7d) return pair(p + 1, o);
  do {
    if (load<u8>(p) != QUOTE) return 0;
    const keyStart = p + 1;
    const member = keyIn(context, keyStart, key);
    if (member == 0) return 0;
    key = member;
    p = valueAfter(member, keyStart);
    if (p == 0) return 0;
    const target = targetOf(member);
    if (target == NO_COLUMN) {
      p = depth == 0 ? takeOther(member, p) : takeNested(member, p);
      if (p == 0) return 0;
    } else {
      const pointers = target & OBJECT ? readObject(member, target & ~OBJECT, depth, p, o) : readColumn(target, p, o);
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

function readObject(member: usize, context: u32, depth: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) != 0x7b || !addToSet(OBJECTS, context)) return 0;
  const before = othersEnd;
  if (!beginObject(member, depth)) return 0;
  const begun = othersEnd;
  const pointers = readMembers(context, depth + 1, p, o);
  if (pointers != 0) endObject(before, begun, depth);
  return pointers;
}

/** Notes one of a set by its bit. False where it was there before. */
function addToSet(set: usize, index: u32): bool {
  const word = set + <usize>(index >> 6) * 8;
  const bit = (<u64>1) << (index & 63);
  const present = load<u64>(word);
  store<u64>(word, present | bit);
  return (present & bit) == 0;
}

/** Writes a column's value. */
function readColumn(column: u32, p: usize, o: usize): u64 {
  if (!addToSet(SEEN_COLUMNS, column)) return 0;
  found = true;
  const field = FIELDS + <usize>column * FIELD_BYTES;
  const op = opOf(field);
  if (op == SKIP) return skipTo(endOfValue(p), o);
  if (load<u8>(p) == 0x6e) return skipTo(endOfLiteral(p), o);
  const from = o;
  let pointers: u64;
  switch (op) {
    case TEXT:
      pointers = copyText(p, o, keyOf(field, 0));
      break;
    case INT:
      pointers = copyWholeNumber(p, putKey(o, keyOf(field, 0)), INT_DIGITS);
      break;
    case BIGINT:
      pointers = copyWholeNumber(p, putKey(o, keyOf(field, 0)), BIGINT_DIGITS);
      break;
    case SECONDS:
      // What goes on as a longer number is none that a member can end with here.
      if (load<u16>(p) == MINUS_ONE) return pair(p + 2, o);
      pointers = copyDecimalNumber(p, putKey(o, keyOf(field, 0)));
      break;
    case TIME: {
      const end = endOfValue(p);
      if (end == 0) return 0;
      o = copyTimeOf(p, end, putKey(o, keyOf(field, 0)));
      if (o == 0) return 0;
      setEventTime();
      pointers = pair(end, o);
      break;
    }
    default:
      return readText(field, op, p, o);
  }
  if (pointers != 0) setSlot(field, 0, from, outputOf(pointers));
  return pointers;
}

/** `-1`, as two bytes are read. */
const MINUS_ONE: u32 = 0x312d;

/** Writes a text that is looked into. */
function readText(field: usize, op: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) != QUOTE) return 0;
  const pointers = copyDecoded(p + 1, UNESCAPED);
  if (pointers == 0) return 0;
  const end = outputOf(pointers);
  // What says of a log_format's value that it is missing is a value here; and so is a URL without anything before its query.
  const first = <u32>load<u8>(UNESCAPED);
  if (end == UNESCAPED || (first == HYPHEN && end == UNESCAPED + 1) || (first == 0x3f && op == URL)) return 0;
  o = readValue(field, UNESCAPED, end, o);
  return o == 0 ? 0 : pair(inputOf(pointers), o);
}
