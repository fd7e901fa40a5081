import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { eachOf } from '../../../../lambdas/core/direct/at-a-time.ts';
import type { AttemptList } from '../../../../lambdas/core/direct/attempt-list.ts';
import type { Batch, UploadedFile } from '../../../../lambdas/core/direct/batch.ts';
import { type PublishPorts, publish, store } from '../../../../lambdas/core/direct/publish.ts';
import { fileKey } from '../../../../lambdas/core/tables/table.ts';

const DAY = '2026-11-29';
const BATCH: Batch = {
  ...{ id: 'b', source: 'app', state: 'sealed', since: '', attempts: 1, generation: 1, attempt: 'list' },
};

function file(key: string): UploadedFile {
  return { key, uploadId: `upload of ${key}`, parts: [], size: 1, crc32: '', rows: 1 };
}

const named = (table: string, count: number) =>
  Array.from({ length: count }, (_, index) => file(fileKey(table, DAY, `b-${index}`)));

/** A lake that completes uploads, and notes when each began and ended. */
class CompletingLake {
  readonly steps: string[] = [];
  most = 0;
  stored: readonly number[] = [];
  #now = 0;
  readonly #list: AttemptList;
  readonly #failing: string | undefined;

  constructor(list: Partial<AttemptList>, failing?: string) {
    this.#list = { files: [], members: [], day: DAY, ...list };
    this.#failing = failing;
  }

  get ports(): PublishPorts {
    const lake = {
      keyOf: (uri: string) => uri.replace('s3://lake/', ''),
      getList: async () => this.#list,
      complete: async ({ key }: UploadedFile) => {
        this.steps.push(`begin ${key}`);
        this.most = Math.max(this.most, ++this.#now);
        await nextTurn();
        this.#now--;
        if (key === this.#failing) throw new Error(`S3 does not complete ${key}`);
        this.steps.push(`end ${key}`);
      },
    };
    const ledger = {
      written: async () => false,
      store: async (_batch: string, _attempt: string, tables: number) => {
        this.stored = [...this.stored, tables];
      },
    };
    return { lake, ledger, now: () => new Date(0), entryDays: 1 } as unknown as PublishPorts;
  }

  /** Where the first completion of a table began, and the last one ended. */
  spanOf(table: string): readonly [first: number, last: number] {
    const isOf = (step: string, what: string) => step.startsWith(`${what} data/${table}/`);
    return [this.steps.findIndex((step) => isOf(step, 'begin')), this.steps.findLastIndex((step) => isOf(step, 'end'))];
  }
}

describe('the uploads of a batch', () => {
  test('are completed many at a time, those with rows of loads after all others', async () => {
    const files = [...named('alb', 100), ...named('rejected_lines', 3), ...named('loads', 2)];
    const lake = new CompletingLake({ files });
    await publish(BATCH, lake.ports);
    expect(lake.steps.filter((step) => step.startsWith('end'))).toHaveLength(files.length);
    expect(lake.most).toBeGreaterThan(8);
    expect(lake.most).toBeLessThanOrEqual(32);
    const [loadsBegin] = lake.spanOf('loads');
    for (const table of ['alb', 'rejected_lines']) expect(lake.spanOf(table)[1]).toBeLessThan(loadsBegin);
  });

  test('leave those of loads as they are if one of the others is not completed', async () => {
    const files = [...named('alb', 100), ...named('loads', 1)];
    const lake = new CompletingLake({ files }, files[50]?.key);
    await expect(publish(BATCH, lake.ports)).rejects.toThrow('S3 does not complete');
    expect(lake.steps.filter((step) => step.includes('data/loads/'))).toEqual([]);
  });

  test('for 10,000 Iceberg tables are all completed before the batch is stored, and no others', async () => {
    const tables = Array.from({ length: 10_000 }, (_, index) => {
      const path = `s3://lake/iceberg/app_${index}/data/dt=${DAY}/b.one-0.parquet`;
      const metrics = { columnSizes: {}, valueCounts: {}, nullCounts: {}, lower: {}, upper: {}, splitOffsets: [] };
      const files = [{ path, partition: DAY, rows: 1, bytes: 1, metrics }];
      return { name: `app_${index}`, uuid: 'u', schemaId: 0, files };
    });
    const ofTables = tables.map(({ files: [one] }) => file(one?.path.replace('s3://lake/', '') ?? ''));
    const others = [...named('rejected_lines', 1), ...named('loads', 1)];
    const lake = new CompletingLake({ files: [...ofTables, ...others], tables });
    await store(BATCH, lake.ports);
    expect(lake.most).toBeLessThanOrEqual(32);
    expect(lake.steps.filter((step) => step.startsWith('end iceberg/'))).toHaveLength(10_000);
    expect(lake.steps.filter((step) => step.includes(' data/'))).toEqual([]);
    expect(lake.stored).toEqual([10_000]);
    const failing = new CompletingLake({ files: ofTables, tables }, ofTables[9000]?.key);
    await expect(store(BATCH, failing.ports)).rejects.toThrow('S3 does not complete');
    expect(failing.stored).toEqual([]);
  });
});

describe('eachOf', () => {
  test('begins no more after a step that fails, and waits for those that are going on', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const all = eachOf([1, 2, 3, 4, 5, 6], 3, async (each) => {
      begun.push(each);
      if (each === 2) throw new Error('two');
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      ended.push(each);
    });
    await expect(all).rejects.toThrow('two');
    expect(begun).toEqual([1, 2, 3]);
    expect(ended).toEqual([1, 3]);
  });

  test('throws what was thrown, even nothing', async () => {
    await expect(eachOf([1], 2, () => Promise.reject(undefined))).rejects.toBeUndefined();
    await expect(eachOf([], 2, () => Promise.reject(new Error('never')))).resolves.toBeUndefined();
  });
});
