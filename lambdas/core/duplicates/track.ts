/** The main flow of track-duplicates: objects and payloads to pages of fingerprints. */
import { BrokenGzipError, decode } from '../decode.ts';
import { type ObjectId, objectIdentity, originOf, payloadIdentity } from '../origin.ts';
import type { Payload } from '../payload.ts';
import type { TrackedSettings } from '../settings.ts';
import type { FoundSource } from '../sources.ts';
import { MINUTES_PER_HOUR, minuteOf, type Page, Pager } from './pages.ts';
import { type DuplicateRecord, RecordReader } from './records.ts';
import { type FinishedObject, type Mark, type PageOf, shardOf, type TrackStore } from './store.ts';

/** Pages held until they are written: as many as one BatchWriteItem takes, and 8 MB at most. */
const MAX_PAGES_HELD = 25;

/** A source whose records are checked. */
export type TrackedSource = FoundSource<TrackedSettings>;

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
  readonly settled?: (tracked: Tracked) => Promise<void>;
}

/** An object or payload to check. */
export interface Work {
  readonly source: TrackedSource;
  readonly origin: string;
  /** `s3://bucket/key`, or the log group and stream. */
  readonly what: string;
  /** The SQS message's id or Lambda's request id, which a retry repeats. */
  readonly holder: string;
  /** Bytes, as announced. */
  readonly size: number;
  /** It was begun before, or was in a batch that failed; whatever ended that may be its own fault. */
  readonly retried: boolean;
  /** Gives all records to the pager, and a chance to write what it has; false where the object is there no more. */
  readonly read: (pager: Pager, write: () => Promise<void>) => Promise<boolean>;
}

/** What became of one. */
export interface Tracked {
  readonly work: Work;
  readonly outcome:
    | 'checked'
    /** It had been checked: this delivery was one too many. */
    | 'redelivered'
    /** Another object has taken its place, and is announced by itself. */
    | 'replaced'
    /** It is to be tried again. */
    | 'failed';
  /** Records outside the window. */
  readonly late: number;
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
export async function track(works: readonly Work[], ports: TrackPorts): Promise<Tracked[]> {
  const retried = works.filter((work) => work.retried);
  let tries: ReadonlyMap<string, number> = new Map();
  try {
    if (retried.length > 0) tries = await ports.store.tries(retried.map(({ origin }) => origin));
  } catch (error) {
    return works.map((work) => ({ work, outcome: 'failed', late: 0, error }));
  }
  const triesOf = ({ origin }: Work) => tries.get(origin) ?? 0;
  const alone = retried.toSorted((a, b) => triesOf(a) - triesOf(b) || a.size - b.size);
  const groups = [
    ...alone.filter((work) => triesOf(work) === 0).map((work) => [work]),
    works.filter((work) => !work.retried),
    ...alone.filter((work) => triesOf(work) > 0).map((work) => [work]),
  ];
  const tracked: Tracked[] = [];
  for (const group of groups) {
    const settled = await trackTogether(group, ports);
    for (const each of settled) await ports.settled?.(each);
    tracked.push(...settled);
  }
  return tracked;
}

/** Nothing is finished, and all are to be tried again, where the table cannot be read or written. */
async function trackTogether(works: readonly Work[], ports: TrackPorts): Promise<Tracked[]> {
  if (works.length === 0) return [];
  const { store } = ports;
  try {
    const unique = new Map(works.toSorted((a, b) => a.size - b.size).map((work) => [work.origin, work]));
    // What was checked is not read again: where only its arrival dates it, it would be under another hour now.
    const before = await store.finished([...unique.keys()]);
    const pages: PageOf[] = [];
    const touched = new Touched();
    const read = new Map<string, Read>();
    for (const work of unique.values()) {
      if (!before.has(work.origin)) read.set(work.origin, await readPages(work, ports, pages, touched));
    }
    await store.writePages(pages);
    await store.mark(touched.marks());
    // At once: see edges/duplicates.ts. Whoever finishes an object first has checked it.
    const finishing = [...unique.values()].map(async ({ origin, what, holder }) => {
      const { outcome, late = 0 } = read.get(origin) ?? {};
      const first = before.get(origin) ?? (outcome ? undefined : await store.finish({ origin, what, holder, late }));
      return [origin, first] as const;
    });
    const firsts = new Map(await Promise.all(finishing));
    return await Promise.all(
      works.map(async (work): Promise<Tracked> => {
        const { outcome = 'failed', error } = read.get(work.origin) ?? {};
        const first = firsts.get(work.origin);
        if (!first) return { work, outcome, late: 0, error };
        return await settle(work, first, before.has(work.origin), store);
      }),
    );
  } catch (error) {
    return works.map((work) => ({ work, outcome: 'failed', late: 0, error }));
  }
}

interface Read {
  readonly outcome?: 'failed' | 'replaced';
  readonly late?: number;
  readonly error?: unknown;
}

/** Reads one object or payload; its pages are added to those of others, or written when they are many. */
async function readPages(
  work: Work,
  { store, now, outOfTime, sampleRate, windowHours }: TrackPorts,
  pages: PageOf[],
  touched: Touched,
): Promise<Read> {
  const { origin } = work;
  const source = work.source.settings.name;
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
    if (own.length > most) await store.writePages(own.splice(0));
  };
  const requireTime = () => {
    if (outOfTime()) throw new OutOfTimeError(`${work.what}: no time was left to check it`);
  };
  try {
    requireTime();
    if (work.retried) await store.noteTry(origin);
    const there = await work.read(pager, async () => {
      requireTime();
      await write(MAX_PAGES_HELD);
    });
    if (!there) return { outcome: 'replaced' };
  } catch (error) {
    return { outcome: 'failed', error };
  }
  if (own.length + pages.length > MAX_PAGES_HELD) await store.writePages(pages.splice(0));
  await write(MAX_PAGES_HELD);
  pages.push(...own);
  for (const { minute, shard } of shards) touched.add(source, minute, shard);
  return { late: pager.late };
}

