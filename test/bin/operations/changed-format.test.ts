import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { audit } from '../../../bin/operations/audit.ts';
import { auditDuplicates, duplicatesReport } from '../../../bin/operations/duplicates.ts';
import { type LakeHandle, sourceNamed, tableOf } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import type { Table } from '../../../lambdas/core/tables/table.ts';
import { addRows } from '../../helpers/iceberg-rows.ts';
import { openLocalCatalog } from '../../helpers/local-catalog.ts';
import { DRY, lakesOf, NGINX, REAL } from '../../helpers/operated-lake.ts';

/** A source of which some rows are in its Parquet table, and the others in an Iceberg table of its name. */
const newLake = lakesOf({ sources: [{ name: 'web', ...NGINX, from: { bucket: 'logs', prefix: 'web/' } }] });

let dir: string;
let lake: LakeHandle;
let table: Table;

beforeEach(async () => {
  dir = newLake();
  lake = await openLocalLake({ dir, work: false, progress: () => {} });
  table = tableOf(sourceNamed(lake, 'web'));
  await put('web/before', ['/1', '/2', '/3']);
  await put('web/after', ['/1', '/4', '/4', '/5']);
});
afterEach(() => lake.close());

async function put(key: string, paths: readonly string[]): Promise<void> {
  const lines = paths.map((path) => `192.0.2.1 - [05/Jan/2026:10:00:00 +0000] "GET ${path} HTTP/1.1" 200\n`);
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: key, Body: lines.join('') }));
  await lake.settle();
}

/** Moves the rows of the second object into an Iceberg table. @param left how many of them are left out */
async function move(left = 0): Promise<void> {
  const rows = await Array.fromAsync(
    lake.query(`SELECT * FROM web WHERE origin IN (SELECT origin FROM loads WHERE object_key = 'web/after')`),
  );
  for (const file of globSync(join(dir, 'buckets/lake/data/web/**/*.parquet'))) {
    const origins = await Array.fromAsync(lake.query(`SELECT DISTINCT origin FROM '${file}'`)).catch(() => []);
    if (origins.some(({ origin }) => origin === rows[0]?.origin)) rmSync(file);
  }
  const values = rows.slice(left).map((row) => {
    const present = Object.entries(row).filter(([name, value]) => name !== 'dt' && value !== null);
    return Object.fromEntries(present);
  });
  await addRows(await openLocalCatalog({ dir }), table, '2026-01-05', values);
}

describe('of a source whose format was changed', () => {
  test('an audit counts the rows of both tables', async () => {
    await move();
    expect(await Array.fromAsync(lake.query('SELECT count(*) AS n FROM tributary.web'))).toEqual([{ n: 3 }]);
    expect(await audit(lake, { fix: false }, REAL)).toMatchObject({ objects: 2, balanced: 2, findings: [] });
  });

  test('an audit finds the rows that are in neither', async () => {
    await move(1);
    const { findings } = await audit(lake, { fix: false }, REAL);
    expect(findings).toMatchObject([{ finding: 'unbalanced', detail: 'loads says 4 rows, the table holds 3' }]);
  });

  test('duplicates are counted within and across both', async () => {
    await move();
    const [audited] = await auditDuplicates(lake, await duplicatesReport(lake, {}));
    expect(audited).toEqual({ source: 'web', checked: 7, withinObject: 1, acrossObjects: 1 });
  });

  test('a rejected line that is a row of the Iceberg table is not replayed', async () => {
    await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: 'web/bad', Body: 'no line of the format\n' }));
    await lake.settle();
    const task = { where: 'true' };
    expect(await replayRejected(lake, task, DRY)).toMatchObject({ lines: 1, stillRejected: 1 });
    const [rejected] = await Array.fromAsync(lake.query('SELECT origin, position FROM rejected_lines'));
    await addRows(await openLocalCatalog({ dir }), table, '2026-01-05', [{ ...rejected }]);
    expect(await replayRejected(lake, task, DRY)).toMatchObject({ lines: 0 });
  });
});
