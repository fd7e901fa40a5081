import { describe, expect, test } from 'vitest';
import type { LoadedTable } from '../../../../lambdas/core/iceberg/ports.ts';
import {
  currentSchema,
  ensureTable,
  SchemaError,
  schemaOf,
  tableProperties,
} from '../../../../lambdas/core/iceberg/schema.ts';
import { bigint, int, numbered, type Table, text, timestamp } from '../../../../lambdas/core/tables/table.ts';
import { LAKE, openLocalCatalog } from '../../../helpers/local-catalog.ts';

const location = `s3://${LAKE}/iceberg/web`;
const made = { location, properties: tableProperties('web') };

function tableOf(specs: Parameters<typeof numbered>[0]): Table {
  return { name: 'web', description: 'Requests.', columns: numbered(specs) };
}

const FIRST = tableOf({ time: timestamp('When.'), status: int('Status code.'), path: text('Path.') });

const columnsOf = ({ metadata }: LoadedTable) =>
  currentSchema(metadata).fields.map(({ id, name, type }) => `${id} ${name} ${type}`);

test('a table has the columns of the source, in their order, and the day last', () => {
  expect(schemaOf(FIRST).map(({ name, type }) => `${name} ${type}`)).toEqual([
    'time timestamp',
    'status int',
    'path string',
    'dt string',
  ]);
});

