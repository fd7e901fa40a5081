import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Counted, countDue, LONGEST_WAIT_MS, QUIET_MS } from '../../lambdas/core/duplicates/count.ts';
import { pack } from '../../lambdas/core/duplicates/packed-page.ts';
import { pageDone, pageMemory } from '../../lambdas/core/duplicates/page-memory.ts';
import {
  type CountStore,
  type ReportStore,
  SHARDS,
  type StoredMark,
  type TrackStore,
} from '../../lambdas/core/duplicates/store.ts';
import { type Tracked, type TrackPorts, track } from '../../lambdas/core/duplicates/track.ts';
import { objectWork, type TrackedSource } from '../../lambdas/core/duplicates/work.ts';
import { compiledSources } from '../../lambdas/core/sources.ts';
import { dynamoDuplicates } from '../../lambdas/edges/duplicates.ts';
import { pagePartition } from '../../lambdas/edges/duplicates-items.ts';
import { Random } from '../../local/sample/random.ts';
import { openTable, TABLE } from './duplicates-table.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const MINUTE_MS = 60_000;
const WINDOW_HOURS = 72;

let table: Awaited<ReturnType<typeof openTable>>;
let store: TrackStore & CountStore & ReportStore;

beforeAll(async () => {
  table = await openTable();
  store = dynamoDuplicates(table.client, { table: TABLE, windowHours: WINDOW_HOURS });
});

afterAll(() => table.close());

let sources = 0;

/** A source of its own for each test: they share the table. */
function newSource(): TrackedSource {
  const options = { columns: { at: 'timestamp', request_id: 'string' } };
  const [source] = compiledSources([{ name: `s${sources++}`, format: 'json', options, lane: 'objects' as const }]);
  return source as TrackedSource;
}

const portsOf = (over: Partial<TrackPorts> = {}): TrackPorts => ({
  store,
  now: () => new Date(NOW),
  outOfTime: () => false,
  sampleRate: 1,
  windowHours: WINDOW_HOURS,
  ...over,
});

/** A line of a minute before now; the same arguments give the same record. */
const lineOf = (minutesAgo: number, id: number | string) =>
  JSON.stringify({ at: new Date(NOW - minutesAgo * MINUTE_MS).toISOString(), request_id: String(id) });

interface Delivery {
  readonly source: TrackedSource;
  readonly key: string;
  readonly lines: readonly string[];
  readonly holder?: string;
  readonly arrivedAt?: number;
  readonly retried?: boolean;
}

const workOf = ({ source, key, lines, holder = key, arrivedAt = NOW, retried = false }: Delivery) => {
  const bytes = gzipSync(`${lines.join('\n')}\n`);
  const object = { bucket: 'logs', key, etag: 'e', size: bytes.length };
  return objectWork(source, object, { holder, arrivedAt, retried }, async () =>
    (async function* () {
      yield bytes;
    })(),
  );
};

async function deliver(...deliveries: Delivery[]) {
  const tracked = await track(deliveries.map(workOf), portsOf());
  return tracked.map(({ outcome }) => outcome);
}

/** Counts all that is marked, as runs long after would. */
async function countAll(counting: CountStore = store): Promise<Counted[]> {
  const emitted: Counted[] = [];
  const now = new Date(Date.now() + QUIET_MS);
  await countDue({ store: counting, now, outOfTime: () => false, emit: (counted) => emitted.push(counted) });
  return emitted;
}

interface Totals {
  readonly checked: number;
  readonly withinObject: number;
  readonly acrossObjects: number;
}

function sum(counts: readonly Totals[]): Totals {
  const add = (name: keyof Totals) => counts.reduce((total, each) => total + each[name], 0);
  return { checked: add('checked'), withinObject: add('withinObject'), acrossObjects: add('acrossObjects') };
}

const totals = async ({ settings }: TrackedSource) => sum(await store.minutes(settings.name, 0));

