/** Sorts fingerprints: hashes, so spread evenly that most are where they belong once they are parted by their first bits. */
import { FINGERPRINT_WORDS } from './record-key.ts';

/** Fingerprints in a bucket, about. */
const PER_BUCKET = 4;
/**
 * In one bucket there are never so many unless lines were made for it, or are the same: to insert each takes too long
 * then.
 */
const MOST_IN_BUCKET = 48;
/** A page has at most MAX_PAGE_FINGERPRINTS. */
const MAX_BITS = 14;

/** Where each bucket ends, for all that are sorted. */
const ends = new Uint32Array(2 ** MAX_BITS + 1);

/** What they are sorted into. */
let space = new BigUint64Array(0);

function spaceFor(count: number): BigUint64Array {
  if (count > space.length) space = new BigUint64Array(2 * count);
  return space.subarray(0, count);
}

/**
 * @param words two of each fingerprint, the low one first
 * @returns them by their 64 bits; until others are sorted
 */
export function sorted(words: Uint32Array): Uint32Array {
  const count = words.length / FINGERPRINT_WORDS;
  const bits = Math.min(MAX_BITS, Math.max(0, Math.ceil(Math.log2(count / PER_BUCKET))));
  // A sample has low numbers only.
  let used = 0;
  for (let at = 1; at < words.length; at += FINGERPRINT_WORDS) used |= words[at] as number;
  const shift = 32 - Math.clz32(used) - bits;
  if (bits === 0 || shift < 0 || !countBuckets(words, shift, 2 ** bits)) return sortedAny(words);
  const into = new Uint32Array(spaceFor(count).buffer, 0, words.length);
  for (let at = 0; at < words.length; at += FINGERPRINT_WORDS) {
    const low = words[at] as number;
    const high = words[at + 1] as number;
    const bucket = high >>> shift;
    let to = ends[bucket] as number;
    ends[bucket] = to + FINGERPRINT_WORDS;
    into[to++] = low;
    into[to] = high;
  }
  insertEach(into);
  return into;
}

/** Sets where each bucket begins, in words; false where there are too many in one. */
function countBuckets(words: Uint32Array, shift: number, buckets: number): boolean {
  ends.fill(0, 0, buckets + 1);
  for (let at = 1; at < words.length; at += FINGERPRINT_WORDS) {
    const next = ((words[at] as number) >>> shift) + 1;
    ends[next] = (ends[next] as number) + FINGERPRINT_WORDS;
  }
  let sum = 0;
  for (let bucket = 1; bucket <= buckets; bucket++) {
    const own = ends[bucket] as number;
    if (own > MOST_IN_BUCKET * FINGERPRINT_WORDS) return false;
    sum += own;
    ends[bucket] = sum;
  }
  return true;
}

/** Sorts what is nearly sorted. */
function insertEach(words: Uint32Array): void {
  for (let at = FINGERPRINT_WORDS; at < words.length; at += FINGERPRINT_WORDS) {
    const low = words[at] as number;
    const high = words[at + 1] as number;
    let to = at;
    for (; to > 0; to -= FINGERPRINT_WORDS) {
      const before = words[to - 1] as number;
      if (before < high || (before === high && (words[to - 2] as number) <= low)) break;
      words[to] = words[to - 2] as number;
      words[to + 1] = before;
    }
    words[to] = low;
    words[to + 1] = high;
  }
}

function sortedAny(words: Uint32Array): Uint32Array {
  const numbers = spaceFor(words.length / FINGERPRINT_WORDS);
  const own = new Uint32Array(numbers.buffer, 0, words.length);
  own.set(words);
  numbers.sort();
  return own;
}
