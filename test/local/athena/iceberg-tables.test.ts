import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { CONTENT } from '../../../lambdas/core/iceberg/manifest-fields.ts';
import { readManifestList, writeManifestList } from '../../../lambdas/core/iceberg/manifests.ts';
import type { Snapshot } from '../../../lambdas/core/iceberg/metadata.ts';
import { icebergTable } from '../../../lambdas/core/iceberg/schema.ts';
import { localTimeView } from '../../../lambdas/core/queries/local-time-view.ts';
import { loadsTable } from '../../../lambdas/core/tables/lake-tables.ts';
import type { Table } from '../../../lambdas/core/tables/table.ts';
import { type Athena, openAthena } from '../../../local/athena/athena.ts';
import { QueryError } from '../../../local/athena/statement.ts';
import type { Resource } from '../../../local/template/resource.ts';
import { addRows, append, dataFile, ensure, loaded, placed, tableOf } from '../../helpers/iceberg-rows.ts';
import { DATABASE, LAKE, type LocalCatalog, openLocalCatalog } from '../../helpers/local-catalog.ts';

const ALB = tableOf('alb', { time: 'timestamp', status: 'int', path: 'string' });

let local: LocalCatalog;
beforeEach(async () => {
  local = await openLocalCatalog();
});

/** The table as the template has it: what Firehose writes to. */
function glueTable({ name, columns }: Table): Resource {
  return {
    logicalId: name,
    type: 'AWS::Glue::Table',
    localName: name,
    properties: {
      DatabaseName: 'tributary',
      TableInput: {
        Name: name,
        PartitionKeys: [{ Name: 'dt', Type: 'string' }],
        StorageDescriptor: {
          Columns: columns.map((column) => ({ Name: column.name, Type: column.type })),
          Location: `s3://lake/data/${name}/`,
        },
      },
    },
  };
}

async function athenaOf(tables: readonly Table[] = [ALB, loadsTable], views: readonly string[] = []): Promise<Athena> {
  const athena = await openAthena({ dir: local.dir, tables: tables.map(glueTable), views });
  onTestFinished(() => athena.close());
  return athena;
}

async function rowsOf(sql: string, athena?: Athena): Promise<readonly (readonly unknown[])[]> {
  return (await (athena ?? (await athenaOf())).query(sql)).rows;
}

/** A file ends with its footer, the footer's length and four bytes more. https://parquet.apache.org/docs/file-format/ */
function pagesEnd(bytes: Buffer): number {
  return bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
}

