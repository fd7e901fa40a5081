/** Counts the duplicates among the records of one source and minute. The order of the pages makes no difference. */

import { PackedPage } from './packed-page.ts';
import { fingerprintName, isSampled, UPPER_VALUES } from './record-key.ts';

/** A page as read from the table. */
export interface StoredPage {
  /** Short id of the input (an S3 object or a CloudWatch subscription payload), as in the source's table. */
  readonly origin: string;
  /** Sample rate when the page was written, (0, 1]. */
  readonly sampleRate: number;
  /** The bytes of a page, in the format of packed-page.ts. */
  readonly fingerprints: Uint8Array;
}

/** A duplicate for a person to look at. */
export interface SampledDuplicate {
  /** 12 hexadecimal digits. */
  readonly fingerprint: string;
  /** The inputs with the record: two inputs, or one input twice. */
  readonly origins: readonly [string, string];
}

/** The counts of one minute. Of n equal records, n - 1 are duplicates. */
export interface MinuteCounts {
  /** Records compared. */
  readonly checked: number;
  /** Records that repeat another one of the same input. */
  readonly withinObject: number;
  /** Records that repeat a record of another input. */
  readonly acrossObjects: number;
  /** Share of the records that were compared, (0, 1]. The counts are of this share only. */
  readonly sampleRate: number;
}

/** Sampled duplicates kept per minute, for each of the two kinds. */
const MAX_SAMPLED = 3;

/** Counts all records less the distinct records, and how many of these duplicates are within an input. */
export function countPages(pages: readonly StoredPage[]): MinuteCounts & { readonly sample: SampledDuplicate[] } {
  // Pages may have been written before and after the sample rate was changed. The sample of the lower rate is part of
  // the other sample.
  const sampleRate = pages.reduce((least, page) => Math.min(least, page.sampleRate), 1);
  const runs = runsOf(pages, sampleRate);
  const counter = new Counter(sampleRate);
  for (const { below, count } of rangesOf(runs, sampleRate)) {
    counter.begin(count);
    for (const run of runs) counter.add(run, below);
  }
  const { checked, within, across } = counter;
  return {
    checked,
    withinObject: within.count,
    acrossObjects: across.count,
    sampleRate,
    sample: [
      ...within.least.map((found) => sampled(found, [found.origin, found.origin])),
      ...across.least.map((found) => sampled(found, twoWith(found, pages))),
    ],
  };
}

/** Counts the fingerprints of all runs, range by range. */
class Counter {
  checked = 0;
  readonly within = new Least();
  readonly across = new Least();
  readonly #sampleRate: number;
  readonly #distinct = new Distinct();

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** Begins a range of about `count` fingerprints. */
  begin(count: number): void {
    this.#distinct.reset(count);
  }

