/** Lines of fields separated by single spaces, some in double quotes: core/reading/delimited.ts, for lines as AWS writes them. */
import { fieldErrors, hasWrongForm, noteConversionError, putErrors, valueOpOf } from './errors';
import { END_BYTES, fieldsFound, findFields, plain } from './fields';
import { hash } from './hash';
import {
  BACKSLASH, COLON, FIELD_ENDS, HTTP, HYPHEN, pair, put, putBytes, putKey, putTextKey, QUOTE, SPACE,
} from './memory';
import { copyDecimal, copyWhole } from './numbers';
import {
  ADDRESS, BIGINT, BIGINT_DIGITS, clearSlots, DOUBLE, DROPPED, extraKey, FIELD_BYTES, fieldCount, fieldIndexOf, FIELDS,
  FIRST, flags, flagsOf, hashSlots, IDENTITY, IDENTITY_SEED, INT, INT_DIGITS, keptCount, keptFields, keyOf, LIST,
  maxFields, minFields, opOf, QUOTED, REQUEST, SECONDS, setFingerprint, setLineAsIdentity, setSlot, SKIP, TEXT, TIME,
} from './program';
import { copySpan, findIn, lastOf } from './text';
import { copyIso, setEventTime } from './times';

/** Fields of the line beyond the known ones that were kept in `extra`. */
export let unknownFields: u32 = 0;

/** `"-"` as three bytes are read, the fourth left out. */
const MISSING_QUOTED: u32 = 0x222d22;

/** @returns the line's end; 0 for a surprise */
export function readDelimited(p: usize, o: usize): u64 {
  const lineEnd = findLine(p);
  return lineEnd == 0 ? 0 : readFields(p, lineEnd, o);
}

/** The same for its identity. Of a line that is plain text throughout, nothing is looked at but the fields that matter. */
export function readDelimitedIdentity(p: usize, o: usize): u64 {
  const lineEnd = findLine(p);
  if (lineEnd == 0) return 0;
  if (plain && keptCount() > 0) return readKept(p, lineEnd, o);
  clearSlots();
  const pointers = readFields(p, lineEnd, o);
  if (pointers != 0) hashSlots();
  return pointers;
}

function findLine(p: usize): usize {
  const lineEnd = findFields(p);
  if (lineEnd == 0 || fieldsFound < minFields() || fieldsFound > maxFields()) return 0;
  // Space at a line's end is no part of it, and JavaScript knows space that is no ASCII.
  const last = <u32>load<u8>(lineEnd - 1);
  return last <= SPACE || last >= 0x80 ? 0 : lineEnd;
}

/** Its columns stand one behind the other as they are written, which is what an identity is. */
function readKept(p: usize, lineEnd: usize, o: usize): u64 {
  const from = o;
  let hasFirst = false;
  const end = keptFields() + <usize>keptCount() * FIELD_BYTES;
  for (let field = keptFields(); field < end; field += FIELD_BYTES) {
    const index = fieldIndexOf(field);
    if (index >= fieldsFound) break;
    const at = FIELD_ENDS + <usize>index * END_BYTES;
    const start = index == 0 ? p : <usize>load<u32>(at - END_BYTES) + 1;
    const to = readField(field, start, <usize>load<u32>(at), o);
    if (to == 0) return 0;
    const fieldFlags = flagsOf(field);
    if (fieldFlags & FIRST) hasFirst = to != o;
    if (!(fieldFlags & DROPPED)) o = to;
  }
  if (hasFirst) setFingerprint(hash(from, o - from, IDENTITY_SEED));
  else setLineAsIdentity();
  return pair(lineEnd, o);
}

function readFields(p: usize, lineEnd: usize, o: usize): u64 {
  const count = fieldsFound;
  const from = o;
  const known = min(fieldCount(), count);
  let field = FIELDS;
  let at = FIELD_ENDS;
  for (const ends = FIELD_ENDS + <usize>known * END_BYTES; at < ends; at += END_BYTES, field += FIELD_BYTES) {
    const end = <usize>load<u32>(at);
    o = readField(field, p, end, o);
    if (o == 0) return 0;
    p = end + 1;
  }
  const values = o;
  unknownFields = 0;
  for (let index = known; index < count; index++, at += END_BYTES) {
    const end = <usize>load<u32>(at);
    o = copyExtra(p, end, o, index + 1);
    if (o == 0) return 0;
    p = end + 1;
  }
  // A row without any value is never normal.
  if (values == from && !(flags() & IDENTITY)) return 0;
  if (unknownFields > 0) {
    store<u16>(o, 0x227d); // }"
    o += 2;
  }
  if (fieldErrors != 0) o = putErrors(o);
  return pair(lineEnd, o);
}

/** @returns where its columns have ended, in the output; 0 for a surprise */
// @ts-ignore: decorator
@inline
function readField(field: usize, p: usize, end: usize, o: usize): usize {
  const c = <u32>load<u8>(p);
  if (c <= SPACE) return 0;
  if (c == QUOTE) {
    if ((load<u32>(p) & 0xffffff) == MISSING_QUOTED && end - p == 3) return o;
    if (!plain && !endsWithQuote(p, end)) return 0;
    switch (opOf(field)) {
      case TEXT:
        return putText(field, 0, p + 1, end - 1, o);
      case SKIP:
        return o;
      case REQUEST:
        return copyRequest(field, p + 1, end - 1, o);
      default:
        return 0;
    }
  }
  const fieldFlags = flagsOf(field);
  if (c == HYPHEN && end - p == 1) return fieldFlags & QUOTED ? 0 : o;
  return fieldFlags & (QUOTED | LIST) ? 0 : readUnquoted(field, p, end, o);
}

