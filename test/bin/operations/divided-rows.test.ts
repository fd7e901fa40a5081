import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { audit } from '../../../bin/operations/audit.ts';
import { redriveFailedRecords } from '../../../bin/operations/failed-records.ts';
import { allRowsOf, type LakeHandle, sourceNamed } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { replayRejected } from '../../../bin/operations/replay-rejected.ts';
import { tablesOfSource, viewStatement } from '../../../bin/operations/tables.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { FAN_OUT_FILE } from '../../../lambdas/core/settings.ts';
import { fanOutTable, mayHaveRowsOf } from '../../../lambdas/core/tables/fan-out.ts';
import { numbered } from '../../../lambdas/core/tables/table.ts';
import { dies } from '../../helpers/dying-operation.ts';
import { DRY, FIXED, lakesOf, NGINX, REAL } from '../../helpers/operated-lake.ts';

const SOURCES = [{ name: 'app', fanOut: { by: 'tenant' } }, { name: 'app_web' }, { name: 'web' }];

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
    expect(mayHaveRowsOf(source, table, SOURCES)).toBe(is);
  });

  test('are read together, so many at a time as one query can have', async () => {
    const lakeOf = (count: number) => ({
      database: 'tributary',
      icebergTables: async () =>
        Array.from({ length: count }, (_, index) => ({ database: 'tributary_iceberg', name: `app_${index}` })),
    });
    expect(await allRowsOf(lakeOf(0), 'app', ['origin'])).toEqual(['"tributary"."app"']);
    const parts = await allRowsOf(lakeOf(200), 'app', ['origin']);
    const tables = parts.map((part) => part.match(/FROM "[^"]+"."[^"]+"/g) ?? []);
    expect(tables.map(({ length }) => length)).toEqual([80, 80, 41]);
    expect(new Set(tables.flat()).size).toBe(201);
  });
});