/** A file of another writer: whatever DuckDB selects, columns with the given ids. */
async function foreignFile(name: string, select: string, ids: Readonly<Record<string, number>>): Promise<Uint8Array> {
  const file = join(local.dir, name);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const fields = Object.entries(ids).map(([column, id]) => `"${column}": ${id}`);
  const fieldIds = fields.length > 0 ? `, FIELD_IDS {${fields.join(', ')}}` : '';
  await connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet${fieldIds})`);
  connection.closeSync();
  return readFile(file);
}

/** Makes the table, with a row for each status. */
async function alb(...rows: readonly (readonly [day: string, status: number])[]): Promise<void> {
  await ensure(local, ALB);
  for (const [day, status] of rows)
    await append(local, 'alb', [await dataFile(local, ALB, day, [{ status, origin: 'o', position: status }])]);
}

describe('an Iceberg table', () => {
  test('has its columns in order, whole microseconds, and the rows of its newest snapshot', async () => {
    await ensure(local, ALB);
    const athena = await athenaOf();
    expect(await rowsOf('SELECT * FROM alb', athena)).toEqual([]);
    const day = '2026-11-22';
    await append(local, 'alb', [
      await dataFile(local, ALB, day, [{ time: '2026-11-22 12:03:00.186641', status: 200, path: '/a' }]),
    ]);
    const { columns, rows } = await athena.query('SELECT * FROM alb');
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['time timestamp', 'status integer', 'path varchar', 'origin varchar', 'position bigint'],
      ...['extra varchar', 'errors varchar', 'raw varchar', 'dt varchar'],
    ]);
    expect(rows).toEqual([['2026-11-22 12:03:00.186641', 200, '/a', null, null, null, null, null, day]]);
    await append(local, 'alb', [await dataFile(local, ALB, day, [{ status: 500 }, { status: 404 }])]);
    expect(await rowsOf('SELECT status FROM alb ORDER BY 1', athena)).toEqual([[200], [404], [500]]);
  });

  test('is found before the Parquet table of its name, which its database still names', async () => {
    await alb(['2026-11-22', 200]);
    const athena = await athenaOf();
    const counts = async (of: string) => rowsOf(`SELECT count(*) FROM ${of}`, athena);
    expect(await counts('alb')).toEqual([[1n]]);
    expect(await counts('"tributary_iceberg"."ALB"')).toEqual([[1n]]);
    expect(await counts('tributary.alb')).toEqual([[0n]]);
    expect(await counts('loads')).toEqual([[0n]]);
  });

  test('has the views of its rows without repeats and with local times', async () => {
    await alb(['2026-11-22', 200], ['2026-11-23', 200]);
    const view = localTimeView('tributary', ALB, 'Asia/Tokyo', [{ database: DATABASE, name: 'alb' }]) ?? '';
    const athena = await athenaOf([ALB, loadsTable], [view]);
    expect(await rowsOf('SELECT status, dt FROM alb_once', athena)).toEqual([[200, '2026-11-23']]);
    await append(local, 'alb', [await dataFile(local, ALB, '2026-11-22', [{ time: '2026-11-22 20:00:00' }])]);
    const localTimes = "SELECT local_time FROM alb_local_time WHERE time IS NOT NULL AND dt = '2026-11-22'";
    expect(await rowsOf(localTimes, athena)).toEqual([['2026-11-23 05:00:00.000000']]);
  });

  test('shares its views with the Parquet table of its name, whose rows are those of before', async () => {
    const folder = join(local.dir, 'buckets/lake/data/alb/dt=2026-11-21');
    await mkdir(folder, { recursive: true });
    const before = await foreignFile(
      'before',
      "SELECT 'o' AS origin, 1 AS position, 100 AS status, '/old' AS path",
      {},
    );
    await writeFile(join(folder, 'before.parquet'), before);
    const places = [
      { database: 'tributary', name: 'alb' },
      { database: DATABASE, name: 'alb' },
    ] as const;
    const view = localTimeView('tributary', ALB, 'Asia/Tokyo', places) ?? '';
    const athena = await athenaOf([ALB, loadsTable], [view]);
    const statuses = async (of: string) => (await rowsOf(`SELECT status FROM ${of} ORDER BY 1`, athena)).flat();
    expect(await statuses('alb_once')).toEqual([100]);
    // The Iceberg table has a column that the source has no more.
    const table = tableOf('alb', { time: 'timestamp', status: 'int', path: 'string', host: 'string' });
    const rows = [
      { status: 100, origin: 'o', position: 1 },
      { status: 200, origin: 'o', position: 2 },
    ];
    await addRows(local, table, '2026-11-22', rows);
    for (const name of ['alb_all', 'tributary.alb_all', 'alb_local_time']) {
      expect(await statuses(name), name).toEqual([100, 100, 200]);
    }
    expect(await rowsOf('SELECT status, path, dt FROM tributary.alb_once ORDER BY 1', athena)).toEqual([
      [100, null, '2026-11-22'],
      [200, null, '2026-11-22'],
    ]);
    expect(await statuses('tributary.alb')).toEqual([100]);
    await rm(folder, { recursive: true });
    expect(await statuses('alb_all')).toEqual([100, 200]);
  });

  test('reads columns by their ids: of files of before a column was added, renamed or made wider, and of other writers', async () => {
    await alb(['2026-11-22', 200]);
    await ensure(local, tableOf('alb', { time: 'timestamp', status: 'bigint', path: 'string', host: 'string' }));
    const { metadata } = await loaded(local, 'alb');
    const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id']);
    if (!schema) throw new Error('expected a schema');
    const fields = schema.fields.map((field) => (field.name === 'path' ? { ...field, name: 'url' } : field));
    await local.catalog.commit('alb', {
      requirements: [],
      updates: [
        {
          action: 'add-schema',
          schema: { ...schema, 'schema-id': 9, fields },
          'last-column-id': metadata['last-column-id'],
        },
        { action: 'set-current-schema', 'schema-id': -1 },
      ],
    });
    const ids = Object.fromEntries(schema.fields.map(({ name, id }) => [name, id]));
    const select = "SELECT 'h' AS url, 'p' AS c1, 9007199254740993 AS time, 'other' AS unknown";
    const bytes = await foreignFile('compacted', select, {
      ...{ url: ids.host ?? 0, c1: ids.path ?? 0, time: ids.status ?? 0, unknown: 77 },
    });
    const path = `s3://${LAKE}/iceberg/alb/data/dt=2026-11-23/[other].parquet`;
    await append(local, 'alb', [await placed(local, path, '2026-11-23', 1, bytes)]);
    expect(await rowsOf('SELECT dt, status, url, host, time FROM alb ORDER BY dt')).toEqual([
      ['2026-11-22', 200n, null, null, null],
      ['2026-11-23', 9007199254740993n, 'p', 'h', null],
    ]);
  });

  test('has the days that its manifests say, and of a file without one those in its rows', async () => {
    await alb(['2026-11-22', 200]);
    const { status = 0, dt = 0 } = icebergTable('alb', await loaded(local, 'alb')).ids;
    const bytes = await foreignFile('days', "SELECT 500 AS status, '2026-01-01' AS dt UNION ALL SELECT 501, NULL", {
      status,
      dt,
    });
    const folder = `s3://${LAKE}/iceberg/alb/data`;
    await append(local, 'alb', [await placed(local, `${folder}/moved.parquet`, '2026-11-23', 2, bytes)]);
    await append(local, 'alb', [await placed(local, `${folder}/none.parquet`, null, 2, bytes)]);
    expect(await rowsOf('SELECT status, dt FROM alb ORDER BY ALL')).toEqual([
      ...[
        [200, '2026-11-22'],
        [500, '2026-01-01'],
        [500, '2026-11-23'],
        [501, '2026-11-23'],
        [501, null],
      ],
    ]);
  });

  test('is read only where a condition on the day asks for it', async () => {
    await alb(['2026-11-21', 200], ['2026-11-22', 201], ['2026-11-23', 202]);
    const broken = await dataFile(local, ALB, '2026-11-24', [{ status: 500 }]);
    await append(local, 'alb', [broken]);
    const file = join(local.dir, 'buckets', broken.path.slice('s3://'.length));
    const bytes = await readFile(file);
    // The pages: the footer, which says where they are, is read of every file.
    await writeFile(file, bytes.fill(0xff, 4, pagesEnd(bytes)));
    const athena = await athenaOf();
    const conditions = ["dt < '2026-11-24'", "dt IN ('2026-11-22')", "dt BETWEEN '2026-11-01' AND '2026-11-23'"];
    for (const condition of conditions) {
      expect((await rowsOf(`SELECT status FROM alb WHERE ${condition}`, athena)).length, condition).toBeGreaterThan(0);
    }
    await expect(athena.query('SELECT status FROM alb')).rejects.toThrow(QueryError);
  });

  test('is listed with its columns, whether a query has read it or not, and named where another name is not known', async () => {
    await alb(['2026-11-22', 200]);
    await ensure(local, tableOf('app', { level: 'string' }));
    const athena = await athenaOf();
    expect((await rowsOf('SHOW TABLES', athena)).flat()).toEqual(
      expect.arrayContaining(['alb', 'app', 'app_once', 'loads']),
    );
    const columns =
      "SELECT column_name FROM information_schema.columns WHERE table_name = 'app' AND table_schema LIKE '%_iceberg'";
    expect((await rowsOf(columns, athena)).flat()).toEqual([
      'level',
      'origin',
      'position',
      'extra',
      'errors',
      'raw',
      'dt',
    ]);
    await expect(athena.query('SELECT 1 FROM albb')).rejects.toThrow('Tables: alb, app, loads, did you mean alb?');
    await append(local, 'app', [
      await dataFile(local, tableOf('app', { level: 'string' }), '2026-11-22', [{ level: 'info' }]),
    ]);
    expect(await rowsOf('SELECT level FROM app', athena)).toEqual([['info']]);
  });
});

