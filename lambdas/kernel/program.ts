/**
 * The program: a format's layout as bytes, which the kernel follows instead of knowing any format. This file reads the
 * program and records, for fingerprints, where the columns of a record key were written.
 * lambdas/core/reading/kernel-program.ts writes the program: both files must agree on every number here.
 *
 * A program consists of a header (HEADER_BYTES), one entry for each field (FIELD_BYTES), and an area of texts and lists
 * that header and fields point to by their offset from PROGRAM. All numbers are little-endian.
 */
import { hash } from './hash';
import { PROGRAM, putBytes, SLOTS, UNESCAPED } from './memory';

/** Kinds of programs. Each kind has a reader: delimited.ts, log-format.ts, json.ts and json-record.ts. */
export const DELIMITED: u32 = 1;
export const LOG_FORMAT: u32 = 2;
export const JSON: u32 = 3;
export const JSON_RECORD: u32 = 4;

/** Ops: how a field's value is read, and which columns it fills. */
export const SKIP: u32 = 0;
export const TEXT: u32 = 1;
export const INT: u32 = 2;
export const BIGINT: u32 = 3;
export const DOUBLE: u32 = 4;
export const TIME: u32 = 5;
export const BOOLEAN: u32 = 6;
/** A duration; -1 means that there was none. */
export const SECONDS: u32 = 7;
/** `address:port` fills two columns. */
export const ADDRESS: u32 = 8;
/** `METHOD URL PROTOCOL` fills three columns. */
export const REQUEST: u32 = 9;
/** The client's address, which is the first of a list. */
export const CLIENT: u32 = 10;
/** `METHOD URL?QUERY HTTP/version` fills four columns. */
export const NGINX_REQUEST: u32 = 11;
/** `URL?QUERY` fills two columns. */
export const URL: u32 = 12;
/** `HTTP/version` fills one column, with the version alone. */
export const VERSION: u32 = 13;
/** A host fills two columns: the host, and the project that its name begins with. */
export const HOST: u32 = 14;
/** One of several parts of a value. The field's flags hold the separator and the part's index. */
export const PART: u32 = 15;
/** The seconds of each try fill a column with the text, and one or two with the sum. */
export const SECONDS_LIST: u32 = 16;
/** The statuses of each try fill a column with the text, and one with the last of them. */
export const STATUS_LIST: u32 = 17;
/** The value of an earlier field again. The index of that field is in the place of a part's index. */
export const REPEATED: u32 = 18;

/** Integers of up to this many digits always fit their column's type; longer ones may not, and are not copied. */
export const INT_DIGITS: usize = 9;
export const BIGINT_DIGITS: usize = 18;

/** Field flag: the value is always in quotes. */
export const QUOTED: u32 = 1;
/** Field flag: the value is a list. If it is not in quotes, its items look like fields of their own. */
export const LIST: u32 = 2;
/** Field flag: the value holds no space. A line in which it does is unsupported: the rest would belong to `extra`. */
export const TOKEN: u32 = 4;
/** Field flag: the value is a status code. Three digits here are evidence that the line is of the format. */
export const STATUS: u32 = 8;

/** Field flag: the next value begins with the literal, which is then a part of it. */
export const JOINED: u32 = 64;
/** Field flag: a value only surely ends at the literal if it is letters, digits, `_`, `-` and dots. */
export const PLAIN: u32 = 128;
/** Field flag: a later field repeats the value. */
export const REMEMBERED: u32 = 1 << 24;

/** Field flag, kept fields only: this is the record key's first column, without which the record key does not apply. */
export const FIRST: u32 = 16;
/** Field flag, kept fields only: the value is checked, or gives the event's time, but is not part of the record key. */
export const DROPPED: u32 = 32;

/** Position in a field's flags of the separator of its parts (one byte), and of the index of the wanted part. */
export const SEPARATOR_SHIFT: u32 = 8;
export const PART_SHIFT: u32 = 16;
export const PART_MASK: u32 = 0xff;

/** Program flag: the output is fingerprints, not rows. */
export const IDENTITY: u32 = 1;
/** Program flags: values hold escapes, either `\xHH` (nginx's default) or those of JSON. */
export const HEX_ESCAPES: u32 = 2;
export const JSON_ESCAPES: u32 = 64;
/** Program flags: filters that leave out lines without `HTTP/`, without a client's address, and of local clients. */
export const NO_HTTP: u32 = 4;
export const NO_CLIENT: u32 = 8;
export const LOCAL_CLIENT: u32 = 16;
/** Program flag: a line is of the format only if it has a status, a client's address or a time in its field. */
export const MARKED: u32 = 32;
/**
 * Program flag: a literal of the format could also match inside a `\xHH` escape, which is how the TypeScript reader
 * represents bytes that are not valid UTF-8.
 */