/** The minutes that pages were written to, and where. */
class Touched {
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
async function settle(work: Work, first: FinishedObject, known: boolean, store: TrackStore): Promise<Tracked> {
  const { origin, holder } = work;
  const source = work.source.settings.name;
  if (first.holder !== holder) {
    await store.noteRedelivered(source, origin);
    return { work, outcome: 'redelivered', late: 0 };
  }
  // Also when an attempt before this one, of the same delivery, died before it could note it.
  if (first.late > 0) await store.noteLate(source, origin, first.late);
  return { work, outcome: 'checked', late: known ? 0 : first.late };
}

/** An invocation's time is over before an object is read: another invocation takes it. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}

/** How an object was announced. */
export interface Delivery extends Pick<Work, 'holder' | 'retried'> {
  /** Milliseconds since the epoch, the same at each receive: what the object's records go by when none tells a time. */
  readonly arrivedAt: number;
}

/**
 * An object to check.
 *
 * @param open opens the object; undefined where another has replaced it
 */
export function objectWork(
  source: TrackedSource,
  object: ObjectId & { readonly size: number },
  { holder, arrivedAt, retried }: Delivery,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
): Work {
  return {
    source,
    origin: originOf(objectIdentity(source.settings.name, object)),
    what: `s3://${object.bucket}/${object.key}`,
    holder,
    size: object.size,
    retried,
    read: async (pager, write) => {
      const there = await readObject(source, open, (record) => pager.add(record, arrivedAt), write);
      pager.end(arrivedAt);
      return there;
    },
  };
}

/** A subscription payload to check. */
export function payloadWork(source: TrackedSource, payload: Payload, holder: string): Work {
  return {
    source,
    origin: originOf(payloadIdentity(source.settings.name, payload)),
    what: `${payload.logGroup} ${payload.logStream}`,
    holder,
    size: payload.bytes,
    retried: false,
    read: async (pager, write) => {
      const { format, settings } = source;
      const reader = new RecordReader(format, settings.identity && [settings.identity], (record) =>
        pager.addEvent(record, payload.timestamps[record.position] ?? 0),
      );
      reader.readMessages(payload.messages);
      pager.end(0);
      await write();
      return true;
    },
  };
}

/**
 * Gives all records of an object to `take`; of a gzip that breaks midway or is a bomb, those before the break.
 *
 * @param open opens the object, and once more where its gzip breaks; undefined where it is there no more
 * @param pause called between chunks
 * @returns false where the object is there no more
 */
export async function readObject(
  { format, settings }: TrackedSource,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
  take: (record: DuplicateRecord) => void,
  pause: () => Promise<void> = async () => {},
): Promise<boolean> {
  const body = await open();
  if (!body) return false;
  const reader = new RecordReader(format, settings.identity && [settings.identity], take);
  try {
    for await (const chunk of decode(body, open)) {
      reader.push(chunk);
      await pause();
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof BrokenGzipError)) throw error;
    reader.breakOff();
  }
  return true;
}
