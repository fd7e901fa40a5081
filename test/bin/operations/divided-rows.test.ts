import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { audit } from '../../../bin/operations/audit.ts';
import { redriveFailedRecords } from '../../../bin/operations/failed-records.ts';
import { belongsTo, type LakeHandle, placesOf, sourceNamed } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import type { Source } from '../../../lambdas/core/loading/load.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { FAN_OUT_FILE, type SourceSettings } from '../../../lambdas/core/settings.ts';
import { fanOutTable } from '../../../lambdas/core/tables/fan-out.ts';
import { numbered } from '../../../lambdas/core/tables/table.ts';
import { DRY, FIXED, lakesOf, NGINX, REAL } from '../../helpers/operated-lake.ts';

const sourceOf = (name: string, fanOut?: object) => ({ settings: { name, ...(fanOut && { fanOut }) } }) as Source;

const SOURCES = [sourceOf('app', { by: 'tenant' }), sourceOf('app_web'), sourceOf('web')];

describe('the tables that may have rows of a source', () => {
  test.each([
    ['app', 'app', true],
    ['app', 'app_acme', true],
    ['app', 'app_rest', true],
    ['app', 'app_web', false],
    ['app', 'apple', false],
    ['app', 'web', false],
    ['web', 'web', true],
    ['web', 'web_a', false],
  ])('of the source %s: %s', (source, table, is) => {
    expect(belongsTo(source, table, SOURCES)).toBe(is);
  });

  test('are read together, unless they are more than a query can name', async () => {
    const lakeOf = (count: number) => ({
      database: 'tributary',
      icebergTables: async () =>
        Array.from({ length: count }, (_, index) => ({ database: 'tributary_iceberg', name: `app_${index}` })),
    });
    expect(await placesOf(lakeOf(500), 'app')).toHaveLength(501);
    await expect(placesOf(lakeOf(501), 'app')).rejects.toThrow(
      'source app: its rows are in 501 tables, and a query reads',
    );
  });
});

describe('a lake with a source whose rows are divided', { timeout: 120_000 }, () => {
  const CLIENT = '192.0.2.7';
  const OTHER = '192.0.2.8';
  const fanOut = { by: 'client_ip', allow: [CLIENT] };
  const newLake = lakesOf({
    ...{ delivery: 'direct', tableFormat: 'iceberg' },
    sources: [{ name: 'web', ...NGINX, fanOut, from: { bucket: 'logs', prefix: 'web/' } }],
  });
  const line = (between: string, client = CLIENT) =>
    `${client} ${between} [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200\n`;
  const REFUSAL = /^source web has "fanOut".* none of its rows are added.* deploy the source without "fanOut"/;
  const TASK = { where: 'true' };

  let dir: string;
  let lake: LakeHandle;
  const open = async () => {
    lake = await openLocalLake({ dir, work: false, progress: () => {} });
  };
  beforeEach(async () => {
    dir = newLake();
    await open();
    // Of the two lines, the format rejects the one with a bar.
    await put('logs', 'web/one.log', line('-') + line('|'));
    await lake.settle();
  });
  afterEach(() => lake.close());

  const put = (bucket: string, key: string, text: string) =>
    lake.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text }));

  const rowsIn = async (table: string) => {
    const [found] = await Array.fromAsync(lake.query(`SELECT count(*) AS n FROM tributary_iceberg.${table}`));
    return Number(found?.n);
  };

  /** The lake after a deployment that changes its source. */
  const changed = (change: (settings: SourceSettings) => SourceSettings): LakeHandle => ({
    ...lake,
    sources: compiledSources(lake.sources.map(({ settings }) => change(settings))),
  });
  const fixed = (settings: SourceSettings) => ({ ...settings, options: { ...settings.options, logFormat: FIXED } });

  test('has new rows of a value that is allowed later in a table of its own, and counts all of them', async () => {
    await put('logs', 'web/two.log', line('-', OTHER));
    expect(await lake.settle()).toEqual([]);
    await lake.close();
    // What a deployment with one more value changes.
    const files = globSync(join(dir, 'stack', '*', FAN_OUT_FILE));
    expect(files).toHaveLength(1);
    for (const file of files) writeFileSync(file, JSON.stringify({ web: [CLIENT, OTHER] }));
    await open();
    await put('logs', 'web/three.log', line('-', OTHER) + line('-', '192.0.2.9') + line('-') + line('-', OTHER));
    expect(await lake.settle()).toEqual([]);
    const tables = ['web', fanOutTable('web', CLIENT), fanOutTable('web', OTHER)];
    expect(await Promise.all(tables.map(rowsIn))).toEqual([2, 2, 2]);
    expect(await audit(lake, { fix: false }, REAL)).toMatchObject({ objects: 3, balanced: 3, findings: [] });
  });

  test('has a replay add nothing and name the way out, which adds each line once to the table of the source', async () => {
    const { fanOut: _, ...whole } = sourceNamed(lake, 'web').settings;
    expect(await replayRejected(changed(fixed), TASK, DRY)).toMatchObject({ lines: 1, replayed: 1 });
    await expect(replayRejected(changed(fixed), TASK, REAL)).rejects.toThrow(REFUSAL);
    expect(await lake.settle()).toEqual([]);
    expect([await rowsIn(fanOutTable('web', CLIENT)), await rowsIn('web')]).toEqual([1, 0]);
    expect((await audit(lake, { fix: false }, REAL)).findings).toEqual([]);

    expect(
      await replayRejected(
        changed(() => fixed(whole)),
        TASK,
        REAL,
      ),
    ).toMatchObject({ lines: 1, replayed: 1 });
    expect(await lake.settle()).toEqual([]);
    expect([await rowsIn(fanOutTable('web', CLIENT)), await rowsIn('web')]).toEqual([1, 1]);
    expect(await replayRejected(changed(fixed), TASK, DRY)).toMatchObject({ lines: 0 });
    expect((await audit(lake, { fix: false }, REAL)).findings).toEqual([]);
  });

  test('has a redrive add nothing, name the way out, and leave what failed where it is', async () => {
    const [load] = await Array.fromAsync(lake.query('SELECT origin FROM loads'));
    const key = numbered(sourceNamed(lake, 'web').format.columns).find(({ name }) => name === 'client_ip')?.key ?? '';
    const row = JSON.stringify({ 0: load?.origin, 1: 9, [key]: CLIENT });
    const failed = { lastErrorMessage: 'a row could not be read', rawData: Buffer.from(row).toString('base64') };
    await put(lake.lakeBucket, 'errors/web/format-conversion-failed/2026/11/20/10/failed', JSON.stringify(failed));
    await expect(redriveFailedRecords(lake, REAL, [])).rejects.toThrow(REFUSAL);
    expect(await redriveFailedRecords(lake, DRY, [])).toMatchObject({ objects: 1, rowsSent: 1 });
    expect(await lake.settle()).toEqual([]);
    expect([await rowsIn(fanOutTable('web', CLIENT)), await rowsIn('web')]).toEqual([1, 0]);
  });
});
