/** The duplicates among the records of one source and minute. Order of pages makes no difference. */

import { PackedPage } from './packed-page.ts';
import { fingerprintName, isSampled, UPPER_VALUES } from './record-key.ts';

/** A page as it comes from the table. */
export interface StoredPage {
  /** Short id of the object or payload, as in the source's table. */
  readonly origin: string;
  /** Share of the records that were kept when it was written, (0, 1]. */
  readonly sampleRate: number;
  /** As packed-page.ts has them. */
  readonly fingerprints: Uint8Array;
}

/** A duplicate for a person to look at. */
export interface SampledDuplicate {
  /** 12 hexadecimal digits. */
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

/** What comes of runs, range by range. */
class Counter {
  checked = 0;
  readonly within = new Least();
  readonly across = new Least();
  readonly #sampleRate: number;
  readonly #distinct = new Distinct();

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** Begins a range of about so many fingerprints. */
  begin(count: number): void {
    this.#distinct.deleteMarks(count);
  }

  /**
   * Adds what a run has in the range. A method of its own, called often: a loop that is entered seldom and runs for long
   * the engine compiles anew each time it is entered.
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

/** Of the lower 32 bits, those that the upper 32 end with. */
const LOWER_HALF = 2 ** 16;

/** A page, and how far it is counted. */
interface Run {
  readonly origin: string;
  /** Number of its object or payload, from 1; those of one follow each other. */
  readonly owner: number;
  readonly page: PackedPage;
  /** It holds none but those in the sample that is looked at. */
  readonly isSample: boolean;
}

function runsOf(pages: readonly StoredPage[], sampleRate: number): Run[] {
  return [...Map.groupBy(pages, ({ origin }) => origin)].flatMap(([origin, own], index) =>
    own.map((page): Run => {
      const isSample = page.sampleRate === sampleRate;
      return { origin, owner: index + 1, page: new PackedPage(page.fingerprints), isSample };
    }),
  );
}

/**
 * Ranges of fingerprints, by the upper bits that those of each are below, from the least on, and how many are in it, about:
 * so few that the table of them stays in the processor's cache. Pages are sorted, so a range of one is a run of it.
 */
function* rangesOf(runs: readonly Run[], sampleRate: number): Generator<{ readonly below: number; count: number }> {
  const all = runs.reduce((sum, { page }) => sum + page.count, 0);
  const ranges = Math.max(1, Math.floor(all / Math.max(RANGE_FINGERPRINTS, RUN_FINGERPRINTS * runs.length)));
  const count = Math.ceil(all / ranges);
  for (let range = 1; range < ranges; range++) yield { below: (UPPER_VALUES * sampleRate * range) / ranges, count };
  yield { below: UPPER_VALUES, count };
}

const RANGE_FINGERPRINTS = 4096;

/** Of many pages a range is larger: to go from page to page takes longer than the cache saves. */
const RUN_FINGERPRINTS = 16;

function sampled({ upper, lower }: Found, origins: readonly [string, string]): SampledDuplicate {
  return { fingerprint: fingerprintName(upper, lower), origins };
}

/**
 * Fingerprints, each once, with the number of the object or payload that had it last: an open hash table, as a bigint
 * or a text for each would take many times as long. It is at most two thirds full.
 */
class Distinct {
  /** Upper and lower bits and owner of each. */
  #slots = new Uint32Array(0);
  /** Of the slots in use. */
  #length = 0;
  #shift = 0;
  /** How many more there is room for. */
  #room = 0;
  // Drawn anew: nobody can write lines whose fingerprints come to one place here.
  readonly #byUpper = randomOdd();
  readonly #byLower = randomOdd();

  /** Forgets all, and makes room for about so many. */
  deleteMarks(count: number): void {
    this.#size(Math.max(4, Math.ceil(Math.log2(count * 1.5 + 1))));
    if (this.#length > this.#slots.length) this.#slots = new Uint32Array(this.#length);
    // No more than is needed: one range may be much larger than those to come.
    else this.#slots.fill(0, 0, this.#length);
  }

  /** Puts a fingerprint; gives who had it last, 0 for nobody. */
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

  /** A range holds more than its share. */
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

/** Counts duplicates, and keeps the least few, each once: the same whatever order they come in. */
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

/** The first two, by name, of the objects and payloads that have a fingerprint. */
function twoWith(found: Found, pages: readonly StoredPage[]): [string, string] {
  const having = pages.filter(({ fingerprints }) => has(new PackedPage(fingerprints), found));
  const [one = '', other = ''] = [...new Set(having.map(({ origin }) => origin))].sort();
  return [one, other];
}

function has(page: PackedPage, { upper, lower }: Found): boolean {
  while (page.upper < upper) page.next();
  for (; page.upper === upper; page.next()) if (page.lower === lower) return true;
  return false;
}
