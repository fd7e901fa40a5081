/** The duplicates among the records of one source and minute. Order of pages makes no difference. */
import { fingerprintName, isSampled } from './identity.ts';

/** A page as it comes from the table. */
export interface StoredPage {
  /** Short id of the object or payload, as in the source's table. */
  readonly origin: string;
  /** Share of the records that were kept when it was written, (0, 1]. */
  readonly sampleRate: number;
  /** 8 bytes each, sorted. */
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
  const byOrigin = new Map<string, Uint32Array[]>();
  for (const { origin, sampleRate: rate, fingerprints } of pages) {
    const words = wordsOf(fingerprints);
    const kept = rate > sampleRate ? sampledOf(words, sampleRate) : words;
    const own = byOrigin.get(origin);
    if (own) own.push(kept);
    else byOrigin.set(origin, [kept]);
  }
  const runs = [...byOrigin].flatMap(([origin, parts], index) =>
    parts.map((words): Run => ({ origin, owner: index + 1, words, from: 0, to: 0 })),
  );
  const checked = runs.reduce((sum, { words }) => sum + words.length / 2, 0);
  const distinct = new Distinct();
  const within = new Least();
  const across = new Least();
  for (const count of rangesOf(runs, checked)) {
    distinct.clear(count);
    for (const { origin, owner, words, from, to } of runs) {
      for (let at = from; at < to; at += 2) {
        const before = distinct.put(words[at] as number, words[at + 1] as number, owner);
        if (before === owner) within.add(words, at, origin);
        else if (before !== 0) across.add(words, at, '');
      }
    }
  }
  return {
    checked,
    withinObject: within.count,
    acrossObjects: across.count,
    sampleRate,
    sample: [
      ...within.least.map(({ fingerprint, origin }) => sampled(fingerprint, [origin, origin])),
      ...across.least.map(({ fingerprint }) => sampled(fingerprint, twoWith(fingerprint, byOrigin))),
    ],
  };
}

/** A page, and where in it the range lies that is looked at. */
interface Run {
  readonly origin: string;
  /** Number of its object or payload, from 1; those of one follow each other. */
  readonly owner: number;
  readonly words: Uint32Array;
  from: number;
  to: number;
}

/**
 * Sets the runs to one range of fingerprints after the other, from the least on, and tells how many are in it: about
 * so few that the table of them stays in the processor's cache. Pages are sorted, so a range of one is a run of it.
 */
function* rangesOf(runs: readonly Run[], count: number): Generator<number> {
  const highest = runs.reduce((most, { words }) => Math.max(most, words.at(-1) ?? 0), 0);
  const ranges = Math.ceil(count / Math.max(RANGE_FINGERPRINTS, RUN_FINGERPRINTS * runs.length));
  for (let range = 1; range <= ranges; range++) {
    const below = range === ranges ? Number.POSITIVE_INFINITY : (highest / ranges) * range;
    let found = 0;
    for (const run of runs) {
      const { words } = run;
      let to = run.to;
      while (to < words.length && (words[to + 1] as number) < below) to += 2;
      run.from = run.to;
      run.to = to;
      found += (to - run.from) / 2;
    }
    yield found;
  }
}

const RANGE_FINGERPRINTS = 4096;

/** Of many pages a range is larger: to go from page to page takes longer than the cache saves. */
const RUN_FINGERPRINTS = 16;

function sampled(fingerprint: Uint32Array, origins: readonly [string, string]): SampledDuplicate {
  return { fingerprint: fingerprintName(fingerprint, 0), origins };
}

/** A page's fingerprints as pairs of words; copied where they do not begin at a word. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function sampledOf(words: Uint32Array, rate: number): Uint32Array {
  const sample = new Uint32Array(words.length);
  let kept = 0;
  for (let at = 0; at < words.length; at += 2) {
    if (!isSampled(words, at, rate)) continue;
    sample[kept++] = words[at] as number;
    sample[kept++] = words[at + 1] as number;
  }
  return sample.subarray(0, kept);
}

/**
 * Fingerprints, each once, with the number of the object or payload that had it last: an open hash table, as a bigint
 * or a text for each would take many times as long. It is at most two thirds full.
 */
class Distinct {
  /** Low word, high word and owner of each. */
  #slots = new Uint32Array(0);
  /** Of the slots in use. */
  #length = 0;
  #shift = 0;
  // Drawn anew: nobody can write lines whose fingerprints come to one place here.
  readonly #byLow = randomOdd();
  readonly #byHigh = randomOdd();

  /** Forgets all, and makes room. */
  clear(most: number): void {
    const bits = Math.max(4, Math.ceil(Math.log2(most * 1.5 + 1)));
    this.#length = 2 ** bits * SLOT_WORDS;
    this.#shift = 32 - bits;
    if (this.#length > this.#slots.length) this.#slots = new Uint32Array(this.#length);
    // No more than is needed: one range may be much larger than those to come.
    else this.#slots.fill(0, 0, this.#length);
  }

  /** Puts a fingerprint; gives who had it last, 0 for nobody. */
  put(low: number, high: number, owner: number): number {
    const slots = this.#slots;
    let at = ((Math.imul(low, this.#byLow) + Math.imul(high, this.#byHigh)) >>> this.#shift) * SLOT_WORDS;
    while (slots[at + 2] !== 0 && (slots[at] !== low || slots[at + 1] !== high)) {
      at += SLOT_WORDS;
      if (at === this.#length) at = 0;
    }
    const before = slots[at + 2] as number;
    slots[at] = low;
    slots[at + 1] = high;
    slots[at + 2] = owner;
    return before;
  }
}

const SLOT_WORDS = 3;

function randomOdd(): number {
  return Math.floor(Math.random() * 2 ** 32) | 1;
}

interface Found {
  readonly fingerprint: Uint32Array;
  readonly origin: string;
}

/** Counts duplicates, and keeps the least few, each once: the same whatever order they come in. */
class Least {
  count = 0;
  readonly least: Found[] = [];

  add(words: Uint32Array, at: number, origin: string): void {
    this.count++;
    const last = this.least.at(-1);
    if (this.least.length === MAX_SAMPLED && last && (words[at + 1] as number) > (last.fingerprint[1] as number))
      return;
    const found = { fingerprint: words.slice(at, at + 2), origin };
    if (this.least.some((other) => compare(other, found) === 0)) return;
    this.least.push(found);
    this.least.sort(compare);
    this.least.splice(MAX_SAMPLED);
  }
}

function compare({ fingerprint: one, origin }: Found, { fingerprint: other, origin: than }: Found): number {
  const by = [1, 0]
    .map((word) => (one[word] as number) - (other[word] as number))
    .find((difference) => difference !== 0);
  return by ?? (origin === than ? 0 : origin < than ? -1 : 1);
}

/** The first two, by name, of the objects and payloads that have a fingerprint. */
function twoWith(fingerprint: Uint32Array, byOrigin: ReadonlyMap<string, readonly Uint32Array[]>): [string, string] {
  const origins = [...byOrigin].filter(([, parts]) => parts.some((words) => has(words, fingerprint)));
  const [one = '', other = ''] = origins.map(([origin]) => origin).sort();
  return [one, other];
}

function has(words: Uint32Array, [low, high]: Uint32Array): boolean {
  for (let at = words.indexOf(low as number); at >= 0; at = words.indexOf(low as number, at + 1)) {
    if (at % 2 === 0 && words[at + 1] === high) return true;
  }
  return false;
}
