/** Iceberg tables of a local catalog with rows in real files. */
import { onTestFinished } from 'vitest';
import { buildAppend } from '../../lambdas/core/iceberg/append.ts';
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { ensureTable, type IcebergTable, icebergTable, tableProperties } from '../../lambdas/core/iceberg/schema.ts';
import { loadsTable } from '../../lambdas/core/tables/lake-tables.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';
import { openAthena } from '../../local/athena/athena.ts';
import type { Resource } from '../../local/template/resource.ts';
import { fileOf } from '../lambdas/core/parquet/reading.ts';
import { makingOf } from './iceberg-table.ts';
import { LAKE, type LocalCatalog } from './local-catalog.ts';

export function ensured({ catalog }: LocalCatalog, table: Table): Promise<IcebergTable> {
  const made = { location: `s3://${LAKE}/iceberg/${table.name}`, properties: tableProperties(table.name) };
  return ensureTable(catalog, table, made);
}

export async function loadedTable({ catalog }: LocalCatalog, name: string): Promise<LoadedTable> {
  const loaded = await catalog.load(name);
  if (loaded) return loaded;
  throw new Error(`expected a table ${name}`);
}

/** Puts a file of a day into a table's folder, without adding it to the table. @param rows by the names of columns */
export async function writtenFile(
  local: LocalCatalog,
  { table, iceberg, day, rows }: { table: Table; iceberg: IcebergTable; day: string; rows: readonly object[] },
): Promise<DataFile> {
  const { location, ids } = iceberg;
  const keys = new Map(table.columns.map(({ name, key }) => [name, key]));
  const json = rows.map((row) =>
    JSON.stringify(Object.fromEntries(Object.entries(row).map(([name, value]) => [keys.get(name), value]))),
  );
  const bytes = fileOf(table.columns, json, { iceberg: { ids, day } });
  const path = `${location}/data/dt=${day}/${++files}.parquet`;
  await local.files.put(path, bytes);
  const metrics = { columnSizes: {}, valueCounts: {}, nullCounts: {}, lower: {}, upper: {}, splitOffsets: [4] };
  return { path, partition: day, rows: rows.length, bytes: bytes.length, metrics };
}

let files = 0;

export async function appendTo(
  local: LocalCatalog,
  name: string,
  added: readonly DataFile[],
  properties: Readonly<Record<string, string>> = {},
): Promise<LoadedTable> {
  const making = makingOf(local.files, { now: Date.now(), properties });
  return local.catalog.commit(name, await buildAppend(await loadedTable(local, name), added, making));
}

/** Adds rows of a day to a table. @returns the file that has them */
export async function addRows(local: LocalCatalog, table: Table, day: string, rows: readonly object[]) {
  const iceberg = icebergTable(table.name, await loadedTable(local, table.name));
  const file = await writtenFile(local, { table, iceberg, day, rows });
  await appendTo(local, table.name, [file]);
  return file;
}

/** The rows that a query gives, in the local stack's Athena. @param tables those that the template has */
export async function queried({ dir }: LocalCatalog, tables: readonly Table[], sql: string) {
  const athena = await openAthena({ dir, tables: [...tables, loadsTable].map(hiveTable) });
  onTestFinished(() => athena.close());
  return (await athena.query(sql)).rows;
}

/** The table as the template has it: what Firehose writes to. */
function hiveTable({ name, columns }: Table): Resource {
  const Columns = columns.map((column) => ({ Name: column.name, Type: column.type }));
  const TableInput = {
    Name: name,
    PartitionKeys: [{ Name: 'dt', Type: 'string' }],
    StorageDescriptor: { Columns, Location: `s3://${LAKE}/data/${name}/` },
  };
  const properties = { DatabaseName: 'tributary', TableInput };
  return { logicalId: name, type: 'AWS::Glue::Table', localName: name, properties };
}
