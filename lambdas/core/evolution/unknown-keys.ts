/** Counts the keys of `extra` in the rows of a batch: what its lines had that is no column. */
import { MAX_FROM_CHARS } from '../formats/json-columns.ts';
import { OWN } from '../tables/table.ts';

/** The keys of `extra` in a batch, counted in a sample of its rows. */
export interface UnknownKeys {
  /** Rows of the batch, and those of them that were looked at. */
  readonly rows: number;
  readonly sampled: number;
  /** The most frequent ones, at most `MAX_KEYS`. */
  readonly keys: readonly UnknownKey[];
}

export interface UnknownKey {
  /** As the first row has it: keys are compared without regard to case. */
  readonly key: string;
  /** Rows of the sample that have it, at the least. */
  readonly rows: number;
  /** The first value, cut to `EXAMPLE_CHARS`. */
  readonly example: string;
}

export const MAX_KEYS = 100;
export const EXAMPLE_CHARS = 60;

/**
 * Rows that begin in so many bytes of each packed record are the sample: all of a small input, and one in sixteen of a
 * large one, so that counting costs next to nothing.
 */
export const SAMPLE_BYTES = 32 * 1024;

/** Keys that are counted at a time. */
const MAX_COUNTED = 1_000;

/** How a row and its column `extra` begin. Quotes within values are escaped, so neither is anywhere else. */
const ROW_START = `{"${OWN.origin.key}":"`;
const EXTRA_START = `,"${OWN.extra.key}":"`;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Memory and time do not grow with what the lines hold. If there are more different keys than are counted, each key that
 * finds no room takes one from all counts, so that those which remain are counted too low, and never too high; a key of
 * more than a thousandth of all remains, whatever the others are (Misra and Gries, "Finding repeated elements", 1982).
 */
export class KeyCounter {
  #rows = 0;
  #sampled = 0;
  /** By key in lower case. */
  readonly #counts = new Map<string, { key: string; rows: number; example: string }>();

  /**
   * @param records packed rows, as the LineBatcher gives them
   * @param rows how many rows they have
   */
  add(records: readonly Uint8Array[], rows: number): void {
    this.#rows += rows;
    for (const record of records) {
      for (const row of sampleOf(Buffer.from(record.buffer, record.byteOffset, record.byteLength))) this.#addRow(row);
    }
  }

  result(): UnknownKeys {
    const keys = [...this.#counts.values()].toSorted((a, b) => b.rows - a.rows).slice(0, MAX_KEYS);
    return { rows: this.#rows, sampled: this.#sampled, keys };
  }

  /** Counts the keys of one row. @param extra value of its column `extra`; undefined if it is null */
  addExtra(extra: string | undefined): void {
    this.#sampled++;
    if (extra === undefined) return;
    const values = JSON.parse(extra) as Readonly<Record<string, string>>;
    const seen = new Set<string>();
    for (const key of Object.keys(values)) {
      const lower = key.toLowerCase();
      // A key that no column could have is none to count.
      if (key.length > MAX_FROM_CHARS || seen.has(lower)) continue;
      seen.add(lower);
      this.#count(lower, key, values[key] ?? '');
    }
  }

  #addRow(row: Buffer): void {
    const at = row.indexOf(EXTRA_START);
    const start = at + EXTRA_START.length - 1;
    this.addExtra(at < 0 ? undefined : (JSON.parse(row.toString('utf8', start, endOfText(row, start))) as string));
  }

  #count(lower: string, key: string, value: string): void {
    const counts = this.#counts;
    const known = counts.get(lower);
    if (known) known.rows++;
    else if (counts.size < MAX_COUNTED) counts.set(lower, { key, rows: 1, example: exampleOf(value) });
    else for (const [name, count] of counts) if (--count.rows === 0) counts.delete(name);
  }
}

/** The rows that begin in the first bytes of a record, and one at the least. */
function* sampleOf(record: Buffer): Generator<Buffer> {
  for (let at = 0; at >= 0 && at < SAMPLE_BYTES && at < record.length; ) {
    const next = record.indexOf(ROW_START, at + 1);
    yield record.subarray(at, next < 0 ? undefined : next);
    at = next;
  }
}

/** The end of the JSON string whose quote is at `start`. */
function endOfText(row: Buffer, start: number): number {
  let at = start + 1;
  while (row[at] !== QUOTE) at += row[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function exampleOf(value: string): string {
  return value.length <= EXAMPLE_CHARS ? value : `${value.slice(0, EXAMPLE_CHARS).toWellFormed()}…`;
}