  /**
   * Adds the fingerprints of a run that are in the range. Kept as a small method on purpose: V8 optimizes a function
   * that is called often, but recompiles a long loop each time it is entered if it is entered rarely (on-stack
   * replacement).
   */
  add({ origin, owner, page, isSample }: Run, below: number): void {
    for (; page.upper < below; page.next()) {
      const { upper, lower } = page;
      if (!isSample && !isSampled(upper * LOWER_HALF + (lower >>> 16), this.#sampleRate)) continue;
      this.checked++;
      const before = this.#distinct.put(upper, lower, owner);
      if (before === owner) this.within.add(upper, lower, origin);
      else if (before !== 0) this.across.add(upper, lower, '');
    }
  }
}

/** The upper 32 bits of a hash are the 16 bits of `upper`, shifted by this factor, and the upper half of `lower`. */
const LOWER_HALF = 2 ** 16;

/** A page and the position up to which it is counted. */
interface Run {
  readonly origin: string;
  /** Number of the page's input, from 1; the pages of one input follow each other. */
  readonly owner: number;
  readonly page: PackedPage;
  /** All fingerprints of the page are in the sample that is counted. */
  readonly isSample: boolean;
}

function runsOf(pages: readonly StoredPage[], sampleRate: number): Run[] {
  return [...Map.groupBy(pages, ({ origin }) => origin)].flatMap(([origin, inputPages], index) =>
    inputPages.map((page): Run => {
      const isSample = page.sampleRate === sampleRate;
      return { origin, owner: index + 1, page: new PackedPage(page.fingerprints), isSample };
    }),
  );
}

/**
 * Splits the fingerprint space into ascending ranges. Each has its exclusive upper bound of the upper bits and its
 * estimated size, which is small enough for the hash table to fit the processor's cache. Pages are sorted, so each page
 * has the fingerprints of a range one after the other.
 */
function* rangesOf(runs: readonly Run[], sampleRate: number): Generator<{ readonly below: number; count: number }> {
  const all = runs.reduce((sum, { page }) => sum + page.count, 0);
  const ranges = Math.max(1, Math.floor(all / Math.max(RANGE_FINGERPRINTS, RUN_FINGERPRINTS * runs.length)));
  const count = Math.ceil(all / ranges);
  for (let range = 1; range < ranges; range++) yield { below: (UPPER_VALUES * sampleRate * range) / ranges, count };
  yield { below: UPPER_VALUES, count };
}

const RANGE_FINGERPRINTS = 4096;

/** With many pages, ranges are larger: switching between pages costs more than the cache saves. */
const RUN_FINGERPRINTS = 16;

function sampled({ upper, lower }: Found, origins: readonly [string, string]): SampledDuplicate {
  return { fingerprint: fingerprintName(upper, lower), origins };
}

/**
 * A set of fingerprints, each with the number of the input that had it last. It is an open-addressing hash table,
 * because a bigint or a string for each fingerprint would take many times as long. The table is at most two thirds
 * full.
 */
class Distinct {
  /** Three words per slot: upper bits, lower bits and owner; an owner of 0 marks an empty slot. */
  #slots = new Uint32Array(0);
  /** Words of `#slots` in use. */
  #length = 0;
  #shift = 0;
  /** Number of fingerprints that still fit. */
  #room = 0;
  // The factors are random in each process, so that nobody can craft lines whose fingerprints all collide here.
  readonly #byUpper = randomOdd();
  readonly #byLower = randomOdd();

  /** Removes all fingerprints and makes room for about `count` new ones. */
  reset(count: number): void {
    this.#size(Math.max(4, Math.ceil(Math.log2(count * 1.5 + 1))));
    if (this.#length > this.#slots.length) this.#slots = new Uint32Array(this.#length);
    // Clears only the words in use: the table may have grown for one range that is much larger than the next ones.
    else this.#slots.fill(0, 0, this.#length);
  }

  /** Puts a fingerprint. Returns the owner that had it last, or 0 if it is new. */
  put(upper: number, lower: number, owner: number): number {
    const at = this.#placeOf(upper, lower);
    const slots = this.#slots;
    const before = slots[at + 2] as number;
    slots[at + 2] = owner;
    if (before !== 0) return before;
    slots[at] = upper;
    slots[at + 1] = lower;
    if (--this.#room === 0) this.#grow();
    return 0;
  }

  #placeOf(upper: number, lower: number): number {
    const slots = this.#slots;
    const hash = Math.imul(upper, this.#byUpper) + Math.imul(lower, this.#byLower);
    let at = (hash >>> this.#shift) * SLOT_WORDS;
    while (slots[at + 2] !== 0 && (slots[at] !== upper || slots[at + 1] !== lower)) {
      at += SLOT_WORDS;
      if (at === this.#length) at = 0;
    }
    return at;
  }

  #size(bits: number): void {
    this.#length = 2 ** bits * SLOT_WORDS;
    this.#shift = 32 - bits;
    this.#room = Math.ceil((2 ** bits * 2) / 3);
  }

  /** Doubles the table, for a range that has more fingerprints than estimated. */
  #grow(): void {
    const slots = this.#slots.subarray(0, this.#length);
    this.#size(33 - this.#shift);
    this.#slots = new Uint32Array(this.#length);
    for (let from = 0; from < slots.length; from += SLOT_WORDS) {
      if (slots[from + 2] === 0) continue;
      const at = this.#placeOf(slots[from] as number, slots[from + 1] as number);
      this.#slots.set(slots.subarray(from, from + SLOT_WORDS), at);
      this.#room--;
    }
  }
}

const SLOT_WORDS = 3;

function randomOdd(): number {
  return Math.floor(Math.random() * 2 ** 32) | 1;
}

interface Found {
  readonly upper: number;
  readonly lower: number;
  readonly origin: string;
}

/** Counts duplicates and keeps the few smallest ones, each once, so that the sample does not depend on the order. */
class Least {
  count = 0;
  readonly least: Found[] = [];

  add(upper: number, lower: number, origin: string): void {
    this.count++;
    const last = this.least.at(-1);
    if (this.least.length === MAX_SAMPLED && last && upper > last.upper) return;
    const found = { upper, lower, origin };
    if (this.least.some((other) => compare(other, found) === 0)) return;
    this.least.push(found);
    this.least.sort(compare);
    this.least.splice(MAX_SAMPLED);
  }
}

function compare(one: Found, other: Found): number {
  return (
    one.upper - other.upper ||
    one.lower - other.lower ||
    (one.origin < other.origin ? -1 : Number(one.origin > other.origin))
  );
}

/** The first two inputs, by name, that have a fingerprint. */
function twoWith(found: Found, pages: readonly StoredPage[]): [string, string] {
  const containing = pages.filter(({ fingerprints }) => contains(new PackedPage(fingerprints), found));
  const [one = '', other = ''] = [...new Set(containing.map(({ origin }) => origin))].sort();
  return [one, other];
}

function contains(page: PackedPage, { upper, lower }: Found): boolean {
  while (page.upper < upper) page.next();
  for (; page.upper === upper; page.next()) if (page.lower === lower) return true;
  return false;
}
