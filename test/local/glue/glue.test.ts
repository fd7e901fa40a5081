import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LoadedTable, Update } from '../../../lambdas/core/iceberg/ports.ts';
import { ACCOUNT } from '../../../local/account.ts';
import { pointersIn } from '../../../local/glue/pointers.ts';
import { openStack } from '../../../local/open-stack.ts';
import { permissive, resource, writeAssembly } from '../../helpers/assembly.ts';
import { signedHeaders } from '../../helpers/client-options.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { catalogAt, DATABASE, LAKE, openLocalCatalog } from '../../helpers/local-catalog.ts';
import { appendOf, ONE_COLUMN, snapshotAfter } from '../../helpers/table-changes.ts';

const TABLES = `/iceberg/v1/catalogs/${ACCOUNT}/namespaces/${DATABASE}/tables`;

/** What a client that is not ours gets. */
async function ask(url: string, method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const init = { method, headers, body: body && JSON.stringify(body) };
  const response = await fetch(url + path, { ...init, headers: await signedHeaders('glue', url + path, init) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** A table with a number of snapshots, 1n, 2n and so on. */
async function withSnapshots(count: number, properties: Readonly<Record<string, string>> = {}) {
  const opened = await openLocalCatalog();
  let table = (await opened.catalog.create('web', { ...ONE_COLUMN, properties })) as LoadedTable;
  for (let id = 1n; id <= count; id++) table = await opened.catalog.commit('web', appendOf(table, id));
  const change = (...updates: Update[]) => opened.catalog.commit('web', { requirements: [], updates });
  return { ...opened, table, change };
}

describe('in a stack', () => {
  test('tables are made in the databases of the template, and are there when the lake is opened again', async () => {
    const dir = temporaryFolder();
    const assembly = writeAssembly(join(dir, 'stack'), {
      resources: permissive({
        Lake: resource('AWS::S3::Bucket', LAKE),
        Database: resource('AWS::Glue::Database', 'Database', { DatabaseInput: { Name: DATABASE } }),
        Hive: resource('AWS::Glue::Table', 'Hive', {
          DatabaseName: { Ref: 'Database' },
          TableInput: { Name: 'hive', StorageDescriptor: { Columns: [], Location: `s3://${LAKE}/data/hive/` } },
        }),
      }),
    });
    const made: unknown[] = [];
    for (const _ of ['first', 'again']) {
      const lake = await openStack({ dir, assembly });
      onTestFinished(() => lake.close());
      const catalog = catalogAt(lake.endpoints.get('GLUE') as string);
      made.push((await catalog.create('web', ONE_COLUMN)) ?? (await catalog.load('web')));
      expect(await catalog.create('hive', ONE_COLUMN)).toBeUndefined();
      expect(await catalog.load('hive')).toBeUndefined();
      await lake.close();
    }
    expect(made[0]).toEqual(made[1]);
    const { metadataLocation } = made[0] as LoadedTable;
    expect([...(await pointersIn(dir, DATABASE))]).toEqual([['web', metadataLocation]]);
  });

  test('what a process that died had not completed is removed', async () => {
    const dir = temporaryFolder();
    const { catalog } = await openLocalCatalog({ dir });
    await catalog.create('web', ONE_COLUMN);
    const folder = join(dir, 'glue', DATABASE);
    writeFileSync(join(folder, 'web.json.1.tmp'), '{');
    await openLocalCatalog({ dir });
    expect(readdirSync(folder)).toEqual(['web.json']);
  });
});

describe('a client of others', () => {
  test('finds databases and tables, and takes a table out of the catalog', async () => {
    const { url, objects } = await withSnapshots(1);
    const databases = `/iceberg/v1/catalogs/${ACCOUNT}/namespaces`;
    expect(await ask(url, 'GET', databases)).toMatchObject({ body: { namespaces: [[DATABASE]] } });
    expect(await ask(url, 'GET', `${databases}/${DATABASE}`)).toMatchObject({ body: { namespace: [DATABASE] } });
    expect(await ask(url, 'HEAD', `${databases}/${DATABASE}`)).toMatchObject({ status: 204 });
    expect(await ask(url, 'HEAD', `${databases}/none`)).toMatchObject({ status: 404 });
    expect(await ask(url, 'GET', TABLES)).toMatchObject({
      body: { identifiers: [{ namespace: [DATABASE], name: 'web' }] },
    });
    expect(await ask(url, 'HEAD', `${TABLES}/web`)).toMatchObject({ status: 204 });
    expect(await ask(url, 'DELETE', `${TABLES}/web?purgeRequested=false`)).toMatchObject({ status: 204 });
    expect(await ask(url, 'HEAD', `${TABLES}/web`)).toMatchObject({ status: 404 });
    expect(await objects.keys(LAKE, 'iceberg/web/')).toHaveLength(2);
  });

  test('makes a table in two steps', async () => {
    const { url, catalog } = await openLocalCatalog();
    const schema = { type: 'struct', 'schema-id': 0, fields: [{ id: 7, name: 'a', required: true, type: 'long' }] };
    const location = `s3://${LAKE}/iceberg/web/`;
    const staged = await ask(url, 'POST', TABLES, { name: 'web', location, schema, 'stage-create': true });
    expect(staged.body['metadata-location']).toBeUndefined();
    expect(staged.body.metadata).toMatchObject({ location: location.slice(0, -1), schemas: [{ fields: [{ id: 1 }] }] });
    expect(await catalog.load('web')).toBeUndefined();
    const { metadata } = staged.body;
    const change = {
      requirements: [{ type: 'assert-create' }],
      updates: [
        { action: 'assign-uuid', uuid: metadata['table-uuid'] },
        { action: 'upgrade-format-version', 'format-version': 2 },
        { action: 'add-schema', schema: metadata.schemas[0], 'last-column-id': 1 },
        { action: 'set-current-schema', 'schema-id': -1 },
        { action: 'add-spec', spec: metadata['partition-specs'][0] },
        { action: 'set-default-spec', 'spec-id': -1 },
        { action: 'add-sort-order', 'sort-order': metadata['sort-orders'][0] },
        { action: 'set-default-sort-order', 'sort-order-id': -1 },
        { action: 'set-location', location: metadata.location },
        { action: 'set-properties', updates: { owner: 'me' } },
      ],
    };
    expect(await ask(url, 'POST', `${TABLES}/web`, change)).toMatchObject({ status: 200 });
    expect(await catalog.load('web')).toMatchObject({
      metadata: { 'table-uuid': metadata['table-uuid'], schemas: metadata.schemas, properties: { owner: 'me' } },
    });
    expect(await ask(url, 'POST', `${TABLES}/web`, change)).toMatchObject({ status: 409 });
  });

  const schema = { type: 'struct', fields: [{ id: 1, name: 'a', required: false, type: 'string' }] };
  const list = { type: 'list', element: 'string', 'element-id': 2, 'element-required': false };
  const nested = { type: 'struct', fields: [{ id: 1, name: 'a', required: false, type: list }] };
  const change = (update: object) => ({ requirements: [], updates: [update] });
  const snapshot = snapshotAfter({ metadata: { 'last-sequence-number': 9 } } as unknown as LoadedTable, 0n);

  test.each<[string, string, string, object | undefined, string]>([
    ['a view', 'POST', `/iceberg/v1/catalogs/${ACCOUNT}/namespaces/${DATABASE}/views`, {}, 'has no local behaviour'],
    ['a new name', 'POST', `/iceberg/v1/catalogs/${ACCOUNT}/tables/rename`, {}, 'has no local behaviour'],
    ['purging', 'DELETE', '/web?purgeRequested=true', undefined, 'purgeRequested has no local behaviour'],
    [
      'an update',
      'POST',
      '/web',
      change({ action: 'add-encryption-key' }),
      'the update add-encryption-key has no local',
    ],
    ['a field of an update', 'POST', '/web', change({ action: 'set-location', location: 's3://a/b', by: 'x' }), '"by"'],
    [
      'a requirement',
      'POST',
      '/web',
      { requirements: [{ type: 'assert-luck' }], updates: [] },
      'assert-luck has no local',
    ],
    [
      'format version 3',
      'POST',
      '/web',
      change({ action: 'upgrade-format-version', 'format-version': 3 }),
      'no format version',
    ],
    [
      'a field of a snapshot',
      'POST',
      '/web',
      change({ action: 'add-snapshot', snapshot: { ...snapshot, 'snapshot-id': 3, 'first-row-id': 1 } }),
      '"first-row-id"',
    ],
    [
      'nested types',
      'POST',
      '',
      { name: 'b', location: `s3://${LAKE}/b`, schema: nested },
      'nested types have no local',
    ],
    [
      'a table in no bucket of the account',
      'POST',
      '',
      { name: 'b', location: 's3://other/b', schema },
      'cannot write s3://other/b',
    ],
    ['a table without a place', 'POST', '', { name: 'b', schema }, 'expected a location'],
    ['a name with capitals', 'POST', '', { name: 'B', location: `s3://${LAKE}/b`, schema }, 'a-z, 0-9 and _, got B'],
  ])('is refused by name: %s', async (_name, method, path, body, message) => {
    const { url } = await withSnapshots(0);
    const answer = await ask(url, method, path.startsWith('/iceberg') ? path : `${TABLES}${path}`, body);
    expect([400, 406]).toContain(answer.status);
    expect(answer.body.error.message).toContain(message);
  });

  test('is refused the operations of the other protocol by name', async () => {
    const { url } = await openLocalCatalog();
    const headers = { 'x-amz-target': 'AWSGlue.GetTables' };
    const { status, body } = await ask(url, 'POST', '/', {}, headers);
    expect({ status, message: body.Message }).toEqual({
      status: 400,
      message: 'AWSGlue.GetTables has no local behaviour',
    });
  });
});

describe('a change', () => {
  test.each<[string, (table: LoadedTable) => Update[], string]>([
    [
      'a snapshot that is there',
      (table) => [{ action: 'add-snapshot', snapshot: snapshotAfter(table, 2n) }],
      'already exists',
    ],
    [
      'a snapshot with the sequence number of another',
      (table) => [{ action: 'add-snapshot', snapshot: snapshotAfter(table, 3n, { 'sequence-number': 2 }) }],
      'sequence number 2 older than last sequence number 2',
    ],
    [
      'a snapshot without its parent',
      (table) => [{ action: 'add-snapshot', snapshot: snapshotAfter(table, 3n, { 'parent-snapshot-id': 9n }) }],
      'there is no parent 9',
    ],
    [
      'a branch to no snapshot',
      () => [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 9n }],
      'there is no snapshot 9',
    ],
    [
      'a snapshot from before the last one',
      (table) => appendOf(table, 3n, { 'timestamp-ms': 1 }).updates as Update[],
      'is before the last snapshot',
    ],
    [
      'the removal of the current snapshot',
      () => [{ action: 'remove-snapshots', 'snapshot-ids': [2n] }],
      'branch or tag main needs one',
    ],
    ['a schema that is not there', () => [{ action: 'set-current-schema', 'schema-id': 7 }], 'schema 7: there is none'],
    [
      'a schema that it does not add',
      () => [{ action: 'set-current-schema', 'schema-id': -1 }],
      'this change has added none',
    ],
    [
      'a schema with fewer columns than were ever given an id',
      ({ metadata }) => [{ action: 'add-schema', schema: metadata.schemas[0] as never, 'last-column-id': 0 }],
      'a last-column-id of 1 at least',
    ],
  ])('is refused as a whole: %s', async (_name, updates, message) => {
    const { catalog, table, change } = await withSnapshots(2);
    await expect(change({ action: 'set-properties', updates: { a: 'b' } }, ...updates(table))).rejects.toThrow(message);
    expect(await catalog.load('web')).toEqual(table);
  });

  test('adds a schema under the next id, and the same schema only once', async () => {
    const { change, table } = await withSnapshots(0);
    const [first] = table.metadata.schemas;
    const schema = {
      ...first,
      fields: [...(first?.fields ?? []), { id: 2, name: 'b', required: false, type: 'int' }],
    } as never;
    for (const _ of ['first', 'again']) {
      const { metadata } = await change(
        { action: 'add-schema', schema, 'last-column-id': 2 },
        { action: 'set-current-schema', 'schema-id': -1 },
      );
      expect(metadata).toMatchObject({ 'current-schema-id': 1, 'last-column-id': 2 });
      expect(metadata.schemas.map((each) => each['schema-id'])).toEqual([0, 1]);
    }
  });

  test('forgets what was before a snapshot that it removes', async () => {
    const { change } = await withSnapshots(4);
    const { metadata } = await change({ action: 'remove-snapshots', 'snapshot-ids': [2n] });
    expect(metadata.snapshots?.map((each) => each['snapshot-id'])).toEqual([1n, 3n, 4n]);
    expect((metadata['snapshot-log'] as { 'snapshot-id': bigint }[]).map((each) => each['snapshot-id'])).toEqual([
      3n,
      4n,
    ]);
  });

  test('keeps as many metadata files as the table says, and deletes the others', async () => {
    const kept = { 'write.metadata.delete-after-commit.enabled': 'true', 'write.metadata.previous-versions-max': '2' };
    const { table, objects } = await withSnapshots(5, kept);
    const log = (table.metadata['metadata-log'] as { 'metadata-file': string }[]).map((each) => each['metadata-file']);
    const files = (await objects.keys(LAKE, 'iceberg/web/metadata/')).map((key) => `s3://${LAKE}/${key}`);
    expect(files).toEqual([...log, table.metadataLocation]);
    expect(files.map((file) => file.split('/').at(-1)?.slice(0, 5))).toEqual(['00003', '00004', '00005']);
  });

  test('is refused if the metadata would be larger than Glue takes', async () => {
    const { catalog } = await openLocalCatalog({ maxMetadataBytes: 2000 });
    const table = await catalog.create('web', ONE_COLUMN);
    const large = { action: 'set-properties', updates: { a: 'b'.repeat(2000) } } as const;
    const refused = catalog.commit('web', { requirements: [], updates: [large] });
    await expect(refused).rejects.toThrow('exceeds the maximum of 2000 bytes');
    expect(await catalog.load('web')).toEqual(table);
  });
});