describe('ensureTable', () => {
  test('makes a table of format version 2 that is partitioned by day', async () => {
    const { catalog } = await openLocalCatalog();
    const table = await ensureTable(catalog, FIRST, made);
    expect(table).toMatchObject({ name: 'web', location, schemaId: 0, ids: { time: 1, status: 2, path: 3, dt: 4 } });
    const loaded = (await catalog.load('web')) as LoadedTable;
    expect(loaded.metadata).toMatchObject({
      'format-version': 2,
      'table-uuid': table.uuid,
      'current-snapshot-id': null,
      'partition-specs': [
        { 'spec-id': 0, fields: [{ 'source-id': 4, 'field-id': 1000, name: 'dt', transform: 'identity' }] },
      ],
      properties: { 'write.parquet.compression-codec': 'zstd', 'tributary.source': 'web' },
    });
    expect(currentSchema(loaded.metadata).fields[1]).toEqual({
      ...{ id: 2, name: 'status', required: false, type: 'int', doc: 'Status code.' },
    });
  });

  test('changes nothing of a table that has all columns, whatever their order', async () => {
    const { catalog } = await openLocalCatalog();
    const table = await ensureTable(catalog, FIRST, made);
    const { metadataLocation } = (await catalog.load('web')) as LoadedTable;
    const moved = tableOf({ path: text('Moved.'), time: timestamp('When.') });
    expect(await ensureTable(catalog, moved, made)).toEqual(table);
    expect(await catalog.load('web')).toMatchObject({ metadataLocation });
  });

  test('adds a column in its place, under a new id, and keeps one that the source has no more', async () => {
    const { catalog } = await openLocalCatalog();
    await ensureTable(catalog, FIRST, made);
    const table = await ensureTable(
      catalog,
      tableOf({ time: timestamp('W.'), host: text('H.'), path: text('P.') }),
      made,
    );
    expect(table).toMatchObject({ schemaId: 1, ids: { time: 1, status: 2, path: 3, dt: 4, host: 5 } });
    expect(columnsOf((await catalog.load('web')) as LoadedTable)).toEqual([
      '1 time timestamp',
      '5 host string',
      '3 path string',
      '2 status int',
      '4 dt string',
    ]);
  });

  test('gives a column that comes back its former id', async () => {
    const { catalog } = await openLocalCatalog();
    await ensureTable(catalog, FIRST, made);
    await ensureTable(catalog, tableOf({ host: text('H.') }), made);
    const { ids } = await ensureTable(catalog, FIRST, made);
    expect(ids).toEqual({ time: 1, status: 2, path: 3, dt: 4, host: 5 });
  });

  test('widens an int to a bigint, under its id', async () => {
    const { catalog } = await openLocalCatalog();
    await ensureTable(catalog, FIRST, made);
    await ensureTable(catalog, tableOf({ time: timestamp('W.'), status: bigint('S.'), path: text('P.') }), made);
    expect(columnsOf((await catalog.load('web')) as LoadedTable)).toContain('2 status long');
  });

  test.each([
    ['a string instead of an int', text('S.'), 'int', 'string'],
    ['a timestamp instead of an int', timestamp('S.'), 'int', 'timestamp'],
  ])('refuses %s and says the way out', async (_name, status, from, to) => {
    const { catalog } = await openLocalCatalog();
    await ensureTable(catalog, FIRST, made);
    const { metadataLocation } = (await catalog.load('web')) as LoadedTable;
    const changed = ensureTable(catalog, tableOf({ status, more: text('M.') }), made);
    await expect(changed).rejects.toThrow(SchemaError);
    await expect(changed).rejects.toThrow(
      `Iceberg table web, column status: the table has the type ${from}, and the source now has ${to}`,
    );
    await expect(changed).rejects.toThrow('lake rebuild');
    expect(await catalog.load('web')).toMatchObject({ metadataLocation });
  });

  test('refuses to make a bigint an int again', async () => {
    const { catalog } = await openLocalCatalog();
    await ensureTable(catalog, tableOf({ status: bigint('S.') }), made);
    await expect(ensureTable(catalog, tableOf({ status: int('S.') }), made)).rejects.toThrow('the type long');
  });

  test('leaves a column wider than a writer of an earlier version has it, and adds what else is missing', async () => {
    const { catalog } = await openLocalCatalog();
    await ensureTable(catalog, tableOf({ status: bigint('S.') }), made);
    const earlier = tableOf({ status: int('S.'), path: text('P.') });
    await ensureTable(catalog, earlier, { ...made, acceptWider: true });
    const columns = columnsOf((await catalog.load('web')) as LoadedTable);
    expect(columns).toEqual(['1 status long', '3 path string', '2 dt string']);
    const other = tableOf({ status: text('S.') });
    await expect(ensureTable(catalog, other, { ...made, acceptWider: true })).rejects.toThrow(SchemaError);
  });

  test('refuses a table of somebody else, which has another partition', async () => {
    const { catalog } = await openLocalCatalog();
    const fields = [{ id: 1, name: 'dt', required: false, type: 'string' }];
    await catalog.create('web', { ...made, fields, partitionSpec: { 'spec-id': 0, fields: [] } });
    await expect(ensureTable(catalog, FIRST, made)).rejects.toThrow('expected a partition by identity(dt), got none');
  });

  test('of many at once with different columns, each has its columns in the end', async () => {
    const { catalog } = await openLocalCatalog();
    const wanted = ['a', 'b', 'c', 'd', 'e', 'a', 'b'].map((name) =>
      tableOf({ time: timestamp('W.'), [name]: text('X.') }),
    );
    const tables = await Promise.all(wanted.map((table) => ensureTable(catalog, table, made)));
    for (const [index, table] of tables.entries()) {
      expect(table.ids[wanted[index]?.columns[1]?.name as string]).toBeGreaterThan(1);
    }
    const fields = columnsOf((await catalog.load('web')) as LoadedTable);
    expect(fields).toHaveLength(7);
    expect(fields[0]).toBe('1 time timestamp');
    expect(fields.at(-1)).toMatch(/ dt string$/);
    expect(new Set(fields.map((field) => field.split(' ')[0])).size).toBe(7);
  });

  test('names the database that is not there', async () => {
    const { catalog } = await openLocalCatalog({ databases: [{ name: 'other' }] });
    await expect(ensureTable(catalog, FIRST, made)).rejects.toThrow('Namespace does not exist: tributary_iceberg');
  });
});
