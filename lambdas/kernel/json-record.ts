/**
 * Reads JSON records: objects in which each column has a path, at some depth. This file mirrors
 * lambdas/core/formats/kong-json.ts.
 */
import { conversionError, fieldErrors, putErrors } from './errors';
import { hasEnvelope, lineEndOf, putStream, unwrap } from './envelope';
import { filter, FILTER_LOCAL_CLIENT, setFilter } from './filters';
import { copyTimeOf } from './json-columns';
import {
  BEFORE_FIRST, BEFORE_INNER, keyIn, NO_COLUMN, OBJECT, prepareKeys, RECORD, targetOf, valueAfter,
} from './json-keys';
import { beginObject, beginOthers, endObject, othersEnd, putOthers, takeNested, takeOther } from './json-others';
import { copyDecoded } from './json-strings';
import {
  copyDecimalNumber, copyText, copyWholeNumber, endOfLiteral, endOfValue, pastSpace, skipTo,
} from './json-values';
import { beginLine, isLocal, readLogged, saw, SAW_CLIENT, setEscaped } from './log-values';
import { HYPHEN, inputOf, isEnd, outputOf, pair, putKey, QUOTE, SEEN_COLUMNS, UNESCAPED } from './memory';
import {
  BIGINT, BIGINT_DIGITS, fieldAt, flags, HOST, IDENTITY, INT, INT_DIGITS, keyOf, NO_CLIENT, opOf, SECONDS, setSlot,
  SKIP, TEXT, TIME,
} from './program';
import { setEventTime } from './times';

/** 64-bit set of the nested objects that the line has had, after the 256-bit set of its columns. */
const OBJECTS: usize = SEEN_COLUMNS + 32;

/** The key that was read last, which predicts the next one: see json-keys.ts. */
let key: usize = 0;
/** The line has at least one key that has a column. */
let found: bool = false;

/**
 * Reads a line to its row, or to the slots of its record key.
 *
 * @returns the addresses of the line's end and of the end of the row's columns, or 0 if the line is unsupported
 */
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
  // The loader counts rows without any value, so such a line is left to the TypeScript reader.
  if (outputOf(pointers) == o) return 0;
  o = putOthers(outputOf(pointers));
  return pair(lineEndOf(p), fieldErrors != 0 ? putErrors(o) : o);
}

/**
 * Reads the members of an object.
 *
 * @param context number of the object: see json-keys.ts
 * @param depth number of objects around it
 * @returns the addresses of the object's end and of the end of what has been written
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
      p = depth == 0 ? takeOther(member, keyStart, p) : takeNested(member, p);
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

/** Reads a nested object that has columns. */
function readObject(member: usize, context: u32, depth: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) != 0x7b || !addToSet(OBJECTS, context)) return 0;
  const before = othersEnd;
  if (!beginObject(member, depth)) return 0;
  const begun = othersEnd;
  const pointers = readMembers(context, depth + 1, p, o);
  if (pointers != 0) endObject(before, begun, depth, false);
  return pointers;
}

/** Adds an element to a bit set. Returns false if the set had that element already. */
function addToSet(set: usize, index: u32): bool {
  const word = set + <usize>(index >> 6) * 8;
  const bit = (<u64>1) << (index & 63);
  const present = load<u64>(word);
  store<u64>(word, present | bit);
  return (present & bit) == 0;
}

/** Reads a value and writes its columns. */
function readColumn(column: u32, p: usize, o: usize): u64 {
  if (!addToSet(SEEN_COLUMNS, column)) return 0;
  found = true;
  const field = fieldAt(column);
  const op = opOf(field);
  if (op == SKIP) return skipTo(endOfValue(p), o);
  if (load<u8>(p) == 0x6e) return skipTo(endOfLiteral(p), o);
  const from = o;
  let pointers: u64;
  switch (op) {
    case TEXT:
      pointers = copyText(p, o, keyOf(field, 0));
      if (pointers == 0) return 0;
      break;
    case INT:
      pointers = copyWholeNumber(p, putKey(o, keyOf(field, 0)), INT_DIGITS);
      break;
    case BIGINT:
      pointers = copyWholeNumber(p, putKey(o, keyOf(field, 0)), BIGINT_DIGITS);
      break;
    case SECONDS:
      // If more digits follow, the number is another one. The caller then finds no comma or brace at `p + 2`, so the
      // line is unsupported.
      if (load<u16>(p) == MINUS_ONE) return pair(p + 2, o);
      pointers = copyDecimalNumber(p, putKey(o, keyOf(field, 0)));
      break;
    case TIME: {
      const end = endOfValue(p);
      if (end == 0) return 0;
      o = copyTimeOf(p, end, putKey(o, keyOf(field, 0)));
      if (o == 0) return noValue(field, p, end, from);
      setEventTime();
      pointers = pair(end, o);
      break;
    }
    default:
      return readText(field, op, p, o);
  }
  if (pointers == 0) return noValue(field, p, endOfValue(p), from);
  setSlot(field, 0, from, outputOf(pointers));
  return pointers;
}

/** Records that a value does not convert. `errors` has them in the order of the line: a second one is unsupported. */
function noValue(field: usize, p: usize, end: usize, o: usize): u64 {
  const first = <u32>load<u8>(p);
  if (end == 0 || first == 0x7b || first == 0x5b || fieldErrors != 0) return 0;
  return conversionError(field, p, end, o) == 0 ? 0 : pair(end, o);
}

/** `-1` as a little-endian u16. */
const MINUS_ONE: u32 = 0x312d;

/** Writes the columns of a text that has parts, or must be checked. */
function readText(field: usize, op: u32, p: usize, o: usize): u64 {
  if (load<u8>(p) != QUOTE) return 0;
  const pointers = copyDecoded(p + 1, UNESCAPED);
  if (pointers == 0) return 0;
  const end = outputOf(pointers);
  // A URL that is empty or begins with its query is a value in a JSON record, and so is a client that is `-`. They would be
  // left out as in a log_format, where they mean that there is no value, so such a line is unsupported.
  if (op != HOST && (end == UNESCAPED || load<u8>(UNESCAPED) == HYPHEN || load<u8>(UNESCAPED) == 0x3f)) return 0;
  o = readLogged(field, UNESCAPED, end, o);
  return o == 0 ? 0 : pair(inputOf(pointers), o);
}
