/** Tables of a local catalog with rows in real files, as the lake makes them. */
import { randomUUID } from 'node:crypto';
import { buildAppend } from '../../lambdas/core/iceberg/append.ts';
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { ensureTable, type IcebergTable, icebergTable, tableProperties } from '../../lambdas/core/iceberg/schema.ts';
import type { Making } from '../../lambdas/core/iceberg/snapshots.ts';
import { type ColumnType, sourceTable, type Table } from '../../lambdas/core/tables/table.ts';
import { columnsOf, fileOf } from '../lambdas/core/parquet/reading.ts';
import { makingOf } from './iceberg-table.ts';
import { LAKE, type LocalCatalog } from './local-catalog.ts';

/** A source's table with these columns of its own. */
export function tableOf(name: string, types: Readonly<Record<string, ColumnType>>): Table {
  const columns = columnsOf(types).map(({ name: of, ...spec }) => [of, spec]);
  return sourceTable(name, '', Object.fromEntries(columns), 'objects');
}

/** Makes the table, or gives it the columns that it lacks. */
export function ensure({ catalog }: LocalCatalog, table: Table): Promise<IcebergTable> {
  const made = { location: `s3://${LAKE}/iceberg/${table.name}`, properties: tableProperties(table.name) };
  return ensureTable(catalog, table, made);
}

export async function loaded({ catalog }: LocalCatalog, name: string): Promise<LoadedTable> {
  const table = await catalog.load(name);
  if (!table) throw new Error(`expected a table ${name}, got none`);
  return table;
}

/** Puts a file of a day into a table's folder. @param rows by columns, in their order */
export async function dataFile(
  local: LocalCatalog,
  table: Table,
  day: string,
  rows: readonly object[],
): Promise<DataFile> {
  const { location, ids } = icebergTable(table.name, await loaded(local, table.name));
  const keys = new Map(table.columns.map(({ name, key }) => [name, key]));
  const json = rows.map((row) =>
    JSON.stringify(Object.fromEntries(Object.entries(row).map(([name, value]) => [keys.get(name), value]))),
  );
  const bytes = fileOf(table.columns, json, { iceberg: { ids, day } });
  return placed(local, `${location}/data/dt=${day}/${randomUUID()}.parquet`, day, rows.length, bytes);
}

/** Puts a file into a bucket. Nothing is known of its columns. */
export async function placed(
  { files }: LocalCatalog,
  path: string,
  partition: string | null,
  rows: number,
  bytes: Uint8Array,
): Promise<DataFile> {
  await files.put(path, bytes);
  const metrics = { columnSizes: {}, valueCounts: {}, nullCounts: {}, lower: {}, upper: {}, splitOffsets: [4] };
  return { path, partition, rows, bytes: bytes.length, metrics };
}

export async function append(
  local: LocalCatalog,
  name: string,
  added: readonly DataFile[],
  making: Partial<Making> = {},
): Promise<LoadedTable> {
  const change = await buildAppend(
    await loaded(local, name),
    added,
    makingOf(local.files, { now: Date.now(), ...making }),
  );
  return local.catalog.commit(name, change);
}

/** Makes the table, if there is none, and adds rows of a day. */
export async function addRows(local: LocalCatalog, table: Table, day: string, rows: readonly object[]): Promise<void> {
  await ensure(local, table);
  await append(local, table.name, [await dataFile(local, table, day, rows)]);
}
