/**
 * Finds out which column a JSON key stands for. Once found, this is cached with the key as it was written: a line
 * mostly has the keys of the line before, in the same order, so that one comparison identifies each key.
 *
 * In this file and its callers, a `key` is the address of an entry of the cache.
 */
import { foldKey, mayMatchAscii } from './json-case';
import { copyDecoded } from './json-strings';
import { pastSpace } from './json-values';
import { COLON, DOT, inputOf, KEY_CACHE, LOWER_KEY, outputOf, PROGRAM, QUOTE, UNESCAPED } from './memory';
import {
  flags, JSON, KEYS_READY_AT, kind, NAME_BYTES, nameContext, nameCount, nameLength, names, nameTarget, ODD_NAMES,
} from './program';
import { findIn, specialBytes } from './text';

export const NO_COLUMN: u32 = 0xffff;
/**
 * Targets of keys without a column, in a program of JSON lines: the value may be a JSON record as text (`MAY_WRAP`), may
 * mark a piece of one (`MAY_MARK`), or may name the output stream (`MAY_NAME`).
 */
export const MAY_NAME: u32 = 0xfffc;
export const MAY_WRAP: u32 = 0xfffd;
export const MAY_MARK: u32 = 0xfffe;
/** Flag in a key's target: the key holds a nested object with columns; the low bits are that object's number. */
export const OBJECT: u32 = 0x8000;
/** Flag beside OBJECT, in a program of JSON lines: if the value is no object, the key may be one of an envelope. */
export const OF_ENVELOPE: u32 = 0x4000;
/**
 * Numbers of objects, in which a key is looked up (its "context"). OUTERMOST is a JSON line, or an envelope; RECORD is
 * a JSON record. The objects within a line or a record have the other numbers.
 */
export const OUTERMOST: u32 = 0;
export const RECORD: u32 = 1;

/**
 * The cache at KEY_CACHE is a hash table. An entry has the key as it was written, with its closing quote and padded
 * with zeros; then the fields below. An entry for a hash is within PROBES entries of the hash's own place.
 */
const KEY_BYTES: usize = 80;
const KEY_COUNT: u32 = 256;
const PROBES: u32 = 8;
/** Bytes of the key with its closing quote; 0 if the entry is free. */
const LENGTH: usize = 64;
const TARGET: usize = 68;
const CONTEXT: usize = 70;
/** Hash of the key in lower case. */
const HASH: usize = 72;
/** The key that last came after this key. */
const NEXT: usize = 76;

/**
 * Entries in place of the key before a line's first key, and before the first key of a record in an envelope. Only
 * their NEXT is used.
 */
export const BEFORE_FIRST: usize = KEY_CACHE + <usize>KEY_COUNT * KEY_BYTES;
export const BEFORE_INNER: usize = BEFORE_FIRST + KEY_BYTES;

/**
 * The entry of a key that is not cached, as it is empty, long or no plain text: such keys are looked at anew each time.
 * It has the address of the key in place of the key, and only until the next such key is read.
 */
export const UNCACHED: usize = BEFORE_INNER + KEY_BYTES;
/** In place of a context: no key that is looked for is this one. */
const NO_CONTEXT: u32 = 0xffff;

/**
 * Whether the cache is of the program that is loaded. This word is in the program's header, where loading a program
 * writes 0.
 */
const KEYS_READY: usize = PROGRAM + KEYS_READY_AT;

/** Empties the cache if another program has been loaded. */
// @ts-ignore: decorator
@inline
export function prepareKeys(): void {
  if (load<u32>(KEYS_READY) != 0) return;
  memory.fill(KEY_CACHE, 0, UNCACHED + KEY_BYTES - KEY_CACHE);
  store<u32>(BEFORE_FIRST, KEY_CACHE, NEXT);
  store<u32>(BEFORE_INNER, KEY_CACHE, NEXT);
  store<u32>(UNCACHED, KEY_CACHE, NEXT);
  store<u16>(UNCACHED, NO_CONTEXT, CONTEXT);
  store<u32>(LOWER_KEY, LOG);
  memory.fill(LOWER_KEY + 4, 0, 12);
  logColumn = findTarget(LOG_LENGTH, LOWER_KEY, OUTERMOST);
  store<u64>(LOWER_KEY, MESSAGE);
  messageColumn = findTarget(MESSAGE_LENGTH, LOWER_KEY, OUTERMOST);
  store<u32>(KEYS_READY, 1);
}

