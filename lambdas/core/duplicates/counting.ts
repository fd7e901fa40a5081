/** The duplicates among the records of one source and minute. Order of pages makes no difference. */
import { fingerprintName, isSampled } from './identity.ts';

/** A page as it comes from the table. */
export interface StoredPage {
  /** Short id of the object or payload, as in the source's table. */
  readonly origin: string;
  /** Share of the records that were kept when it was written, (0, 1]. */
  readonly sampleRate: number;
  readonly fingerprints: Uint8Array;
}

/** A duplicate for a person to look at. */
export interface SampledDuplicate {
  /** 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** Where it is: two objects or payloads, or one twice. */
  readonly origins: readonly [string, string];
}

/** What one minute came to. Of n records that are one another's duplicates, n - 1 count. */
export interface MinuteCounts {
  /** Records looked at. */
  readonly checked: number;
  /** Repeats of a record in its own object or payload. */
  readonly withinObject: number;
  /** Records that another object or payload has as well. */
  readonly acrossObjects: number;
  /** Share of the records looked at, (0, 1]: the counts are of those. */
  readonly sampleRate: number;
}

/** Duplicates kept of a minute, of each kind. */
const MAX_SAMPLED = 3;

/** Counts: records less distinct records, and how much of that is within objects. */
export function countPages(pages: readonly StoredPage[]): MinuteCounts & { readonly sample: SampledDuplicate[] } {
  // Pages written before and after the rate was changed: the lower rate's sample is part of the other.
  const sampleRate = pages.reduce((least, page) => Math.min(least, page.sampleRate), 1);
  const byOrigin = new Map<string, Uint8Array[]>();
  for (const { origin, sampleRate: rate, fingerprints } of pages) {
    const kept = rate > sampleRate ? sampledOf(fingerprints, sampleRate) : fingerprints;
    byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), kept]);
  }
  const distinct = new Map<string, BigUint64Array>();
  const sample: SampledDuplicate[] = [];
  let checked = 0;
  let withinObject = 0;
  for (const [origin, parts] of byOrigin) {
    const own = sorted(parts);
    const repeated = takeRepeats(own);
    checked += own.length;
    withinObject += own.length - repeated.distinct.length;
    distinct.set(origin, repeated.distinct);
    for (const number of repeated.first) sample.push({ fingerprint: nameOf(number), origins: [origin, origin] });
  }
  const all = sorted([...distinct.values()].map(bytesOf));
  const across = takeRepeats(all);
  return {
    checked,
    withinObject,
    acrossObjects: all.length - across.distinct.length,
    sampleRate,
    sample: [
      ...leastOf(sample),
      ...across.first.map((number) => ({ fingerprint: nameOf(number), origins: twoWith(number, distinct) })),
    ],
  };
}

function nameOf(fingerprint: bigint): string {
  return fingerprintName(new Uint32Array(BigUint64Array.of(fingerprint).buffer), 0);
}

function sampledOf(fingerprints: Uint8Array, rate: number): Uint8Array {
  // Copied: a view of words must begin at a word.
  const words = new Uint32Array(Uint8Array.from(fingerprints).buffer);
  let kept = 0;
  for (let at = 0; at < words.length; at += 2) {
    if (!isSampled(words, at, rate)) continue;
    words[kept++] = words[at] as number;
    words[kept++] = words[at + 1] as number;
  }
  return new Uint8Array(words.buffer, 0, kept * Uint32Array.BYTES_PER_ELEMENT);
}

/** All parts' fingerprints as sorted numbers, in memory of their own. */
function sorted(parts: readonly Uint8Array[]): BigUint64Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new BigUint64Array(bytes.buffer).sort();
}

interface Repeats {
  /** Each number once. */
  readonly distinct: BigUint64Array;
  /** The least of those that are there more than once. */
  readonly first: readonly bigint[];
}

function takeRepeats(numbers: BigUint64Array): Repeats {
  // Compared by halves: a bigint for every element would take longer than sorting.
  const halves = new Uint32Array(numbers.buffer);
  const distinct = new BigUint64Array(numbers.length);
  const kept = new Uint32Array(distinct.buffer);
  const first: bigint[] = [];
  let count = 0;
  for (let at = 0; at < halves.length; at += 2) {
    const low = halves[at] as number;
    const high = halves[at + 1] as number;
    if (at > 0 && low === kept[count - 2] && high === kept[count - 1]) {
      const number = numbers[at / 2] as bigint;
      if (first.length < MAX_SAMPLED && first.at(-1) !== number) first.push(number);
      continue;
    }
    kept[count++] = low;
    kept[count++] = high;
  }
  return { distinct: distinct.subarray(0, count / 2), first };
}

/** The first two, by name, of the objects and payloads that have a number. */
function twoWith(number: bigint, distinct: ReadonlyMap<string, BigUint64Array>): [string, string] {
  const origins = [...distinct.keys()].filter((origin) => has(distinct.get(origin) ?? new BigUint64Array(), number));
  const [one = '', other = ''] = origins.sort();
  return [one, other];
}

function has(numbers: BigUint64Array, wanted: bigint): boolean {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as bigint) < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted;
}

/** The same few, whatever order the objects come in. */
function leastOf(sample: readonly SampledDuplicate[]): SampledDuplicate[] {
  const key = ({ fingerprint, origins }: SampledDuplicate) => fingerprint + origins[0];
  return sample.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, MAX_SAMPLED);
}

function bytesOf(numbers: BigUint64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