export const IN_ESCAPE: u32 = 128;
/** Program flag: a filter that leaves out lines of output streams other than stdout. */
export const NOT_STDOUT: u32 = 256;
/** Program flags: filters that leave out lines of the error log which quote no request, and lines which quote one. */
export const ERROR_LOG_NO_HTTP: u32 = 512;
export const ERROR_LOG_NO_CLIENT: u32 = 1024;
/** Program flag: a column has a key that is empty, long or not plain text, which is none of the names. */
export const ODD_NAMES: u32 = 2048;

/** Offsets in the header. */
const KIND_AT: usize = 0;
const FIELD_COUNT_AT: usize = 4;
const MIN_FIELDS_AT: usize = 8; // delimited only
const MAX_FIELDS_AT: usize = 12; // delimited only
const START_TEXT_AT: usize = 8; // log_format, in the same place; zeros in the other kinds
const START_LENGTH_AT: usize = 12;
const FLAGS_AT: usize = 16;
const NEEDED_FIELDS_AT: usize = 20; // log_format only
const EXTRA_KEY_AT: usize = 24;
const RAW_KEY_AT: usize = 32;
const ERRORS_KEY_AT: usize = 40;
const NAMES_AT: usize = 48;
const IDENTITIES_AT: usize = 52;
const SLOT_COUNT_AT: usize = 56;
/** The kernel's own word: the host writes 0 with each program, json-keys.ts writes 1 when its cache is of it. */
export const KEYS_READY_AT: usize = 60;
const KEPT_FIELDS_AT: usize = 64; // delimited only
const KEPT_COUNT_AT: usize = 68; // delimited only
const STREAM_KEY_AT: usize = 72; // log_format and JSON records
const LENGTHS_AT: usize = 72; // delimited only, in the same place
const STREAM_SLOT_AT: usize = 80; // log_format and JSON records
const NAME_COUNT_AT: usize = 84;
const ZONE_AT: usize = 88; // log_format and JSON
const ZONE_COUNT_AT: usize = 92; // log_format and JSON
const HEADER_BYTES: usize = 96;

/** Changes of the offset from UTC on the clocks of the time zone, if it is not UTC: local-zone.ts reads them. */
export function zoneChanges(): usize {
  return PROGRAM + <usize>load<u32>(PROGRAM, ZONE_AT);
}

/** Number of these changes; 0 for UTC. */
export function zoneCount(): u32 {
  return load<u32>(PROGRAM, ZONE_COUNT_AT);
}

/** Offsets in a field's entry. */
const OP_AT: usize = 0;
const FIELD_FLAGS_AT: usize = 4;
const LITERAL_AT: usize = 8;
const LITERAL_LENGTH_AT: usize = 12;
const FIELD_INDEX_AT: usize = 12; // kept fields only: fingerprints have no errors, so the length's place is free
const KEYS_AT: usize = 16; // up to four keys of 8 bytes, one for each column that the op fills
const SLOTS_AT: usize = 48; // one byte for each of these columns
const ERROR_NAME_AT: usize = 52;
const LITERAL_HEAD_AT: usize = 56;
export const FIELD_BYTES: usize = 64;

/** Offsets in a name's entry, which begins with the name, padded with zeros. */
const NAME_LENGTH_AT: usize = 64;
const NAME_CONTEXT_AT: usize = 68;
const NAME_TARGET_AT: usize = 72;
export const NAME_BYTES: usize = 76;

/** Address of the first field's entry. */
export const FIELDS: usize = PROGRAM + HEADER_BYTES;