/** Targets of the keys `log` and `message` in a program of JSON lines. */
export let logColumn: u32 = NO_COLUMN;
export let messageColumn: u32 = NO_COLUMN;
export const LOG_LENGTH: usize = 3;
export const MESSAGE_LENGTH: usize = 7;
/** `log` and `message`, as little-endian u32 and u64. */
const LOG: u32 = 0x676f6c;
const MESSAGE: u64 = 0x6567617373656d;

/**
 * Finds the key at `p`, which is the address after its opening quote, in the object numbered `context`.
 *
 * @param previous the key before it
 * @returns the key's entry, or 0 if the line is unsupported
 */
// @ts-ignore: decorator
@inline
export function keyIn(context: u32, p: usize, previous: usize): usize {
  const likely = <usize>load<u32>(previous, NEXT);
  return contextOf(likely) == context && isKey(likely, p) ? likely : findKey(p, previous, context);
}

/** Length of a key, with its closing quote. */
// @ts-ignore: decorator
@inline
export function keyLength(key: usize): usize {
  return <usize>load<u32>(key, LENGTH);
}

/** Address of the value of the key at `keyStart`, or 0 if no colon follows the key. */
// @ts-ignore: decorator
@inline
export function valueAfter(key: usize, keyStart: usize): usize {
  const p = pastSpace(keyStart + keyLength(key));
  return load<u8>(p) == COLON ? pastSpace(p + 1) : 0;
}

/**
 * What a key stands for: a column's index (in an envelope, a part's index), OBJECT and an object's number, or
 * NO_COLUMN.
 */
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

/** True if the text at `p` is the key, with its closing quote. */
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

/** Finds a key that is not the expected one, and adds it to the cache if it is new. */
function findKey(p: usize, previous: usize, context: u32): usize {
  const end = lowerKey(p);
  if (end == 0) return uncachedKey(p, context);
  const length = end - p;
  const lower = hashOfKey(LOWER_KEY, length);
  const key = cacheEntryFor(lower, p, context);
  if (contextOf(key) != context || !isKey(key, p)) {
    const column = findTarget(length, p, context);
    if (column == NO_COLUMN && mayBePath(context) && isPath(p, end, context)) return 0;
    cacheKey(key, p, length + 1);
    store<u16>(key, column, TARGET);
    store<u16>(key, context, CONTEXT);
    store<u32>(key, lower, HASH);
    store<u32>(key, KEY_CACHE, NEXT);
  }
  store<u32>(previous, key, NEXT);
  return key;
}

/** The names of a JSON line have each key on the way to a column, with its dots; those of a JSON record do not. */
// @ts-ignore: decorator
@inline
function mayBePath(context: u32): bool {
  return context != OUTERMOST && kind() != JSON;
}

/** True if a key with dots leads from an object within a JSON record to a column, or to an object with columns. */
function isPath(p: usize, end: usize, context: u32): bool {
  let from = p;
  do {
    const dot = findIn(from, end, DOT);
    const target = targetAsWritten(from, dot - from, context);
    if (dot == end) return from > p && target != NO_COLUMN;
    if (target == NO_COLUMN || (target & OBJECT) == 0) return false;
    context = target & ~OBJECT;
    from = dot + 1;
  } while (true);
}

/** Target in a JSON record of the key at `p`, which must be written as its name is. */
function targetAsWritten(p: usize, length: usize, context: u32): u32 {
  const columns = nameCount();
  let name = names();
  for (let column: u32 = 0; column < columns; column++, name += NAME_BYTES) {
    if (nameContext(name) == context && nameLength(name) == length && isWritten(name, p, length)) return nameTarget(name);
  }
  return NO_COLUMN;
}

/**
 * Finds a key that is empty, long or no plain text: it has escapes, or characters that are not ASCII.
 *
 * @returns UNCACHED, or 0 if the line is unsupported
 */
