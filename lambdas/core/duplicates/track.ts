/** The main flow of track-duplicates: objects and payloads to pages of fingerprints. */

import type { InputToCheck } from './input-to-check.ts';
import { MINUTES_PER_HOUR, minuteOf } from './minutes.ts';
import { pageDone } from './page-memory.ts';
import { type Page, Pager } from './pages.ts';
import { type FinishedObject, type Mark, type PageOf, shardOf, type TrackStore } from './store.ts';

/** Pages held until they are written: as many as one BatchWriteItem takes, and 8 MB at most. */
const MAX_PAGES_HELD = 25;

export interface TrackPorts {
  readonly store: TrackStore;
  readonly now: () => Date;
  /** Is it too late to read on? */
  readonly outOfTime: () => boolean;
  /** Share of the records that are checked, (0, 1]. */
  readonly sampleRate: number;
  /** Hours: records further away in time are late. */
  readonly windowHours: number;
  /** Told of each object and payload before the next ones are begun that are taken apart from it. */
  readonly settled?: (result: CheckResult) => Promise<void>;
}

/** What became of one. */
export interface CheckResult {
  readonly input: InputToCheck;
  readonly outcome:
    | 'checked'
    /** It had been checked: this delivery was one too many. */
    | 'redelivered'
    /** Another object has taken its place, and is announced by itself. */
    | 'replaced'
    /** It is to be tried again. */
    | 'failed';
  /** Records outside the window. */
  readonly outsideWindow: number;
  /** Why it failed. */
  readonly error?: unknown;
}

/**
 * Checks objects and payloads, small ones first. Those that come for the first time share the requests to the table;
 * one that cannot be read does not hold up the others.
 *
 * One that no invocation survives ends a whole batch, whose messages all come again. It must not take the others along
 * until they have been received too often (lib/object-notifications.ts), so what is retried is taken alone, finished
 * and `settled` before the next begins, and a note is left in the table before each: what was noted, and has come
 * again unfinished, goes last. In a batch that comes again and again each such object thus ends one invocation before
 * the others are done: with five receives a sound object is done beside three of them, and each of those is a
 * dead letter after five. What comes for the first time goes before those noted, for the same reason.
 */
export async function track(inputs: readonly InputToCheck[], ports: TrackPorts): Promise<CheckResult[]> {
  const retried = inputs.filter((input) => input.retried);
  let attempts: ReadonlyMap<string, number> = new Map();
  const results: CheckResult[] = [];
  const told = async (group: readonly CheckResult[]) => {
    for (const each of group) await ports.settled?.(each);
    results.push(...group);
  };
  try {
    if (retried.length > 0) attempts = await ports.store.attempts(retried.map(({ origin }) => origin));
  } catch (error) {
    await told(inputs.map((input) => failed(input, error)));
    return results;
  }
  const attemptsOf = ({ origin }: InputToCheck) => attempts.get(origin) ?? 0;
  const alone = retried.toSorted((a, b) => attemptsOf(a) - attemptsOf(b) || a.size - b.size);
  const groups = [
    ...alone.filter((input) => attemptsOf(input) === 0).map((input) => [input]),
    inputs.filter((input) => !input.retried),
    ...alone.filter((input) => attemptsOf(input) > 0).map((input) => [input]),
  ];
  for (const group of groups) await told(await trackTogether(group, ports));
  return results;
}

function failed(input: InputToCheck, error: unknown): CheckResult {
  return { input, outcome: 'failed', outsideWindow: 0, error };
}

/** Nothing is finished, and all are to be tried again, where the table cannot be read or written. */
async function trackTogether(inputs: readonly InputToCheck[], ports: TrackPorts): Promise<CheckResult[]> {
  if (inputs.length === 0) return [];
  const { store } = ports;
  try {
    const unique = new Map(inputs.toSorted((a, b) => a.size - b.size).map((input) => [input.origin, input]));
    // What was checked is not read again: where only its arrival dates it, it would be under another hour now.
    const before = await store.finished([...unique.keys()]);
    const pages: PageOf[] = [];
    const dirty = new DirtyMinutes();
    const read = new Map<string, Read>();
    for (const input of unique.values()) {
      if (!before.has(input.origin)) read.set(input.origin, await readPages(input, ports, pages, dirty));
    }
    await writePages(pages, store);
    await store.mark(dirty.marks());
    // At once: see edges/duplicates.ts. Whoever finishes an object first has checked it. What one fails at is no other's
    // failure, and nothing is left under way.
    const finishing = [...unique.values()].map(async ({ origin, label, holder }): Promise<[string, Ended]> => {
      const { outcome, outsideWindow = 0, error } = read.get(origin) ?? {};
      if (outcome) return [origin, { outcome, error }];
      try {
        return [
          origin,
          { first: before.get(origin) ?? (await store.finish({ origin, label, holder, outsideWindow })) },
        ];
      } catch (error) {
        return [origin, { outcome: 'failed', error }];
      }
    });
    const ended = new Map(await Promise.all(finishing));
    return await Promise.all(
      inputs.map(async (input): Promise<CheckResult> => {
        const { first, outcome = 'failed', error } = ended.get(input.origin) ?? {};
        if (!first) return { input, outcome, outsideWindow: 0, error };
        try {
          return await settle(input, first, before.has(input.origin), store);
        } catch (error) {
          return failed(input, error);
        }
      }),
    );
  } catch (error) {
    return inputs.map((input) => failed(input, error));
  }
}