/** Does a field that begins with a quote end with one that has no backslash before it, of which nobody knows what it means? */
// @ts-ignore: decorator
@inline
function endsWithQuote(p: usize, end: usize): bool {
  return end - p > 1 && load<u8>(end - 1) == QUOTE && load<u8>(end - 2) != BACKSLASH;
}

/** A field without quotes. */
// @ts-ignore: decorator
@inline
function readUnquoted(field: usize, p: usize, end: usize, o: usize): usize {
  let to: usize;
  switch (opOf(field)) {
    case SKIP:
      return o;
    case TEXT:
      return putText(field, 0, p, end, o);
    case INT:
      to = copyWhole(p, end, putKey(o, keyOf(field, 0)), INT_DIGITS);
      break;
    case BIGINT:
      to = copyWhole(p, end, putKey(o, keyOf(field, 0)), BIGINT_DIGITS);
      break;
    case SECONDS:
      if (end - p == 2 && load<u16>(p) == 0x312d) return o; // -1
      to = copyDecimal(p, end, putKey(o, keyOf(field, 0)));
      break;
    case DOUBLE:
      to = copyDecimal(p, end, putKey(o, keyOf(field, 0)));
      break;
    case TIME:
      to = copyIso(p, end, putKey(o, keyOf(field, 0)));
      if (to != 0) setEventTime();
      break;
    case ADDRESS:
      return copyAddress(field, p, end, o);
    default:
      return 0;
  }
  if (to == 0) return conversionError(field, p, end, o);
  setSlot(field, 0, o, to);
  return to;
}

/** A value that does not convert, for `errors`, which no identity holds. 0 where only a second look can tell why. */
function conversionError(field: usize, p: usize, end: usize, o: usize): usize {
  if (flags() & IDENTITY) return hasWrongForm(valueOpOf(field), p, end) ? o : 0;
  return noteConversionError(<u32>((field - FIELDS) / FIELD_BYTES), p, end) ? o : 0;
}

/** A column's text. */
// @ts-ignore: decorator
@inline
function putText(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  const from = o;
  o = putTextKey(o, keyOf(field, column));
  o = put(plain ? putBytes(o, p, end - p) : copySpan(p, end, o, 1), QUOTE);
  setSlot(field, column, from, o);
  return o;
}

/** `192.0.2.1:443` or `[2001:db8::1]:443`, or IPv6 without brackets. */
function copyAddress(field: usize, p: usize, end: usize, o: usize): usize {
  const colon = lastOf(COLON, end);
  // A bracket at its end is the address's: there is no port.
  if (colon <= p || load<u8>(end - 1) == 0x5d) return 0;
  const brackets = load<u8>(p) == 0x5b && load<u8>(colon - 1) == 0x5d;
  o = putText(field, 0, brackets ? p + 1 : p, brackets ? colon - 1 : colon, o);
  if (end - colon == 2 && load<u8>(colon + 1) == HYPHEN) return o;
  const to = copyWhole(colon + 1, end, putKey(o, keyOf(field, 1)), INT_DIGITS);
  if (to == 0) return conversionError(field, colon + 1, end, o);
  setSlot(field, 1, o, to);
  return to;
}

/** `METHOD URL PROTOCOL`: the URL may hold spaces, and each part may be `-`. */
function copyRequest(field: usize, p: usize, end: usize, o: usize): usize {
  // What scanners ask often has a space at its end, which is no part of it; JavaScript knows space that is no ASCII.
  while (end > p && load<u8>(end - 1) == SPACE) end--;
  const lastByte = <u32>load<u8>(end - 1);
  if (end == p || lastByte < SPACE || lastByte >= 0x80) return 0;
  const first = findIn(p, end, SPACE);
  if (first == end || first == p) return 0;
  let last = lastOf(SPACE, end);
  if (last == 0) for (last = end - 1; load<u8>(last) != SPACE; ) last--;
  const isMissing = end - last == 2 && load<u8>(last + 1) == HYPHEN;
  const isProto = load<u32>(last + 1) == HTTP && load<u8>(last + 5) == 0x2f && end - last > 5;
  const urlEnd = last > first && (isMissing || isProto) ? last : end;
  o = copyPart(field, 1, first + 1, urlEnd, copyPart(field, 0, p, first, o));
  return urlEnd == end ? o : copyPart(field, 2, last + 1, end, o);
}

// @ts-ignore: decorator
@inline
function copyPart(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  return end - p == 1 && load<u8>(p) == HYPHEN ? o : putText(field, column, p, end, o);
}

/** A field beyond the known ones, under its position. */
function copyExtra(p: usize, end: usize, o: usize, position: u32): usize {
  const c = <u32>load<u8>(p);
  if (c <= SPACE || position > 99) return 0;
  if (c == HYPHEN && end - p == 1) return o;
  if (c == QUOTE) {
    if (!endsWithQuote(p, end)) return 0;
    if (end - p == 3 && load<u8>(p + 1) == HYPHEN) return o;
    p++;
    end--;
  }
  o = unknownFields++ == 0 ? put(putTextKey(o, extraKey()), 0x7b) : put(o, 0x2c);
  store<u16>(o, 0x225c); // \"
  o += 2;
  if (position > 9) o = put(o, 0x30 + position / 10);
  o = put(o, 0x30 + (position % 10));
  o = copySpan(p, end, putBytes(o, BETWEEN, 5), 2);
  store<u16>(o, 0x225c);
  return o + 2;
}

/** `\":\"` */
const BETWEEN: usize = memory.data<u8>([0x5c, 0x22, 0x3a, 0x5c, 0x22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