function uncachedKey(p: usize, context: u32): usize {
  if (flags() & ODD_NAMES) return 0;
  const pointers = copyDecoded(p, UNESCAPED);
  if (pointers == 0) return 0;
  const end = outputOf(pointers);
  if (mayMatchAscii(UNESCAPED, end)) return 0;
  let target = NO_COLUMN;
  if (end - UNESCAPED < LENGTH) {
    memory.fill(LOWER_KEY, 0, LENGTH);
    memory.copy(LOWER_KEY, UNESCAPED, end - UNESCAPED);
    foldKey(LOWER_KEY, LOWER_KEY + (end - UNESCAPED));
    target = findTarget(end - UNESCAPED, UNESCAPED, context);
  }
  if (target == NO_COLUMN) {
    if (mayBePath(context) && isPath(UNESCAPED, end, context)) return 0;
  } else if (target >= OBJECT || mayHoldLine(target, context)) return 0;
  const folded = foldKey(UNESCAPED, end);
  v128.store(folded, i64x2.splat(0));
  store<u32>(UNCACHED, p);
  store<u32>(UNCACHED, inputOf(pointers) - p, LENGTH);
  store<u16>(UNCACHED, target, TARGET);
  store<u32>(UNCACHED, hashOfKey(UNESCAPED, folded - UNESCAPED), HASH);
  return UNCACHED;
}

/** Address in the line of the key that UNCACHED stands for. */
// @ts-ignore: decorator
@inline
export function uncachedText(): usize {
  return <usize>load<u32>(UNCACHED);
}

/** True if the key's value may be the line in an envelope, or is another part of one: the key is then looked at again. */
function mayHoldLine(target: u32, context: u32): bool {
  return context == OUTERMOST && (kind() != JSON || target == logColumn || target == messageColumn);
}

/** Hash of a key in lower case, padded with zeros to a multiple of 16 bytes. */
// @ts-ignore: decorator
@inline
function hashOfKey(lower: usize, length: usize): u32 {
  let h: u64 = length;
  for (let at: usize = 0; at < length; at += 16) {
    h = (h ^ load<u64>(lower + at)) * 0x9e3779b185ebca87;
    h = (h ^ (h >> 32) ^ load<u64>(lower + at, 8)) * 0xc2b2ae3d27d4eb4f;
  }
  return <u32>(h >> 32);
}

/**
 * The entry that holds the key, or else a free one near the place of its hash. If none is free, an entry is replaced
 * that is chosen by other bits of the hash, so that the keys of a line rarely replace each other.
 */
function cacheEntryFor(lower: u32, p: usize, context: u32): usize {
  const first = (lower + context) % (KEY_COUNT - PROBES);
  for (let probe: u32 = 0; probe < PROBES; probe++) {
    const key = KEY_CACHE + <usize>(first + probe) * KEY_BYTES;
    if (keyLength(key) == 0 || (contextOf(key) == context && isKey(key, p))) return key;
  }
  return KEY_CACHE + <usize>(first + (lower >> 16) % PROBES) * KEY_BYTES;
}

/** Writes the key at `p` to an entry of the cache. */
function cacheKey(key: usize, p: usize, length: usize): void {
  for (let at: usize = 0; at < length; at += 16) {
    v128.store(key + at, v128.and(v128.load(p + at), firstBytes(min(length - at, 16))));
  }
  store<u32>(key, length, LENGTH);
}

/**
 * Writes the key at `p` to LOWER_KEY in lower case.
 *
 * @returns the address of the closing quote, or 0 if the key is empty, long, has escapes or is not ASCII
 */
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

/** Mask whose first `count` bytes are all ones, and whose other bytes are zeros. */
// @ts-ignore: decorator
@inline
function firstBytes(count: usize): v128 {
  return v128.load(FIRST_BYTES + 16 - count);
}

const FIRST_BYTES: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0,
]);

/**
 * Target of the key at LOWER_KEY, as the program has it, or NO_COLUMN if the key is unknown in that object.
 *
 * @param p the key as it was written
 */
function findTarget(length: usize, p: usize, context: u32): u32 {
  const columns = nameCount();
  let name = names();
  for (let column: u32 = 0; column < columns; column++, name += NAME_BYTES) {
    if (nameContext(name) != context || nameLength(name) != length || !isName(name, length)) continue;
    // Names are in lower case. Case is ignored only if the program's keys are the source's columns; other keys must be
    // written exactly as their names.
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