// @ts-ignore: decorator
@inline
export function kind(): u32 {
  return load<u32>(PROGRAM, KIND_AT);
}
// @ts-ignore: decorator
@inline
export function fieldCount(): u32 {
  return load<u32>(PROGRAM, FIELD_COUNT_AT);
}
// @ts-ignore: decorator
@inline
export function minFields(): u32 {
  return load<u32>(PROGRAM, MIN_FIELDS_AT);
}
// @ts-ignore: decorator
@inline
export function maxFields(): u32 {
  return load<u32>(PROGRAM, MAX_FIELDS_AT);
}
// @ts-ignore: decorator
@inline
export function flags(): u32 {
  return load<u32>(PROGRAM, FLAGS_AT);
}
/** Bit set of the numbers of fields with which the last value of a line is whole, without quotes around it. */
// @ts-ignore: decorator
@inline
export function lengths(): u64 {
  return load<u64>(PROGRAM, LENGTHS_AT);
}
/** Number of fields that a line must have; after these it may end at any field. */
// @ts-ignore: decorator
@inline
export function neededFields(): u32 {
  return load<u32>(PROGRAM, NEEDED_FIELDS_AT);
}
/** Key of the column `extra`, in the form that `putTextKey` takes. */
// @ts-ignore: decorator
@inline
export function extraKey(): u64 {
  return load<u64>(PROGRAM, EXTRA_KEY_AT);
}
/** Key of the column `raw`. */
// @ts-ignore: decorator
@inline
export function rawKey(): u64 {
  return load<u64>(PROGRAM, RAW_KEY_AT);
}
/** Key of the column `errors`. */
// @ts-ignore: decorator
@inline
export function errorsKey(): u64 {
  return load<u64>(PROGRAM, ERRORS_KEY_AT);
}
/** Address of the text before the first field. Not for delimited programs. */
// @ts-ignore: decorator
@inline
export function startText(): usize {
  return PROGRAM + load<u32>(PROGRAM, START_TEXT_AT);
}
// @ts-ignore: decorator
@inline
export function startLength(): u32 {
  return load<u32>(PROGRAM, START_LENGTH_AT);
}
/** Address of the names: the known keys of JSON, JSON records and envelopes. */
// @ts-ignore: decorator
@inline
export function names(): usize {
  return PROGRAM + load<u32>(PROGRAM, NAMES_AT);
}
// @ts-ignore: decorator
@inline
export function nameCount(): u32 {
  return load<u32>(PROGRAM, NAME_COUNT_AT);
}
// @ts-ignore: decorator
@inline
export function nameLength(name: usize): usize {
  return <usize>load<u32>(name, NAME_LENGTH_AT);
}
/** Number of the JSON object that the name is a key of: see OUTERMOST and RECORD in json-keys.ts. */
// @ts-ignore: decorator
@inline
export function nameContext(name: usize): u32 {
  return load<u32>(name, NAME_CONTEXT_AT);
}
/** What the key stands for: the index of its column or of its part of an envelope, or OBJECT and an object's number. */
// @ts-ignore: decorator
@inline
export function nameTarget(name: usize): u32 {
  return load<u32>(name, NAME_TARGET_AT);
}
/**
 * Address of the record keys, in order of preference. Each key is a list of bytes: the number of its columns, the
 * slot of the column without which it does not apply, and the slots of all its columns in the table's order. A 0 ends
 * the record keys.
 */
// @ts-ignore: decorator
@inline
function recordKeys(): usize {
  return PROGRAM + load<u32>(PROGRAM, IDENTITIES_AT);
}

/**
 * Address of the kept fields: copies of the entries of those delimited fields that a fingerprint needs. There are none
 * unless the source has a single record key, and some of the fields fill exactly its columns, in the same order.
 */
// @ts-ignore: decorator
@inline
export function keptFields(): usize {
  return PROGRAM + load<u32>(PROGRAM, KEPT_FIELDS_AT);
}
// @ts-ignore: decorator
@inline
export function keptCount(): u32 {
  return load<u32>(PROGRAM, KEPT_COUNT_AT);
}
/** Index in the line of a kept field. */
// @ts-ignore: decorator
@inline
export function fieldIndexOf(field: usize): u32 {
  return load<u32>(field, FIELD_INDEX_AT);
}

/** Key of the column that holds the output stream of a container. */
// @ts-ignore: decorator
@inline
export function streamKey(): u64 {
  return load<u64>(PROGRAM, STREAM_KEY_AT);
}

/** Address of a field's entry, by the field's index. */
// @ts-ignore: decorator
@inline
export function fieldAt(index: u32): usize {
  return FIELDS + <usize>index * FIELD_BYTES;
}
// @ts-ignore: decorator
@inline
export function opOf(field: usize): u32 {
  return load<u32>(field, OP_AT);
}
// @ts-ignore: decorator
@inline
export function flagsOf(field: usize): u32 {
  return load<u32>(field, FIELD_FLAGS_AT);
}
/** Address of the name under which `errors` keeps a value of the field that does not convert. */
// @ts-ignore: decorator
@inline
export function errorName(field: usize): usize {
  return PROGRAM + load<u32>(field, ERROR_NAME_AT) + 2;
}
// @ts-ignore: decorator
@inline
export function errorNameLength(field: usize): usize {
  return <usize>load<u16>(errorName(field) - 2);
}
/** Address of a field's literal: the text of the log_format between this field and the next. */
// @ts-ignore: decorator
@inline
export function literalOf(field: usize): usize {
  return PROGRAM + load<u32>(field, LITERAL_AT);
}
// @ts-ignore: decorator
@inline
export function literalLength(field: usize): u32 {
  return load<u32>(field, LITERAL_LENGTH_AT);
}
/** First eight bytes of a field's literal, padded with zeros. */
// @ts-ignore: decorator
@inline
export function literalHead(field: usize): u64 {
  return load<u64>(field, LITERAL_HEAD_AT);
}
/** Key of one of a field's columns, counted from 0 in the op's order, or 0 if the field does not fill that column. */
// @ts-ignore: decorator
@inline
export function keyOf(field: usize, column: usize): u64 {
  return load<u64>(field + column * 8, KEYS_AT);
}

