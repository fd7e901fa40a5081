import { expect, test } from 'vitest';
import type { Batch } from '../../../../lambdas/core/direct/batch.ts';
import { type CommitOptions, commitTables } from '../../../../lambdas/core/direct/commit-tables.ts';
import { World } from '../../../helpers/direct-world.ts';
import { dataFile, newTable } from '../../../helpers/iceberg-table.ts';

const STORED_AT = Date.UTC(2026, 10, 22, 12);

/** A list of one file of the table of a source. */
function listOf(source: string, uuid = newTable().metadata['table-uuid']) {
  return {
    files: [],
    members: [],
    day: '',
    tables: [{ name: source, uuid, schemaId: 0, files: [dataFile(null, 'f')] }],
  };
}

/** Stored batches of a source, whose lists have the same names. */
function waiting(source: string, count: number): Batch[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ id: `${source}-${index}`, source, state: 'stored', attempts: 1, generation: 1 },
    ...{ attempt: `${source}-${index}`, tables: 1, uncommitted: [0] },
    since: new Date(STORED_AT + index).toISOString(),
    storedAt: new Date(STORED_AT + index).toISOString(),
  }));
}

test('a run looks at lists for a minute, at those of all sources in turn, and commits the oldest then', async () => {
  const world = new World(1, [], { iceberg: true });
  const batches = new Map([...waiting('replaced', 5000), ...waiting('app', 500)].map((batch) => [batch.id, batch]));
  let [now, reads] = [STORED_AT + 3_600_000, 0];
  const { ledger } = world;
  const request = async <Answer>(_: string, effect: () => Answer) => effect();
  const bySource = new Map([
    ['app', listOf('app')],
    ['replaced', listOf('replaced', 'a uuid that no table has')],
  ]);
  const ports = world.iceberg.ports(request, () => undefined, {
    lake: {
      putList: async () => undefined,
      getList: async (attempt: string) => {
        reads++;
        now += 250;
        return bySource.get(attempt.split('-')[0] ?? '');
      },
    } as never,
    now: () => new Date(now),
    send: async () => undefined,
    ledger: {
      ...ledger,
      async *unfinished(source, { from = '', newestFirst = false } = {}) {
        const found = [...batches.values()].filter((batch) => batch.source === source && batch.since >= from);
        yield* newestFirst ? found.toReversed() : found;
      },
      read: async (id) => batches.get(id),
      committed: async (id) => {
        const { uncommitted: _, ...batch } = batches.get(id) as Batch;
        batches.set(id, batch);
        return batch;
      },
    },
  });
  const options: CommitOptions = {
    ...{ sources: ['replaced', 'app'], dueAt: now, intervalMs: 300_000, isQuiet: () => false },
    ...{ keepFrom: () => '2026-01-01', newId: () => `${now}` },
  };
  const { committed, failed, left, waitingSince } = await commitTables(ports, options);
  expect(reads).toBeLessThan(600);
  expect(failed.map(({ name }) => name)).toEqual(['replaced']);
  expect(committed.map(({ table, files }) => [table, files])).toEqual([['app', expect.any(Number)]]);
  const files = committed[0]?.files ?? 0;
  expect(files).toBeGreaterThan(100);
  expect(left).toBe(5500 - files);
  expect(waitingSince.get('replaced')).toBe(new Date(STORED_AT).toISOString());
  expect(waitingSince.get('app')).toBe(new Date(STORED_AT + files).toISOString());
});