describe('the duplicate check', () => {
  test('finds no duplicates of an object delivered again, and checks its records once', async () => {
    const source = newSource();
    const lines = Array.from({ length: 50 }, (_, id) => lineOf(id % 5, id));
    expect(await deliver({ source, key: 'a', lines })).toEqual(['checked']);
    expect(await deliver({ source, key: 'a', lines, holder: 'another message' })).toEqual(['redelivered']);
    await countAll();
    expect(await deliver({ source, key: 'a', lines, holder: 'a third' })).toEqual(['redelivered']);
    await countAll();
    expect(await totals(source)).toEqual({ checked: 50, withinObject: 0, acrossObjects: 0 });
    expect((await store.notes(source.settings.name)).map(({ redelivered }) => redelivered)).toEqual([2]);
  });

  test('takes the retry of a delivery that had been checked for no redelivery', async () => {
    const source = newSource();
    const lines = [lineOf(1, 1)];
    await deliver({ source, key: 'a', lines });
    expect(await deliver({ source, key: 'a', lines })).toEqual(['checked']);
    expect(await store.notes(source.settings.name)).toEqual([]);
  });

  test('checks an object once that is announced again hours later, also where only its arrival dates it', async () => {
    const source = newSource();
    const lines = ['no JSON', 'nor this'];
    await deliver({ source, key: 'a', lines });
    const again = { source, key: 'a', lines, holder: 'another message', arrivedAt: NOW + 3 * 60 * MINUTE_MS };
    expect(await deliver(again)).toEqual(['redelivered']);
    await countAll();
    expect(await totals(source)).toEqual({ checked: 2, withinObject: 0, acrossObjects: 0 });
  });

  test('checks an object once that is announced twice in one batch', async () => {
    const source = newSource();
    const lines = [lineOf(1, 1), lineOf(1, 2)];
    const outcomes = await deliver({ source, key: 'a', lines }, { source, key: 'a', lines, holder: 'other' });
    expect(outcomes.sort()).toEqual(['checked', 'redelivered']);
    await countAll();
    expect(await totals(source)).toEqual({ checked: 2, withinObject: 0, acrossObjects: 0 });
  });

  test('writes the pages it has read, whatever takes memory of pages meanwhile', async () => {
    const source = newSource();
    const lines = Array.from({ length: 1500 }, (_, id) => lineOf(1, id));
    const taking: TrackStore = {
      ...store,
      writePages: async (pages) => {
        await sleep(1);
        const taken = pages.map(({ fingerprints }) => new Uint8Array(pageMemory(fingerprints.length)).fill(0xff));
        await store.writePages(pages);
        for (const each of taken) pageDone(each);
      },
    };
    for (const key of ['a', 'b']) {
      await track([workOf({ source, key, lines })], portsOf({ store: taking }));
    }
    await countAll();
    expect(await totals(source)).toEqual({ checked: 3000, withinObject: 0, acrossObjects: 1500 });
  });

  test('counts every line of an object copied under another key once, whatever kind of line it is; of three copies, twice', async () => {
    const source = newSource();
    const lines = ['no JSON, and before any time', lineOf(2, 1), lineOf(1, 2), '{"request_id":"no time"}', '[1]'];
    await deliver({ source, key: 'a', lines });
    await deliver({ source, key: 'b', lines });
    await countAll();
    expect(await totals(source)).toEqual({ checked: 10, withinObject: 0, acrossObjects: 5 });
    await deliver({ source, key: 'c', lines });
    await countAll();
    expect(await totals(source)).toEqual({ checked: 15, withinObject: 0, acrossObjects: 10 });
  });

  test('counts repeats within an object, and tells them from those across objects', async () => {
    const source = newSource();
    await deliver({ source, key: 'a', lines: [lineOf(1, 1), lineOf(1, 1), lineOf(1, 1), lineOf(1, 2)] });
    await deliver({ source, key: 'b', lines: [lineOf(1, 1), lineOf(1, 3), lineOf(1, 3)] });
    await countAll();
    expect(await totals(source)).toEqual({ checked: 7, withinObject: 3, acrossObjects: 1 });
  });

  test('corrects the count by a page that comes late, and tells what has changed', async () => {
    const source = newSource();
    const lines = [lineOf(3, 1), lineOf(3, 2)];
    await deliver({ source, key: 'a', lines });
    expect(sum(await countAll())).toEqual({ checked: 2, withinObject: 0, acrossObjects: 0 });
    await deliver({ source, key: 'b', lines: [lineOf(3, 2)] });
    expect(sum(await countAll())).toEqual({ checked: 1, withinObject: 0, acrossObjects: 1 });
    expect(await totals(source)).toEqual({ checked: 3, withinObject: 0, acrossObjects: 1 });
  });

  test('counts a minute again when a page came while it was being counted', async () => {
    const source = newSource();
    await deliver({ source, key: 'a', lines: [lineOf(1, 1)] });
    await countAll({
      ...store,
      pages: async (...args) => {
        const pages = await store.pages(...args);
        await deliver({ source, key: 'b', lines: [lineOf(1, 1)] });
        return pages;
      },
    });
    await countAll();
    expect(await totals(source)).toEqual({ checked: 2, withinObject: 0, acrossObjects: 1 });
    expect((await store.marks()).filter((mark) => mark.source === source.settings.name)).toEqual([]);
  });

  test('counts pages of which it sees a mark: they are there before it', async () => {
    const source = newSource();
    const counting: TrackStore = {
      ...store,
      mark: async (marks) => {
        await store.mark(marks);
        await countAll();
      },
    };
    const work = workOf({ source, key: 'a', lines: [lineOf(1, 1), lineOf(1, 1)] });
    await track([work], portsOf({ store: counting }));
    await countAll();
    expect(await totals(source)).toEqual({ checked: 2, withinObject: 1, acrossObjects: 0 });
  });

  test.each(['the first', 'a later'])(
    'does not let %s count that was overtaken by another replace it',
    async (which) => {
      const source = newSource();
      await deliver({ source, key: 'a', lines: [lineOf(1, 1)] });
      if (which === 'a later') {
        await countAll();
        await deliver({ source, key: 'c', lines: [lineOf(1, 2)] });
      }
      await countAll({
        ...store,
        pages: async (...args) => {
          const pages = await store.pages(...args);
          await deliver({ source, key: 'b', lines: [lineOf(1, 1)] });
          await countAll();
          return pages;
        },
      });
      const checked = which === 'a later' ? 3 : 2;
      expect(await totals(source)).toEqual({ checked, withinObject: 0, acrossObjects: 1 });
      await countAll();
      expect(await totals(source)).toEqual({ checked, withinObject: 0, acrossObjects: 1 });
    },
  );

  test('asks first whether an object has been checked, and does not read it again', async () => {
    const source = newSource();
    const work = workOf({ source, key: 'a', lines: [lineOf(1, 1)] });
    await track([work], portsOf());
    const read = () => Promise.reject(new Error('read again'));
    const [again] = await track([{ ...work, holder: 'another message', read }], portsOf());
    expect(again?.outcome).toBe('redelivered');
  });

  test('leaves a minute alone until no page has come for a while', async () => {
    // Marks that other tests have left.
    await countAll();
    const source = newSource();
    await deliver({ source, key: 'a', lines: [lineOf(1, 1), lineOf(2, 1)] });
    const early = { store, now: new Date(), outOfTime: () => false, emit: () => {} };
    expect((await countDue(early)).left).toBe(2);
    expect(await store.minutes(source.settings.name, 0)).toEqual([]);
    await countAll();
    expect((await countDue(early)).left).toBe(0);
    expect(await store.minutes(source.settings.name, 0)).toHaveLength(2);
  });

  test('counts a minute in the end that pages never stop coming to, and again with those it left', async () => {
    await countAll();
    const source = newSource();
    for (const key of ['a', 'b']) await deliver({ source, key, lines: [lineOf(1, 1)] });
    let last = 0;
    const marks = async () => {
      const [first, ...others] = (await store.marks()).toSorted((a, b) => a.putAt - b.putAt);
      last = others.at(-1)?.putAt ?? 0;
      // One that is as old as a minute may wait.
      return first && last > 0 ? [{ ...first, putAt: last + QUIET_MS - 1 - LONGEST_WAIT_MS }, ...others] : [];
    };
    const cleared: number[] = [];
    const counting = {
      ...store,
      marks,
      clear: async (these: readonly StoredMark[]) => {
        cleared.push(these.length);
        await store.clear(these);
      },
    };
    await marks();
    const now = new Date(last + QUIET_MS - 1);
    expect(await countDue({ store: counting, now, outOfTime: () => false, emit: () => {} })).toEqual({ left: 1 });
    expect(cleared).toEqual([1]);
    await countAll();
    expect(await totals(source)).toEqual({ checked: 2, withinObject: 0, acrossObjects: 1 });
    expect((await store.minutes(source.settings.name, 0)).map(({ version }) => version)).toEqual([2]);
  });

  test('counts records outside the window as late, once, and compares them with nothing', async () => {
    const source = newSource();
    const days = (count: number) => count * 24 * 60;
    const lines = [lineOf(days(4), 1), lineOf(days(4), 1), lineOf(days(-30), 2), lineOf(1, 3)];
    await deliver({ source, key: 'a', lines });
    await deliver({ source, key: 'a', lines, holder: 'again' });
    await countAll();
    expect(await totals(source)).toEqual({ checked: 1, withinObject: 0, acrossObjects: 0 });
    expect(await store.notes(source.settings.name)).toMatchObject([{ late: 3, redelivered: 1 }]);
  });

  test('keeps a few duplicates with where they are, and the objects by their names', async () => {
    const source = newSource();
    const lines = Array.from({ length: 20 }, (_, id) => lineOf(1, id));
    await deliver({ source, key: 'a', lines: [...lines, lineOf(1, 0)] });
    await deliver({ source, key: 'b', lines });
    await countAll();
    const [minute] = await store.minutes(source.settings.name, 0);
    const objects = await store.finished(minute?.sample.flatMap(({ origins }) => origins) ?? []);
    const named = minute?.sample.map(({ origins }) => origins.map((origin) => objects.get(origin)?.what).sort());
    expect(named).toEqual([['s3://logs/a', 's3://logs/a'], ...Array(3).fill(['s3://logs/a', 's3://logs/b'])]);
  });

  test('fails only what cannot be read, and leaves no mark of it', async () => {
    const source = newSource();
    const broken = workOf({ source, key: 'broken', lines: [lineOf(1, 1)] });
    const tracked = await track(
      [
        {
          ...broken,
          read: async (pager, write) => {
            await broken.read(pager, write);
            throw new Error('connection reset');
          },
        },
        workOf({ source, key: 'whole', lines: [lineOf(1, 2)] }),
      ],
      portsOf(),
    );
    expect(tracked.map(({ outcome }) => outcome)).toEqual(['failed', 'checked']);
    await countAll();
    expect(await totals(source)).toEqual({ checked: 1, withinObject: 0, acrossObjects: 0 });
    await deliver({ source, key: 'broken', lines: [lineOf(1, 1)] });
    await countAll();
    expect(await totals(source)).toEqual({ checked: 2, withinObject: 0, acrossObjects: 0 });
  });

  test('fails only the object that cannot be finished, and tells each late record once', async () => {
    const source = newSource();
    const late = (key: string) => ({ source, key, lines: [lineOf(1, key), lineOf((WINDOW_HOURS + 1) * 60, key)] });
    const works = [late('a'), late('b')].map(workOf);
    const denied = works[1]?.origin;
    const failing: TrackStore = {
      ...store,
      finish: async (object) => {
        if (object.origin === denied) throw new Error('access denied');
        return await store.finish(object);
      },
    };
    const summary = (tracked: readonly Tracked[]) => tracked.map((each) => [each.outcome, each.late]);
    expect(summary(await track(works, portsOf({ store: failing })))).toEqual([
      ['checked', 1],
      ['failed', 0],
    ]);
    expect(summary(await track(works, portsOf()))).toEqual([
      ['checked', 0],
      ['checked', 1],
    ]);
  });

  test('leaves no request under way when one of many fails', async () => {
    const source = newSource();
    let [calls, open] = [0, 0];
    const refusing: typeof table.client.send = async (...args: unknown[]) => {
      calls++;
      open++;
      try {
        if (calls === 1) throw new Error('access denied');
        return await (table.client.send as (...all: unknown[]) => Promise<never>)(...args);
      } finally {
        open--;
      }
    };
    const client = new Proxy(table.client, {
      get: (target, name) => (name === 'send' ? refusing : Reflect.get(target, name)),
    });
    const pages = Array.from({ length: 100 }, (_, sequence) => ({
      ...{ source: source.settings.name, origin: 'a', minute: 1, sequence, sampleRate: 1 },
      ...{ count: 1, fingerprints: pack(new Uint32Array(2)) },
    }));
    await expect(dynamoDuplicates(client, { table: TABLE }).writePages(pages)).rejects.toThrow('access denied');
    expect(calls).toBeGreaterThan(1);
    expect(open).toBe(0);
  });

  test('counts no page of an earlier form, and all others beside it', async () => {
    const source = newSource();
    const minute = Math.floor((NOW - MINUTE_MS) / MINUTE_MS);
    const partitions = Array.from({ length: SHARDS }, (_, shard) => pagePartition(source.settings.name, minute, shard));
    for (const partition of partitions) {
      const Item = { pk: { S: partition }, sk: { S: 'old#0' }, f: { B: new Uint8Array(16) } };
      await table.client.send(new PutItemCommand({ TableName: TABLE, Item }));
    }
    await deliver({ source, key: 'a', lines: [lineOf(1, 1), lineOf(1, 2)] });
    await countAll();
    expect(await totals(source)).toEqual({ checked: 2, withinObject: 0, acrossObjects: 0 });
  });

  test('holds one sample of all pages when the rate was changed between them', async () => {
    const source = newSource();
    const lines = Array.from({ length: 2000 }, (_, id) => lineOf(1, id));
    await track([workOf({ source, key: 'a', lines })], portsOf());
    await track([workOf({ source, key: 'b', lines })], portsOf({ sampleRate: 0.1 }));
    await countAll();
    const [minute] = await store.minutes(source.settings.name, 0);
    const { checked = 0, acrossObjects, sampleRate } = minute ?? {};
    expect(sampleRate).toBe(0.1);
    expect(checked / 2).toBe(acrossObjects);
    expect(checked).toBeGreaterThan(250);
    expect(checked).toBeLessThan(550);
  });
});

