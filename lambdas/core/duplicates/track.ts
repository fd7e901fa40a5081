/**
 * The main flow of track-duplicates: turns inputs into pages of fingerprints. An input is an S3 object or a CloudWatch
 * subscription payload.
 */

import type { InputToCheck } from './input-to-check.ts';
import { MINUTES_PER_HOUR, minuteOf } from './minutes.ts';
import { pageDone } from './page-memory.ts';
import { type Page, Pager } from './pages.ts';
import { type FinishedObject, type Mark, type PageOf, shardOf, type TrackStore } from './store.ts';

/** Most pages held before they are written: as many as one BatchWriteItem takes, at most 8 MB. */
const MAX_PAGES_HELD = 25;

export interface TrackPorts {
  readonly store: TrackStore;
  readonly now: () => Date;
  /** True if it is too late to read on. */
  readonly outOfTime: () => boolean;
  /** Share of the records that are checked, (0, 1]. */
  readonly sampleRate: number;
  /** Hours. Records whose time is further away from now, in either direction, are outside the window. */
  readonly windowHours: number;
  /**
   * Receives the result of each input: of an input that is checked alone, and of inputs that are checked together,
   * before any other input is begun.
   */
  readonly settled?: (result: CheckResult) => Promise<void>;
}

/** The result of checking one input. */
export interface CheckResult {
  readonly input: InputToCheck;
  readonly outcome:
    | 'checked'
    /** Another delivery had already finished the input. */
    | 'redelivered'
    /** Another object has replaced the one announced; the new object has a notification of its own. */
    | 'replaced'
    /** The input is to be tried again. */
    | 'failed';
  /** Records outside the window. */
  readonly outsideWindow: number;
  /** Why the check failed. */
  readonly error?: unknown;
}

/**
 * Checks inputs, small ones first. Inputs that are delivered for the first time share the requests to the table. An
 * input that cannot be read does not hold up the others.
 *
 * A poison input (one that crashes its invocation) returns its whole batch to the queue. The other inputs must not be
 * received so often that they become dead letters too (lib/object-notifications.ts). Therefore redelivered inputs run
 * one at a time, each finished and `settled` before the next one begins. An attempt is recorded in the table before
 * each of them; inputs that have recorded attempts but were delivered again unfinished run last, and inputs delivered
 * for the first time run before those, for the same reason. A batch thus loses one invocation to each of its poison
 * inputs before all others are done: with five receives, sound inputs are done beside up to three poison inputs, and
 * only the poison inputs become dead letters.
 */
export async function track(inputs: readonly InputToCheck[], ports: TrackPorts): Promise<CheckResult[]> {
  const retried = inputs.filter((input) => input.retried);
  let attempts: ReadonlyMap<string, number> = new Map();
  const results: CheckResult[] = [];
  const report = async (group: readonly CheckResult[]) => {
    for (const each of group) await ports.settled?.(each);
    results.push(...group);
  };
  try {
    if (retried.length > 0) attempts = await ports.store.attempts(retried.map(({ origin }) => origin));
  } catch (error) {
    await report(inputs.map((input) => failed(input, error)));
    return results;
  }
  const attemptsOf = ({ origin }: InputToCheck) => attempts.get(origin) ?? 0;
  const alone = retried.toSorted((a, b) => attemptsOf(a) - attemptsOf(b) || a.size - b.size);
  const groups = [
    ...alone.filter((input) => attemptsOf(input) === 0).map((input) => [input]),
    inputs.filter((input) => !input.retried),
    ...alone.filter((input) => attemptsOf(input) > 0).map((input) => [input]),
  ];
  for (const group of groups) await report(await trackGroup(group, ports));
  return results;
}

function failed(input: InputToCheck, error: unknown): CheckResult {
  return { input, outcome: 'failed', outsideWindow: 0, error };
}

/** If the table cannot be read or written, no input is finished and all inputs are to be tried again. */
async function trackGroup(inputs: readonly InputToCheck[], ports: TrackPorts): Promise<CheckResult[]> {
  if (inputs.length === 0) return [];
  const { store } = ports;
  try {
    const unique = new Map(inputs.toSorted((a, b) => a.size - b.size).map((input) => [input.origin, input]));
    // Inputs that are already finished are not read again: the records of an object without times would be filed under
    // the hour in which this delivery arrived, which may be another one.
    const before = await store.finished([...unique.keys()]);
    const pages: PageOf[] = [];
    const dirty = new DirtyMinutes();
    const read = new Map<string, Read>();
    for (const input of unique.values()) {
      if (!before.has(input.origin)) read.set(input.origin, await readPages(input, ports, pages, dirty));
    }
    await writePages(pages, store);
    await store.mark(dirty.marks());
    // In parallel: see edges/duplicates.ts. The first delivery to finish an input owns its counts. One input's failure
    // does not fail the others, and every request has settled before this function returns.
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

/** The result of an input after it was read and, if possible, finished. */
interface Ended extends Pick<Read, 'outcome' | 'error'> {
  /** The input as it was first finished. */
  readonly first?: FinishedObject;
}

interface Read {
  readonly outcome?: 'failed' | 'replaced';
  readonly outsideWindow?: number;
  readonly error?: unknown;
}

/** Reads one input. Its pages are added to the pages held, which are written first if they are too many together. */
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
  const inputPages: PageOf[] = [];
  const shards: { minute: number; shard: number }[] = [];
  const pager = new Pager({
    sampleRate,
    from: present - window,
    to: present + window,
    take: (page: Page) => {
      inputPages.push({ ...page, source, origin, sampleRate });
      shards.push({ minute: page.minute, shard: shardOf(origin, page.sequence) });
    },
  });
  const write = async (limit: number) => {
    if (inputPages.length > limit) await writePages(inputPages.splice(0), store);
  };
  const requireTime = () => {
    if (outOfTime()) throw new OutOfTimeError(`${input.label}: no time was left to check it`);
  };
  try {
    requireTime();
    if (input.retried) await store.recordAttempt(origin);
    const isRead = await input.read(pager, async () => {
      requireTime();
      await write(MAX_PAGES_HELD);
    });
    if (!isRead) return { outcome: 'replaced' };
  } catch (error) {
    return { outcome: 'failed', error };
  }
  if (inputPages.length + pages.length > MAX_PAGES_HELD) await writePages(pages.splice(0), store);
  await write(MAX_PAGES_HELD);
  pages.push(...inputPages);
  for (const { minute, shard } of shards) dirty.add(source, minute, shard);
  return { outsideWindow: pager.outsideWindow };
}

async function writePages(pages: readonly PageOf[], store: TrackStore): Promise<void> {
  await store.writePages(pages);
  for (const { fingerprints } of pages) pageDone(fingerprints);
}

/** The minutes and shards that pages were written to. */
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

/** Every delivery except the first to finish the input is a redelivery. */
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
  // Also recorded when this delivery is repeated: an earlier attempt may have crashed between finishing and recording.
  if (first.outsideWindow > 0) await store.recordOutsideWindow(source, origin, first.outsideWindow);
  return { input, outcome: 'checked', outsideWindow: known ? 0 : first.outsideWindow };
}

/** The invocation's time is over before an input is read: another invocation checks it. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}
