import { Readable } from 'node:stream';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { buildAppend } from '../../../lambdas/core/iceberg/append.ts';
import type { DataFile } from '../../../lambdas/core/iceberg/data-file.ts';
import { buildDelete } from '../../../lambdas/core/iceberg/delete-days.ts';
import type { Snapshot } from '../../../lambdas/core/iceberg/metadata.ts';
import type { TableChange, Update } from '../../../lambdas/core/iceberg/ports.ts';
import { icebergTable } from '../../../lambdas/core/iceberg/schema.ts';
import { currentSnapshot } from '../../../lambdas/core/iceberg/snapshots.ts';
import { ACCOUNT } from '../../../local/account.ts';
import { commitCompaction, compact, rewriteSmallFiles } from '../../../local/glue/maintenance/compact.ts';
import { expireSnapshots } from '../../../local/glue/maintenance/expire.ts';
import { maintain } from '../../../local/glue/maintenance/maintain.ts';
import type { MaintainedTable } from '../../../local/glue/maintenance/maintained-table.ts';
import { removeOrphans } from '../../../local/glue/maintenance/orphans.ts';
import { optimizerOperation } from '../../../local/glue/optimizers.ts';
import { Uploads } from '../../../local/s3/uploads.ts';
import { append, dataFile, ensure, loaded, tableOf } from '../../helpers/iceberg-rows.ts';
import { makingOf } from '../../helpers/iceberg-table.ts';
import { DATABASE, LAKE, type LocalCatalog, openLocalCatalog } from '../../helpers/local-catalog.ts';
import { Maintained, WEB } from '../../helpers/maintained.ts';
import { Duck } from '../../lambdas/core/parquet/reading.ts';

const DAY_MS = 86_400_000;
const [FIRST, SECOND] = ['2026-11-22', '2026-11-23'] as const;

let local: LocalCatalog;
let web: Maintained;
beforeEach(async () => {
  local = await openLocalCatalog();
  web = await Maintained.open(local);
});

/** A table with this many files of a day, each with two rows. */
async function withFiles(day: string, count: number, properties: Readonly<Record<string, string>> = {}): Promise<void> {
  for (let file = 0; file < count; file++) await web.append(day, 2, { properties });
}

const change = (...updates: Update[]): TableChange => ({ requirements: [], updates });

