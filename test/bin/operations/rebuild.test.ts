import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetTableOptimizerCommand, GlueClient } from '@aws-sdk/client-glue';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { CommitRecords } from '../../../bin/operations/commits-since.ts';
import { tableOf } from '../../../bin/operations/lake-handle.ts';
import { type RebuildTask, type RebuiltLake, rebuildTable } from '../../../bin/operations/rebuild.ts';
import { liveFiles } from '../../../lambdas/core/iceberg/live-files.ts';
import { currentSchema, icebergTable } from '../../../lambdas/core/iceberg/schema.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import type { SourceSettings } from '../../../lambdas/core/settings.ts';
import { placeOf } from '../../../lambdas/edges/table-files.ts';
import { ACCOUNT } from '../../../local/account.ts';
import { maintain } from '../../../local/glue/maintenance/maintain.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { addRows, appendTo, ensured, loadedTable, queried, writtenFile } from '../../helpers/filled-tables.ts';
import { DATABASE, LAKE, type LocalCatalog, openLocalCatalog } from '../../helpers/local-catalog.ts';

const COLUMNS = { time: 'timestamp', status: 'int', path: 'string' };
const ROLE = `arn:aws:iam::${ACCOUNT}:role/maintains`;
const TAKEN_OVER = 'tributary.taken-over';

/** The source `web`, as a stack with these columns has it. */
function sourceOf(columns: Readonly<Record<string, string>> = COLUMNS) {
  const settings = {
    ...{ name: 'web', format: 'json', lane: 'objects', bucket: 'example-logs', streams: [], keepRaw: 'never' },
    options: { columns },
  };
  const [source] = compiledSources([settings as unknown as SourceSettings]);
  if (!source) throw new Error('expected a source');
  return source;
}
const WEB = tableOf(sourceOf());

let local: LocalCatalog;
beforeEach(async () => {
  local = await openLocalCatalog();
});

/** No commit was ever made by the lane. */
const NO_COMMITS = { listsOf: async () => [] } as unknown as CommitRecords;

function lakeOf(
  columns?: Readonly<Record<string, string>>,
  { s3, url }: LocalCatalog = local,
  records = NO_COMMITS,
): RebuiltLake {
  const glue = new GlueClient({ ...clientOptions(url), maxAttempts: 2 });
  onTestFinished(() => glue.destroy());
  return {
    ...{ s3, glue, accountId: ACCOUNT, lakeBucket: LAKE, database: 'tributary', optimizerRole: ROLE },
    ...{ sources: [sourceOf(columns)], records },
  } as unknown as RebuiltLake;
}

function rebuild(task: Partial<RebuildTask> = {}, dryRun = false, lake = lakeOf()) {
  return rebuildTable(lake, { table: 'web', ...task }, { dryRun });
}

/** A table with three rows in two files. */
async function filled() {
  await ensured(local, WEB);
  const first = await addRows(local, WEB, '2026-11-27', [{ status: 200, path: '/a' }]);
  const second = await addRows(local, WEB, '2026-11-28', [
    { status: 404, path: '/b' },
    { status: 500, path: '/c' },
  ]);
  return { first, second, table: await loadedTable(local, 'web') };
}

const rows = (columns = 'status, path, dt') =>
  queried(local, [WEB], `SELECT ${columns} FROM tributary_iceberg.web ORDER BY dt, path`);
const ALL = [
  [200, '/a', '2026-11-27'],
  [404, '/b', '2026-11-28'],
  [500, '/c', '2026-11-28'],
];

/** The file in the folder of the lake that has an object. */
function fileOf(uri: string): string {
  const { Bucket, Key } = placeOf(uri);
  return join(local.dir, 'buckets', Bucket, Key);
}

const pointer = () => join(local.dir, 'glue', DATABASE, 'web.json');

