import { describe, expect, test } from 'vitest';
import type { AttemptList, BatchTable } from '../../../../lambdas/core/direct/attempt-list.ts';
import { AttemptLists } from '../../../../lambdas/core/direct/attempt-lists.ts';
import type { Batch } from '../../../../lambdas/core/direct/batch.ts';
import type { CommitPorts } from '../../../../lambdas/core/direct/commit.ts';
import { commitTables } from '../../../../lambdas/core/direct/commit-tables.ts';
import { liveFiles } from '../../../../lambdas/core/iceberg/live-files.ts';
import { changed, MemoryFiles, makingOf, newTable } from '../../../helpers/iceberg-table.ts';
import { WorldTables } from '../../../helpers/world-tables.ts';

const MINUTE_MS = 60_000;
const STORED_AT = Date.parse('2026-11-29T10:00:00Z');
const request = async <Answer>(_name: string, effect: () => Answer) => effect();

/** Batches with a file for each of many tables, and a catalog that has these. */
class ManyTables {
  readonly tables = new Map<string, ReturnType<typeof newTable>>();
  readonly files = new MemoryFiles();
  readonly lists = new Map<string, unknown>();
  readonly batches = new Map<string, Batch & { uncommitted?: number[] }>();
  readonly sent: string[] = [];
  readonly read: string[] = [];
  commits = 0;

  constructor(batches: number, tables: number, bytes: (table: number) => number) {
    for (let table = 0; table < tables; table++) this.tables.set(`app_${table}`, newTable());
    for (let number = 0; number < batches; number++) {
      const id = `b${number}`;
      const of: BatchTable[] = [...this.tables].map(([name, { metadata }], index) => {
        const path = `s3://lake/iceberg/${name}/data/dt=2026-11-29/${id}-0.parquet`;
        const metrics = { columnSizes: {}, valueCounts: {}, nullCounts: {}, lower: {}, upper: {}, splitOffsets: [] };
        const file = { path, partition: '2026-11-29', rows: 1, bytes: bytes(index), metrics };
        return { name, uuid: metadata['table-uuid'], schemaId: 0, files: [file] };
      });
      this.lists.set(id, { files: [], members: [], day: '2026-11-29', tables: of } satisfies AttemptList);
      this.batches.set(id, {
        ...{ id, source: 'app', state: 'stored', since: '', attempts: 1, attempt: id, generation: 1, tables },
        storedAt: new Date(STORED_AT).toISOString(),
        uncommitted: of.map((_, index) => index),
      });
    }
  }

  async run(minutes: number) {
    return await commitTables(this.#ports(), {
      ...{ sources: ['app'], dueAt: STORED_AT + minutes * MINUTE_MS, intervalMs: 5 * MINUTE_MS },
      isQuiet: (table) => table !== 'app',
      keepFrom: () => '2025-01-01',
      newId: () => `${this.commits++}`,
    });
  }

  /** URIs of the files that readers find. */
  async live(): Promise<string[]> {
    const found: string[] = [];
    for (const table of this.tables.values())
      for await (const { path } of liveFiles(table, this.files)) found.push(path);
    return found;
  }

  readonly #records = new WorldTables().records(request);

  #ports(): CommitPorts {
    const { batches } = this;
    return {
      ledger: {
        ...this.#records,
        unfinished: async function* () {
          yield* structuredClone([...batches.values()]);
        },
        read: async (id) => structuredClone(this.batches.get(id)),
        writeAnew: () => Promise.reject(new Error('no table is replaced here')),
        committed: async (id, _attempt, tables) => {
          const batch = this.batches.get(id);
          if (!batch) return undefined;
          const left = batch.uncommitted?.filter((index) => !tables.includes(index)) ?? [];
          if (left.length > 0) batch.uncommitted = left;
          else delete batch.uncommitted;
          return structuredClone(batch);
        },
      },
      lake: {
        putList: async (key, list) => void this.lists.set(key, list),
        renewList: async () => true,
        findList: async () => undefined,
        getList: async <List>(key: string) => {
          this.read.push(key);
          return structuredClone(this.lists.get(key)) as List;
        },
      },
      catalog: {
        load: async (name) => this.tables.get(name),
        create: async () => undefined,
        commit: async (name, change) => {
          const table = changed(this.tables.get(name) as ReturnType<typeof newTable>, change);
          this.tables.set(name, table);
          return table;
        },
      },
      making: makingOf(this.files),
      now: () => new Date(STORED_AT),
      wait: async () => undefined,
      send: async (id) => void this.sent.push(id),
      outOfTime: () => false,
    };
  }
}

