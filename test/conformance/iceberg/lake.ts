/** A lake on this machine with Iceberg tables, written by the lake's own encoder and committed by its own client. */
import { randomUUID } from 'node:crypto';
import { buildAppend } from '../../../lambdas/core/iceberg/append.ts';
import type { DataFile } from '../../../lambdas/core/iceberg/data-file.ts';
import { buildDelete } from '../../../lambdas/core/iceberg/delete-days.ts';
import { type Days, liveFiles } from '../../../lambdas/core/iceberg/live-files.ts';
import { readManifestList } from '../../../lambdas/core/iceberg/manifests.ts';
import type { IcebergCatalog, LoadedTable, TableChange, TableFiles } from '../../../lambdas/core/iceberg/ports.ts';
import { ensureTable, icebergTable, tableProperties } from '../../../lambdas/core/iceberg/schema.ts';
import { currentSnapshot, type Making } from '../../../lambdas/core/iceberg/snapshots.ts';
import { openParquetFile } from '../../../lambdas/core/parquet/file.ts';
import { LOADS, loadsTable } from '../../../lambdas/core/tables/lake-tables.ts';
import { type ColumnType, PARTITION, type Table } from '../../../lambdas/core/tables/table.ts';
import { openAthena } from '../../../local/athena/athena.ts';
import { LAKE } from '../../helpers/local-catalog.ts';
import { columnsOf } from '../../lambdas/core/parquet/reading.ts';
import type { Answer } from '../differences.ts';
import type { ExpectedRows, Row } from './expected-rows.ts';

export function tableOf(name: string, types: Readonly<Record<string, ColumnType>>): Table {
  return { name, description: '', columns: columnsOf(types) };
}

/** Iceberg tables as the lake makes them, in whatever catalog. */
export class IcebergTables {
  readonly #catalog: IcebergCatalog;
  readonly #files: TableFiles;
  readonly #expected: ExpectedRows | undefined;

  /** @param expected is told all changes, too */
  constructor(
    { catalog, files }: { readonly catalog: IcebergCatalog; readonly files: TableFiles },
    expected?: ExpectedRows,
  ) {
    this.#catalog = catalog;
    this.#files = files;
    this.#expected = expected;
  }

  /** Makes a table, or adds the columns it lacks. */
  async ensure(table: Table): Promise<void> {
    const made = { location: `s3://${LAKE}/iceberg/${table.name}`, properties: tableProperties(table.name) };
    await ensureTable(this.#catalog, table, made);
    await this.#expected?.ensure(table);
  }

  async load(name: string): Promise<LoadedTable> {
    const loaded = await this.#catalog.load(name);
    if (!loaded) throw new Error(`table ${name}: expected to find it in the catalog`);
    return loaded;
  }

  /** Writes a file for each list of rows and appends all of them in one commit. */
  async append(table: Table, files: readonly { readonly day: string; readonly rows: readonly Row[] }[]): Promise<void> {
    const loaded = await this.load(table.name);
    const added: DataFile[] = [];
    for (const { day, rows } of files) added.push(await this.#write(table, loaded, day, rows));
    await this.commit(table.name, await buildAppend(loaded, added, this.#making()));
    for (const [index, file] of files.entries()) {
      await this.#expected?.append(table, { ...file, file: added[index]?.path ?? '' });
    }
  }

  /** Asks for several commits at once, all made for the table as it is now, each with a file of its own. */
  async appends(
    table: Table,
    file: { readonly day: string; readonly rows: readonly Row[] },
    count: number,
    properties: Readonly<Record<string, string>>,
  ): Promise<Promise<void>[]> {
    const loaded = await this.load(table.name);
    const changes: TableChange[] = [];
    for (let index = 0; index < count; index++) {
      const added = await this.#write(table, loaded, file.day, file.rows);
      changes.push(await buildAppend(loaded, [added], { ...this.#making(), properties }));
    }
    return changes.map((change) => this.commit(table.name, change));
  }

  /** @returns whether there was something to delete */
  async deleteBefore(name: string, day: string): Promise<boolean> {
    const change = await buildDelete(await this.load(name), day, this.#making());
    if (change) await this.commit(name, change);
    await this.#expected?.deleteBefore(name, day);
    return change !== undefined;
  }

  async commit(name: string, change: TableChange): Promise<void> {
    await this.#catalog.commit(name, change);
  }

  /** The paths of a table's files. */
  async paths(name: string, days: Days = {}): Promise<string[]> {
    const files = await Array.fromAsync(liveFiles(await this.load(name), this.#files, days));
    return files.map(({ path }) => path).sort();
  }

  async countManifests(name: string): Promise<number> {
    const snapshot = currentSnapshot((await this.load(name)).metadata);
    return snapshot ? (await readManifestList(this.#files, snapshot)).manifests.length : 0;
  }

  async #write(table: Table, loaded: LoadedTable, day: string, rows: readonly Row[]): Promise<DataFile> {
    const { location, ids } = icebergTable(table.name, loaded);
    const file = openParquetFile(table.columns, { iceberg: { ids, day } });
    const keys = new Map(table.columns.map(({ name, key }) => [name, key]));
    for (const row of rows) file.append(Buffer.from(json(row, keys)));
    const bytes = Buffer.concat(file.finish());
    const path = `${location}/data/dt=${day}/${randomUUID()}.parquet`;
    await this.#files.put(path, bytes);
    return { path, partition: day, rows: file.rows, bytes: bytes.length, metrics: file.metrics() };
  }

  #making(): Making {
    const bytes = crypto.getRandomValues(new BigUint64Array(1));
    return {
      files: this.#files,
      newId: randomUUID,
      snapshotId: () => (bytes[0] as bigint) >> 1n,
      now: Date.now(),
    };
  }
}

function json(row: Row, keys: ReadonlyMap<string, string>): string {
  const members = Object.entries(row).map(([name, value]) => {
    const key = keys.get(name);
    if (key === undefined) throw new Error(`there is no column ${name}`);
    const text = Object.is(value, -0) ? '-0.0' : typeof value === 'bigint' ? String(value) : JSON.stringify(value);
    return `${JSON.stringify(key)}:${text}`;
  });
  return `{${members.join(',')}}`;
}

/** What a local lake's own queries answer. */
export async function localQueries(
  dir: string,
): Promise<{ query(sql: string): Promise<Answer>; close(): Promise<void> }> {
  // The databases of Iceberg tables go with those of loads.
  const loads = {
    logicalId: LOADS,
    type: 'AWS::Glue::Table',
    localName: LOADS,
    properties: {
      DatabaseName: 'tributary',
      TableInput: {
        Name: LOADS,
        PartitionKeys: [{ Name: PARTITION.name, Type: 'string' }],
        StorageDescriptor: {
          Columns: loadsTable.columns.map(({ name, type }) => ({ Name: name, Type: type })),
          Location: `s3://${LAKE}/data/${LOADS}/`,
        },
      },
    },
  };
  return openAthena({ dir, tables: [loads] });
}
