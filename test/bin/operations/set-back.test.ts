import { DeleteItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { audit } from '../../../bin/operations/audit.ts';
import { backfillObjects, type Refusals } from '../../../bin/operations/backfill-objects.ts';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { reconcileSource } from '../../../bin/operations/reconcile.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { DRY, lakesOf, mendedLake, NGINX, REAL } from '../../helpers/operated-lake.ts';

const newLake = lakesOf({
  delivery: 'direct',
  sources: [
    { name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' } },
    { name: 'firehose', ...NGINX, delivery: 'firehose', from: { bucket: 'logs', prefix: 'firehose/' } },
  ],
});
const LINE = '192.0.2.1 - [20/Nov/2026:10:00:00 +0000] "GET /plain HTTP/1.1" 200';
/** Rejected by LOG_FORMAT: a line with a bar. */
const BARRED = '192.0.2.7 | [19/Nov/2026:10:00:09 +0000] "GET /barred HTTP/1.1" 200';

let lake: LakeHandle;
beforeEach(async () => {
  lake = await openLocalLake({ dir: newLake(), work: false, progress: () => {} });
});
afterEach(() => lake.close());

async function put(key: string, ...text: readonly string[]): Promise<void> {
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: key, Body: `${text.join('\n')}\n` }));
}

const rows = (sql: string) => Array.fromAsync(lake.query(sql));
const ledger = async () => (await lake.dynamodb.send(new ScanCommand({ TableName: lake.ledgerTable }))).Items ?? [];

async function setBack(to: Awaited<ReturnType<typeof ledger>>): Promise<void> {
  const { dynamodb, ledgerTable: TableName } = lake;
  for (const { id = { S: '' } } of await ledger()) {
    await dynamodb.send(new DeleteItemCommand({ TableName, Key: { id } }));
  }
  for (const Item of to) await dynamodb.send(new PutItemCommand({ TableName, Item }));
}

describe('a ledger that was set back, of a source whose rows are in files', { timeout: 120_000 }, () => {
  test('has nothing written until it was told what the files have, and nothing is written twice then', async () => {
    const before = await ledger();
    await put('web/one.log', LINE, BARRED, BARRED.replace('barred', 'other'));
    await lake.settle();
    await put('web/two.log', LINE, LINE);
    await lake.settle();
    await replayRejected(mendedLake(lake), { where: `raw = '${BARRED}'` }, REAL);
    expect(await lake.settle()).toEqual([]);
    await setBack(before);
    await put('web/three.log', LINE, LINE, LINE);
    const backfill = () => backfillObjects(lake, { bucket: 'logs', prefix: '', reload: false }, REAL, new Map());
    await backfill();
    expect((await lake.settle()).join()).toContain('the ledger was set back to a time before its first batch');
    expect(await rows('SELECT CAST(count(*) AS INTEGER) AS n FROM web')).toEqual([{ n: 4 }]);

    const found = { setBack: ['web'], batches: 3, objects: 2, putBack: 3, closed: 0, repeated: [] };
    expect(await reconcileSource(lake, 'web', DRY)).toMatchObject(found);
    expect(await reconcileSource(lake, 'web', DRY)).toMatchObject(found);
    expect(await reconcileSource(lake, 'web', REAL)).toMatchObject(found);
    expect(await reconcileSource(lake, 'web', REAL)).toMatchObject({ setBack: [], objects: 0, putBack: 0 });
    await backfill();
    await lake.settle();
    expect(await rows('SELECT CAST(count(*) AS INTEGER) AS n FROM web')).toEqual([{ n: 7 }]);
    expect(await rows('SELECT DISTINCT origin, position FROM web')).toHaveLength(7);
    expect(await rows('SELECT CAST(count(DISTINCT origin) AS INTEGER) AS n FROM loads')).toEqual([{ n: 3 }]);
    expect((await audit(lake, { fix: false }, REAL)).findings).toEqual([]);
    // What was replayed is known, too: other lines are counted beside it, and no reload writes it again.
    expect(await replayRejected(mendedLake(lake), { where: 'true' }, REAL)).toMatchObject({ lines: 1, replayed: 1 });
    await lake.settle();
    expect((await audit(lake, { fix: false }, REAL)).findings).toEqual([]);
    const refusals: Refusals = new Map();
    await backfillObjects(lake, { bucket: 'logs', prefix: 'web/one', reload: true }, REAL, refusals);
    expect([...refusals.keys()]).toEqual(['amended']);
  });

  test('is nothing that can be told of a source on the lane of Firehose', async () => {
    await expect(reconcileSource(lake, 'firehose', REAL)).rejects.toThrow(
      'source firehose: expected "delivery": "direct", got "firehose"',
    );
  });
});
