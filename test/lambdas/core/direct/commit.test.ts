import { describe, expect, test } from 'vitest';
import { TableReplacedError } from '../../../../lambdas/core/direct/commit.ts';
import { LedgerSetBackError } from '../../../../lambdas/core/direct/set-back.ts';
import { ChangeDeniedError } from '../../../../lambdas/core/iceberg/ports.ts';
import { Random } from '../../../../local/sample/random.ts';
import { NO_FAULTS, World, type WorldObject } from '../../../helpers/direct-world.ts';
import { newTable, withProperties } from '../../../helpers/iceberg-table.ts';
import { delivered, ICEBERG, line, live, plain, settled, storedWorld, writeAll } from '../../../helpers/world-life.ts';

/** Worlds with faults, of each kind: each has another seed. */
const RUNS = Math.ceil(Number(process.env.TRIBUTARY_FAULT_RUNS ?? 200) / 2);

async function commit(world: World): Promise<void> {
  world.commit(world.now + 3_600_000);
  await settled(world);
}

/** A line of a day that is not kept. */
const OLD_LINE = line(1, 21);

const text = (lists: readonly number[][]) => lists.map((list) => list.join()).toSorted();

describe('rows of an Iceberg table', () => {
  test('are stored, and nobody sees them or their row of loads before their commit', async () => {
    const world = await storedWorld();
    const [batch] = [...world.batches.values()];
    expect(batch).toMatchObject({ state: 'stored', tables: 1, uncommitted: [0] });
    const folders = [...world.files.keys()].map((key) => key.replace(/[^/]*$/, ''));
    expect(folders.toSorted()).toEqual(['iceberg/alb/data/dt=2026-11-21/', 'iceberg/alb/data/dt=2026-11-22/']);
    expect(await world.icebergRows()).toEqual([]);
    // A batch that waits for its commits keeps no other from being planned, and needs no writer.
    await writeAll(world);
    expect(world.batches.get(batch?.id ?? '')?.state).toBe('stored');
    await commit(world);
    expect(await world.icebergRows()).toHaveLength(5);
    expect(world.rows('loads')).toEqual([]);
    await writeAll(world);
    const { origins, loads } = delivered(world, await world.icebergRows());
    expect(loads).toEqual(origins);
    expect(world.batches.get(batch?.id ?? '')).toMatchObject({ state: 'written', indexed: false });
  });

  test('wait for others until their interval is over', async () => {
    const world = await storedWorld();
    world.commit();
    await settled(world);
    expect(await world.icebergRows()).toEqual([]);
    for (let step = 0; step < 20; step++) await world.step();
    world.commit();
    await settled(world);
    expect(await world.icebergRows()).toHaveLength(5);
  });

  test('are published by the planner if nobody was told that they are committed', async () => {
    const world = await storedWorld();
    await commit(world);
    world.queue.splice(0);
    await world.drain();
    expect([...world.batches.values()].map(({ state }) => state)).toEqual(['written']);
  });

  test('are in files that no other attempt writes over, even if the ledger was set back', async () => {
    const world = await storedWorld();
    await commit(world);
    const before = await world.iceberg.live();
    const bytes = before.map((uri) => world.files.get(uri.replace('s3://lake/', ''))?.toString());
    for (const batch of world.batches.values()) {
      Object.assign(batch, { state: 'open', attempts: 0, indexed: true });
      delete batch.attempt;
      world.write(batch.id);
    }
    await settled(world);
    expect([...world.batches.values()].map(({ state }) => state)).toEqual(['stored']);
    expect(before.map((uri) => world.files.get(uri.replace('s3://lake/', ''))?.toString())).toEqual(bytes);
    expect([...world.files.keys()].filter((key) => key.startsWith('iceberg/'))).toHaveLength(2 * before.length);
  });

  test('are in one snapshot for many batches, whose number is a property of the table', async () => {
    const world = await storedWorld();
    world.announce('a', 1);
    world.change({ ...plain('a', 2), version: 1 });
    await settled(world);
    for (let step = 0; step < 40; step++) await world.step();
    await writeAll(world);
    expect([...world.batches.values()].map(({ state }) => state)).toEqual(['stored', 'stored']);
    await commit(world);
    const { snapshots = [], properties } = world.iceberg.table?.metadata ?? {};
    expect(snapshots.map(({ summary }) => summary['added-records'])).toEqual(['7']);
    const [record] = [...world.iceberg.stored.values()];
    expect(Object.entries(properties ?? {})).toEqual([
      [`tributary.commit.${record?.committer}`, expect.stringMatching(/^1 direct\/commits\/app\/1-.*\.json$/)],
    ]);
  });

  test('leave no commit planned for longer than a day, even if no others come', async () => {
    const world = await storedWorld();
    await commit(world);
    const ended = world.iceberg.stored.get('app') as NonNullable<ReturnType<typeof world.iceberg.stored.get>>;
    const [, list = ''] = Object.values(world.iceberg.table?.metadata.properties ?? {})[0]?.split(' ') ?? [];
    world.iceberg.stored.set('app', { ...ended, list, expireAt: '2026-11-22T00:00:00Z' });
    await world.committed();
    expect(world.iceberg.stored.get('app')?.list).toBeUndefined();
    expect(await world.icebergRows()).toHaveLength(5);
  });

  test('of old days are removed once a day', async () => {
    const world = await storedWorld();
    await commit(world);
    world.keepFrom = '2026-11-22';
    world.iceberg.expire('2026-11-22T00:00:00Z');
    await commit(world);
    await commit(world);
    expect(await world.icebergRows()).toHaveLength(4);
    expect(world.iceberg.table?.metadata.snapshots?.map(({ summary }) => summary.operation)).toEqual([
      'append',
      'delete',
    ]);
    expect(Date.parse(world.iceberg.stored.get('app')?.expireAt ?? '') - world.now).toBeGreaterThan(86_400_000);
  });

  test('are maintained by Glue from the first day on, where no deployment has made the table', async () => {
    for (const isQuiet of [false, true]) {
      const world = await storedWorld();
      world.isQuiet = isQuiet;
      await commit(world);
      expect(await world.icebergRows()).toHaveLength(5);
      expect(world.iceberg.maintained).toEqual([]);
      for (let times = 0; times < 2; times++) {
        world.iceberg.expire('2026-11-22T00:00:00Z');
        await commit(world);
        await commit(world);
      }
      expect(world.iceberg.maintained).toEqual(isQuiet ? ['app', 'app'] : []);
    }
  });

  test('of old days hold up no others where they cannot be removed', async () => {
    const world = await storedWorld();
    await commit(world);
    const before = new Map(world.iceberg.files.stored);
    for (const uri of before.keys()) if (!uri.includes('/snap-')) world.iceberg.files.stored.delete(uri);
    world.keepFrom = '2026-11-22';
    world.iceberg.expire('2026-11-22T00:00:00Z');
    await expect(world.committed()).rejects.toThrow('there is no file');
    world.change({ ...plain('a', 2), version: 1 });
    world.announce('a', 1);
    await settled(world);
    for (let step = 0; step < 40; step++) await world.step();
    await writeAll(world);
    await commit(world);
    for (const [uri, bytes] of before) world.iceberg.files.stored.set(uri, bytes);
    expect(await world.icebergRows()).toHaveLength(7);
  });

  test('are not looked for in a table that somebody has taken away', async () => {
    const world = await storedWorld();
    await commit(world);
    await writeAll(world);
    world.iceberg.table = undefined;
    world.iceberg.expire('2026-11-22T00:00:00Z');
    await world.committed();
    expect(world.iceberg.stored.get('app')?.expireAt).not.toBe('2026-11-22T00:00:00Z');
  });

  test('follow the snapshot that another engine has made, if the one they would follow expires meanwhile', async () => {
    const world = await storedWorld();
    await commit(world);
    await writeAll(world);
    world.change({ ...plain('c', 3) });
    world.announce('c');
    await settled(world);
    for (let step = 0; step < 40; step++) await world.step();
    await writeAll(world);
    const { files } = world.iceberg;
    const { get } = files;
    files.get = async (uri) => {
      files.get = get;
      await world.iceberg.compact();
      throw new Error(`there is no file ${uri}`);
    };
    await world.committed();
    expect(files.get).toBe(get);
    expect(await world.icebergRows()).toHaveLength(8);
  });

  test('wait if the table is not the one that they were written for, or is gone', async () => {
    const world = await storedWorld();
    const other = newTable();
    world.iceberg.table = { ...other, metadata: { ...other.metadata, 'table-uuid': 'another' } };
    await expect(world.committed()).rejects.toThrow(TableReplacedError);
    world.iceberg.table = undefined;
    await expect(world.committed()).rejects.toThrow(TableReplacedError);
    // A table that has taken over the files of the former one takes these, too.
    world.iceberg.table = withProperties(
      { ...other, metadata: { ...other.metadata, 'table-uuid': 'another' } },
      { 'tributary.taken-over': `some ${other.metadata['table-uuid']}` },
    );
    await world.drain();
    expect(await world.icebergRows()).toHaveLength(5);
  });

  test('are committed to a table that took none for a hundred days, though lists and files are deleted after thirty', async () => {
    const world = await storedWorld();
    const { table } = world.iceberg;
    world.iceberg.table = undefined;
    for (let day = 0; day < 100; day++) {
      await world.pass(1, 30);
      world.iceberg.expire(new Date(world.now).toISOString());
      await expect(world.committed()).rejects.toThrow(TableReplacedError);
    }
    expect(world.iceberg.stored.get('app')?.list).toBeDefined();
    world.iceberg.table = table;
    await world.drain();
    expect(await world.icebergRows()).toHaveLength(5);
    const { origins, loads } = delivered(world, await world.icebergRows());
    expect(loads).toEqual(origins);
  });

  test('are tried less and less often where the catalog denies their commits, and within half an hour once it takes them', async () => {
    const world = await storedWorld();
    world.iceberg.denial = new ChangeDeniedError('403 AccessDenied');
    const hours = async (count: number) => {
      const before = world.requests.length;
      await world.commitEachMinute(60 * count);
      const asked = world.requests.slice(before);
      return asked.filter((name) => name === 'commit').length;
    };
    expect(await hours(1)).toBeLessThanOrEqual(7);
    expect(await hours(2)).toBeLessThanOrEqual(4);
    expect(world.requests).not.toContain('wait');
    expect(world.iceberg.files.stored.size).toBeLessThan(30);
    expect(world.iceberg.stored.get('app')).toMatchObject({
      failure: '403 AccessDenied',
      failures: expect.any(Number),
    });
    world.iceberg.denial = undefined;
    await world.commitEachMinute(31);
    expect(await world.icebergRows()).toHaveLength(5);
    expect(world.iceberg.stored.get('app')).not.toHaveProperty('failure');
  });

  test('are tried again after five minutes at most where the catalog fails', async () => {
    const world = await storedWorld();
    world.iceberg.denial = new Error('503');
    await world.commitEachMinute(60);
    expect(world.requests.filter((name) => name === 'commit').length).toBeLessThanOrEqual(5 * 16);
    world.iceberg.denial = undefined;
    await world.commitEachMinute(6);
    expect(await world.icebergRows()).toHaveLength(5);
  });

  test('wait if the table was set back to a time before commits that the ledger knows', async () => {
    const world = await storedWorld();
    const before = world.iceberg.table;
    await commit(world);
    await commit(world);
    await writeAll(world);
    world.change({ ...plain('a', 2), version: 1 });
    world.announce('a', 1);
    await settled(world);
    for (let step = 0; step < 40; step++) await world.step();
    await writeAll(world);
    world.iceberg.table = before;
    await expect(world.committed()).rejects.toThrow('it lacks the commits 1 to 1');
  });

  test('wait if the ledger was set back to a time before commits that the table has', async () => {
    const world = await storedWorld();
    const before = structuredClone([...world.iceberg.stored]);
    const batches = structuredClone([...world.batches]);
    await commit(world);
    expect(before).toEqual([]);
    const record = [...world.iceberg.stored.values()][0] as NonNullable<(typeof before)[0]>[1];
    const { list: _, ...first } = record;
    world.iceberg.stored.set('app', { ...first, number: 0 });
    for (const [id, batch] of batches) world.batches.set(id, batch);
    await expect(world.committed()).rejects.toThrow(LedgerSetBackError);
    expect(await world.icebergRows()).toHaveLength(5);
  });
});

