import { describe, expect, test } from 'vitest';
import { Random } from '../../../../local/sample/random.ts';
import { NO_FAULTS, World, type WorldObject } from '../../../helpers/direct-world.ts';
import { delivered, live, plain, settled, writeAll } from '../../../helpers/world-life.ts';

const RUNS = Number(process.env.TRIBUTARY_FAULT_RUNS ?? 50);
const text = (lists: readonly number[][]) => lists.map((list) => list.join()).toSorted();

/** Loads objects up to their rows in files. */
async function load(world: World, ...objects: readonly WorldObject[]): Promise<void> {
  for (const object of objects) {
    world.change(object);
    world.announce(object.key, object.version);
  }
  await settled(world);
  await world.drain();
}

async function reconciled(world: World) {
  for (let pass = 0; pass < 40; pass++) {
    const result = await world.filesReconciled();
    if (result?.isDone) return result;
  }
  throw new Error('expected the ledger to be told everything');
}

/** What a planner does now, and whoever it tells. */
async function planned(world: World): Promise<void> {
  for (let step = 0; step < 40; step++) await world.step();
  await writeAll(world);
}

function rowsOf(world: World) {
  const { positions, origins, loads } = delivered(world, world.rows('app'));
  return { rows: text(positions), isWhole: origins.join() === loads.join() };
}

describe('a ledger that was set back, of a source whose rows are in files', () => {
  test('is noticed by the planner, and told what is in the files: all rows are there once', async () => {
    const world = new World(1, []);
    await load(world, plain('a', 2));
    const before = world.ledgerNow();
    await load(world, plain('b', 3), plain('c', 4));
    world.setBack(before);
    for (const key of ['a', 'b', 'c', 'd']) world.announce(key);
    world.change(plain('d', 5));
    await settled(world);
    await planned(world);
    expect(rowsOf(world).rows).toHaveLength(3);
    expect(await world.filesReconciled(true)).toMatchObject({ isSetBack: true, objects: 2, isDone: false });
    await planned(world);
    expect(rowsOf(world).rows).toHaveLength(3);
    await reconciled(world);
    await world.drain();
    expect(rowsOf(world)).toEqual({ rows: ['1,2', '1,2,3', '1,2,3,4', '1,2,3,4,5'], isWhole: true });
    expect(await world.filesReconciled()).toMatchObject({ isSetBack: false, objects: 0, isDone: true });
  });

  test('may be a new one', async () => {
    const world = new World(2, []);
    const empty = world.ledgerNow();
    await load(world, plain('a', 2), plain('b', 3));
    world.setBack(empty);
    await reconciled(world);
    await load(world, plain('a', 2), plain('b', 3), plain('c', 4));
    expect(rowsOf(world)).toEqual({ rows: ['1,2', '1,2,3', '1,2,3,4'], isWhole: true });
  });
});

test(`a ledger that is set back at any time loses and repeats nothing in files, whatever dies and fails (${RUNS} worlds)`, async () => {
  // In how many worlds these were so.
  const seen = { setBack: 0, noted: 0, putBack: 0, closed: 0 };
  for (let seed = 0; seed < RUNS; seed++) {
    const random = new Random(`set back files ${seed}`);
    const objects = Array.from({ length: 2 + Math.floor(random.fraction() * 8) }, (_, index): WorldObject => {
      const kind = random.fraction() < 0.1 ? 'poison' : random.fraction() < 0.2 ? 'gone' : 'plain';
      return { ...plain(`o${index >> 1}`, 1 + Math.floor(random.fraction() * 4)), version: index % 2, kind };
    });
    const world = new World(seed, objects);
    const each = Math.floor(random.fraction() * 60);
    const faults = { refused: each, answerLost: each, diesBefore: each, diesAfter: each, stale: 100, late: 0 };
    // Each request of the first part is a time to which the ledger may be set back.
    const [first, at] = [objects.filter(() => random.fraction() < 0.5), Math.floor(random.fraction() * 600)];
    let [step, before] = [0, world.ledgerNow()];
    await live(world, random, first, faults, false, () => {
      if (step++ === at) before = world.ledgerNow();
    });
    // What was not there is there again, and was asked for again by now; what could not be read was split off.
    for (const object of objects) if (object.kind === 'gone') world.change({ ...object, kind: 'plain' });
    if (random.fraction() < 0.5) await world.drain();
    await live(world, random, objects, faults);
    if (random.fraction() < 0.5) await world.drain();
    world.faults = NO_FAULTS;
    world.outage = false;
    await settled(world);
    world.setBack(before);
    world.queue.splice(0);
    // The functions go on until somebody sees the alarm, and the command dies and fails.
    for (const { key, version } of objects) world.announce(key, version);
    await planned(world);
    const all = await world.filesReconciled(true);
    if (all?.isSetBack) seen.setBack++;
    if (all?.objects) seen.noted++;
    if (all?.putBack.length) seen.putBack++;
    world.faults = faults;
    for (let run = 0; run < 5; run++) if ((await world.filesReconciled())?.closed.length) seen.closed++;
    world.faults = NO_FAULTS;
    const found = await reconciled(world);
    expect(found.repeated).toEqual([]);
    for (let round = 0; round < 3; round++) {
      await world.drain();
      for (const { key, version } of objects) world.announce(key, version);
    }
    await world.drain();
    const good = objects.filter(({ kind }) => kind !== 'poison');
    expect({ seed, ...rowsOf(world) }).toEqual({
      ...{ seed, isWhole: true },
      rows: text(good.map(({ lines }) => lines.map((_, index) => index + 1))),
    });
  }
  const { closed, ...often } = seen;
  expect(closed).toBeGreaterThan(0);
  for (const count of Object.values(often)) expect(count).toBeGreaterThan(RUNS / 20);
}, 300_000);
