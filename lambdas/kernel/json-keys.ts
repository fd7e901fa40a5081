/**
 * JSON's keys, and the columns they are of. What a key is, is found out once and kept with the key as it was written:
 * lines mostly have the keys of the line before, in its order, so that one comparison tells each.
 */
import { pastSpace } from './json-values';
import { COLON, DOT, KEY_CACHE, LOWER_KEY, PROGRAM, QUOTE } from './memory';
import { isDigit } from './numbers';
import { JSON, kind, NAME_BYTES, nameContext, nameCount, nameLength, names, nameTarget } from './program';
import { find, specialBytes } from './text';

export const NO_COLUMN: u32 = 0xffff;
/** Of a key that is no column: it is that of an object with columns in it, whose number is beside this. */
export const OBJECT: u32 = 0x8000;
/** The one object of a program that knows no others, and an envelope; a record itself. */
export const OUTERMOST: u32 = 0;
export const RECORD: u32 = 1;

/** Of a key kept at KEYS, by its hash: as it was written, with its quote and zeros behind it, and what it is in its object. */
const KEY_BYTES: usize = 80;
const KEY_COUNT: u32 = 256;
const PROBES: u32 = 8;
/** Bytes with the quote; 0 where there is no key. */
const LENGTH: usize = 64;
const TARGET: usize = 68;
const CONTEXT: usize = 70;
/** Hash of the key in lower case. */
const HASH: usize = 72;
/** The key that came after it last. */
const NEXT: usize = 76;

/** What stands before a line's first key, and before that of what is in an envelope. */
export const BEFORE_FIRST: usize = KEY_CACHE + <usize>KEY_COUNT * KEY_BYTES;
export const BEFORE_INNER: usize = BEFORE_FIRST + KEY_BYTES;

/** Whether the keys are of the program that is loaded: in its header, where loading one writes 0. */
const KEYS_READY: usize = PROGRAM + 60;

/** Forgets the keys of another program. */
// @ts-ignore: decorator
@inline
export function prepareKeys(): void {
  if (load<u32>(KEYS_READY) != 0) return;
  memory.fill(KEY_CACHE, 0, BEFORE_INNER + KEY_BYTES - KEY_CACHE);
  store<u32>(BEFORE_FIRST, KEY_CACHE, NEXT);
  store<u32>(BEFORE_INNER, KEY_CACHE, NEXT);
  store<u32>(KEYS_READY, 1);
}

/**
 * The key that begins at a place, behind its quote, in a program of one object.
 *
 * @param before the key before it
 * @returns 0 for one that needs a second look
 */
// @ts-ignore: decorator
@inline
export function keyAt(p: usize, previous: usize): usize {
  const likely = <usize>load<u32>(previous, NEXT);
  return isKey(likely, p) ? likely : findKey(p, previous, OUTERMOST);
}

/** The same of the object with a number. */
// @ts-ignore: decorator
@inline
export function keyIn(context: u32, p: usize, previous: usize): usize {
  const likely = <usize>load<u32>(previous, NEXT);
  return contextOf(likely) == context && isKey(likely, p) ? likely : findKey(p, previous, context);
}

/** The length of a key, with the quote behind it. */
// @ts-ignore: decorator
@inline
export function keyLength(key: usize): usize {
  return <usize>load<u32>(key, LENGTH);
}

/** Where the value begins of the key that begins at a place; 0 where no colon follows it. */
// @ts-ignore: decorator
@inline
export function valueAfter(key: usize, keyStart: usize): usize {
  const p = pastSpace(keyStart + keyLength(key));
  return load<u8>(p) == COLON ? pastSpace(p + 1) : 0;
}

// @ts-ignore: decorator
@inline
export function targetOf(key: usize): u32 {
  return <u32>load<u16>(key, TARGET);
}

// @ts-ignore: decorator
@inline
function contextOf(key: usize): u32 {
  return <u32>load<u16>(key, CONTEXT);
}

// @ts-ignore: decorator
@inline
export function hashOf(key: usize): u32 {
  return load<u32>(key, HASH);
}

// @ts-ignore: decorator
@inline
function isKey(key: usize, p: usize): bool {
  const length = keyLength(key);
  if (length == 0) return false;
  const differs = v128.xor(v128.load(p), v128.load(key));
  if (v128.any_true(v128.and(differs, firstBytes(min(length, 16))))) return false;
  return length <= 16 || isLongKey(key, p, length);
}

