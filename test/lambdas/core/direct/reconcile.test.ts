import { describe, expect, test } from 'vitest';
import { LedgerSetBackError } from '../../../../lambdas/core/direct/set-back.ts';
import { Random } from '../../../../local/sample/random.ts';
import { NO_FAULTS, World, type WorldObject } from '../../../helpers/direct-world.ts';
import { delivered, live, plain, settled, writeAll } from '../../../helpers/world-life.ts';

const RUNS = Number(process.env.TRIBUTARY_FAULT_RUNS ?? 100);
const text = (lists: readonly number[][]) => lists.map((list) => list.join()).toSorted();

/** Loads objects up to their rows in the table and in `loads`. */
async function load(world: World, ...objects: readonly WorldObject[]): Promise<void> {
  for (const object of objects) {
    world.change(object);
    world.announce(object.key, object.version);
  }
  await settled(world);
  await world.drain();
}

async function reconciled(world: World): Promise<void> {
  for (let pass = 0; pass < 40; pass++) {
    const result = await world.reconciled();
    if (result?.isDone) return;
    world.plan();
    await settled(world);
    for (let step = 0; step < 100; step++) await world.step();
    for (const batch of world.queue.splice(0)) world.write(batch);
    await settled(world);
  }
  throw new Error('expected the ledger to be told everything');
}

async function rowsOf(world: World) {
  const { positions, origins, loads } = delivered(world, await world.icebergRows());
  return { rows: text(positions), isWhole: origins.join() === loads.join() };
}

describe('a ledger that was set back', () => {
  test('is told what was committed since, and all rows are there once', async () => {
    const world = new World(1, [], { iceberg: true });
    await load(world, plain('a', 2));
    const before = world.ledgerNow();
    await load(world, plain('b', 3), plain('c', 4));
    world.setBack(before);
    // What was announced before is announced again, as a backfill does; the functions run.
    for (const key of ['a', 'b', 'c']) world.announce(key);
    await settled(world);
    for (let step = 0; step < 40; step++) await world.step();
    await writeAll(world);
    await expect(world.committed()).rejects.toThrow(LedgerSetBackError);
    expect(await world.reconciled(true)).toMatchObject({ setBack: ['app'], isDone: false });
    await expect(world.committed()).rejects.toThrow(LedgerSetBackError);
    await reconciled(world);
    await world.drain();
    expect(await rowsOf(world)).toEqual({ rows: ['1,2', '1,2,3', '1,2,3,4'], isWhole: true });
    await load(world, plain('d', 5));
    expect((await rowsOf(world)).rows).toHaveLength(4);
    expect(await world.reconciled()).toMatchObject({ setBack: [], isDone: true });
  });

  test('to a time before the first commit of a table is noticed by the commits of a committer that it does not know', async () => {
    const world = new World(2, [], { iceberg: true });
    world.change(plain('a', 2));
    world.announce('a');
    await settled(world);
    for (let step = 0; step < 40; step++) await world.step();
    await writeAll(world);
    expect([...world.batches.values()].map(({ state }) => state)).toEqual(['stored']);
    const before = world.ledgerNow();
    expect(before.records.size).toBe(0);
    await world.drain();
    world.setBack(before);
    await expect(world.committed()).rejects.toThrow('`lake reconcile app`');
    await reconciled(world);
    await world.drain();
    expect(await rowsOf(world)).toEqual({ rows: ['1,2'], isWhole: true });
  });

  test('is not what a new ledger over an old table is', async () => {
    const world = new World(3, [], { iceberg: true });
    const empty = world.ledgerNow();
    await load(world, plain('a', 2));
    world.setBack(empty);
    await load(world, plain('b', 3));
    expect(await rowsOf(world)).toEqual({ rows: ['1,2', '1,2,3'], isWhole: true });
    expect(await world.reconciled()).toMatchObject({ setBack: [], isDone: true });
  });

  test('may be a new one: it is told what the table has, and nothing of that is loaded again', async () => {
    const world = new World(5, [], { iceberg: true });
    const empty = world.ledgerNow();
    await load(world, plain('a', 2), plain('b', 3));
    world.setBack(empty);
    await reconciled(world);
    await load(world, plain('a', 2), plain('b', 3), plain('c', 4));
    expect(await rowsOf(world)).toEqual({ rows: ['1,2', '1,2,3', '1,2,3,4'], isWhole: true });
  });

  test('goes on as it is where it is a new one and lists of the former one are gone', async () => {
    const world = new World(6, [], { iceberg: true });
    const empty = world.ledgerNow();
    await load(world, plain('a', 2));
    await load(world, plain('b', 3));
    world.setBack(empty);
    for (const key of world.lists.keys()) if (key.includes('/commits/app/1-')) world.lists.delete(key);
    await expect(world.reconciled()).rejects.toThrow('what commit 1 had');
    await load(world, plain('c', 4));
    expect((await rowsOf(world)).rows).toEqual(['1,2', '1,2,3', '1,2,3,4']);
  });

  test('is told nothing where the lists of commits are gone', async () => {
    const world = new World(4, [], { iceberg: true });
    await load(world, plain('a', 2));
    const before = world.ledgerNow();
    await load(world, plain('b', 3));
    await load(world, plain('c', 3));
    world.setBack(before);
    for (const key of world.lists.keys()) if (key.includes('/commits/app/2-')) world.lists.delete(key);
    await expect(world.reconciled()).rejects.toThrow('what commit 2 had');
    expect(world.iceberg.stored.get('app')?.adopted).toBeUndefined();
  });
});

