import { setTimeout as sleep } from 'node:timers/promises';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { countDue, LONGEST_WAIT_MS, QUIET_MS } from '../../../lambdas/core/duplicates/count.ts';
import { pack } from '../../../lambdas/core/duplicates/packed-page.ts';
import { pageDone, pageMemory } from '../../../lambdas/core/duplicates/page-memory.ts';
import { SHARDS, type StoredMark, type TrackStore } from '../../../lambdas/core/duplicates/store.ts';
import { type CheckResult, track } from '../../../lambdas/core/duplicates/track.ts';
import { dynamoDuplicates } from '../../../lambdas/edges/duplicates.ts';
import { pagePartition } from '../../../lambdas/edges/duplicates-items.ts';
import {
  countAll,
  deliver,
  inputOf,
  lineOf,
  MINUTE_MS,
  NOW,
  newSource,
  portsOf,
  store,
  sum,
  table,
  totals,
  WINDOW_HOURS,
} from './duplicates-inputs.ts';
import { TABLE } from './duplicates-table.ts';

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
    expect((await store.inputStats(source.settings.name)).map(({ redelivered }) => redelivered)).toEqual([2]);
  });

  test('a retried delivery is not counted as a redelivery', async () => {
    const source = newSource();
    const lines = [lineOf(1, 1)];
    await deliver({ source, key: 'a', lines });
    expect(await deliver({ source, key: 'a', lines })).toEqual(['checked']);
    expect(await store.inputStats(source.settings.name)).toEqual([]);
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
      await track([inputOf({ source, key, lines })], portsOf({ store: taking }));
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
    const input = inputOf({ source, key: 'a', lines: [lineOf(1, 1), lineOf(1, 1)] });
    await track([input], portsOf({ store: counting }));
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
    const input = inputOf({ source, key: 'a', lines: [lineOf(1, 1)] });
    await track([input], portsOf());
    const read = () => Promise.reject(new Error('read again'));
    const [again] = await track([{ ...input, holder: 'another message', read }], portsOf());
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
      deleteMarks: async (these: readonly StoredMark[]) => {
        cleared.push(these.length);
        await store.deleteMarks(these);
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
    expect(await store.inputStats(source.settings.name)).toMatchObject([{ outsideWindow: 3, redelivered: 1 }]);
  });

  test('keeps a few duplicates with where they are, and the objects by their names', async () => {
    const source = newSource();
    const lines = Array.from({ length: 20 }, (_, id) => lineOf(1, id));
    await deliver({ source, key: 'a', lines: [...lines, lineOf(1, 0)] });
    await deliver({ source, key: 'b', lines });
    await countAll();
    const [minute] = await store.minutes(source.settings.name, 0);
    const objects = await store.finished(minute?.sample.flatMap(({ origins }) => origins) ?? []);
    const named = minute?.sample.map(({ origins }) => origins.map((origin) => objects.get(origin)?.label).sort());
    expect(named).toEqual([['s3://logs/a', 's3://logs/a'], ...Array(3).fill(['s3://logs/a', 's3://logs/b'])]);
  });

  test('fails only what cannot be read, and leaves no mark of it', async () => {
    const source = newSource();
    const broken = inputOf({ source, key: 'broken', lines: [lineOf(1, 1)] });
    const tracked = await track(
      [
        {
          ...broken,
          read: async (pager, write) => {
            await broken.read(pager, write);
            throw new Error('connection reset');
          },
        },
        inputOf({ source, key: 'whole', lines: [lineOf(1, 2)] }),
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
    const inputs = [late('a'), late('b')].map(inputOf);
    const denied = inputs[1]?.origin;
    const failing: TrackStore = {
      ...store,
      finish: async (object) => {
        if (object.origin === denied) throw new Error('access denied');
        return await store.finish(object);
      },
    };
    const summary = (tracked: readonly CheckResult[]) => tracked.map((each) => [each.outcome, each.outsideWindow]);
    expect(summary(await track(inputs, portsOf({ store: failing })))).toEqual([
      ['checked', 1],
      ['failed', 0],
    ]);
    expect(summary(await track(inputs, portsOf()))).toEqual([
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
    await track([inputOf({ source, key: 'a', lines })], portsOf());
    await track([inputOf({ source, key: 'b', lines })], portsOf({ sampleRate: 0.1 }));
    await countAll();
    const [minute] = await store.minutes(source.settings.name, 0);
    const { checked = 0, acrossObjects, sampleRate } = minute ?? {};
    expect(sampleRate).toBe(0.1);
    expect(checked / 2).toBe(acrossObjects);
    expect(checked).toBeGreaterThan(250);
    expect(checked).toBeLessThan(550);
  });
});
