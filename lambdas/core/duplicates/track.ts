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
  /** Is it too late to begin with another object? */
  readonly outOfTime: () => boolean;
  /** Share of the records that are checked, (0, 1]. */
  readonly sampleRate: number;
  /** Hours: records further away in time are late. */
  readonly windowHours: number;
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
 * Checks objects and payloads, small ones first: one that fails does not hold up the others. They share
 * the requests to the table.
 *
 * @throws what the store throws: nothing is finished then, and all are to be tried again
 */
export async function track(works: readonly Work[], ports: TrackPorts): Promise<Tracked[]> {
  const { store } = ports;
  const unique = new Map(works.toSorted((a, b) => a.size - b.size).map((work) => [work.origin, work]));
  // What was checked is not read again: where only its arrival dates it, it would be under another hour now.
  const firsts = new Map(await store.finished([...unique.keys()]));
  const pages: PageOf[] = [];
  const touched = new Touched();
  const read = new Map<string, Read>();
  for (const work of unique.values()) {
    if (!firsts.has(work.origin)) read.set(work.origin, await readPages(work, ports, pages, touched));
  }
  await store.writePages(pages);
  await store.mark(touched.marks());

  const tracked: Tracked[] = [];
  for (const work of works) {
    const { outcome = 'checked', late = 0, error } = read.get(work.origin) ?? {};
    if (outcome === 'checked') tracked.push(await finish(work, late, firsts, store));
    else tracked.push({ work, outcome, late: 0, error });
  }
  return tracked;
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
  try {
    if (outOfTime()) throw new OutOfTimeError(`${work.what}: no time was left to check it`);
    if (!(await work.read(pager, () => write(MAX_PAGES_HELD)))) return { outcome: 'replaced' };
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

/** Whoever finishes an object first has checked it; everybody else's delivery was one too many. */
async function finish(
  work: Work,
  late: number,
  firsts: Map<string, FinishedObject>,
  store: TrackStore,
): Promise<Tracked> {
  const { origin, what, holder } = work;
  const source = work.source.settings.name;
  const known = firsts.get(origin);
  const first = known ?? (await store.finish({ origin, what, holder, late }));
  firsts.set(origin, first);
  if (first.holder !== holder) {
    await store.noteRedelivered(source, origin);
    return { work, outcome: 'redelivered', late: 0 };
  }
  // Also when an attempt before this one, of the same delivery, died before it could note it.
  if (first.late > 0) await store.noteLate(source, origin, first.late);
  return { work, outcome: 'checked', late: known ? 0 : first.late };
}

/** An invocation's time is over before an object's turn has come: another invocation takes it. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}

/**
 * An object to check.
 *
 * @param arrivedAt milliseconds since the epoch, the same at each delivery: what its records go by when
 * none tells a time
 * @param open opens the object; undefined where another has replaced it
 */
export function objectWork(
  source: TrackedSource,
  object: ObjectId & { readonly size: number },
  arrivedAt: number,
  holder: string,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
): Work {
  return {
    source,
    origin: originOf(objectIdentity(source.settings.name, object)),
    what: `s3://${object.bucket}/${object.key}`,
    holder,
    size: object.size,
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
