/**
 * Reads lines of fields separated by single spaces, some of them in double quotes, as load balancers write them. This
 * file mirrors lambdas/core/reading/delimited.ts.
 *
 * Its stages are: `findLine` finds the ends of all fields (fields.ts), `readFields` reads each known field with
 * `readField` and copies the others to `extra`. For fingerprints, `readKept` reads only the fields of the record key
 * if it can.
 */
import { conversionError, fieldErrors, putErrors } from './errors';
import { END_BYTES, fieldsFound, findFields, plain } from './fields';
import { hash } from './hash';
import {
  BACKSLASH, COLON, FIELD_ENDS, HTTP, HYPHEN, pair, put, putBytes, putKey, putTextKey, QUOTE, SPACE,
} from './memory';
import { copyDecimal, copyWhole } from './numbers';
import {
  ADDRESS, BIGINT, BIGINT_DIGITS, clearSlots, DOUBLE, DROPPED, extraKey, FIELD_BYTES, fieldCount, fieldIndexOf, FIELDS,
  FIRST, flags, flagsOf, hashSlots, IDENTITY, IDENTITY_SEED, INT, INT_DIGITS, keptCount, keptFields, keyOf, lengths, LIST,
  maxFields, minFields, opOf, QUOTED, REQUEST, SECONDS, setFingerprint, setLineAsIdentity, setSlot, SKIP, TEXT, TIME,
} from './program';
import { copySpan, findIn, lastOf } from './text';
import { copyIso, setEventTime } from './times';

/** Fields of the line beyond the known ones that were copied to `extra`. */
export let unknownFields: u32 = 0;

/** `"-"` as a little-endian u32 of which the fourth byte is masked out: a quoted field without a value. */
const MISSING_QUOTED: u32 = 0x222d22;

/**
 * Reads a line to its row.
 *
 * @returns the addresses of the line's end and of the end of the columns, or 0 if the line is unsupported
 */
export function readDelimited(p: usize, o: usize): u64 {
  const lineEnd = findLine(p);
  return lineEnd == 0 ? 0 : readFields(p, lineEnd, o);
}

/** Reads a line to its fingerprint. If the line needs no escaping, only the kept fields are read. */
export function readDelimitedIdentity(p: usize, o: usize): u64 {
  const lineEnd = findLine(p);
  if (lineEnd == 0) return 0;
  if (plain && keptCount() > 0) return readKept(p, lineEnd, o);
  clearSlots();
  const pointers = readFields(p, lineEnd, o);
  if (pointers != 0) hashSlots();
  return pointers;
}

/** Finds the ends of a line's fields. Returns the line's end, or 0 if the line is unsupported. */
function findLine(p: usize): usize {
  const lineEnd = findFields(p);
  if (lineEnd == 0 || fieldsFound < minFields() || fieldsFound > maxFields()) return 0;
  // The TypeScript reader trims the line's end, and JavaScript also trims spaces that are not ASCII.
  const last = <u32>load<u8>(lineEnd - 1);
  if (last <= SPACE || last >= 0x80) return 0;
  // The line may break off within its last value.
  if (fieldsFound < fieldCount() && last != QUOTE && !((lengths() >> fieldsFound) & 1)) return 0;
  return lineEnd;
}

/**
 * Reads the kept fields only. Their columns are written one directly after the other, which is the text that is hashed
 * for a record key.
 */
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

/** Reads all fields of a line, the known ones and the others. */
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
  // The loader counts rows without any value, so such a line is left to the TypeScript reader.
  if (values == from && !(flags() & IDENTITY)) return 0;
  if (unknownFields > 0) {
    store<u16>(o, 0x227d); // }"
    o += 2;
  }
  if (fieldErrors != 0) o = putErrors(o);
  return pair(lineEnd, o);
}

/**
 * Reads a field and writes its columns.
 *
 * @returns the end of the columns in the output, or 0 if the line is unsupported
 */
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

/**
 * True if a quoted field ends with a quote not preceded by a backslash. AWS documents no escaping, so `\"` is left to
 * the TypeScript reader.
 */
// @ts-ignore: decorator
@inline
function endsWithQuote(p: usize, end: usize): bool {
  return end - p > 1 && load<u8>(end - 1) == QUOTE && load<u8>(end - 2) != BACKSLASH;
}

/** Reads a field that is not in quotes. */
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
      // What is no time may be another field's value, in a line that is then no line of the format.
      to = copyIso(p, end, putKey(o, keyOf(field, 0)));
      if (to == 0) return 0;
      setEventTime();
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

/** Writes a text column. */
// @ts-ignore: decorator
@inline
function putText(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  const from = o;
  o = putTextKey(o, keyOf(field, column));
  o = put(plain ? putBytes(o, p, end - p) : copySpan(p, end, o, 1), QUOTE);
  setSlot(field, column, from, o);
  return o;
}

/** Copies an address and its port: `192.0.2.1:443`, `[2001:db8::1]:443`, or IPv6 without brackets. */
function copyAddress(field: usize, p: usize, end: usize, o: usize): usize {
  const colon = lastOf(COLON, end);
  // An address that ends with a bracket has no port.
  if (colon <= p || load<u8>(end - 1) == 0x5d) return 0;
  const brackets = load<u8>(p) == 0x5b && load<u8>(colon - 1) == 0x5d;
  o = putText(field, 0, brackets ? p + 1 : p, brackets ? colon - 1 : colon, o);
  if (end - colon == 2 && load<u8>(colon + 1) == HYPHEN) return o;
  const to = copyWhole(colon + 1, end, putKey(o, keyOf(field, 1)), INT_DIGITS);
  if (to == 0) return conversionError(field, colon + 1, end, o);
  setSlot(field, 1, o, to);
  return to;
}

/** Copies `METHOD URL PROTOCOL` to three columns. The URL may hold spaces, and each part may be `-`. */
function copyRequest(field: usize, p: usize, end: usize, o: usize): usize {
  // Scanners send requests with spaces at the end, which the TypeScript reader trims. JavaScript also trims control
  // characters and spaces that are not ASCII: such a request is unsupported.
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

/** Writes one part of a request, unless the part is `-`. */
// @ts-ignore: decorator
@inline
function copyPart(field: usize, column: usize, p: usize, end: usize, o: usize): usize {
  return end - p == 1 && load<u8>(p) == HYPHEN ? o : putText(field, column, p, end, o);
}

/** Copies a field beyond the known ones to `extra`, under its position. */
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

/** `\":\"`, padded to 16 bytes: what is between key and value in `extra`. */
const BETWEEN: usize = memory.data<u8>([0x5c, 0x22, 0x3a, 0x5c, 0x22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