describe('an Iceberg table that cannot be read is named, and the others can be', () => {
  const failure = async (athena: Athena, sql: string) => {
    expect(await rowsOf('SELECT status FROM app', athena)).toEqual([[200]]);
    expect((await rowsOf('SHOW TABLES', athena)).flat()).toContain('app');
    return athena.query(sql).then(
      () => 'no error',
      (error: Error) => error.message,
    );
  };
  beforeEach(async () => {
    const app = tableOf('app', { status: 'int' });
    await ensure(local, app);
    await append(local, 'app', [await dataFile(local, app, '2026-11-22', [{ status: 200 }])]);
    await alb(['2026-11-22', 200]);
  });

  test.each(['', '{', '{}', 'null', '{"location":7}'])('its pointer is %j', async (damage) => {
    await writeFile(join(local.dir, 'glue', DATABASE, 'alb.json'), damage);
    const message = await failure(await athenaOf(), 'SELECT * FROM alb');
    expect(message).toContain('table tributary_iceberg.alb: glue/tributary_iceberg/alb.json: damaged');
  });

  test('its metadata is damaged', async () => {
    const { metadataLocation } = await loaded(local, 'alb');
    await writeFile(join(local.dir, 'buckets', metadataLocation.slice('s3://'.length)), '{"format-version": 2');
    expect(await failure(await athenaOf(), 'SELECT * FROM alb_once')).toContain(
      `table tributary_iceberg.alb: ${metadataLocation}: damaged`,
    );
  });

  test('a file of it is gone', async () => {
    await rm(join(local.dir, 'buckets', 'lake', 'iceberg', 'alb', 'data'), { recursive: true });
    expect(await failure(await athenaOf(), 'SELECT * FROM alb')).toMatch(/No files found.*\.parquet/);
  });

  test('rows of it were deleted one by one', async () => {
    const table = await loaded(local, 'alb');
    const [snapshot] = table.metadata.snapshots ?? [];
    if (!snapshot) throw new Error('expected a snapshot');
    const list = await readManifestList(local.files, snapshot);
    const next: Snapshot = {
      ...{ ...snapshot, 'snapshot-id': 7n, 'sequence-number': 2, 'parent-snapshot-id': snapshot['snapshot-id'] },
      'manifest-list': `s3://${LAKE}/iceberg/alb/metadata/deletes.avro`,
    };
    const deletes = list.manifests.map((manifest) => ({ ...manifest, content: CONTENT.deletes }));
    await writeManifestList(local.files, next, { ...list, manifests: [...list.manifests, ...deletes] });
    await local.catalog.commit('alb', {
      requirements: [],
      updates: [
        { action: 'add-snapshot', snapshot: next },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 7n },
      ],
    });
    expect(await failure(await athenaOf(), 'SELECT * FROM alb')).toMatch(/^table tributary_iceberg\.alb: .*deleted/);
  });

  test.each([
    ['file:///etc/passwd', 'expected s3://bucket/key'],
    ['/etc/passwd', 'expected s3://bucket/key'],
    ['s3://other/data/x.parquet', 'no bucket other'],
    ['s3://../etc/passwd', 'no bucket ..'],
    ['s3://lake/../../version.json', 'No files found'],
  ])('a file of it is %s', async (path, message) => {
    await mkdir(join(local.dir, 'buckets', 'lake', 'x'), { recursive: true });
    const metrics = { columnSizes: {}, valueCounts: {}, nullCounts: {}, lower: {}, upper: {}, splitOffsets: [4] };
    await append(local, 'alb', [{ path, partition: '2026-11-22', rows: 1, bytes: 1, metrics }]);
    expect(await failure(await athenaOf(), 'SELECT * FROM alb')).toContain(message);
  });
});
