import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FromLandingTask, rebuildFromLanding } from '../../../bin/operations/from-landing.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { rebuildTable } from '../../../bin/operations/rebuild.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { currentSchema } from '../../../lambdas/core/iceberg/schema.ts';
import { DRY, lakesOf, mendedLake, NGINX, REAL } from '../../helpers/operated-lake.ts';

const newLake = lakesOf({
  ...{ delivery: 'direct', tableFormat: 'iceberg' },
  sources: [
    { name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' } },
    { name: 'files', ...NGINX, tableFormat: 'parquet', from: { bucket: 'logs', prefix: 'files/' } },
    {
      name: 'parts',
      ...NGINX,
      fanOut: { by: 'request_method', allow: ['GET'] },
      from: { bucket: 'logs', prefix: 'parts/' },
    },
  ],
});
const LINE = '192.0.2.1 - [20/Nov/2026:10:00:00 +0000] "GET /plain HTTP/1.1" 200';
/** Rejected by LOG_FORMAT: a line with a bar. */
const BARRED = '192.0.2.7 | [19/Nov/2026:10:00:09 +0000] "GET /barred HTTP/1.1" 200';
const TASK: FromLandingTask = { table: 'web', pauseMs: 0 };

let lake: LakeHandle;
beforeEach(async () => {
  lake = await openLocalLake({ dir: newLake(), work: false, progress: () => {} });
});
afterEach(() => lake.close());

async function put(key: string, text: readonly string[]): Promise<void> {
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: key, Body: `${text.join('\n')}\n` }));
}

async function again(task: Partial<FromLandingTask> = {}, on = lake) {
  const report = await rebuildFromLanding(on, { ...TASK, ...task }, REAL);
  expect(await lake.settle()).toEqual([]);
  return report;
}

const rows = (sql: string) => Array.fromAsync(lake.query(sql));
const table = async () => (await lake.catalog?.load('web')) ?? expect.fail('there is no table');
const PLACES = 'SELECT dt, position FROM tributary_iceberg.web ORDER BY dt, position';
const NOTHING_LEFT_OUT = { leftOut: 0, rowsLeftOut: 0, rejectedLeftOut: 0, unreadable: [], stillToDo: 0 };

describe('rows of an Iceberg table that are read again', { timeout: 120_000 }, () => {
  test('come once, into columns of other types, and not with files of the former table', async () => {
    await put('web/one.log', [LINE, 'prose']);
    await lake.settle();
    await put('web/two.log', [LINE, BARRED]);
    await lake.settle();
    const former = await table();
    expect(await rebuildFromLanding(lake, TASK, DRY)).toMatchObject({
      batches: 2,
      objects: 2,
      rows: 2,
      openedAgain: 0,
    });
    expect((await table()).metadataLocation).toBe(former.metadataLocation);
    const report = await again({ retype: { status_code: 'bigint' } });
    expect(report).toMatchObject({ ...{ continued: false, batches: 2, rows: 2, openedAgain: 2 }, ...NOTHING_LEFT_OUT });
    const now = await table();
    expect(currentSchema(now.metadata).fields.find(({ name }) => name === 'status_code')?.type).toBe('long');
    expect(now.metadata.properties).toMatchObject({ 'tributary.replaced': former.metadata['table-uuid'] });
    expect(await rows('SELECT origin FROM tributary_iceberg.web WHERE status_code = 200')).toHaveLength(2);
    expect(await rows('SELECT origin FROM tributary.rejected_lines')).toHaveLength(2);
    expect(await rows('SELECT origin FROM tributary.loads')).toHaveLength(2);
    const files = { table: 'web', metadata: [now.metadataLocation, former.metadataLocation] };
    await expect(rebuildTable(lake, files, REAL)).rejects.toThrow(/are read again from the objects.* second time/);
  });

  test('are named if their objects are gone, or operations have added them, and are left out only if asked', async () => {
    await put('web/one.log', [LINE, BARRED, 'prose']);
    await put('web/two.log', [LINE, LINE, 'prose']);
    await lake.settle();
    // Another object takes the place of one: the bytes of before are gone.
    await put('web/two.log', [LINE]);
    await lake.settle();
    const fixed = mendedLake(lake);
    await replayRejected(fixed, { where: 'true' }, REAL);
    await lake.settle();
    const former = await table();
    const unreadable = [
      { what: 's3://logs/web/two.log', why: 'gone', rows: 2, rejected: 1 },
      { what: expect.stringContaining('batch '), why: 'added', rows: 1, rejected: 0 },
    ];
    const found = await rebuildFromLanding(lake, TASK, DRY);
    expect(found).toMatchObject({ rows: 2, leftOut: 2, rowsLeftOut: 3, rejectedLeftOut: 1 });
    expect(found.unreadable).toHaveLength(2);
    expect(found.unreadable).toEqual(expect.arrayContaining(unreadable));
    await expect(rebuildFromLanding(lake, TASK, REAL)).rejects.toThrow(
      /^table web: 3 rows cannot be read again: .*two\.log \(2 rows\) is gone.*nothing was changed$/,
    );
    expect((await table()).metadataLocation).toBe(former.metadataLocation);
    await again({ withoutMissing: true });
    const ONE = { dt: '2026-11-20', position: 1 };
    expect(await rows(PLACES)).toEqual([ONE, ONE]);
    const loads = 'SELECT object_key, "rows", rejected FROM tributary.loads_once ORDER BY object_key';
    expect(await rows(loads)).toEqual([
      { object_key: 'web/one.log', rows: 1, rejected: 2 },
      { object_key: 'web/two.log', rows: 1, rejected: 0 },
    ]);
    // What was replayed before is no row any more, and can be replayed again.
    expect(await replayRejected(fixed, { where: 'true' }, REAL)).toMatchObject({ lines: 2, replayed: 1 });
    await lake.settle();
    expect(await rows(PLACES)).toEqual([{ dt: '2026-11-19', position: 2 }, ONE, ONE]);
  });

  test('come also where an object of their batch is gone, though the writer knew the former table', async () => {
    await put('web/one.log', [LINE, 'prose']);
    await put('web/two.log', [LINE, LINE]);
    await lake.settle();
    await lake.s3.send(new DeleteObjectCommand({ Bucket: 'logs', Key: 'web/two.log' }));
    expect(await again({ withoutMissing: true })).toMatchObject({ leftOut: 1, rowsLeftOut: 2, openedAgain: 1 });
    expect(await rows(PLACES)).toEqual([{ dt: '2026-11-20', position: 1 }]);
    const loads = 'SELECT object_key, "rows", rejected, not_loaded FROM tributary.loads ORDER BY object_key';
    expect(await rows(loads)).toEqual([
      { object_key: 'web/one.log', rows: 1, rejected: 1, not_loaded: null },
      { object_key: 'web/two.log', rows: 0, rejected: 0, not_loaded: 'gone' },
    ]);
  });

  test('are refused by name where they would come twice, or are in no Iceberg table', async () => {
    await expect(rebuildFromLanding(lake, { ...TASK, table: 'parts' }, REAL)).rejects.toThrow('has "fanOut"');
    await expect(rebuildFromLanding(lake, { ...TASK, table: 'files' }, REAL)).rejects.toThrow(
      'expected a source with "delivery": "direct" and "tableFormat": "iceberg", got "direct" and "parquet"',
    );
    await expect(rebuildFromLanding(lake, { ...TASK, table: 'none' }, REAL)).rejects.toThrow('expected one of web');
  });
});