describe('merging small files', () => {
  test('of a day gives one file with the same rows and the ids of the fields, and changes nothing else', async () => {
    await web.appendRows(FIRST, [
      { time: '2026-11-22 12:03:00.186641', status: 200, path: '/é\u0000😀', seconds: 0.1, ok: true, position: 1 },
      { time: '1969-12-31 23:59:59.999999', status: -1, path: '', seconds: 1e300, ok: false, position: 2 },
    ]);
    await web.appendRows(FIRST, [{ position: 3 }]);
    await withFiles(FIRST, 1, { 'tributary.commit.x': '3 list' });
    await withFiles(SECOND, 2);
    const [rows, before] = [await web.rows(), await loaded(local, 'web')];

    expect(await compact(web.table(), 3)).toBe(true);
    expect(await web.rows()).toEqual(rows);
    const after = await loaded(local, 'web');
    expect(await web.filesByDay()).toEqual({ [FIRST]: 1, [SECOND]: 2 });
    expect(after.metadata.properties).toEqual(before.metadata.properties);
    const [parent, snapshot] = [currentSnapshot(before.metadata), currentSnapshot(after.metadata)];
    expect(snapshot?.['parent-snapshot-id']).toBe(parent?.['snapshot-id']);
    expect(snapshot?.summary).toMatchObject({
      ...{ operation: 'replace', 'added-data-files': '1', 'deleted-data-files': '3', 'added-records': '5' },
      ...{ 'deleted-records': '5', 'total-data-files': '3', 'total-records': parent?.summary['total-records'] },
    });
    const merged = (await web.files()).find(({ partition }) => partition === FIRST) as DataFile;
    expect(await fieldsOf(merged)).toEqual(icebergTable('web', after).ids);

    expect(await compact(web.table(), 3)).toBe(false);
  });

  test('gives them the columns of today: null where they had none, and wider where they were narrow', async () => {
    await web.appendRows(FIRST, [{ status: 200 }]);
    const wider = tableOf('web', { time: 'timestamp', status: 'bigint', path: 'string', host: 'string' });
    await ensure(local, wider);
    await append(local, 'web', [
      await dataFile(local, wider, FIRST, [{ status: 9007199254740993n, host: 'h' }].map(plain)),
    ]);
    const rows = await web.rows();
    expect(await compact(web.table(), 2)).toBe(true);
    expect(await web.rows()).toEqual(rows);
    const [file] = await web.files();
    expect(await fieldsOf(file as DataFile)).toEqual(icebergTable('web', await loaded(local, 'web')).ids);
  });

  test('fills files up to the size that the table says, and leaves those that are large enough', async () => {
    await withFiles(FIRST, 5);
    const [{ bytes } = { bytes: 0 }] = await web.files();
    const target = (files: number) =>
      local.catalog.commit(
        'web',
        change({
          action: 'set-properties',
          updates: { 'write.target-file-size-bytes': `${Math.ceil(bytes * files)}` },
        }),
      );
    await target(1.2);
    expect(await compact(web.table(), 2)).toBe(false);
    await target(2.5);
    const rows = await web.rows();
    expect(await compact(web.table(), 2)).toBe(true);
    expect(await web.filesByDay()).toEqual({ [FIRST]: 3 });
    expect(await web.rows()).toEqual(rows);
  });

  test('and appending go on beside each other, whoever comes first', async () => {
    await withFiles(FIRST, 3);
    const compaction = await rewriteSmallFiles(web.table(), 2);
    await withFiles(FIRST, 1);
    const late = await dataFile(local, WEB, FIRST, [{ position: 1000 }]);
    const overtaken = await buildAppend(await loaded(local, 'web'), [late], makingOf(local.files, { now: Date.now() }));
    const rows = await web.rows();
    expect(compaction && (await commitCompaction(web.table(), compaction))).toBe(true);
    expect(await web.rows()).toEqual(rows);
    await expect(local.catalog.commit('web', overtaken)).rejects.toThrow();
    await append(local, 'web', [late]);
    expect((await web.rows()).length).toBe(rows.length + 1);
    expect(await web.filesByDay()).toEqual({ [FIRST]: 3 });
  });

  test('is given up if one of the files was removed meanwhile, and leaves none behind', async () => {
    await withFiles(FIRST, 2);
    await withFiles(SECOND, 2);
    const compaction = await rewriteSmallFiles(web.table(), 2);
    const removal = await buildDelete(await loaded(local, 'web'), SECOND, makingOf(local.files, { now: Date.now() }));
    if (!removal || !compaction) throw new Error('expected files to remove and to merge');
    await local.catalog.commit('web', removal);
    const [rows, files] = [await web.rows(), await web.filesByDay()];
    expect(await commitCompaction(web.table(), compaction)).toBe(false);
    expect([await web.rows(), await web.filesByDay()]).toEqual([rows, files]);
    for (const { path } of compaction.added) await expect(local.files.get(path)).rejects.toThrow();
  });

  /** Ids by names, as the file itself has them. */
  async function fieldsOf({ path }: DataFile): Promise<Record<string, number>> {
    const duck = await Duck.open(local.dir);
    onTestFinished(() => duck.close());
    const fields = await duck.query(
      `SELECT name, field_id FROM parquet_schema('${web.table().path(path)}') WHERE field_id IS NOT NULL`,
    );
    return Object.fromEntries(fields.map(({ name, field_id }) => [String(name), Number(field_id)]));
  }

  /** A number that JSON cannot have is written by its digits. */
  function plain(row: { status: bigint; host: string }): object {
    return { ...row, status: (JSON as unknown as { rawJSON(text: string): object }).rawJSON(`${row.status}`) };
  }
});