describe('a table that can be read', () => {
  test('is made anew of the same files, in its place', async () => {
    const { table: former } = await filled();
    const report = await rebuild();
    const { metadata, metadataLocation } = await loadedTable(local, 'web');
    expect(report).toEqual({
      ...{ from: [former.metadataLocation], files: 2, rows: 3, repeated: 0, leftOut: 0, rowsLeftOut: 0, setAside: [] },
      ...{ others: [], since: 0, metadata: metadataLocation },
    });
    expect(metadata['table-uuid']).not.toBe(former.metadata['table-uuid']);
    expect(metadata.properties).toMatchObject({
      ...former.metadata.properties,
      [TAKEN_OVER]: former.metadata['table-uuid'],
    });
    expect(metadata.location).toBe(former.metadata.location);
    expect(metadata.snapshots).toHaveLength(1);
    expect(await Array.fromAsync(liveFiles({ metadata, metadataLocation }, local.files))).toHaveLength(2);
    expect(await rows()).toEqual(ALL);
  });

  test('stays as it is with --dry-run', async () => {
    const { table: former } = await filled();
    const files = await local.objects.keys(LAKE, '');
    expect(await rebuild({}, true)).toMatchObject({ files: 2, rows: 3 });
    expect((await loadedTable(local, 'web')).metadataLocation).toBe(former.metadataLocation);
    expect(await local.objects.keys(LAKE, '')).toEqual(files);
  });

  test('goes on as any other table: writers find what they want, and add files', async () => {
    const { table: former } = await filled();
    await rebuild();
    const { ids } = icebergTable('web', former);
    expect((await ensured(local, WEB)).ids).toEqual(ids);
    await addRows(local, WEB, '2026-11-29', [{ status: 201, path: '/d' }]);
    expect(await rows()).toEqual([...ALL, [201, '/d', '2026-11-29']]);
  });

  test('may be empty', async () => {
    await ensured(local, WEB);
    expect(await rebuild()).toMatchObject({ files: 0, rows: 0 });
    expect(await rows()).toEqual([]);
    await addRows(local, WEB, '2026-11-29', [{ status: 201, path: '/d' }]);
    expect(await rows()).toEqual([[201, '/d', '2026-11-29']]);
  });

  test('has each file once, however often it was added', async () => {
    const { first } = await filled();
    await appendTo(local, 'web', [first]);
    expect(await rebuild()).toMatchObject({ files: 2, rows: 3, repeated: 1 });
    expect(await rows()).toEqual(ALL);
  });
});

describe('what others do meanwhile', () => {
  test('a commit that comes first is in the new table', async () => {
    const { table } = await filled();
    const iceberg = icebergTable('web', table);
    const late = await writtenFile(local, {
      table: WEB,
      iceberg,
      day: '2026-11-29',
      rows: [{ status: 201, path: '/d' }],
    });
    let updates = 0;
    const racing = await openLocalCatalog({
      dir: local.dir,
      intercept: async (_service, { headers }) => {
        if (headers['x-amz-target'] === 'AWSGlue.UpdateTable' && updates++ === 0) await appendTo(local, 'web', [late]);
        return false;
      },
    });
    expect(await rebuild({}, false, lakeOf(COLUMNS, racing))).toMatchObject({ files: 3, rows: 4 });
    expect(updates).toBe(2);
    expect(await rows()).toEqual([...ALL, [201, '/d', '2026-11-29']]);
  });

  test('a commit to the former table is refused afterwards, and what it says of commits is known to the new one', async () => {
    await filled();
    const former = await appendTo(
      local,
      'web',
      [
        await writtenFile(local, {
          ...{ table: WEB, iceberg: icebergTable('web', await loadedTable(local, 'web')), day: '2026-11-29' },
          rows: [{ status: 201, path: '/d' }],
        }),
      ],
      { 'tributary.commit.abc': '7 list' },
    );
    await rebuild();
    const late = {
      requirements: [{ type: 'assert-table-uuid', uuid: former.metadata['table-uuid'] }],
      updates: [],
    } as const;
    await expect(local.catalog.commit('web', late)).rejects.toThrow('UUID has changed');
    expect((await loadedTable(local, 'web')).metadata.properties).toMatchObject({ 'tributary.commit.abc': '7 list' });
  });

  test.each(['AWSGlue.GetTable', 'AWSGlue.UpdateTable'])('%s may be answered with an error once', async (target) => {
    await filled();
    let asked = 0;
    const failing = await openLocalCatalog({
      dir: local.dir,
      intercept: (_service, { headers }, response) => {
        if (headers['x-amz-target'] !== target || asked++ > 0) return false;
        response.writeHead(500).end();
        return true;
      },
    });
    expect(await rebuild({}, false, lakeOf(COLUMNS, failing))).toMatchObject({ files: 2 });
    expect(await rows()).toEqual(ALL);
  });

  test('a rebuild that died is done again: what it left is in no table', async () => {
    const { table: former } = await filled();
    const dying = await openLocalCatalog({
      dir: local.dir,
      intercept: (_service, { headers }, response) => {
        if (headers['x-amz-target'] !== 'AWSGlue.UpdateTable') return false;
        response.destroy();
        return true;
      },
    });
    await expect(rebuild({}, false, lakeOf(COLUMNS, dying))).rejects.toThrow();
    expect((await loadedTable(local, 'web')).metadataLocation).toBe(former.metadataLocation);
    await rebuild();
    await rebuild();
    expect(await rows()).toEqual(ALL);
  });
});