/** What may happen to the table in a world, and what must be true of it at the end. */
interface Worlds {
  readonly name: string;
  readonly also?: (world: World, random: Random) => void;
  /** Until nothing is left that somebody must do. */
  readonly end?: (world: World) => Promise<void>;
  readonly requests: readonly string[];
}

const WORLDS: readonly Worlds[] = [
  { name: 'commits', requests: [] },
  {
    name: 'tables whose rows are read again',
    also: (world, random) => {
      if (random.fraction() < 0.01) world.beginEmpty();
      if (random.fraction() < 0.02) world.readAgain();
    },
    end: readAllAgain,
    requests: ['begin empty', 'write anew from stored', 'write anew from written', 'remove'],
  },
];

/** As `lake rebuild --from landing` does it: once more while all rows are there, and killed, until no batch has rows for a former table. */
async function readAllAgain(world: World): Promise<void> {
  world.faults = { ...NO_FAULTS, refused: 20, answerLost: 20, diesBefore: 20, diesAfter: 20 };
  for (let times = 0; times < 8; times++) {
    if (times % 4 === 0) world.beginEmpty();
    world.readAgain();
    world.plan();
    for (let step = 0; step < 30; step++) await world.step();
    for (const batch of world.queue.splice(0)) world.write(batch);
  }
  await settled(world);
  await world.drain();
  do {
    world.readAgain();
    await settled(world);
    await world.drain();
  } while (world.hasReplaced());
}

