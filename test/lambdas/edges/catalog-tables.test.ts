import { GetTableCommand, type GlueClient, type Table, UpdateTableCommand } from '@aws-sdk/client-glue';
import { expect, test } from 'vitest';
import { type CatalogTables, type PromotedRecords, promote } from '../../../lambdas/core/evolution/promote.ts';
import { evolvedTable, NO_RECORD, type PromotedColumn } from '../../../lambdas/core/evolution/promoted.ts';
import type { IcebergCatalog } from '../../../lambdas/core/iceberg/ports.ts';
import { ensureTable, madeFor } from '../../../lambdas/core/iceberg/schema.ts';
import { int, numbered } from '../../../lambdas/core/tables/table.ts';
import { catalogTables } from '../../../lambdas/edges/catalog-tables.ts';
import { LAKE, openLocalCatalog } from '../../helpers/local-catalog.ts';

const SETTINGS = {
  ...{ name: 'app', format: 'json', lane: 'objects' as const, bucket: 'logs', delivery: 'direct' as const },
  options: { columns: { level: 'string' } },
};
const column = (name: string): PromotedColumn => ({
  ...{ name, type: 'string', from: name, at: '2026-11-22T12:00:00Z', by: 'job' },
});

/** A definition that others change, too, and of which every other answer to a change is lost. */
class FakeGlue {
  table: Table = {
    ...{ Name: 'app', DatabaseName: 'tributary', VersionId: '7', CreatedBy: 'cloudformation', Retention: 0 },
    ...{ Parameters: { classification: 'parquet' }, TableType: 'EXTERNAL_TABLE', IsRegisteredWithLakeFormation: false },
    StorageDescriptor: { Location: 's3://lake/data/app/', Columns: [{ Name: 'level', Type: 'string' }] },
  };
  updates = 0;
  readonly client = { send: (command: unknown) => this.#send(command) } as unknown as GlueClient;

  async #send(command: unknown): Promise<unknown> {
    if (command instanceof GetTableCommand) return { Table: structuredClone(this.table) };
    if (!(command instanceof UpdateTableCommand)) throw new Error('expected another operation');
    const { TableInput, VersionId, DatabaseName } = command.input;
    if (VersionId !== this.table.VersionId) throw new Error('ConcurrentModificationException');
    const own = ['DatabaseName', 'VersionId', 'CreatedBy', 'IsRegisteredWithLakeFormation'];
    expect(Object.keys(TableInput ?? {}).filter((key) => own.includes(key))).toEqual([]);
    this.table = { ...this.table, ...(TableInput as Table), DatabaseName, VersionId: String(Number(VersionId) + 1) };
    if (this.updates++ % 2 === 0) throw new Error('answer lost');
    return {};
  }

  get names() {
    return this.table.StorageDescriptor?.Columns?.map(({ Name }) => Name);
  }
}

function tablesIn(glue: FakeGlue, catalog?: IcebergCatalog) {
  return catalogTables({ glue: glue.client, database: 'tributary', catalog, lakeBucket: 'lake' });
}

const typesIn = async (tables: CatalogTables) => (await tables.types('app')).map((types) => Object.fromEntries(types));

/** A catalog with an Iceberg table that has a column `status` of numbers. */
async function catalogWithNumbers(): Promise<IcebergCatalog> {
  const { catalog } = await openLocalCatalog();
  const table = { name: 'app', description: 'As it was.', columns: numbered({ status: int('Code.') }) };
  await ensureTable(catalog, table, madeFor('app', table, LAKE));
  return catalog;
}

test('a column is added at the end of what the catalog has, and nothing else changes', async () => {
  const glue = new FakeGlue();
  const own = ['Parameters', 'TableType', 'Retention'] as const;
  const before = own.map((key) => glue.table[key]);
  await tablesIn(glue).addColumns(evolvedTable(SETTINGS, [column('tenant')]));
  expect(glue.names?.[0]).toBe('level');
  expect(glue.names).toContain('tenant');
  expect(own.map((key) => glue.table[key])).toEqual(before);
  expect(glue.table.StorageDescriptor?.Location).toBe('s3://lake/data/app/');
  expect(await typesIn(tablesIn(glue))).toMatchObject([{ level: 'string', tenant: 'string' }]);
  await tablesIn(glue).addColumns(evolvedTable(SETTINGS, [column('tenant')]));
  expect(glue.updates).toBe(1);
});

test('changes at the same moment take nothing from each other, whatever answer is lost', async () => {
  const glue = new FakeGlue();
  const names = ['a1', 'a2', 'a3', 'a4'];
  await Promise.all(names.map((name) => tablesIn(glue).addColumns(evolvedTable(SETTINGS, [column(name)]))));
  for (const name of names) expect(glue.names?.filter((each) => each === name)).toEqual([name]);
  expect(new Set(glue.names).size).toBe(glue.names?.length);
});

test('a key is no column of text where the Iceberg table of the source has its name as a number, whatever format rows have now', async () => {
  const [glue, catalog] = [new FakeGlue(), await catalogWithNumbers()];
  const replaced: string[] = [];
  const records: PromotedRecords = {
    read: async () => NO_RECORD,
    replace: async (_source, { columns }) => replaced.push(...columns.map(({ name }) => name)) > 0,
  };
  const wanted = [column('status'), column('tenant')];
  const { added, refused } = await promote(SETTINGS, wanted, { records, tables: tablesIn(glue, catalog) });
  expect(added.map(({ name }) => name)).toEqual(['tenant']);
  expect(refused.map(({ reason }) => reason)).toEqual([
    'expected a name that tables of the source have not had with another type: status was int',
  ]);
  expect(replaced).toEqual(['tenant']);
  const [parquet, iceberg] = await typesIn(tablesIn(glue, catalog));
  expect(parquet).toMatchObject({ level: 'string', tenant: 'string' });
  // A deployment reads it there, before it gives the column another type.
  expect(iceberg).toMatchObject({ status: 'int', tenant: 'string' });
});

test('a column that an Iceberg table of before has with another type keeps it, and holds up no others', async () => {
  const catalog = await catalogWithNumbers();
  const settings = { ...SETTINGS, options: { columns: { status: 'string', path: 'string' } } };
  await tablesIn(new FakeGlue(), catalog).addColumns(evolvedTable(settings, [column('tenant')]));
  const [, iceberg] = await typesIn(tablesIn(new FakeGlue(), catalog));
  expect(iceberg).toMatchObject({ status: 'int', path: 'string', tenant: 'string' });
});

test('an Iceberg table that is not there is not made: it may be lost', async () => {
  const asked: string[] = [];
  const catalog: IcebergCatalog = {
    load: async (name) => void asked.push(`load ${name}`),
    create: () => Promise.reject(new Error('expected no new table')),
    commit: () => Promise.reject(new Error('expected no change')),
  };
  const glue = new FakeGlue();
  const tables = tablesIn(glue, catalog);
  expect(await typesIn(tables)).toEqual([{ level: 'string' }]);
  await tables.addColumns(evolvedTable(SETTINGS, [column('tenant')]));
  expect(glue.names).toContain('tenant');
  expect(asked).toEqual(['load app', 'load app']);
});