/** What became of an object once it was read. */
interface Ended extends Pick<Read, 'outcome' | 'error'> {
  /** Who finished it. */
  readonly first?: FinishedObject;
}

interface Read {
  readonly outcome?: 'failed' | 'replaced';
  readonly outsideWindow?: number;
  readonly error?: unknown;
}

/** Reads one object or payload; its pages are added to those of others, or written when they are many. */
async function readPages(
  input: InputToCheck,
  { store, now, outOfTime, sampleRate, windowHours }: TrackPorts,
  pages: PageOf[],
  dirty: DirtyMinutes,
): Promise<Read> {
  const { origin } = input;
  const source = input.source.settings.name;
  const present = minuteOf(now().getTime());
  const window = windowHours * MINUTES_PER_HOUR;
  const own: PageOf[] = [];
  const shards: { minute: number; shard: number }[] = [];
  const pager = new Pager({
    sampleRate,
    from: present - window,
    to: present + window,
    take: (page: Page) => {
      own.push({ ...page, source, origin, sampleRate });
      shards.push({ minute: page.minute, shard: shardOf(origin, page.sequence) });
    },
  });
  const write = async (most: number) => {
    if (own.length > most) await writePages(own.splice(0), store);
  };
  const requireTime = () => {
    if (outOfTime()) throw new OutOfTimeError(`${input.label}: no time was left to check it`);
  };
  try {
    requireTime();
    if (input.retried) await store.recordAttempt(origin);
    const there = await input.read(pager, async () => {
      requireTime();
      await write(MAX_PAGES_HELD);
    });
    if (!there) return { outcome: 'replaced' };
  } catch (error) {
    return { outcome: 'failed', error };
  }
  if (own.length + pages.length > MAX_PAGES_HELD) await writePages(pages.splice(0), store);
  await write(MAX_PAGES_HELD);
  pages.push(...own);
  for (const { minute, shard } of shards) dirty.add(source, minute, shard);
  return { outsideWindow: pager.outsideWindow };
}

async function writePages(pages: readonly PageOf[], store: TrackStore): Promise<void> {
  await store.writePages(pages);
  for (const { fingerprints } of pages) pageDone(fingerprints);
}

/** The minutes that pages were written to, and where. */
class DirtyMinutes {
  readonly #shards = new Map<string, { source: string; minute: number; shards: Set<number> }>();

  add(source: string, minute: number, shard: number): void {
    const key = `${source}#${minute}`;
    const group = this.#shards.get(key) ?? { source, minute, shards: new Set() };
    group.shards.add(shard);
    this.#shards.set(key, group);
  }

  marks(): Mark[] {
    return [...this.#shards.values()].map(({ shards, ...of }) => ({ ...of, shards: [...shards] }));
  }
}

/** Everybody's delivery but that of whoever finished the object first was one too many. */
async function settle(
  input: InputToCheck,
  first: FinishedObject,
  known: boolean,
  store: TrackStore,
): Promise<CheckResult> {
  const { origin, holder } = input;
  const source = input.source.settings.name;
  if (first.holder !== holder) {
    await store.recordRedelivery(source, origin);
    return { input, outcome: 'redelivered', outsideWindow: 0 };
  }
  // Also when an attempt before this one, of the same delivery, died before it could note it.
  if (first.outsideWindow > 0) await store.recordOutsideWindow(source, origin, first.outsideWindow);
  return { input, outcome: 'checked', outsideWindow: known ? 0 : first.outsideWindow };
}

/** An invocation's time is over before an object is read: another invocation takes it. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}
