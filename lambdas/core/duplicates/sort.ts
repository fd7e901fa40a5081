/**
 * Sorts fingerprints. They are hashes and evenly distributed, so after splitting them into buckets by their first bits
 * most of them are already at or near their final place.
 */
import { FINGERPRINT_WORDS } from './record-key.ts';

/** Average number of fingerprints in a bucket. */
const PER_BUCKET = 4;
/**
 * Hashes never fill a bucket so far by chance; only crafted or equal lines do. Insertion sort would take too long for
 * such a bucket.
 */
const MOST_IN_BUCKET = 48;
/** A page has at most MAX_PAGE_FINGERPRINTS fingerprints. */
const MAX_BITS = 14;

/**
 * Word offset of each bucket: of its start, and while fingerprints are placed, of the bucket's next free place. Shared
 * by all calls.
 */
const offsets = new Uint32Array(2 ** MAX_BITS + 1);

/** Memory for the sorted fingerprints, shared by all calls. */
let space = new BigUint64Array(0);

function spaceFor(count: number): BigUint64Array {
  if (count > space.length) space = new BigUint64Array(2 * count);
  return space.subarray(0, count);
}

/**
 * @param words two words per fingerprint, the low word first
 * @returns the fingerprints sorted by their 64 bits, in memory that the next call overwrites
 */
export function sorted(words: Uint32Array): Uint32Array {
  const count = words.length / FINGERPRINT_WORDS;
  const bits = Math.min(MAX_BITS, Math.max(0, Math.ceil(Math.log2(count / PER_BUCKET))));
  // The fingerprints of a sample are low numbers only: their leading bits, all zero, cannot tell buckets apart.
  let used = 0;
  for (let at = 1; at < words.length; at += FINGERPRINT_WORDS) used |= words[at] as number;
  const shift = 32 - Math.clz32(used) - bits;
  if (bits === 0 || shift < 0 || !countBuckets(words, shift, 2 ** bits)) return sortedAny(words);
  const into = new Uint32Array(spaceFor(count).buffer, 0, words.length);
  for (let at = 0; at < words.length; at += FINGERPRINT_WORDS) {
    const low = words[at] as number;
    const high = words[at + 1] as number;
    const bucket = high >>> shift;
    let to = offsets[bucket] as number;
    offsets[bucket] = to + FINGERPRINT_WORDS;
    into[to++] = low;
    into[to] = high;
  }
  insertEach(into);
  return into;
}

/** Sets the word offset at which each bucket starts. Returns false if a bucket has too many fingerprints. */
function countBuckets(words: Uint32Array, shift: number, buckets: number): boolean {
  offsets.fill(0, 0, buckets + 1);
  for (let at = 1; at < words.length; at += FINGERPRINT_WORDS) {
    const next = ((words[at] as number) >>> shift) + 1;
    offsets[next] = (offsets[next] as number) + FINGERPRINT_WORDS;
  }
  let sum = 0;
  for (let bucket = 1; bucket <= buckets; bucket++) {
    const bucketWords = offsets[bucket] as number;
    if (bucketWords > MOST_IN_BUCKET * FINGERPRINT_WORDS) return false;
    sum += bucketWords;
    offsets[bucket] = sum;
  }
  return true;
}

/** Insertion sort, for fingerprints that are nearly sorted. */
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
  const copy = new Uint32Array(numbers.buffer, 0, words.length);
  copy.set(words);
  numbers.sort();
  return copy;
}
