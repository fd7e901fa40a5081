/** A format's program as core/reading/kernel-program.ts lays it out, and what a line's identity columns were written as. */
import { hash } from './hash';
import { PROGRAM, putBytes, SLOTS, UNESCAPED } from './memory';

export const DELIMITED: u32 = 1;
export const LOG_FORMAT: u32 = 2;
export const JSON: u32 = 3;
export const JSON_RECORD: u32 = 4;

/** What a field or key becomes. */
export const SKIP: u32 = 0;
export const TEXT: u32 = 1;
export const INT: u32 = 2;
export const BIGINT: u32 = 3;
export const DOUBLE: u32 = 4;
export const TIME: u32 = 5;
export const BOOLEAN: u32 = 6;
/** A duration for which -1 stands where there was none. */
export const SECONDS: u32 = 7;
/** `address:port` to two columns. */
export const ADDRESS: u32 = 8;
/** `METHOD URL PROTOCOL` to three columns. */
export const REQUEST: u32 = 9;
/** A client's address: the first of a list. */
export const CLIENT: u32 = 10;
/** `METHOD URL?QUERY HTTP/version` to four columns. */
export const NGINX_REQUEST: u32 = 11;
/** `URL?QUERY` to two columns. */
export const URL: u32 = 12;
/** `HTTP/version` */
export const VERSION: u32 = 13;
/** A host, and the project it belongs to. */
export const HOST: u32 = 14;
/** One part of a value: the record's flags say which, and what separates them. */
export const PART: u32 = 15;

/** Digits of the whole numbers that fit their columns whatever they are. */
export const INT_DIGITS: usize = 9;
export const BIGINT_DIGITS: usize = 18;

/** Of a field: it is always in quotes. */
export const QUOTED: u32 = 1;
/** Of a field: without quotes around it, a list's items stand as fields of their own. */
export const LIST: u32 = 2;
/** Of a field: what follows a space is not the value's. */
export const TOKEN: u32 = 4;
/** Of a field: a status code, whose three digits mark a line of the format. */
export const STATUS: u32 = 8;

/** Of a field kept for an identity: its column is the one that an identity must have. */
export const FIRST: u32 = 16;
/** Of a field kept for an identity: it is looked at, and is no part of it. */
export const DROPPED: u32 = 32;

/** Of a field: what separates its parts, and which of them is wanted. */
export const SEPARATOR_SHIFT: u32 = 8;
export const PART_SHIFT: u32 = 16;

/** Of a program: fingerprints are wanted, not rows. */
export const IDENTITY: u32 = 1;
/** Of a program: values hold escapes as `\xHH`, or as JSON has them. */
export const HEX_ESCAPES: u32 = 2;
export const JSON_ESCAPES: u32 = 64;
/** Of a program: filters. */
export const NO_HTTP: u32 = 4;
export const NO_CLIENT: u32 = 8;
export const LOCAL_CLIENT: u32 = 16;
/** Of a program: a line without a status, a client's address or a time where they belong is of another format. */
export const MARKED: u32 = 32;
/** Of a program: what follows a field may stand in `\xHH`, which the clear path reads for a byte that is no UTF-8. */
export const IN_ESCAPE: u32 = 128;
/** Of a program: a filter on output streams. */
export const NOT_STDOUT: u32 = 256;

export const FIELDS: usize = PROGRAM + 88;
export const FIELD_BYTES: usize = 64;

// @ts-ignore: decorator
@inline
export function kind(): u32 {
  return load<u32>(PROGRAM);
}
// @ts-ignore: decorator
@inline
export function fieldCount(): u32 {
  return load<u32>(PROGRAM, 4);
}
// @ts-ignore: decorator
@inline
export function minFields(): u32 {
  return load<u32>(PROGRAM, 8);
}
// @ts-ignore: decorator
@inline
export function maxFields(): u32 {
  return load<u32>(PROGRAM, 12);
}
// @ts-ignore: decorator
@inline
export function flags(): u32 {
  return load<u32>(PROGRAM, 16);
}
/** Fields that must have been read before a line may end. */
// @ts-ignore: decorator
@inline
export function neededFields(): u32 {
  return load<u32>(PROGRAM, 20);
}
// @ts-ignore: decorator
@inline
export function extraKey(): u64 {
  return load<u64>(PROGRAM, 24);
}
// @ts-ignore: decorator
@inline
export function rawKey(): u64 {
  return load<u64>(PROGRAM, 32);
}
/** The key of `errors`: of JSON's programs, which have no text before a first field. */
// @ts-ignore: decorator
@inline
export function errorsKey(): u64 {
  return load<u64>(PROGRAM, 40);
}
/** Of a known key of JSON: its name with zeros behind it, its length, the object it is a key of, and what it is. */
export const NAME_BYTES: usize = 76;

