import { describe, expect, test } from 'vitest';
import { readAgain } from '../../../../bin/operations/read-again.ts';
import type { AttemptList } from '../../../../lambdas/core/direct/attempt-list.ts';
import type { Batch } from '../../../../lambdas/core/direct/batch.ts';
import { perform, TableReplacedError } from '../../../../lambdas/core/direct/commit.ts';
import { noteCommits } from '../../../../lambdas/core/direct/note-commits.ts';
import type { CommitList } from '../../../../lambdas/core/direct/table-commits.ts';
import type { World } from '../../../helpers/direct-world.ts';
import { delivered, settled, storedWorld, writeAll } from '../../../helpers/world-life.ts';

/** Everything that is asked for succeeds at once. */
function portsOf(world: World) {
  const now = () => new Date(world.now);
  const lake = {
    putList: async (key: string, list: unknown) => void world.lists.set(key, JSON.stringify(list)),
    getList: async <List>(key: string) => JSON.parse(world.lists.get(key) ?? '') as List,
    findList: async () => undefined,
    renewList: async () => true,
    keyOf: (uri: string) => uri.replace('s3://lake/', ''),
    remove: async (key: string) => void world.files.delete(key),
  };
  const { ledger } = world;
  const others = { ledger, lake, now, send: async () => undefined } as unknown as Parameters<
    World['iceberg']['ports']
  >[2];
  const commits = world.iceberg.ports(
    async (_, effect) => effect(),
    () => undefined,
    others,
  );
  return { ...commits, ledger: { ...commits.ledger, ...ledger }, lake, now };
}

async function beginEmpty(world: World): Promise<void> {
  world.beginEmpty();
  await settled(world);
  expect(world.iceberg.replaced.size).toBeGreaterThan(0);
}

function onlyBatch(world: World): Batch {
  const [batch, ...others] = [...world.batches.values()];
  expect(others).toEqual([]);
  return structuredClone(batch) as Batch;
}

/** A commit of the stored batch, which is planned. */
async function planned(world: World) {
  const { commits, lake } = {
    commits: world.iceberg.records(async (_, effect) => effect()),
    lake: portsOf(world).lake,
  };
  const { id, attempt = '' } = onlyBatch(world);
  const list: CommitList = { table: 'app', batches: [{ batch: id, attempt, index: 0 }] };
  await lake.putList('direct/commits/app/1-a.json', list);
  const record = await commits.planCommit(await commits.recordOf('app', 'app'), 'direct/commits/app/1-a.json');
  return { list, record: record ?? expect.fail('expected a planned commit') };
}

/** Everything once, without anybody looking for batches of before. */
async function expectOnce(world: World): Promise<void> {
  await world.drain();
  expect(await world.icebergRows()).toHaveLength(5);
  const { origins, loads } = delivered(world, await world.icebergRows());
  expect(loads).toEqual(origins);
  expect(world.rows('loads')).toHaveLength(origins.length);
}

describe('a table that began without rows in the place of another one', () => {
  test('gets the rows of files that wait for a commit to the former, as their batch is written anew', async () => {
    const world = await storedWorld();
    await beginEmpty(world);
    await world.committed();
    expect(onlyBatch(world)).toMatchObject({ state: 'open', generation: 2 });
    expect(await world.icebergRows()).toEqual([]);
    await expectOnce(world);
  });

  test('has a commit that was planned before end without files, whoever performs it, and how often', async () => {
    const world = await storedWorld();
    const { record, list } = await planned(world);
    await beginEmpty(world);
    for (let times = 0; times < 2; times++) {
      const { replaced, committed } = await perform(record, list, portsOf(world));
      expect({ replaced, files: committed.files }).toEqual({ replaced: list.batches, files: 0 });
    }
    expect(Object.values(world.iceberg.table?.metadata.properties ?? {})).toContain('1 direct/commits/app/1-a.json');
    await expectOnce(world);
  });

  test('does not lack the rows of a batch that a late committer takes for committed to the former', async () => {
    const world = await storedWorld();
    const { record, list } = await planned(world);
    const committed = await perform(record, list, portsOf(world));
    await beginEmpty(world);
    await world.committed();
    await writeAll(world);
    expect(onlyBatch(world)).toMatchObject({ state: 'stored', generation: 2, uncommitted: [0] });
    await noteCommits([{ record, list, ...committed }], portsOf(world));
    expect(onlyBatch(world).uncommitted).toEqual([0]);
    await expectOnce(world);
  });

  test('keeps what is in loads of a batch that was written anew, if another one is late in deleting what was there', async () => {
    const world = await storedWorld();
    await world.drain();
    const batch = onlyBatch(world);
    const list = JSON.parse(world.lists.get(batch.attempt ?? '') ?? '') as AttemptList;
    await beginEmpty(world);
    const again = () => readAgain(batch, list, world.iceberg.replaced, portsOf(world));
    expect(await again()).toBe('again');
    expect(world.rows('loads')).toEqual([]);
    await expectOnce(world);
    expect(await again()).toBe('waits');
    await expectOnce(world);
  });

  test('lets files wait that no batch can give again: those of operations, and those of unknown tables', async () => {
    const world = await storedWorld();
    const { attempt = '' } = onlyBatch(world);
    const list = JSON.parse(world.lists.get(attempt) ?? '') as AttemptList;
    await beginEmpty(world);
    world.lists.set(attempt, JSON.stringify({ ...list, members: [] }));
    await expect(world.committed()).rejects.toThrow(/an operation has added.*--from landing --without-missing/);
    const tables = list.tables?.map((table) => ({ ...table, uuid: 'unknown' }));
    world.lists.set(attempt, JSON.stringify({ ...list, tables }));
    await expect(world.committed()).rejects.toThrow(TableReplacedError);
    world.lists.set(attempt, JSON.stringify(list));
    await expectOnce(world);
  });
});