describe('a lake with a source whose rows are divided', { timeout: 120_000 }, () => {
  const CLIENT = '192.0.2.7';
  const OTHER = '192.0.2.8';
  /** A value that is allowed, of which no row has come. */
  const LATER = '192.0.2.9';
  const fanOut = { by: 'client_ip', allow: [CLIENT, LATER] };
  const newLake = lakesOf({
    ...{ delivery: 'direct', tableFormat: 'iceberg' },
    sources: [{ name: 'web', ...NGINX, fanOut, from: { bucket: 'logs', prefix: 'web/' } }],
  });
  /** Of lines with a bar the format can read none before it is fixed. */
  const line = (between: string, client = CLIENT) =>
    `${client} ${between} [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200\n`;
  const TASK = { where: 'true' };

  let dir: string;
  let lake: LakeHandle;
  const open = async () => {
    lake = await openLocalLake({ dir, work: false, progress: () => {} });
  };
  beforeEach(async () => {
    dir = newLake();
    await open();
  });
  afterEach(() => lake.close());

  const put = (bucket: string, key: string, text: string) =>
    lake.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text }));

  /** The origins and positions in the Iceberg table of a value; without one, in the table of all others. */
  const placesIn = async (value?: string) => {
    const table = value === undefined ? 'web' : fanOutTable('web', value);
    const query = `SELECT client_ip, origin, position FROM tributary_iceberg.${table}`;
    const found = await Array.fromAsync(lake.query(query));
    expect(found.filter(({ client_ip }) => client_ip !== (value ?? OTHER))).toEqual([]);
    expect(new Set(found.map(({ origin, position }) => `${origin} ${position}`)).size).toBe(found.length);
    return found.length;
  };
  const audited = () => audit(lake, { fix: false }, REAL);

  /** The lake after a deployment that has the format read lines with a bar. */
  const fixed = (of = lake): LakeHandle => ({
    ...of,
    sources: compiledSources(
      of.sources.map(({ settings }) => ({ ...settings, options: { ...settings.options, logFormat: FIXED } })),
    ),
  });

  test('has new rows of a value that is allowed later in a table of its own, and counts all of them', async () => {
    await put('logs', 'web/one.log', line('-') + line('-', OTHER));
    expect(await lake.settle()).toEqual([]);
    await lake.close();
    // What a deployment with one more value changes.
    const files = globSync(join(dir, 'stack', '*', FAN_OUT_FILE));
    expect(files).toHaveLength(1);
    for (const file of files) writeFileSync(file, JSON.stringify({ web: [CLIENT, OTHER] }));
    await open();
    await put('logs', 'web/two.log', line('-', OTHER) + line('-') + line('-', OTHER));
    expect(await lake.settle()).toEqual([]);
    expect(await Promise.all([placesIn(), placesIn(CLIENT), placesIn(OTHER)])).toEqual([1, 2, 2]);
    expect(await audited()).toMatchObject({ objects: 2, balanced: 2, findings: [] });
  });

  test('has a replay add each line once to the table of its value, which may be new', async () => {
    await put('logs', 'web/one.log', [line('-'), line('|'), line('|', LATER), line('|', OTHER), 'prose\n'].join(''));
    expect(await lake.settle()).toEqual([]);
    const counts = { lines: 4, replayed: 3, stillRejected: 1, cut: 0, notLoaded: 0 };
    expect(await replayRejected(fixed(), TASK, DRY)).toEqual(counts);
    expect(await replayRejected(fixed(), TASK, REAL)).toEqual(counts);
    // At once, before the rows are in their tables.
    expect(await replayRejected(fixed(), TASK, REAL)).toEqual({ ...counts, lines: 1, replayed: 0 });
    expect(await lake.settle()).toEqual([]);
    expect(await replayRejected(fixed(), TASK, REAL)).toEqual({ ...counts, lines: 1, replayed: 0 });
    expect(await lake.settle()).toEqual([]);
    expect(await Promise.all([placesIn(CLIENT), placesIn(LATER), placesIn()])).toEqual([2, 1, 1]);
    expect(await Array.fromAsync(lake.query('SELECT kind, lines, "rows", rejected FROM loads_once'))).toEqual([
      { kind: 'amended', lines: 5, rows: 4, rejected: 1 },
    ]);
    expect(await audited()).toMatchObject({ balanced: 1, findings: [] });
  });

  test('has each line of a replay once, whichever request it dies at, and whether that has its effect or not', async () => {
    const MOST = 30;
    const names = ['before', 'after'].flatMap((when) => Array.from({ length: MOST }, (_, at) => `${when}-${at + 1}`));
    for (const name of names) await put('logs', `web/${name}.log`, line('|') + line('|', OTHER) + line('|', LATER));
    expect(await lake.settle()).toEqual([]);
    const loads = await Array.fromAsync(lake.query('SELECT object_key, origin FROM loads'));
    const origins = new Map(loads.map(({ object_key, origin }) => [object_key, origin]));
    const deaths: string[] = [];
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; ; at++) {
        expect(at).toBeLessThan(MOST);
        const task = { where: `origin = '${origins.get(`web/${when}-${at}.log`)}'` };
        if (await dies(lake, { at, when }, (of) => replayRejected(fixed(of), task, REAL))) break;
        deaths.push(`${when}-${at}`);
      }
    }
    expect(deaths.length).toBeGreaterThan(20);
    // Some are published before the operation is run again, and some after it.
    expect(await lake.settle()).toEqual([]);
    await replayRejected(fixed(), TASK, REAL);
    expect(await lake.settle()).toEqual([]);
    const each = names.length;
    expect(await Promise.all([placesIn(CLIENT), placesIn(), placesIn(LATER)])).toEqual([each, each, each]);
    expect(await audited()).toMatchObject({ balanced: each, findings: [] });
    expect(await replayRejected(fixed(), TASK, DRY)).toMatchObject({ lines: 0 });
  });

  test('has its tables listed with their values, and views that are made of those that are there', async () => {
    await put('logs', 'web/one.log', line('-') + line('-', OTHER));
    expect(await lake.settle()).toEqual([]);
    const web = sourceNamed(lake, 'web');
    const found = await tablesOfSource(lake, web);
    expect(found).toMatchObject({ source: 'web', by: 'client_ip', withoutTable: [LATER] });
    expect(found.tables).toEqual([
      { database: 'tributary', name: 'web', rows: 'before' },
      { database: 'tributary_iceberg', name: 'web', rows: 'others' },
      { database: 'tributary_iceberg', name: fanOutTable('web', CLIENT), rows: 'value', value: CLIENT },
    ]);
    const statement = await viewStatement(lake, web, 'all');
    expect(statement.match(/FROM "tributary[^ )]+/g)).toHaveLength(3);
    const rows = statement.slice(statement.indexOf(' AS ') + 4);
    expect(await Array.fromAsync(lake.query(`SELECT count(*) AS n FROM (${rows})`))).toEqual([{ n: 2 }]);
    for (const view of ['web_all', 'web_once']) {
      const query = `SELECT client_ip FROM ${view} ORDER BY 1`;
      expect(await Array.fromAsync(lake.query(query)), view).toEqual([{ client_ip: CLIENT }, { client_ip: OTHER }]);
    }
    const many = {
      ...lake,
      icebergTables: async () => Array.from({ length: 80 }, () => ({ database: 'i', name: 'web' })),
    };
    await expect(viewStatement(many, web, 'all')).rejects.toThrow(
      'source web: its rows are in 81 tables, and a view reads at most 80',
    );
  });

  test('has a redrive add what Firehose could not convert to the table of its value, once', async () => {
    await put('logs', 'web/one.log', line('-'));
    expect(await lake.settle()).toEqual([]);
    const [load] = await Array.fromAsync(lake.query('SELECT origin FROM loads'));
    const keys = new Map(
      numbered(sourceNamed(lake, 'web').format.columns).map(({ name, key }) => [name, key] as const),
    );
    const row = (position: number, client: string, status: unknown) =>
      JSON.stringify({
        ...{ 0: load?.origin, 1: position },
        [keys.get('client_ip') ?? '']: client,
        [keys.get('status_code') ?? '']: status,
      });
    const rows = [row(9, CLIENT, 200), row(10, OTHER, 200), row(11, LATER, 200), row(12, LATER, 'abc')].join('');
    const failed = { lastErrorMessage: 'a row could not be read', rawData: Buffer.from(rows).toString('base64') };
    await put(lake.lakeBucket, 'errors/web/format-conversion-failed/2026/11/20/10/failed', JSON.stringify(failed));
    const counts = { objects: 1, records: 1, rowsSent: 3, rowsRejected: 1, left: 0 };
    expect(await redriveFailedRecords(lake, DRY, [])).toEqual(counts);
    await dies(lake, { at: 12, when: 'after' }, (of) => redriveFailedRecords(of, REAL, []));
    expect(await redriveFailedRecords(lake, REAL, [])).toEqual(counts);
    expect(await redriveFailedRecords(lake, REAL, [])).toMatchObject({ objects: 0 });
    expect(await lake.settle()).toEqual([]);
    expect(await Promise.all([placesIn(CLIENT), placesIn(), placesIn(LATER)])).toEqual([2, 1, 1]);
    expect(await Array.fromAsync(lake.query('SELECT position, reason FROM rejected_lines'))).toEqual([
      { position: 12, reason: 'conversion_failed' },
    ]);
  });

  test('is audited and replayed over more tables than one query reads', async () => {
    await put('logs', 'web/one.log', line('-') + line('|') + line('|', OTHER));
    expect(await lake.settle()).toEqual([]);
    // Its tables, behind more that have no rows.
    const icebergTables = async (source: string) => [
      ...Array.from({ length: 200 }, () => ({ database: lake.database, name: source })),
      ...(await lake.icebergTables(source)),
    ];
    const many = { ...lake, icebergTables };
    expect(await audit(many, { fix: false }, REAL)).toMatchObject({ balanced: 1, findings: [] });
    expect(await replayRejected(fixed(many), TASK, REAL)).toMatchObject({ lines: 2, replayed: 2 });
    expect(await lake.settle()).toEqual([]);
    expect(await replayRejected(fixed(many), TASK, REAL)).toMatchObject({ lines: 0, replayed: 0 });
    expect(await audit(many, { fix: false }, REAL)).toMatchObject({ balanced: 1, findings: [] });
    expect(await Promise.all([placesIn(CLIENT), placesIn()])).toEqual([2, 1]);
  });
});