/** A message as a queue has it. */
interface Message extends Delivery {
  readonly size: number;
  /** No invocation that reads it survives. */
  readonly deadly: boolean;
  receives: number;
}

/** As lib/object-notifications.ts has it. */
const MOST_RECEIVES = 5;

/** Receives batches of messages until none is left; what was received too often. Each batch may have others than before. */
async function deadLettersOf(messages: readonly Message[], random: Random): Promise<Message[]> {
  const dead: Message[] = [];
  let queue = [...messages];
  while (queue.length > 0) {
    dead.push(...queue.filter(({ receives }) => receives === MOST_RECEIVES));
    queue = queue.filter(({ receives }) => receives < MOST_RECEIVES).sort(() => random.fraction() - 0.5);
    const batch = queue.slice(0, 10);
    const death = Promise.withResolvers<undefined>();
    const works = batch.map((message) => {
      message.receives++;
      const work = { ...workOf({ ...message, retried: message.receives > 1 }), size: message.size };
      if (!message.deadly) return work;
      const read = () => {
        death.resolve(undefined);
        return new Promise<never>(() => {});
      };
      return { ...work, read };
    });
    const settled = async ({ work }: Tracked) => {
      queue = queue.filter(({ key }) => key !== work.holder);
    };
    await Promise.race([track(works, portsOf({ settled })), death.promise]);
  }
  return dead;
}