function isLongKey(key: usize, p: usize, length: usize): bool {
  for (let at: usize = 16; at < length; at += 16) {
    const differs = v128.xor(v128.load(p + at), v128.load(key + at));
    if (v128.any_true(v128.and(differs, firstBytes(min(length - at, 16))))) return false;
  }
  return true;
}

function findKey(p: usize, previous: usize, context: u32): usize {
  const end = lowerKey(p);
  if (end == 0) return 0;
  const length = end - p;
  const lower = hashOfKey(length);
  const key = cacheEntryFor(lower, p, context);
  if (contextOf(key) != context || !isKey(key, p)) {
    const column = findTarget(length, p, context);
    // JavaScript puts keys that are numbers before the others; and a record's key with a dot may be a path.
    if (column == NO_COLUMN && (isDigit(load<u8>(p)) || (context != OUTERMOST && find(p, DOT) < end))) return 0;
    cacheKey(key, p, length + 1);
    store<u16>(key, column, TARGET);
    store<u16>(key, context, CONTEXT);
    store<u32>(key, lower, HASH);
    store<u32>(key, KEY_CACHE, NEXT);
  }
  store<u32>(previous, key, NEXT);
  return key;
}

/** Hash of the key in KEY. */
// @ts-ignore: decorator
@inline
function hashOfKey(length: usize): u32 {
  let h: u64 = length;
  for (let at: usize = 0; at < length; at += 16) {
    h = (h ^ load<u64>(LOWER_KEY + at)) * 0x9e3779b185ebca87;
    h = (h ^ (h >> 32) ^ load<u64>(LOWER_KEY + at, 8)) * 0xc2b2ae3d27d4eb4f;
  }
  return <u32>(h >> 32);
}

/** Where a key is kept, or may be: so near that of its hash that a line's keys do not push each other out. */
function cacheEntryFor(lower: u32, p: usize, context: u32): usize {
  const first = (lower + context) % (KEY_COUNT - PROBES);
  for (let probe: u32 = 0; probe < PROBES; probe++) {
    const key = KEY_CACHE + <usize>(first + probe) * KEY_BYTES;
    if (keyLength(key) == 0 || (contextOf(key) == context && isKey(key, p))) return key;
  }
  return KEY_CACHE + <usize>(first + (lower >> 16) % PROBES) * KEY_BYTES;
}

function cacheKey(key: usize, p: usize, length: usize): void {
  for (let at: usize = 0; at < length; at += 16) {
    v128.store(key + at, v128.and(v128.load(p + at), firstBytes(min(length - at, 16))));
  }
  store<u32>(key, length, LENGTH);
}

/** Writes a key in lower case to KEY. @returns where it ends; 0 for one that is empty, long, escaped or no ASCII */
function lowerKey(p: usize): usize {
  for (let at: usize = 0; at < LENGTH; at += 16) {
    const bytes = v128.load(p + at);
    const special = specialBytes(bytes);
    const upper = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x41)), i8x16.splat(26));
    const lower = v128.or(bytes, v128.and(upper, i8x16.splat(0x20)));
    if (special == 0) {
      v128.store(LOWER_KEY + at, lower);
      continue;
    }
    const length = ctz(special);
    const end = p + at + length;
    if (load<u8>(end) != QUOTE || end == p) return 0;
    v128.store(LOWER_KEY + at, v128.and(lower, firstBytes(length)));
    return end;
  }
  return 0;
}

/** The first `count` bytes of 16 all ones, the others zeros. */
// @ts-ignore: decorator
@inline
function firstBytes(count: usize): v128 {
  return v128.load(FIRST_BYTES + 16 - count);
}

const FIRST_BYTES: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0,
]);

/** What the key in KEY, as it was written at a place, is in an object; NO_COLUMN where it is nothing that is known. */
function findTarget(length: usize, p: usize, context: u32): u32 {
  const columns = nameCount();
  let name = names();
  for (let column: u32 = 0; column < columns; column++, name += NAME_BYTES) {
    if (nameContext(name) != context || nameLength(name) != length || !isName(name, length)) continue;
    // Only where keys are columns by themselves does their case make no difference. All names are in lower case.
    return kind() == JSON || isWritten(name, p, length) ? nameTarget(name) : NO_COLUMN;
  }
  return NO_COLUMN;
}

function isName(name: usize, length: usize): bool {
  for (let at: usize = 0; at < length; at += 16) {
    if (v128.any_true(v128.xor(v128.load(name + at), v128.load(LOWER_KEY + at)))) return false;
  }
  return true;
}

function isWritten(name: usize, p: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(name + i) != load<u8>(p + i)) return false;
  return true;
}