test.each(WORLDS)(
  `$name lose nothing and repeat nothing, whatever dies, fails, comes late and is done twice (${RUNS} worlds)`,
  async ({ name, also, end, requests }) => {
    const seen = new Set<string>();
    for (let seed = 0; seed < RUNS; seed++) {
      const random = new Random(`${name} ${seed}`);
      const objects: WorldObject[] = Array.from({ length: 1 + Math.floor(random.fraction() * 7) }, (_, index) => {
        const { key, lines } = plain(`o${index}`, 1 + Math.floor(random.fraction() * 4));
        const kind = random.fraction() < 0.05 ? 'poison' : 'plain';
        return { key, lines: random.fraction() < 0.5 ? lines : [...lines, OLD_LINE], kind };
      });
      const world = new World(seed, objects, ICEBERG);
      world.keepFrom = '2026-11-22';
      const each = Math.floor(random.fraction() * 40);
      const late = Math.floor(random.fraction() * 400);
      await live(
        world,
        random,
        objects,
        { refused: each, answerLost: each, diesBefore: each, diesAfter: each, stale: 300, late },
        true,
        () => also?.(world, random),
      );
      world.faults = NO_FAULTS;
      world.outage = false;
      for (const { key } of objects) world.announce(key);
      await world.drain();
      await end?.(world);
      // Three attempts that died make a dead letter of an object, also when it is read again.
      for (const { key } of objects) if (world.deadLetters.includes(key)) world.announce(key);
      await world.drain();
      world.iceberg.expire(new Date(world.now).toISOString());
      await world.committed();
      const { positions, origins, loads } = delivered(world, await world.icebergRows());
      const wanted = objects
        .filter(({ kind }) => kind === 'plain')
        .map(({ lines }) => lines.flatMap((line, index) => (line === OLD_LINE ? [] : [index + 1])));
      expect({ seed, rows: text(positions), loads }).toEqual({ seed, rows: text(wanted), loads: origins });
      expect(world.rows('loads')).toHaveLength(loads.length);
      expect(world.rows('app')).toEqual([]);
      for (const name of world.requests) seen.add(name);
    }
    const commits = [
      'commit',
      'committed',
      'end commit',
      'expire again',
      'load table',
      'plan commit',
      'query records',
      'record',
      'store',
      'wait',
    ];
    expect([...seen]).toEqual(expect.arrayContaining([...commits, ...requests]));
  },
  300_000,
);