describe('expiring snapshots', () => {
  const retention = { days: 2, count: 1, cleanFiles: true };
  const start = Date.now();
  const dayOf = (snapshot: Snapshot) => Math.round((snapshot['timestamp-ms'] - start) / DAY_MS);

  test('removes those that are too old, but the newest ones and what a tag names, with the files of theirs alone', async () => {
    for (const day of [0, 1, 2, 3, 4]) await web.append(FIRST, 1, { now: start + day * DAY_MS });
    const tagged = (await loaded(local, 'web')).metadata.snapshots?.[0]?.['snapshot-id'] ?? 0n;
    const tag = { action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'tag', 'snapshot-id': tagged } as never;
    await local.catalog.commit('web', change(tag));
    await compact(web.table(start + 5 * DAY_MS), 2);
    await web.append(SECOND, 1, { now: start + 6 * DAY_MS, properties: { 'tributary.commit.x': '7 list' } });
    const rows = await web.rows();
    const small = (await web.allFiles()).filter((uri) => uri.includes(`/dt=${FIRST}/`));

    const deleted = await expireSnapshots(web.table(start + 6.5 * DAY_MS), retention);
    const { metadata } = await loaded(local, 'web');
    expect(metadata.snapshots?.map(dayOf)).toEqual([0, 5, 6]);
    expect(metadata.properties).toMatchObject({ 'tributary.commit.x': '7 list' });
    expect(await web.rows()).toEqual(rows);
    // The tagged snapshot has one of the five small files, and the table the one that was made of them.
    expect(deleted.filter((uri) => small.includes(uri))).toHaveLength(4);
    await web.expectOnlyFilesOfTable();

    await expireSnapshots(web.table(start + 100 * DAY_MS), { ...retention, count: 2 });
    expect((await loaded(local, 'web')).metadata.snapshots).toHaveLength(3);
    await expireSnapshots(web.table(start + 100 * DAY_MS), retention);
    expect((await loaded(local, 'web')).metadata.snapshots).toHaveLength(2);
    expect(await web.rows()).toEqual(rows);
  });

  test('goes by the properties of the table, if nothing else is said', async () => {
    for (const day of [0, 1, 2, 3]) await web.append(FIRST, 1, { now: start + day * DAY_MS });
    const ages = async () => (await loaded(local, 'web')).metadata.snapshots?.map(dayOf);
    await expireSnapshots(web.table(start + 3.5 * DAY_MS), { cleanFiles: true });
    expect(await ages()).toEqual([2, 3]);
    const updates = { 'history.expire.max-snapshot-age-ms': '1', 'history.expire.min-snapshots-to-keep': '2' };
    await local.catalog.commit('web', change({ action: 'set-properties', updates }));
    await expireSnapshots(web.table(start + 3.5 * DAY_MS), { cleanFiles: true });
    expect(await ages()).toEqual([2, 3]);
  });

  test('may leave their files, and leaves them if the process dies: then they are orphans', async () => {
    await withFiles(FIRST, 2);
    await compact(web.table(), 2);
    const now = start + 10 * DAY_MS;
    const before = await web.allFiles();
    expect(await expireSnapshots(web.table(now), { ...retention, cleanFiles: false })).toEqual([]);
    await web.append(SECOND, 1);
    const dying = web.table(now);
    dying.delete = async () => {
      throw new Error('the process dies');
    };
    await expect(expireSnapshots(dying, retention)).rejects.toThrow('dies');
    expect(await web.allFiles()).toEqual(expect.arrayContaining(before.filter((uri) => !uri.endsWith('.json'))));
    const rows = await web.rows();
    await removeOrphans(web.table(now), 3);
    await web.expectOnlyFilesOfTable();
    expect(await web.rows()).toEqual(rows);
  });

  test('does not hold up a commit that was begun before it', async () => {
    for (const day of [0, 1, 2]) await web.append(FIRST, 1, { now: start + day * DAY_MS });
    const file = await dataFile(local, WEB, FIRST, [{ position: 1000 }]);
    const begun = await buildAppend(
      await loaded(local, 'web'),
      [file],
      makingOf(local.files, { now: start + 9 * DAY_MS }),
    );
    await expireSnapshots(web.table(start + 9 * DAY_MS), retention);
    await local.catalog.commit('web', begun);
    expect(await web.rows()).toHaveLength(4);
  });
});