/** Place of the text before the first field, of the names of JSON's keys that are known, and of the identities. */
// @ts-ignore: decorator
@inline
export function startText(): usize {
  return PROGRAM + load<u32>(PROGRAM, 40);
}
// @ts-ignore: decorator
@inline
export function startLength(): u32 {
  return load<u32>(PROGRAM, 44);
}
// @ts-ignore: decorator
@inline
export function names(): usize {
  return PROGRAM + load<u32>(PROGRAM, 48);
}
// @ts-ignore: decorator
@inline
export function nameCount(): u32 {
  return load<u32>(PROGRAM, 84);
}
// @ts-ignore: decorator
@inline
export function nameLength(name: usize): usize {
  return <usize>load<u32>(name, 64);
}
// @ts-ignore: decorator
@inline
export function nameContext(name: usize): u32 {
  return load<u32>(name, 68);
}
// @ts-ignore: decorator
@inline
export function nameTarget(name: usize): u32 {
  return load<u32>(name, 72);
}
// @ts-ignore: decorator
@inline
function identities(): usize {
  return PROGRAM + load<u32>(PROGRAM, 52);
}

/** Records of a delimited line's fields that matter to an identity, where its columns are all that these write. */
// @ts-ignore: decorator
@inline
export function keptFields(): usize {
  return PROGRAM + load<u32>(PROGRAM, 64);
}
// @ts-ignore: decorator
@inline
export function keptCount(): u32 {
  return load<u32>(PROGRAM, 68);
}
/** Which of the line's fields such a record is of. Delimited fields have no literal, whose length is in its place elsewhere. */
// @ts-ignore: decorator
@inline
export function fieldIndexOf(field: usize): u32 {
  return load<u32>(field, 12);
}

/** The key of the column of a container's output stream. */
// @ts-ignore: decorator
@inline
export function streamKey(): u64 {
  return load<u64>(PROGRAM, 72);
}

// @ts-ignore: decorator
@inline
export function opOf(field: usize): u32 {
  return load<u32>(field);
}
// @ts-ignore: decorator
@inline
export function flagsOf(field: usize): u32 {
  return load<u32>(field, 4);
}
/** The text that follows a field of a log_format. */
// @ts-ignore: decorator
@inline
export function literalOf(field: usize): usize {
  return PROGRAM + load<u32>(field, 8);
}
// @ts-ignore: decorator
@inline
export function literalLength(field: usize): u32 {
  return load<u32>(field, 12);
}
/** Its first eight bytes, with zeros behind a shorter one. */
// @ts-ignore: decorator
@inline
export function literalHead(field: usize): u64 {
  return load<u64>(field, 56);
}
/** The key of a field's column, by its number among them; 0 where the field does not fill it. */
// @ts-ignore: decorator
@inline
export function keyOf(field: usize, column: usize): u64 {
  return load<u64>(field + column * 8, 16);
}

export const IDENTITY_SEED: u64 = 0;
const LINE_SEED: u64 = 1;

/** Start and end of each column of an identity that was written; slots are counted from 1. */
export function clearSlots(): void {
  const end = SLOTS + <usize>load<u32>(PROGRAM, 56) * 8 + 8;
  for (let at = SLOTS; at < end; at += 16) v128.store(at, i64x2.splat(0));
}

/** A column has been written, with its key, from `from` to `to`. */
// @ts-ignore: decorator
@inline
export function setSlot(field: usize, column: usize, from: usize, to: usize): void {
  const slot = <usize>load<u8>(field + column, 48);
  if (slot != 0) storeSlot(slot, from, to);
}

/** The column of a container's output stream has been written. */
export function setStreamSlot(from: usize, to: usize): void {
  const slot = <usize>load<u32>(PROGRAM, 80);
  if (slot != 0) storeSlot(slot, from, to);
}

function storeSlot(slot: usize, from: usize, to: usize): void {
  store<u32>(SLOTS + slot * 8, from);
  store<u32>(SLOTS + slot * 8, to, 4);
}

/** The line's, unless it is its own identity. */
export let fingerprint: u64 = 0;
/** It has no other. */
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

/** Hash of the first identity whose first column was written: of its columns, one behind the other. */
export function hashSlots(): void {
  let list = identities();
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

/** Mostly the columns stand one behind the other as they were written; if not, they are put so. */
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
  // Nothing that was unescaped is needed any more, nor what lies behind it up to a row's size: others' texts and pieces.
  let to = UNESCAPED;
  for (let i: usize = 0; i < <usize>count; i++) {
    const slot = SLOTS + <usize>load<u8>(list + i) * 8;
    const from = <usize>load<u32>(slot);
    if (from != 0) to = putBytes(to, from, <usize>load<u32>(slot, 4) - from);
  }
  return hash(UNESCAPED, to - UNESCAPED, IDENTITY_SEED);
}

export function lineHash(p: usize, end: usize): u64 {
  return hash(p, end - p, LINE_SEED);
}
