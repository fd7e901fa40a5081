/**
 * Collects the members of a JSON object for which there is no column. They are written aside, at OTHERS, as `extra`
 * comes last in a row. This file mirrors `extra` in lambdas/core/reading/row.ts.
 */
import { BACKSLASH, inputOf, OTHER_KEY_HASHES, OTHERS, outputOf, put, putBytes, putTextKey, QUOTE, SPACE } from './memory';
import { hashOf, keyLength, UNCACHED, uncachedText } from './json-keys';
import { copyDecoded, copyString } from './json-strings';
import { copyJson, copyPlain, endOfLiteral, endOfValue } from './json-values';
import { extraKey, flags, IDENTITY } from './program';
import { copySpan, putText } from './text';

/** Members of the line that go to `extra`. */
export let unknownMembers: u32 = 0;

const MAX_OTHERS: u32 = 256;
let keyCount: u32 = 0;
/** A filter in front of the hashes at OTHER_KEY_HASHES: it has one bit for each value of a hash's top six bits. */
let keyFilter: u64 = 0;
/** End of what has been written at OTHERS. */
export let othersEnd: usize = OTHERS;

/** Forgets the members of the line before. */
// @ts-ignore: decorator
@inline
export function beginOthers(): void {
  keyCount = 0;
  keyFilter = 0;
  unknownMembers = 0;
  othersEnd = OTHERS;
}

/**
 * Takes a member whose value begins at `p`.
 *
 * @returns the value's end, or 0 if the line is unsupported, as it is if the key is repeated
 */
// @ts-ignore: decorator
@inline
export function takeOther(key: usize, p: usize): usize {
  if (!addKey(hashOf(key))) return 0;
  return flags() & IDENTITY ? endOfValue(p) : copyOther(key, p);
}

/**
 * Adds a key to the keys of the line. Returns false if the key is repeated, or if there are too many keys.
 *
 * @param key hash of the key
 */
function addKey(key: u32): bool {
  const bit = (<u64>1) << (key >> 26);
  if ((keyFilter & bit) != 0) {
    for (let i: u32 = 0; i < keyCount; i++) if (load<u32>(OTHER_KEY_HASHES + <usize>i * 4) == key) return false;
  }
  if (keyCount == MAX_OTHERS) return false;
  keyFilter |= bit;
  store<u32>(OTHER_KEY_HASHES + <usize>keyCount * 4, key);
  keyCount++;
  return true;
}

/**
 * Begins a nested object. At its end, it becomes one member of `extra` if any of its own members have no column.
 *
 * @param depth number of objects around it, without the outermost
 * @returns false if the key is repeated
 */
export function beginObject(key: usize, depth: u32): bool {
  if (depth == 0 && !addKey(hashOf(key))) return false;
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
