/** Lines of fields separated by single spaces, some in double quotes: core/delimited.ts, for lines as AWS writes them. */
import { BACKSLASH, both, COLON, HYPHEN, inOf, isEnd, outOf, put, putBytes, putKey, putTextKey, QUOTE, SPACE } from './memory';
import { copyDecimal, copyWhole } from './numbers';
import {
  ADDRESS, BIGINT, BIGINT_DIGITS, DOUBLE, extraKey, fieldCount, flags, flagsOf, IDENTITY, INT, INT_DIGITS, keyOf, LIST, maxFields,
  minFields, opOf, QUOTED, RECORD_BYTES, RECORDS, REQUEST, SECONDS, SKIP, TEXT, TIME, wrote,
} from './program';
import { copySpan, copyUntil, find } from './text';
import { copyIso, noteTime } from './times';

/** Fields of the line beyond the known ones that were kept in `extra`. */
export let unknown: u32 = 0;

/** `"-"` as three bytes are read, the fourth left out. */
const MISSING_QUOTED: u32 = 0x222d22;

/** @returns the line's end; 0 for a surprise */
export function readDelimited(p: usize, o: usize): u64 {
  const known = fieldCount();
  let record = RECORDS;
  let index: u32 = 0;
  let unknownFields: u32 = 0;
  const from = o;
  let values = o;
  while (true) {
    const c = <u32>load<u8>(p);
    if (c <= SPACE) return 0;
    if (c == HYPHEN && (load<u8>(p, 1) == SPACE || isEnd(p + 1))) {
      if (index < known && (flagsOf(record) & QUOTED)) return 0;
      p++;
    } else if (c == QUOTE && (load<u32>(p) & 0xffffff) == MISSING_QUOTED) p += 3;
    else {
      let places: u64;
      if (index >= known) {
        if (unknownFields == 0) values = o;
        places = copyExtra(p, o, index + 1, unknownFields++);
      } else if (opOf(record) == SKIP) places = skip(record, p, c, o);
      else if (c == QUOTE) places = readQuoted(record, p + 1, o);
      else places = readToken(record, p, o);
      if (places == 0) return 0;
      p = inOf(places);
      o = outOf(places);
    }
    index++;
    if (load<u8>(p) != SPACE) break;
    p++;
    record += RECORD_BYTES;
  }
  if (!isEnd(p) || index < minFields() || index > maxFields()) return 0;
  // Space at a line's end is no part of it, and JavaScript knows space that is no ASCII.
  const last = <u32>load<u8>(p - 1);
  if (last <= SPACE || last >= 0x80) return 0;
  if (unknownFields == 0) values = o;
  // A row without any value is never normal.
  if (values == from && !(flags() & IDENTITY)) return 0;
  unknown = unknownFields;
  if (unknownFields > 0) {
    store<u16>(o, 0x227d); // }"
    o += 2;
  }
  return both(p, o);
}

// @ts-ignore: decorator
@inline
function skip(record: usize, p: usize, c: u32, o: usize): u64 {
  if (c == QUOTE) {
    const end = find(p + 1, QUOTE);
    return closes(end) ? both(end + 1, o) : 0;
  }
  return flagsOf(record) & (QUOTED | LIST) ? 0 : both(find(p, SPACE), o);
}

/** A field in quotes, from behind the first; leaves the place behind the last. */
function readQuoted(record: usize, p: usize, o: usize): u64 {
  const op = opOf(record);
  const from = o;
  if (op == TEXT) {
    const places = copyUntil(p, putTextKey(o, keyOf(record, 0)), QUOTE, 1);
    if (places == 0 || !closes(inOf(places))) return 0;
    o = put(outOf(places), QUOTE);
    wrote(record, 0, from, o);
    return both(inOf(places) + 1, o);
  }
  const end = find(p, QUOTE);
  if (!closes(end)) return 0;
  if (op != REQUEST) return 0;
  o = copyRequest(record, p, end, o);
  return o == 0 ? 0 : both(end + 1, o);
}

/** Is it a quote, and not one with a backslash before it, of which nobody knows what it means? */
// @ts-ignore: decorator
@inline
function closes(p: usize): bool {
  return load<u8>(p) == QUOTE && load<u8>(p - 1) != BACKSLASH;
}