describe('an object that no invocation survives', () => {
  test.each([
    [1, 10],
    [3, 10],
    [3, 25],
  ])('takes no other to the dead letters: %d of them in a batch or two of %d', async (deadly, all) => {
    const random = new Random(`${deadly} of ${all}`);
    for (let round = 0; round < 10; round++) {
      const source = newSource();
      const messages = Array.from({ length: all }, (_, index) => ({
        source,
        key: `k${index}`,
        lines: [lineOf(1, index)],
        size: random.int(0, 1000),
        deadly: index < deadly,
        receives: 0,
      }));
      const dead = await deadLettersOf(messages, random);
      expect(dead.map(({ key }) => key).sort()).toEqual(messages.slice(0, deadly).map(({ key }) => key));
      await countAll();
      expect(await totals(source)).toMatchObject({ checked: all - deadly });
    }
  });

  test('is read to its end where time is left, and comes back where none is, without its records', async () => {
    const source = newSource();
    let chunks = 0;
    const long = workOf({ source, key: 'long', lines: [lineOf(1, 1)] });
    const endless: typeof long = {
      ...long,
      size: Number.MAX_SAFE_INTEGER,
      read: async (_, pause) => {
        for (;;) {
          chunks++;
          await pause();
        }
      },
    };
    const short = workOf({ source, key: 'short', lines: [lineOf(1, 2)] });
    const tracked = await track([endless, short], portsOf({ outOfTime: () => chunks > 5 }));
    expect(tracked.map(({ work, outcome }) => [work.what, outcome])).toEqual([
      ['s3://logs/long', 'failed'],
      ['s3://logs/short', 'checked'],
    ]);
    await countAll();
    expect(await totals(source)).toMatchObject({ checked: 1 });
  });
});

