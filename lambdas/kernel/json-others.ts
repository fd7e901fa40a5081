/**
 * Collects the members of a JSON object for which there is no column. They are written aside, at OTHERS, as `extra`
 * comes last in a row. This file mirrors `extra` in lambdas/core/reading/row.ts.
 */
import { BACKSLASH, inputOf, OTHER_KEYS, OTHERS, outputOf, put, putBytes, putTextKey, QUOTE, SPACE } from './memory';
import { hashOf, keyLength, UNCACHED, uncachedText } from './json-keys';
import { copyDecoded, copyString } from './json-strings';
import { copyJson, copyPlain, endOfLiteral, endOfValue } from './json-values';
import { extraKey, flags, IDENTITY } from './program';
import { copySpan, putText } from './text';

/** Members of the line that go to `extra`. */
export let unknownMembers: u32 = 0;

/**
 * OTHER_KEYS is a hash table of the line's keys. A slot has the number of the line that it is used by, the hash of the key,
 * and the key's address in the line. Lines with more keys than half of the slots, or with many keys whose hashes are
 * alike, as can be made on purpose, are unsupported.
 */
const KEY_SLOTS: u32 = 8192;
const SLOT_BYTES: usize = 12;
const MAX_PROBES: u32 = 32;
let keyCount: u32 = 0;
let lineNumber: u32 = 0;

/** If the last key that was taken is repeated: the address in the line of the one before, or 0 if it is not known. */
export let earlierOther: usize = 0;

/** End of what has been written at OTHERS. */
export let othersEnd: usize = OTHERS;

/** Forgets the members of the line before. */
// @ts-ignore: decorator
@inline
export function beginOthers(): void {
  keyCount = 0;
  // When the numbers begin again, no slot may have one of before.
  if (++lineNumber == 0) memory.fill(OTHER_KEYS, 0xff, <usize>KEY_SLOTS * SLOT_BYTES);
  unknownMembers = 0;
  othersEnd = OTHERS;
}

/**
 * Takes a member whose value begins at `p`.
 *
 * @param keyStart address of its key in the line
 * @returns the value's end, or 0 if the line is unsupported, as it is if the key is repeated: see `earlierOther`
 */
// @ts-ignore: decorator
@inline
export function takeOther(key: usize, keyStart: usize, p: usize): usize {
  if (!addKey(hashOf(key), keyStart)) return 0;
  return flags() & IDENTITY ? endOfValue(p) : copyOther(key, p);
}

/** Adds a key to the keys of the line. Returns false if the key is repeated, or if there are too many keys. */
function addKey(hash: u32, keyStart: usize): bool {
  earlierOther = 0;
  if (keyCount == KEY_SLOTS / 2) return false;
  for (let probe: u32 = 0; probe < MAX_PROBES; probe++) {
    const slot = OTHER_KEYS + <usize>((hash + probe) % KEY_SLOTS) * SLOT_BYTES;
    if (load<u32>(slot) != lineNumber) {
      store<u32>(slot, lineNumber);
      store<u32>(slot, hash, 4);
      store<u32>(slot, keyStart, 8);
      keyCount++;
      return true;
    }
    if (load<u32>(slot, 4) == hash) {
      earlierOther = load<u32>(slot, 8);
      return false;
    }
  }
  return false;
}

/**
 * Begins a nested object. At its end, it becomes one member of `extra` if any of its own members have no column.
 *
 * @param depth number of objects around it, without the outermost
 * @returns false if the key is repeated
 */
export function beginObject(key: usize, depth: u32): bool {
  if (depth == 0 && !addKey(hashOf(key), 0)) return false;
  othersEnd = put(depth == 0 ? putOuterKey(othersEnd, key) : putNestedKey(othersEnd, key), 0x7b);
  return true;
}

/**
 * Ends a nested object.
 *
 * @param before `othersEnd` before the object was begun
 * @param start `othersEnd` after the object was begun
 * @param keepEmpty whether it becomes a member of `extra` if it has no members itself
 */
export function endObject(before: usize, start: usize, depth: u32, keepEmpty: bool): void {
  if (othersEnd == start) {
    if (!keepEmpty) {
      othersEnd = before;
      return;
    }
    othersEnd++;
  }
  // The closing brace replaces the comma after the last member.
  store<u8>(othersEnd - 1, 0x7d);
  if (depth > 0) othersEnd = put(othersEnd, 0x2c);
  else {
    store<u16>(othersEnd, 0x225c);
    othersEnd += 2;
    unknownMembers++;
  }
}

/** Takes a member of a nested object. */
export function takeNested(key: usize, p: usize): usize {
  if (flags() & IDENTITY) return endOfValue(p);
  const o = putNestedKey(othersEnd, key);
  if (o == 0) return 0;
  const pointers = copyJson(p, o, 2);
  if (pointers == 0) return 0;
  othersEnd = put(outputOf(pointers), 0x2c);
  return inputOf(pointers);
}

/** Writes the key of a member of `extra`: `,\"key\":\"`. */
// @ts-ignore: decorator
@inline
function putOuterKey(o: usize, key: usize): usize {
  store<u32>(o, 0x225c2c);
  o = key == UNCACHED ? outputOf(copyString(uncachedText(), o + 3, 2, false)) : putBytes(o + 3, key, keyLength(key) - 1);
  store<u64>(o, 0x225c3a225c);
  return o + 5;
}

/**
 * Writes the key of a member of an object in `extra`: `\\\"key\\\":`.
 *
 * @returns 0 if the key has characters that must be escaped
 */
function putNestedKey(o: usize, key: usize): usize {
  store<u32>(o, 0x225c5c5c);
  o = key == UNCACHED ? putPlainKey(uncachedText(), o + 4) : putBytes(o + 4, key, keyLength(key) - 1);
  if (o == 0) return 0;
  store<u64>(o, 0x3a225c5c5c);
  return o + 5;
}

/** Writes a key without its escapes, or returns 0 if the key needs any. */
function putPlainKey(p: usize, o: usize): usize {
  const end = outputOf(copyDecoded(p, o));
  for (; o < end; o++) {
    const c = <u32>load<u8>(o);
    if (c < SPACE || c == QUOTE || c == BACKSLASH) return 0;
  }
  return end;
}

/** Writes a member aside. A null is dropped: it is not a value. */
function copyOther(key: usize, p: usize): usize {
  if (load<u8>(p) == 0x6e) return endOfLiteral(p);
  const pointers = copyPlain(p, putOuterKey(othersEnd, key), 2);
  if (pointers == 0) return 0;
  const o = outputOf(pointers);
  store<u16>(o, 0x225c);
  othersEnd = o + 2;
  unknownMembers++;
  return inputOf(pointers);
}

/** Takes a text of the line that is no member of an object, under a name of its own. */
export function takeText(name: string, p: usize, end: usize): void {
  store<u32>(othersEnd, 0x225c2c);
  let o = putText(othersEnd + 3, name);
  store<u64>(o, 0x225c3a225c);
  o = copySpan(p, end, o + 5, 2);
  store<u16>(o, 0x225c);
  othersEnd = o + 2;
  unknownMembers++;
}

/** Writes the column `extra`: what has been collected, without the comma before the first member. */
export function putOthers(o: usize): usize {
  if (unknownMembers == 0) return o;
  o = put(putTextKey(o, extraKey()), 0x7b);
  o = putBytes(o, OTHERS + 1, othersEnd - OTHERS - 1);
  store<u16>(o, 0x227d); // }"
  return o + 2;
}