describe('removing orphans', () => {
  const LIMIT = 30;
  const inDays = (days: number): MaintainedTable => web.table(Date.now() + days * DAY_MS);

  test('takes files that wait for their commit once they are older than the limit, and none that the table names', async () => {
    await withFiles(FIRST, 2);
    const rows = await web.rows();
    const waiting = await dataFile(local, WEB, FIRST, [{ position: 1000 }]);
    expect(await removeOrphans(inDays(LIMIT - 0.1), LIMIT)).toEqual([]);
    await local.files.get(waiting.path);
    expect(await removeOrphans(inDays(LIMIT + 0.1), LIMIT)).toEqual([waiting.path]);
    expect(await web.rows()).toEqual(rows);
    await web.expectOnlyFilesOfTable();
  });

  test('does not see an upload that is not completed, however old, and dates it by its beginning', async () => {
    await withFiles(FIRST, 1);
    const uploads = await Uploads.open(local.dir, local.objects);
    const key = 'iceberg/web/data/dt=2026-11-22/upload.parquet';
    const upload = await uploads.begin(LAKE, key, { crc32: false });
    const { etag } = await uploads.putPart(upload, 1, Readable.from([Buffer.from('rows')]));
    expect(await removeOrphans(inDays(1000), LIMIT)).toEqual([]);
    await uploads.complete(upload, [{ number: 1, etag }], { onlyIfNew: false });
    const age = (days: number) => web.table(upload.initiated + days * DAY_MS);
    expect(await removeOrphans(age(LIMIT), LIMIT)).toEqual([]);
    expect(await removeOrphans(age(LIMIT + 0.001), LIMIT)).toEqual([`s3://${LAKE}/${key}`]);
  });

  test('keeps a file that is committed while it looks', async () => {
    await withFiles(FIRST, 1);
    const waiting = await dataFile(local, WEB, FIRST, [{ position: 1000 }]);
    const table = inDays(LIMIT + 1);
    const { list } = table;
    table.list = async (metadata) => {
      const listed = await list.call(table, metadata);
      await append(local, 'web', [waiting]);
      return listed;
    };
    expect(await removeOrphans(table, LIMIT)).toEqual([]);
    expect(await web.rows()).toHaveLength(3);
  });
});

describe('all maintenance of a table', () => {
  const set = (Type: string, configuration: object) =>
    optimizerOperation(local.glue.tables, 'CreateTableOptimizer', {
      ...{ CatalogId: ACCOUNT, DatabaseName: DATABASE, TableName: 'web', Type },
      TableOptimizerConfiguration: { roleArn: `arn:aws:iam::${ACCOUNT}:role/maintains`, ...configuration },
    });

  test('is what was set for it', async () => {
    await withFiles(FIRST, 3);
    const orphan = await dataFile(local, WEB, FIRST, [{ position: 1000 }]);
    const [rows, later] = [await web.rows(), Date.now() + 10 * DAY_MS];
    const state = async () => ({
      files: (await web.files()).length,
      snapshots: (await loaded(local, 'web')).metadata.snapshots?.length,
      hasOrphan: (await web.allFiles()).includes(orphan.path),
    });
    await maintain(local.glue.tables, DATABASE, 'web', later);
    expect(await state()).toEqual({ files: 3, snapshots: 3, hasOrphan: true });
    await set('compaction', { compactionConfiguration: { icebergConfiguration: { minInputFiles: 3 } } });
    await set('retention', { enabled: false });
    await maintain(local.glue.tables, DATABASE, 'web', later);
    expect(await state()).toEqual({ files: 1, snapshots: 4, hasOrphan: true });
    await set('orphan_file_deletion', {});
    await maintain(local.glue.tables, DATABASE, 'web', later);
    expect(await state()).toEqual({ files: 1, snapshots: 4, hasOrphan: false });
    expect(await web.rows()).toEqual(rows);
  });
});