/** What an account of every record would find: the counts of one source, a minute at a time. */
function oracle(objects: readonly (readonly Entry[])[]): Totals {
  const own = objects.map((entries) => entries.map(({ minute, id }) => `${minute} ${id}`));
  const checked = own.flat().length;
  const distinct = own.map((entries) => new Set(entries));
  const within = checked - distinct.reduce((total, { size }) => total + size, 0);
  return { checked, withinObject: within, acrossObjects: checked - within - new Set(own.flat()).size };
}

interface Entry {
  readonly minute: number;
  readonly id: number;
}

/**
 * A store whose calls take their time, each another, so that others come between; and whose process
 * dies with one of them, before or after it has had its effect: then `died` rejects, and no call is answered.
 */
function mortal<Store extends object>(whole: Store, seed: number, calls: number, after: boolean) {
  const random = new Random(String(seed));
  let left = calls;
  const death = Promise.withResolvers<never>();
  death.promise.catch(() => {});
  const store = new Proxy(whole, {
    get: (target, name, receiver) => {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]) => {
        if (left < 0) return new Promise(() => {});
        await sleep(random.int(0, 6));
        if (left-- > 0) return await method.apply(target, args).finally(() => sleep(random.int(0, 6)));
        if (after) await method.apply(target, args);
        death.reject(new Error('killed'));
        return new Promise(() => {});
      };
    },
  });
  return { store, died: death.promise };
}