describe('a table that the catalog has lost', () => {
  const losses = {
    'its pointer is damaged': () => writeFileSync(pointer(), '{'),
    'its pointer is gone': () => rmSync(pointer()),
  };
  test.each(Object.entries(losses))('is found in its folder: %s', async (_loss, lose) => {
    const { table: former } = await filled();
    lose();
    const lake = lakeOf();
    expect(await rebuild({}, false, lake)).toMatchObject({ from: [former.metadataLocation], files: 2, rows: 3 });
    expect(await rows()).toEqual(ALL);
    const maintained = { CatalogId: ACCOUNT, DatabaseName: DATABASE, TableName: 'web' };
    const optimizer = new GetTableOptimizerCommand({ ...maintained, Type: 'retention' });
    expect((await lake.glue.send(optimizer)).TableOptimizer?.configuration).toMatchObject({ roleArn: ROLE });
    expect((await ensured(local, WEB)).ids).toEqual(icebergTable('web', former).ids);
  });

  test('is found again after it was rebuilt before', async () => {
    await filled();
    const { metadata } = await rebuild();
    rmSync(pointer());
    expect(await rebuild()).toMatchObject({ from: [metadata], files: 2 });
  });

  test('is not guessed at where two metadata files could be the newest', async () => {
    const { table } = await filled();
    const second = table.metadataLocation.replace(/[^/]+$/, '00009-other.metadata.json');
    await local.files.put(second, await local.files.get(table.metadataLocation));
    rmSync(pointer());
    await expect(rebuild()).rejects.toThrow(/nobody knows which .*--metadata s3:.*, or --metadata s3:/);
    expect(await rebuild({ metadata: [table.metadataLocation] })).toMatchObject({ files: 2 });
    expect(await rows()).toEqual(ALL);
  });

  test('is not taken for what a rebuild that died has left, once it has gone on', async () => {
    await filled();
    const dying = await openLocalCatalog({
      dir: local.dir,
      intercept: (_service, { headers }, response) => {
        if (headers['x-amz-target'] !== 'AWSGlue.UpdateTable') return false;
        response.destroy();
        return true;
      },
    });
    await expect(rebuild({}, false, lakeOf(COLUMNS, dying))).rejects.toThrow();
    await addRows(local, WEB, '2026-11-29', [{ status: 201, path: '/d' }]);
    expect(await rebuild({}, true)).toMatchObject({ files: 3, others: [] });
    const [damaged, whole] = [join(local.dir, 'damaged.json'), pointer()];
    renameSync(whole, damaged);
    await expect(rebuild()).rejects.toThrow(/nobody knows which .*\(4 rows, .*\(3 rows, /);
    renameSync(damaged, whole);
    await addRows(local, WEB, '2026-11-29', [{ status: 202, path: '/e' }]);
    rmSync(pointer());
    expect(await rebuild()).toMatchObject({ files: 4, rows: 5 });
  });

  test('is nowhere', async () => {
    await expect(rebuild()).rejects.toThrow(
      'table web: it is not in the catalog, and no metadata of it is in s3://lake/iceberg/web/metadata/; ' +
        'sources with tableFormat=iceberg: none',
    );
  });

  test('takes in the files of the one that was made in its place', async () => {
    const { table: former } = await filled();
    rmSync(pointer());
    await local.catalog.create('web', {
      ...{ location: former.metadata.location, properties: {} },
      fields: currentSchema(former.metadata).fields.toSorted((a, b) => a.id - b.id),
      partitionSpec: former.metadata['partition-specs'][0] as never,
    });
    await addRows(local, WEB, '2026-11-29', [{ status: 201, path: '/d' }]);
    const { metadataLocation } = await loadedTable(local, 'web');
    expect(await rebuild({ metadata: [metadataLocation, former.metadataLocation] })).toMatchObject({
      files: 3,
      rows: 4,
    });
    expect(await rows()).toEqual([...ALL, [201, '/d', '2026-11-29']]);
  });

  test('does not take in files whose ids mean other columns', async () => {
    const { table: former } = await filled();
    rmSync(pointer());
    const other = tableOf(sourceOf({ time: 'timestamp', host: 'string', status: 'int', path: 'string' }));
    await ensured(local, other);
    const { metadataLocation } = await loadedTable(local, 'web');
    await expect(rebuild({ metadata: [metadataLocation, former.metadataLocation] })).rejects.toThrow(
      /expected the same ids of fields, got field 2 host of type string and field 2 status of type int/,
    );
  });
});

describe('files that are not what the table says', () => {
  const damages: Record<string, (file: string) => void> = {
    missing: (file) => rmSync(file),
    shorter: (file) => writeFileSync(file, 'PAR1'),
  };
  test.each(Object.entries(damages))('a data file is %s', async (_damage, damage) => {
    const { second, table: former } = await filled();
    damage(fileOf(second.path));
    await expect(rebuild()).rejects.toThrow(
      `1 file with 2 rows are missing, or have other bytes than the table says: ${second.path}`,
    );
    expect((await loadedTable(local, 'web')).metadataLocation).toBe(former.metadataLocation);
    expect(await rebuild({ withoutMissing: true })).toMatchObject({ files: 1, rows: 1, leftOut: 1, rowsLeftOut: 2 });
    expect(await rows()).toEqual(ALL.slice(0, 1));
  });

  test('the list of manifests is missing', async () => {
    const { table } = await filled();
    const list = table.metadata.snapshots?.at(-1)?.['manifest-list'] ?? '';
    rmSync(fileOf(list));
    await expect(rebuild()).rejects.toThrow(/^table web: .*; nothing was changed$/);
  });

  test('the metadata is damaged', async () => {
    const { table } = await filled();
    writeFileSync(fileOf(table.metadataLocation), '{');
    await expect(rebuild()).rejects.toThrow(`${table.metadataLocation}: expected the metadata of a table, got`);
  });
});

describe('columns', () => {
  test('a column with another type is a new one; the values of before stay under another name', async () => {
    await filled();
    const retyped = { ...COLUMNS, status: 'string', host: 'string' };
    const table = tableOf(sourceOf(retyped));
    const { setAside } = await rebuild({}, false, lakeOf(retyped));
    expect(setAside).toEqual([{ column: 'status', type: 'int', to: 'status_int' }]);
    await ensured(local, table);
    await addRows(local, table, '2026-11-29', [{ status: '2xx', path: '/d', host: 'example.com' }]);
    expect(await rows('status, status_int, path, host')).toEqual([
      [null, 200, '/a', null],
      [null, 404, '/b', null],
      [null, 500, '/c', null],
      ['2xx', null, '/d', 'example.com'],
    ]);
    expect(await rebuild({}, false, lakeOf(retyped))).toMatchObject({ setAside: [], files: 3 });
  });

  test('a column can get its type before the source has it', async () => {
    await filled();
    const { setAside } = await rebuild({ retype: { status: 'double' } });
    expect(setAside).toEqual([{ column: 'status', type: 'int', to: 'status_int' }]);
    await expect(ensured(local, WEB)).rejects.toThrow('column status: the table has the type double');
    await ensured(local, tableOf(sourceOf({ ...COLUMNS, status: 'double' })));
    await expect(rebuild({ retype: { stauts: 'double' } })).rejects.toThrow(
      /^--retype stauts: expected a column of the source web: time, status, path/,
    );
  });

  test('a file that was written before has its values where those of its column are', async () => {
    const { table: former } = await filled();
    const iceberg = icebergTable('web', former);
    const waiting = await writtenFile(local, {
      table: WEB,
      iceberg,
      day: '2026-11-29',
      rows: [{ status: 201, path: '/d' }],
    });
    await rebuild({}, false, lakeOf({ ...COLUMNS, status: 'string' }));
    await appendTo(local, 'web', [waiting]);
    expect((await rows('status, status_int')).at(-1)).toEqual([null, 201]);
  });

  test('an int becomes a bigint, and columns that the source has no more stay', async () => {
    await filled();
    expect(await rebuild({}, false, lakeOf({ time: 'timestamp', status: 'bigint' }))).toMatchObject({ setAside: [] });
    const { metadata } = await loadedTable(local, 'web');
    const types = currentSchema(metadata).fields.map(({ name, type }) => [name, type]);
    expect(types.slice(0, 2)).toEqual([
      ['time', 'timestamp'],
      ['status', 'long'],
    ]);
    expect(types.slice(-2)).toEqual([
      ['path', 'string'],
      ['dt', 'string'],
    ]);
    expect(await rows()).toEqual(ALL.map(([status, ...others]) => [BigInt(String(status)), ...others]));
  });
});

describe('metadata of before the last commits', () => {
  /** The committer of the lane as its records say it: three commits, the last two of which the metadata does not know. */
  async function setBack() {
    await filled();
    const updates = { 'tributary.commit.c': '1 direct/commits/web/1-a.json' };
    const former = await local.catalog.commit('web', {
      requirements: [],
      updates: [{ action: 'set-properties', updates }],
    });
    const iceberg = icebergTable('web', former);
    const file = (path: string) =>
      writtenFile(local, { table: WEB, iceberg, day: '2026-11-29', rows: [{ status: 201, path }] });
    const of = async (path: string, changed: object = {}) => ({
      tables: [{ name: 'web', uuid: iceberg.uuid, schemaId: iceberg.schemaId, files: [await file(path)], ...changed }],
    });
    const lists: Record<string, unknown> = {
      'direct/commits/web/1-a.json': { table: 'web', batches: [{ batch: 'first', attempt: 'x', index: 0 }] },
      'direct/commits/web/2-b.json': { table: 'web', batches: [{ batch: 'second', attempt: 'second', index: 0 }] },
      'direct/commits/web/3-lost.json': { table: 'web', batches: [{ batch: 'waits', attempt: 'waits', index: 0 }] },
      'direct/commits/web/3-c.json': {
        table: 'web',
        batches: ['third', 'fourth'].map((batch) => ({ batch, attempt: batch, index: 0 })),
      },
      x: await of('/x'),
      second: await of('/d'),
      third: await of('/e'),
      fourth: await of('/f'),
      waits: await of('/g'),
    };
    const uncommitted = new Set(['waits', 'fourth']);
    const records = {
      listsOf: async () => Object.keys(lists).filter((key) => key.startsWith('direct/')),
      recordOf: async () => ({ committer: 'c', list: 'direct/commits/web/3-c.json' }),
      lake: { getList: async (key: string) => lists[key] },
      readBatch: async (id: string) =>
        uncommitted.has(id) ? { state: 'stored', uncommitted: [0] } : { state: 'written' },
    } as unknown as CommitRecords;
    return { former, lists, uncommitted, lake: lakeOf(COLUMNS, local, records), of };
  }
  const paths = async () => (await rows('path')).flat();

  test('has their files added, and says that they were made', async () => {
    const { lake } = await setBack();
    rmSync(pointer());
    expect(await rebuild({}, false, lake)).toMatchObject({ files: 5, since: 3 });
    expect(await paths()).toEqual(['/a', '/b', '/c', '/d', '/e', '/f']);
    expect((await loadedTable(local, 'web')).metadata.properties).toMatchObject({
      'tributary.commit.c': '3 direct/commits/web/3-c.json',
    });
  });

  test('has them added where the catalog has it, too', async () => {
    const { lake, former } = await setBack();
    expect(await rebuild({}, false, lake)).toMatchObject({ from: [former.metadataLocation], files: 5, since: 3 });
    expect(await rebuild({}, false, lake)).toMatchObject({ files: 5, since: 0 });
    expect(await paths()).toEqual(['/a', '/b', '/c', '/d', '/e', '/f']);
  });

  test('is left behind where somebody has deleted the table with its files', async () => {
    const { lake } = await setBack();
    rmSync(pointer());
    rmSync(join(local.dir, 'buckets', LAKE, 'iceberg'), { recursive: true });
    await ensured(local, WEB);
    expect(await rebuild({ withoutMissing: true }, false, lake)).toMatchObject({
      files: 0,
      leftOut: 4,
      rowsLeftOut: 4,
    });
    expect((await loadedTable(local, 'web')).metadata.properties).toMatchObject({
      'tributary.commit.c': '3 direct/commits/web/3-c.json',
    });
  });

  test('leaves a commit that is planned, and was not made, to the committer', async () => {
    const { lake, uncommitted } = await setBack();
    uncommitted.add('third');
    rmSync(pointer());
    await rebuild({}, false, lake);
    expect(await paths()).toEqual(['/a', '/b', '/c', '/d']);
    expect((await loadedTable(local, 'web')).metadata.properties).toMatchObject({
      'tributary.commit.c': '2 direct/commits/web/2-b.json',
    });
  });

  test('is refused where files have columns that it does not know', async () => {
    const { lake, lists, of } = await setBack();
    lists.second = await of('/d', { schemaId: 7 });
    rmSync(pointer());
    await expect(rebuild({}, false, lake)).rejects.toThrow(/have the schema 7 of the table .* does not have/);
    expect(await rebuild({ withoutMissing: true }, false, lake)).toMatchObject({
      ...{ files: 4, leftOut: 1, rowsLeftOut: 1 },
    });
    expect(await paths()).toEqual(['/a', '/b', '/c', '/e', '/f']);
  });
});

test('maintenance of the new table deletes what only the former one had, and no rows', async () => {
  const { table: former } = await filled();
  for (const path of ['/d', '/e', '/f']) await addRows(local, WEB, '2026-11-29', [{ status: 201, path }]);
  rmSync(pointer());
  await rebuild();
  const later = Date.now() + 40 * 86_400_000;
  for (let round = 0; round < 2; round++) await maintain(local.glue.tables, DATABASE, 'web', later);
  expect((await rows('path')).flat()).toEqual(['/a', '/b', '/c', '/d', '/e', '/f']);
  const { Key } = placeOf(former.metadataLocation);
  expect(await local.objects.keys(LAKE, 'iceberg/web/metadata/')).not.toContain(Key);
});
