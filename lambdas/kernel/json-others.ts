/** Members of a JSON object that nothing else takes: written aside, as `extra` comes last in a row. */
import { HASHES, inOf, OTHERS, outOf, put, putBytes, putTextKey } from './memory';
import { hashOf, keyLength } from './json-keys';
import { copyJson, copyPlain, endOfLiteral, endOfValue } from './json-values';
import { extraKey, flags, IDENTITY } from './program';

/** Members that are kept in `extra`. */
export let unknown: u32 = 0;

const MOST_OTHERS: u32 = 256;
let others: u32 = 0;
/** A bit for each of 64 kinds of the keys at HASHES. */
let kinds: u64 = 0;
/** Where those written aside end. */
export let othersEnd: usize = OTHERS;

// @ts-ignore: decorator
@inline
export function beginOthers(): void {
  others = 0;
  kinds = 0;
  unknown = 0;
  othersEnd = OTHERS;
}

/** Takes a member whose value begins at a place. @returns where that ends; 0 for a surprise, and for a key given twice */
// @ts-ignore: decorator
@inline
export function takeOther(key: usize, p: usize): usize {
  if (!noteOther(hashOf(key))) return 0;
  return flags() & IDENTITY ? endOfValue(p) : copyOther(key, p);
}

/** Notes a key. False for one given twice, and for more than there is room for. */
function noteOther(key: u32): bool {
  const kind = (<u64>1) << (key >> 26);
  if ((kinds & kind) != 0) {
    for (let i: u32 = 0; i < others; i++) if (load<u32>(HASHES + <usize>i * 4) == key) return false;
  }
  if (others == MOST_OTHERS) return false;
  kinds |= kind;
  store<u32>(HASHES + <usize>others * 4, key);
  others++;
  return true;
}

/**
 * Begins an object within: at its end, it is a member for `extra` where some of its own are.
 *
 * @param depth objects around it, the outermost left out
 * @returns false for a key given twice
 */
export function beginObject(key: usize, depth: u32): bool {
  if (depth == 0 && !noteOther(hashOf(key))) return false;
  othersEnd = put(depth == 0 ? putOuterKey(othersEnd, key) : putNestedKey(othersEnd, key), 0x7b);
  return true;
}

/** @param before where those written aside ended before the object, @param begun and when it had begun */
export function endObject(before: usize, begun: usize, depth: u32): void {
  if (othersEnd == begun) {
    othersEnd = before;
    return;
  }
  // In place of the comma behind the last.
  store<u8>(othersEnd - 1, 0x7d);
  if (depth > 0) othersEnd = put(othersEnd, 0x2c);
  else {
    store<u16>(othersEnd, 0x225c);
    othersEnd += 2;
    unknown++;
  }
}

/** Takes a member of an object within. */
export function takeNested(key: usize, p: usize): usize {
  if (flags() & IDENTITY) return endOfValue(p);
  const places = copyJson(p, putNestedKey(othersEnd, key), 2);
  if (places == 0) return 0;
  othersEnd = put(outOf(places), 0x2c);
  return inOf(places);
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
  const places = copyPlain(p, putOuterKey(othersEnd, key), 2);
  if (places == 0) return 0;
  const o = outOf(places);
  store<u16>(o, 0x225c);
  othersEnd = o + 2;
  unknown++;
  return inOf(places);
}

/** `extra`: what was written aside, without the comma it begins with. */
export function putOthers(o: usize): usize {
  if (unknown == 0) return o;
  o = put(putTextKey(o, extraKey()), 0x7b);
  o = putBytes(o, OTHERS + 1, othersEnd - OTHERS - 1);
  store<u16>(o, 0x227d); // }"
  return o + 2;
}