/** Seeds of the two hashes, which lambdas/core/reading/kernel.ts uses too. */
export const IDENTITY_SEED: u64 = 0;
const LINE_SEED: u64 = 1;

/**
 * Clears the slots. A slot holds the start and the end in the output of one column of a record key, or zeros if the
 * line does not have that column. Slots are counted from 1, so that 0 means "not a column of any record key".
 */
export function clearSlots(): void {
  const end = SLOTS + <usize>load<u32>(PROGRAM, SLOT_COUNT_AT) * 8 + 8;
  for (let at = SLOTS; at < end; at += 16) v128.store(at, i64x2.splat(0));
}

/** Sets the slot of one of a field's columns, which has been written with its key, if a record key has that column. */
// @ts-ignore: decorator
@inline
export function setSlot(field: usize, column: usize, from: usize, to: usize): void {
  const slot = <usize>load<u8>(field + column, SLOTS_AT);
  if (slot != 0) storeSlot(slot, from, to);
}

/** Sets the slot of the column that holds the output stream of a container, if a record key has that column. */
export function setStreamSlot(from: usize, to: usize): void {
  const slot = <usize>load<u32>(PROGRAM, STREAM_SLOT_AT);
  if (slot != 0) storeSlot(slot, from, to);
}

function storeSlot(slot: usize, from: usize, to: usize): void {
  store<u32>(SLOTS + slot * 8, from);
  store<u32>(SLOTS + slot * 8, to, 4);
}

/** Hash of the current line's record key. Not valid if `lineIsIdentity`. */
export let fingerprint: u64 = 0;
/** The current line has no record key but its own text. */
export let lineIsIdentity: bool = false;

// @ts-ignore: decorator
@inline
export function setFingerprint(hash: u64): void {
  fingerprint = hash;
  lineIsIdentity = false;
}

// @ts-ignore: decorator
@inline
export function setLineAsIdentity(): void {
  lineIsIdentity = true;
}

/**
 * Sets the fingerprint to the hash of the first record key that applies, that is, whose first column was written. The
 * hash is over the columns of that record key as a row has them, with their keys, one directly after the other.
 */
export function hashSlots(): void {
  let list = recordKeys();
  for (let count = load<u8>(list++); count > 0; count = load<u8>(list++)) {
    const first = load<u8>(list++);
    if (load<u32>(SLOTS + <usize>first * 8) != 0) {
      setFingerprint(hashOfSlots(list, count));
      return;
    }
    list += count;
  }
  setLineAsIdentity();
}

/** Hashes the columns in place if they were written one directly after the other; otherwise joins them first. */
function hashOfSlots(list: usize, count: u32): u64 {
  let start: usize = 0;
  let end: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const slot = SLOTS + <usize>load<u8>(list + i) * 8;
    const from = <usize>load<u32>(slot);
    if (from == 0) continue;
    if (start == 0) start = from;
    else if (from != end) return hashOfParts(list, count);
    end = <usize>load<u32>(slot, 4);
  }
  return hash(start, end - start, IDENTITY_SEED);
}

function hashOfParts(list: usize, count: u32): u64 {
  // The line has been read, so the regions from UNESCAPED on are free: together they have room for all of a row.
  let to = UNESCAPED;
  for (let i: usize = 0; i < <usize>count; i++) {
    const slot = SLOTS + <usize>load<u8>(list + i) * 8;
    const from = <usize>load<u32>(slot);
    if (from != 0) to = putBytes(to, from, <usize>load<u32>(slot, 4) - from);
  }
  return hash(UNESCAPED, to - UNESCAPED, IDENTITY_SEED);
}

/** Hash of a line that has no record key but its own text. */
export function lineHash(p: usize, end: usize): u64 {
  return hash(p, end - p, LINE_SEED);
}
