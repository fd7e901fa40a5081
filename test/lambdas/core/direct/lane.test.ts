import { describe, expect, test } from 'vitest';
import { LOADS_COLUMNS } from '../../../../lambdas/core/tables/lake-tables.ts';
import { numbered, OWN } from '../../../../lambdas/core/tables/table.ts';
import { Random } from '../../../../local/sample/random.ts';
import { NO_FAULTS, World, type WorldObject } from '../../../helpers/direct-world.ts';
import { delivered, line, live, plain, settled, writeAll } from '../../../helpers/world-life.ts';

/** Worlds with faults: each has another seed. */
const RUNS = Number(process.env.TRIBUTARY_FAULT_RUNS ?? 300);

const LOADS_KEYS = new Map(numbered(LOADS_COLUMNS).map(({ name, key }) => [name, key]));

/** Of each key, the etags of the versions that no row of `loads` calls replaced. */
function latestVersions(world: World): Map<string, string[]> {
  const rows = world.rows('loads').map((row) => {
    const of = (name: keyof typeof LOADS_COLUMNS) => row[LOADS_KEYS.get(name) as string];
    return {
      origin: row['0'],
      key: `${of('object_key')}`,
      etag: `${of('etag')}`,
      replaces: of('replaces'),
      by: of('replaced_by'),
    };
  });
  const replaced = new Set(
    rows.flatMap(({ origin, replaces, by }) => [replaces, by === undefined ? undefined : origin]),
  );
  const latest = new Map<string, string[]>();
  for (const { origin, key, etag } of rows) {
    if (replaced.has(origin)) continue;
    latest.set(key, [...new Set([...(latest.get(key) ?? []), etag])]);
  }
  return latest;
}