describe('batches with files of many tables', () => {
  test('are committed within an hour after the interval, some in each minute, each file once, and then published', async () => {
    const many = new ManyTables(3, 240, () => 1_000);
    expect(await many.run(4)).toMatchObject({ left: 3, committed: [] });
    const byMinute: number[] = [];
    for (let minute = 5; minute < 65; minute++) {
      const { committed, failed } = await many.run(minute);
      expect(failed).toEqual([]);
      byMinute.push(committed.length);
    }
    expect(byMinute.reduce((sum, each) => sum + each)).toBe(240);
    expect(Math.max(...byMinute)).toBeLessThan(15);
    expect(many.sent).toHaveLength(3);
    const wanted = [...many.tables.keys()].flatMap((name) =>
      [0, 1, 2].map((id) => `s3://lake/iceberg/${name}/data/dt=2026-11-29/b${id}-0.parquet`),
    );
    expect((await many.live()).toSorted()).toEqual(wanted.toSorted());
    expect(many.sent.toSorted()).toEqual(['b0', 'b1', 'b2']);
    expect(await many.run(65)).toMatchObject({ left: 0, committed: [] });
  });

  test('have those tables committed earlier for which 32 MiB are there', async () => {
    const many = new ManyTables(4, 20, (table) => (table < 2 ? 8 * 1024 * 1024 : 8 * 1024 * 1024 - 1));
    const { committed, left } = await many.run(5);
    expect(committed.map(({ table }) => table).toSorted()).toEqual(['app_0', 'app_1']);
    expect(left).toBe(4);
  });

  test('have their lists read twice in a run, however many tables they have', async () => {
    const many = new ManyTables(3, 1000, () => 1_000);
    expect((await many.run(65)).committed).toHaveLength(1000);
    expect(many.read.filter((key) => many.batches.has(key)).toSorted()).toEqual(['b0', 'b0', 'b1', 'b1', 'b2', 'b2']);
  });
});

describe('AttemptLists', () => {
  test('keeps the files of the tables that are asked for, in their places, and finds no other table', async () => {
    const many = new ManyTables(1, 5, () => 7);
    let reading = 0;
    let most = 0;
    const lists = new AttemptLists({
      putList: async () => undefined,
      renewList: async () => true,
      findList: async () => undefined,
      getList: async <List>(key: string) => {
        most = Math.max(most, ++reading);
        await Promise.resolve();
        reading--;
        return many.lists.get(key) as List;
      },
    });
    many.lists.set('other', many.lists.get('b0'));
    many.lists.set('commit', { table: 'app_3', batches: [] });
    expect(await lists.tablesOf('b0')).toHaveLength(5);
    expect((await lists.tablesOf('b0'))[3]).toMatchObject({ name: 'app_3', files: 1, bytes: 7 });
    const lake = lists.keeping(['app_3']);
    const keys = ['b0', 'other', 'b0', 'commit'];
    const [first, second, again, commit] = await Promise.all(keys.map((key) => lake.getList<AttemptList>(key)));
    expect(first?.tables?.map((table) => table?.files.length)).toEqual([undefined, undefined, undefined, 1, undefined]);
    expect(second).toEqual(first);
    expect(again).toBe(first);
    expect(commit).toEqual({ table: 'app_3', batches: [] });
    expect(most).toBe(1);
  });
});
