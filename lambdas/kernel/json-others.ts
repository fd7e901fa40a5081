/** Members of a JSON object that nothing else takes: written aside, as `extra` comes last in a row. */
import { inputOf, OTHER_KEY_HASHES, OTHERS, outputOf, put, putBytes, putTextKey } from './memory';
import { hashOf, keyLength } from './json-keys';
import { copyJson, copyPlain, endOfLiteral, endOfValue } from './json-values';
import { extraKey, flags, IDENTITY } from './program';

/** Members that are kept in `extra`. */
export let unknownMembers: u32 = 0;

const MAX_OTHERS: u32 = 256;
let keyCount: u32 = 0;
/** A bit for each of 64 kinds of the keys at HASHES. */
let keyFilter: u64 = 0;
/** Where those written aside end. */
export let othersEnd: usize = OTHERS;

// @ts-ignore: decorator
@inline
export function beginOthers(): void {
  keyCount = 0;
  keyFilter = 0;
  unknownMembers = 0;
  othersEnd = OTHERS;
}

/** Takes a member whose value begins at a place. @returns where that ends; 0 for a surprise, and for a key given twice */
// @ts-ignore: decorator
@inline
export function takeOther(key: usize, p: usize): usize {
  if (!addKey(hashOf(key))) return 0;
  return flags() & IDENTITY ? endOfValue(p) : copyOther(key, p);
}

/** Notes a key. False for one given twice, and for more than there is room for. */
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
 * Begins an object within: at its end, it is a member for `extra` where some of its own are.
 *
 * @param depth objects around it, the outermost left out
 * @returns false for a key given twice
 */
export function beginObject(key: usize, depth: u32): bool {
  if (depth == 0 && !addKey(hashOf(key))) return false;
  othersEnd = put(depth == 0 ? putOuterKey(othersEnd, key) : putNestedKey(othersEnd, key), 0x7b);
  return true;
}

/** @param before where those written aside ended before the object, @param begun and when it had begun */
export function endObject(before: usize, start: usize, depth: u32): void {
  if (othersEnd == start) {
    othersEnd = before;
    return;
  }
  // In place of the comma behind the last.
  store<u8>(othersEnd - 1, 0x7d);
  if (depth > 0) othersEnd = put(othersEnd, 0x2c);
  else {
    store<u16>(othersEnd, 0x225c);
    othersEnd += 2;
    unknownMembers++;
  }
}

/** Takes a member of an object within. */
export function takeNested(key: usize, p: usize): usize {
  if (flags() & IDENTITY) return endOfValue(p);
  const pointers = copyJson(p, putNestedKey(othersEnd, key), 2);
  if (pointers == 0) return 0;
  othersEnd = put(outputOf(pointers), 0x2c);
  return inputOf(pointers);
}

/** `,\"key\":\"` */
// @ts-ignore: decorator
@inline
function putOuterKey(o: usize, key: usize): usize {
  store<u32>(o, 0x225c2c);
  o = putBytes(o + 3, key, keyLength(key) - 1);
  store<u64>(o, 0x225c3a225c);
  return o + 5;
}

/** `\\\"key\\\":` */
function putNestedKey(o: usize, key: usize): usize {
  store<u32>(o, 0x225c5c5c);
  o = putBytes(o + 4, key, keyLength(key) - 1);
  store<u64>(o, 0x3a225c5c5c);
  return o + 5;
}

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

/** `extra`: what was written aside, without the comma it begins with. */
export function putOthers(o: usize): usize {
  if (unknownMembers == 0) return o;
  o = put(putTextKey(o, extraKey()), 0x7b);
  o = putBytes(o, OTHERS + 1, othersEnd - OTHERS - 1);
  store<u16>(o, 0x227d); // }"
  return o + 2;
}