describe('the count', () => {
  test('is that of an account of every record, whatever the order, retries, deaths and interleavings', async () => {
    const entry = fc.record({ minute: fc.integer({ min: 0, max: 3 }), id: fc.integer({ min: 0, max: 25 }) });
    const objects = fc.array(fc.array(entry, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 });
    const death = fc.record({ calls: fc.integer({ min: 0, max: 12 }), after: fc.boolean() });
    /** Some of the objects in one batch, or a count; and perhaps where its process dies. */
    const step = fc.record({
      batch: fc.option(
        fc.array(fc.record({ object: fc.nat(5), retried: fc.boolean() }), { minLength: 1, maxLength: 3 }),
      ),
      death: fc.option(death),
      message: fc.nat(2),
      pace: fc.nat(),
    });
    const run = fc.tuple(objects, fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(run, async ([entries, rounds]) => {
        const source = newSource();
        const deliveryOf = (index: number, message: number): Delivery => {
          const lines = entries[index]?.map(({ minute, id }) => lineOf(minute, id)) ?? [];
          return { source, key: `k${index}`, lines, holder: `${index} ${message}` };
        };
        const checked = new Set<number>();
        for (const round of rounds) {
          await Promise.allSettled(
            round.map(async ({ batch, death: dies, message, pace }) => {
              const own = mortal(store, pace, dies?.calls ?? Number.POSITIVE_INFINITY, dies?.after ?? false);
              if (batch === null) return void (await Promise.race([countAll(own.store), own.died]));
              const works = batch.map(({ object, retried }) => {
                const index = object % entries.length;
                return { index, work: workOf({ ...deliveryOf(index, message), retried }) };
              });
              const tracking = track(
                works.map(({ work }) => work),
                portsOf({ store: own.store }),
              );
              const tracked = await Promise.race([tracking, own.died]);
              for (const { work, outcome } of tracked) {
                if (outcome !== 'failed') checked.add(works.find((each) => each.work === work)?.index ?? -1);
              }
            }),
          );
        }
        // What died returns; what was checked does not, so nothing of it may be amiss.
        for (const index of entries.keys()) if (!checked.has(index)) await deliver(deliveryOf(index, 0));
        await countAll();
        expect(await totals(source)).toEqual(oracle(entries));
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});