/** A field without quotes. */
function readToken(record: usize, p: usize, o: usize): u64 {
  if (flagsOf(record) & (QUOTED | LIST)) return 0;
  const op = opOf(record);
  const from = o;
  if (op == TEXT) {
    const places = copyUntil(p, putTextKey(o, keyOf(record, 0)), SPACE, 1);
    if (places == 0) return 0;
    o = put(outOf(places), QUOTE);
    wrote(record, 0, from, o);
    return both(inOf(places), o);
  }
  const end = find(p, SPACE);
  switch (op) {
    case INT:
      o = copyWhole(p, end, putKey(o, keyOf(record, 0)), INT_DIGITS);
      break;
    case BIGINT:
      o = copyWhole(p, end, putKey(o, keyOf(record, 0)), BIGINT_DIGITS);
      break;
    case SECONDS:
      if (end - p == 2 && load<u16>(p) == 0x312d) return both(end, o); // -1
      o = copyDecimal(p, end, putKey(o, keyOf(record, 0)));
      break;
    case DOUBLE:
      o = copyDecimal(p, end, putKey(o, keyOf(record, 0)));
      break;
    case TIME:
      o = copyIso(p, end, putTextKey(o, keyOf(record, 0)));
      if (o == 0) return 0;
      o = put(o, QUOTE);
      noteTime();
      break;
    case ADDRESS:
      o = copyAddress(record, p, end, o);
      return o == 0 ? 0 : both(end, o);
    default:
      return 0;
  }
  if (o == 0) return 0;
  wrote(record, 0, from, o);
  return both(end, o);
}

/** `192.0.2.1:443` or `[2001:db8::1]:443`, or IPv6 without brackets. */
function copyAddress(record: usize, p: usize, end: usize, o: usize): usize {
  let colon = end - 1;
  while (colon > p && load<u8>(colon) != COLON) colon--;
  if (colon == p) return 0;
  const brackets = load<u8>(p) == 0x5b && load<u8>(colon - 1) == 0x5d;
  let from = o;
  o = copySpan(brackets ? p + 1 : p, brackets ? colon - 1 : colon, putTextKey(o, keyOf(record, 0)), 1);
  if (o == 0) return 0;
  o = put(o, QUOTE);
  wrote(record, 0, from, o);
  if (end - colon == 2 && load<u8>(colon + 1) == HYPHEN) return o;
  from = o;
  o = copyWhole(colon + 1, end, putKey(o, keyOf(record, 1)), INT_DIGITS);
  if (o != 0) wrote(record, 1, from, o);
  return o;
}

/** `HTTP/` without its last byte, as four are read. */
const HTTP: u32 = 0x50545448;

/** `METHOD URL PROTOCOL`: the URL may hold spaces, and each part may be `-`. */
function copyRequest(record: usize, p: usize, end: usize, o: usize): usize {
  const lastByte = <u32>load<u8>(end - 1);
  // An empty value, or one with space at its end.
  if (end == p || lastByte <= SPACE || lastByte >= 0x80) return 0;
  const first = find(p, SPACE);
  if (first >= end || first == p) return 0;
  let last = end - 1;
  while (load<u8>(last) != SPACE) last--;
  const isMissing = end - last == 2 && load<u8>(last + 1) == HYPHEN;
  const isProto = load<u32>(last + 1) == HTTP && load<u8>(last + 5) == 0x2f && end - last > 5;
  const urlEnd = last > first && (isMissing || isProto) ? last : end;
  o = copyPart(record, 0, p, first, o);
  if (o == 0) return 0;
  o = copyPart(record, 1, first + 1, urlEnd, o);
  return o == 0 || urlEnd == end ? o : copyPart(record, 2, last + 1, end, o);
}

function copyPart(record: usize, column: usize, p: usize, end: usize, o: usize): usize {
  if (end - p == 1 && load<u8>(p) == HYPHEN) return o;
  const from = o;
  o = copySpan(p, end, putTextKey(o, keyOf(record, column)), 1);
  if (o == 0) return 0;
  o = put(o, QUOTE);
  wrote(record, column, from, o);
  return o;
}

/** A field beyond the known ones, under its position. */
function copyExtra(p: usize, o: usize, position: u32, before: u32): u64 {
  if (before == 0) o = put(putTextKey(o, extraKey()), 0x7b);
  else o = put(o, 0x2c);
  store<u16>(o, 0x225c); // \"
  o += 2;
  if (position > 99) return 0;
  if (position > 9) o = put(o, 0x30 + position / 10);
  o = put(o, 0x30 + (position % 10));
  o = putBytes(o, BETWEEN, 5);
  const quoted = load<u8>(p) == QUOTE;
  const places = copyUntil(quoted ? p + 1 : p, o, quoted ? QUOTE : SPACE, 2);
  if (places == 0) return 0;
  p = inOf(places);
  if (quoted && !closes(p++)) return 0;
  o = outOf(places);
  store<u16>(o, 0x225c);
  return both(p, o + 2);
}

/** `\":\"` */
const BETWEEN: usize = memory.data<u8>([0x5c, 0x22, 0x3a, 0x5c, 0x22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
