/** What is known of the keys of `extra` of a source: the counts of its batches, by the days on which these were written. */
import { MAX_KEYS, type UnknownKeys } from './unknown-keys.ts';

/** The counts of the last day with batches and of the one before, the newest first. */
export type Tally = readonly DayTally[];

export interface DayTally {
  /** yyyy-MM-dd in UTC. */
  readonly day: string;
  readonly batches: number;
  readonly rows: number;
  readonly sampled: number;
  /** At most `MAX_KEYS`, the most frequent first. */
  readonly keys: readonly TalliedKey[];
}

export interface TalliedKey {
  readonly key: string;
  /** Rows of the samples, and batches, that have it. */
  readonly rows: number;
  readonly batches: number;
  readonly example: string;
  /** When the first and the last of these batches was written: ISO 8601 in UTC. */
  readonly first: string;
  readonly last: string;
}

const MAX_DAYS = 2;

/** The tally with one more batch. The oldest day is forgotten, and of a day the keys that are seldom. */
export function withBatch(tally: Tally, batch: UnknownKeys, now: Date): Tally {
  const day = now.toISOString().slice(0, 10);
  const [newest] = tally;
  // A clock that is behind adds to the newest day, so that days stay in order.
  const today = newest !== undefined && newest.day >= day ? newest : emptyDay(day);
  const before = tally.filter((each) => each !== today);
  return [added(today, batch, now.toISOString()), ...before].slice(0, MAX_DAYS);
}

function emptyDay(day: string): DayTally {
  return { day, batches: 0, rows: 0, sampled: 0, keys: [] };
}

function added(day: DayTally, { rows, sampled, keys }: UnknownKeys, now: string): DayTally {
  const all = new Map(day.keys.map((key) => [key.key.toLowerCase(), key]));
  for (const { key, rows: more, example } of keys) {
    const known = all.get(key.toLowerCase()) ?? { key, rows: 0, batches: 0, example, first: now, last: now };
    all.set(key.toLowerCase(), { ...known, rows: known.rows + more, batches: known.batches + 1, last: now });
  }
  return {
    day: day.day,
    batches: day.batches + 1,
    rows: day.rows + rows,
    sampled: day.sampled + sampled,
    keys: [...all.values()].toSorted((a, b) => b.rows - a.rows).slice(0, MAX_KEYS),
  };
}

/** All days of a tally as one. */
export function wholeOf(tally: Tally): Omit<DayTally, 'day'> {
  const keys = new Map<string, TalliedKey>();
  // From the oldest day on, so that the first value stays the example.
  for (const key of tally.toReversed().flatMap((day) => day.keys)) {
    const known = keys.get(key.key.toLowerCase());
    const sum = known && {
      ...known,
      rows: known.rows + key.rows,
      batches: known.batches + key.batches,
      last: key.last,
    };
    keys.set(key.key.toLowerCase(), sum ?? key);
  }
  const sum = (of: (day: DayTally) => number) => tally.reduce((total, day) => total + of(day), 0);
  return {
    batches: sum(({ batches }) => batches),
    rows: sum(({ rows }) => rows),
    sampled: sum(({ sampled }) => sampled),
    keys: [...keys.values()].toSorted((a, b) => b.rows - a.rows),
  };
}