test(`a ledger that is set back at any time loses and repeats nothing, whatever dies and fails (${RUNS} worlds)`, async () => {
  let setBack = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const random = new Random(`set back ${seed}`);
    const objects = Array.from({ length: 2 + Math.floor(random.fraction() * 6) }, (_, index) => ({
      ...plain(`o${Math.floor(index / 2)}`, 1 + Math.floor(random.fraction() * 4)),
      version: index % 2,
    }));
    const world = new World(seed, objects, { iceberg: true });
    const each = Math.floor(random.fraction() * 20);
    const faults = { refused: each, answerLost: each, diesBefore: each, diesAfter: each, stale: 100, late: 100 };
    const first = objects.filter(() => random.fraction() < 0.5);
    await live(world, random, first, faults, true);
    const before = world.ledgerNow();
    await live(world, random, objects, faults, true);
    world.faults = NO_FAULTS;
    world.outage = false;
    await settled(world);
    // Requests to the catalog that come late.
    for (let step = 0; step < 200; step++) await world.step();
    world.setBack(before);
    // The functions go on for a while, until somebody sees the alarm.
    if (before.records.size > 0 && random.fraction() < 0.5) {
      for (const { key, version } of objects.toReversed()) if (random.fraction() < 0.3) world.announce(key, version);
      await settled(world);
      await writeAll(world);
      await world.committed().catch(() => undefined);
    }
    await reconciled(world);
    if ([...world.iceberg.stored.values()].some(({ adopted }) => adopted !== undefined)) setBack++;
    for (const { key, version } of objects) world.announce(key, version);
    await world.drain();
    for (const { key, version } of objects) if (world.deadLetters.includes(key)) world.announce(key, version);
    await world.drain();
    const whole = {
      ...{ seed, isWhole: true },
      rows: text(objects.map(({ lines }) => lines.map((_, index) => index + 1))),
    };
    expect({ seed, ...(await rowsOf(world)) }).toEqual(whole);
    if (seed % 2 === 0) continue;
    // Who reads everything again finds the members of all batches.
    world.beginEmpty();
    await settled(world);
    while (world.hasReplaced()) {
      world.readAgain();
      await settled(world);
      await world.drain();
    }
    expect({ seed, ...(await rowsOf(world)) }).toEqual(whole);
  }
  expect(setBack).toBeGreaterThan(RUNS / 4);
}, 300_000);