describe('the direct lane', () => {
  test('delivers what was announced, once, without faults', async () => {
    const world = new World(1, [plain('a', 4), plain('b', 2)]);
    for (const key of ['a', 'b', 'a']) world.announce(key);
    await world.drain();
    const { positions, origins, loads } = delivered(world, world.rows('app'));
    expect(positions.toSorted()).toEqual([
      [1, 2],
      [1, 2, 3, 4],
    ]);
    expect(loads).toEqual(origins);
  });

  test('counts what is no column once for each batch, also if it is published or written again', async () => {
    const odd = { key: 'a', lines: [line(1), '{"message":"x","tenant":"a"}', '{"tenant":"b"}'] };
    const world = new World(9, [odd]);
    world.announce('a');
    await world.drain();
    const [id = ''] = world.batches.keys();
    for (let times = 0; times < 3; times++) world.write(id);
    while (world.busy) await world.step();
    world.reload(id);
    while (world.busy) await world.step();
    await world.drain();
    expect(world.batches.get(id)).toMatchObject({ state: 'written', generation: 2 });
    expect(world.unknown).toEqual([{ rows: 3, sampled: 3, keys: [{ key: 'tenant', rows: 2, example: 'a' }] }]);
  });

  test('gathers objects until they fill a file, or the oldest has waited long enough', async () => {
    const world = new World(2, [plain('a'), plain('b')]);
    world.announce('a');
    while (world.busy) await world.step();
    world.plan();
    while (world.busy) await world.step();
    expect(world.batches.size).toBe(0);
    for (let step = 0; step < 30; step++) await world.step();
    world.announce('b');
    while (world.busy) await world.step();
    world.plan();
    while (world.busy) await world.step();
    expect(world.batches.size).toBe(1);
    expect([...world.entries.values()].map(({ batch }) => batch)).toEqual([
      ...world.batches.keys(),
      ...world.batches.keys(),
    ]);
  });

  test('puts rows under the days of their events', async () => {
    const world = new World(3, [{ key: 'a', lines: [line(1, 21), line(2, 22), line(3, 21), '{"message":"no time"}'] }]);
    world.announce('a');
    await world.drain();
    const days = [...world.files.keys()].filter((key) => key.startsWith('data/app/')).map((key) => key.split('/')[2]);
    expect(days.toSorted()).toEqual(['dt=2026-11-21', 'dt=2026-11-22']);
    expect(delivered(world, world.rows('app')).positions).toEqual([[1, 2, 3, 4].toSorted()]);
  });

  test('reads what CloudWatch has exported as events, each under its day', async () => {
    const exported = ['{"message":"old"}', '{"message":', ' "older"}'];
    const times = ['2026-11-20T10:00:00.500Z ', '2026-11-21T10:00:00.000Z ', ''];
    const lines = exported.map((text, index) => `${times[index]}${text}`);
    const world = new World(5, [{ key: 'a', lines }], { exported: true });
    world.announce('a');
    await world.drain();
    const days = [...world.files.keys()].filter((key) => key.startsWith('data/app/')).map((key) => key.split('/')[2]);
    expect(days.toSorted()).toEqual(['dt=2026-11-20', 'dt=2026-11-21']);
    const key = OWN.loggedAt.key;
    const millis = [Date.parse('2026-11-20T10:00:00.500Z'), Date.parse('2026-11-21T10:00:00Z')];
    expect(world.rows('app').map((row) => row[key])).toEqual(
      expect.arrayContaining([millis[0], (millis[1] ?? 0) / 1000]),
    );
    expect(world.rows('app')).toHaveLength(2);
  });

  test('writes rows of more days than files can be open, each once', async () => {
    const days = Array.from({ length: 40 }, (_, index) => new Date(Date.UTC(2026, 9, 10 + index)).toISOString());
    const lines = [...days, ...days].map((time, index) => JSON.stringify({ time, message: `m${index}` }));
    const world = new World(10, [{ key: 'a', lines }]);
    world.announce('a');
    await world.drain();
    expect(delivered(world, world.rows('app')).positions).toEqual([lines.map((_, index) => index + 1)]);
    const files = [...world.files.keys()].filter((key) => key.startsWith('data/app/'));
    expect(files.map((key) => key.split('/')[2]).toSorted()).toEqual(days.map((day) => `dt=${day.slice(0, 10)}`));
  });

  test('makes a dead letter of the one member that breaks every batch, and delivers the others', async () => {
    const objects = [...'abcdefg'].map((key) => plain(key));
    const world = new World(4, [...objects, { key: 'x', lines: [line(1)], kind: 'poison' }]);
    for (const { key } of [...objects, { key: 'x' }]) world.announce(key);
    await world.drain();
    expect(world.deadLetters).toEqual(['x']);
    const { positions, origins, loads } = delivered(world, world.rows('app'));
    expect(positions).toEqual(objects.map(() => [1, 2, 3]));
    expect(loads).toEqual(origins);
  });

  test('a dead letter that is announced again is tried again', async () => {
    const poison = { key: 'x', lines: [line(1)], kind: 'poison' as 'poison' | 'plain' };
    const world = new World(5, [poison]);
    world.announce('x');
    await world.drain();
    expect(world.rows('app')).toEqual([]);
    poison.kind = 'plain';
    world.announce('x');
    await world.drain();
    expect(delivered(world, world.rows('app')).positions).toEqual([[1]]);
    world.announce('x');
    await world.drain();
    expect(delivered(world, world.rows('app')).positions).toEqual([[1]]);
  });

  test('a dead letter that a late planner claims for its batch once more is tried again all the same', async () => {
    const world = new World(4, []);
    const candidate = { id: 'id', round: 1, bucket: 'logs', key: 'a', etag: '0', size: 1, modified: 'now' };
    const ids = { keyId: 'key', origin: 'origin', source: 'app', since: '2026-11-22T12:00:00Z' };
    const announced = { ...candidate, ...ids, kind: 'live' as const };
    const member = { ...announced, id: 'key' };
    const { announce, claim, notLoaded } = world.ledger;
    expect(await announce(announced)).toBe('waiting');
    await claim('one', member);
    await notLoaded('one', member, 'failed');
    await claim('one', member);
    expect(await announce(announced)).toBe('waiting');
  });

  test('an object that is gone does not hold up its batch, and is given up after some tries', async () => {
    const world = new World(6, [plain('a'), { key: 'x', lines: [], kind: 'gone' }]);
    for (const key of ['a', 'x']) world.announce(key);
    await world.drain();
    expect(delivered(world, world.rows('app')).positions).toEqual([[1, 2, 3]]);
    expect(world.rows('loads')).toHaveLength(2);
    expect([...world.entries.values()].map(({ state }) => state).toSorted()).toEqual(['batched', 'gone']);
  });

  test('an outage splits no batch', async () => {
    const world = new World(7, [plain('a'), plain('b')]);
    for (const key of ['a', 'b']) world.announce(key);
    while (world.busy) await world.step();
    for (let step = 0; step < 40; step++) await world.step();
    world.plan();
    while (world.busy) await world.step();
    const [batch = ''] = world.queue.splice(0);
    for (let attempt = 0; attempt < 10; attempt++) {
      world.faults = { ...NO_FAULTS, refused: 200 };
      world.write(batch);
      while (world.busy) await world.step();
    }
    await world.drain();
    expect([...world.batches.values()].map(({ state }) => state)).toEqual(['written']);
    expect(delivered(world, world.rows('app')).positions).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test('a reload writes the rows of a batch anew, and deletes the files that they no longer need', async () => {
    const world = new World(8, [{ key: 'a', lines: [line(1, 21), line(2, 22)] }]);
    world.announce('a');
    await world.drain();
    world.change({ key: 'a', lines: [line(1, 22), line(2, 22), line(3, 22)] });
    for (const id of world.batches.keys()) world.reload(id);
    await world.drain();
    expect(delivered(world, world.rows('app')).positions).toEqual([[1, 2, 3]]);
    expect([...world.files.keys()].filter((key) => key.startsWith('data/app/'))).toHaveLength(1);
    expect(world.rows('loads')).toHaveLength(1);
  });

  test('a reload gives a file no key that an earlier reload has deleted: a process that was asleep may do so again', async () => {
    const world = new World(8, [{ key: 'a', lines: [line(1, 21), line(2, 22)] }]);
    world.announce('a');
    await world.drain();
    const keys = () => [...world.files.keys()].filter((key) => key.startsWith('data/app/'));
    const reload = async (...lines: string[]) => {
      world.change({ key: 'a', lines });
      for (const id of world.batches.keys()) world.reload(id);
      await world.drain();
      return keys();
    };
    const first = keys();
    const second = await reload(line(1, 22), line(2, 22));
    const third = await reload(line(1, 21), line(2, 22));
    expect(second).toEqual(first.filter((key) => second.includes(key)));
    const deleted = first.filter((key) => !second.includes(key));
    expect(deleted).toHaveLength(1);
    expect(third.filter((key) => deleted.includes(key))).toEqual([]);
    expect(delivered(world, world.rows('app')).positions).toEqual([[1, 2]]);
  });

  test('a reload of which a member is gone leaves everything as it was', async () => {
    const world = new World(9, [plain('a'), plain('b')]);
    for (const key of ['a', 'b']) world.announce(key);
    await world.drain();
    const before = new Map(world.files);
    world.change({ key: 'b', lines: [], kind: 'gone' });
    for (const id of world.batches.keys()) world.reload(id);
    await world.drain();
    expect(world.files).toEqual(before);
    expect([...world.batches.values()].map(({ state }) => state)).toEqual(['written']);
  });

  test('a reload loads no member that was not loaded before: it is loaded by another batch if it is announced again', async () => {
    const absent: WorldObject = { ...plain('b'), kind: 'gone' };
    const world = new World(13, [plain('a'), absent]);
    world.announce('b');
    await settled(world);
    // It is given up after the third try, which is in a batch with another object.
    for (const tries of [1, 2, 3]) {
      if (tries === 3) world.announce('a');
      for (let step = 0; step < 600; step++) await world.step();
      await writeAll(world);
    }
    const id = [...world.batches.keys()].at(-1) ?? '';
    expect([...world.entries.values()].map(({ batch, state }) => [batch, state])).toEqual([
      [id, 'gone'],
      [id, 'batched'],
    ]);
    world.change({ ...absent, kind: 'plain' });
    world.reload(id);
    await settled(world);
    world.write(id);
    const isRead = (name: string) => world.requests.slice(-2).includes(name);
    while (!isRead('members')) await world.step();
    world.announce('b');
    await world.drain();
    expect(delivered(world, world.rows('app')).positions).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test('a reload of which the ledger has forgotten a member loses none of its rows', async () => {
    const world = new World(11, [plain('a'), plain('b')]);
    for (const key of ['a', 'b']) world.announce(key);
    await world.drain();
    const before = delivered(world, world.rows('app'));
    const [forgotten = ''] = world.entries.keys();
    world.entries.delete(forgotten);
    for (const id of world.batches.keys()) world.reload(id);
    await world.drain();
    const { positions, origins } = delivered(world, world.rows('app'));
    expect({ positions: positions.length, origins }).toEqual({ positions: 2, origins: before.origins });
  });

  test(`loses nothing and repeats nothing, whatever dies, fails and is done twice (${RUNS} worlds)`, async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < RUNS; seed++) {
      const random = new Random(`run ${seed}`);
      const objects: WorldObject[] = Array.from({ length: 1 + Math.floor(random.fraction() * 9) }, (_, index) => ({
        ...plain(`o${Math.floor(index / 2)}`, 1 + Math.floor(random.fraction() * 4)),
        version: index % 2,
        kind: random.fraction() < 0.1 ? 'poison' : 'plain',
      }));
      const world = new World(seed, objects);
      const each = Math.floor(random.fraction() * 60);
      const faults = { refused: each, answerLost: each, diesBefore: each, diesAfter: each, stale: 300, late: 0 };
      await live(world, random, objects, faults);
      world.faults = NO_FAULTS;
      world.outage = false;
      // The queue of notifications gives back the messages of announcements that died.
      for (const { key, version } of objects) world.announce(key, version);
      await world.drain();
      // An object whose attempts died three times for other reasons is a dead letter too, until it is redriven.
      for (const { key, version } of objects) if (world.deadLetters.includes(key)) world.announce(key, version);
      await world.drain();
      const good = objects.filter(({ kind }) => kind === 'plain');
      const { positions, origins, loads } = delivered(world, world.rows('app'));
      const wanted = good.map(({ lines }) => lines.map((_, index) => index + 1));
      const text = (lists: readonly number[][]) => lists.map((list) => list.join()).toSorted();
      expect({ seed, rows: text(positions), loads }).toEqual({ seed, rows: text(wanted), loads: origins });
      for (const [key, latest] of latestVersions(world)) {
        const versions = good.filter((object) => object.key === key).map(({ version }) => `${version}`);
        expect({ seed, key, latest }).toEqual({ seed, key, latest: [versions.toSorted().at(-1)] });
      }
      expect({ seed, states: [...world.batches.values()].filter(({ indexed }) => indexed) }).toEqual({
        seed,
        states: [],
      });
      for (const name of world.requests) seen.add(name.replace(/ o\d+$/, ''));
    }
    // Every kind of request was made while things went wrong.
    expect([...seen].toSorted()).toMatchInlineSnapshot(`
      [
        "abort",
        "advance to failed",
        "advance to failing",
        "advance to halved",
        "advance to open",
        "advance to split",
        "announce",
        "begin attempt",
        "begin upload",
        "claim",
        "complete",
        "dead letter",
        "find list",
        "forgive",
        "get list",
        "give up reload",
        "latest version",
        "members",
        "not loaded",
        "open",
        "plan",
        "put file",
        "put list",
        "put mark",
        "query batches",
        "query waiting",
        "read",
        "read mark",
        "read promoted",
        "remember",
        "reopen",
        "seal",
        "send",
        "upload part",
        "written",
      ]
    `);
  }, 600_000);
});
