import { DeleteItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backfillObjects, type Refusals } from '../../../bin/operations/backfill-objects.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { reconcileSource } from '../../../bin/operations/reconcile.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { DRY, lakesOf, mendedLake, NGINX, REAL } from '../../helpers/operated-lake.ts';

const newLake = lakesOf({
  ...{ delivery: 'direct', tableFormat: 'iceberg' },
  sources: [{ name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' } }],
});
const LINE = '192.0.2.1 - [20/Nov/2026:10:00:00 +0000] "GET /plain HTTP/1.1" 200';
/** Rejected by LOG_FORMAT: a line with a bar, of the day before. */
const BARRED = '192.0.2.7 | [19/Nov/2026:10:00:09 +0000] "GET /barred HTTP/1.1" 200';

let lake: LakeHandle;
beforeEach(async () => {
  lake = await openLocalLake({ dir: newLake(), work: false, progress: () => {} });
});
afterEach(() => lake.close());

async function put(key: string, text: readonly string[]): Promise<void> {
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: key, Body: `${text.join('\n')}\n` }));
}

const rows = (sql: string) => Array.fromAsync(lake.query(sql));

describe('operations on rows of an Iceberg table', { timeout: 120_000 }, () => {
  test('replay rejected lines into it, once and under the days of their events', async () => {
    await put('web/one.log', [LINE, BARRED, 'prose']);
    await lake.settle();
    const fixed = mendedLake(lake);
    const counts = { lines: 2, replayed: 1, stillRejected: 1, cut: 0, notLoaded: 0 };
    expect(await replayRejected(fixed, { where: 'true' }, REAL)).toEqual(counts);
    expect(await replayRejected(fixed, { where: 'true' }, REAL)).toEqual({ ...counts, lines: 1, replayed: 0 });
    // The rows come with the next commit, and the corrected counts with them.
    expect(await rows('SELECT dt FROM tributary_iceberg.web')).toHaveLength(1);
    expect(await lake.settle()).toEqual([]);
    expect(await rows('SELECT dt, position FROM tributary_iceberg.web ORDER BY position')).toEqual([
      { dt: '2026-11-20', position: 1 },
      { dt: '2026-11-19', position: 2 },
    ]);
    expect(await rows('SELECT dt FROM tributary.web')).toEqual([]);
    expect(await rows('SELECT kind, lines, "rows", rejected FROM loads_once')).toEqual([
      { kind: 'amended', lines: 3, rows: 2, rejected: 1 },
    ]);
  });

  test('refuse to load its objects again, because a reload would add their rows a second time', async () => {
    await put('web/one.log', [LINE]);
    await lake.settle();
    const refusals: Refusals = new Map();
    const task = { bucket: 'logs', prefix: '', reload: true };
    expect(await backfillObjects(lake, task, REAL, refusals)).toMatchObject({ queued: 0, refused: 1 });
    expect([...refusals.keys()]).toEqual(['iceberg']);
    await lake.settle();
    expect(await rows('SELECT dt FROM tributary_iceberg.web')).toHaveLength(1);
  });

  test('tell a ledger that was set back what the table has: then what is announced again repeats no row', async () => {
    const { dynamodb, ledgerTable: TableName, catalog } = lake;
    if (!catalog) throw new Error('expected a catalog of Iceberg tables');
    const scanned = async () => (await dynamodb.send(new ScanCommand({ TableName }))).Items ?? [];
    await put('web/one.log', [LINE]);
    await lake.settle();
    const before = await scanned();
    await put('web/two.log', [LINE, LINE]);
    await lake.settle();
    for (const { id } of await scanned())
      await dynamodb.send(new DeleteItemCommand({ TableName, Key: { id: id ?? none } }));
    for (const Item of before) await dynamodb.send(new PutItemCommand({ TableName, Item }));

    const found = { tables: 1, commits: 2, batches: 2, busy: [], closed: 0, setBack: ['web'] };
    const withCatalog = { ...lake, catalog };
    expect(await reconcileSource(withCatalog, 'web', DRY)).toMatchObject({ ...found, objects: 1, putBack: 1 });
    expect(await reconcileSource(withCatalog, 'web', REAL)).toMatchObject({ ...found, objects: 1, putBack: 1 });
    expect(await reconcileSource(withCatalog, 'web', REAL)).toMatchObject({ tables: 0, commits: 0, objects: 0 });
    await put('web/three.log', [LINE, LINE, LINE]);
    await backfillObjects(lake, { bucket: 'logs', prefix: '', reload: false }, REAL, new Map());
    expect(await lake.settle()).toEqual([]);
    expect(await rows('SELECT CAST(count(*) AS INTEGER) AS n FROM tributary_iceberg.web')).toEqual([{ n: 6 }]);
    expect(await rows('SELECT CAST(count(*) AS INTEGER) AS n FROM loads')).toEqual([{ n: 3 }]);
  });
});

const none = { S: '' };
