import { rm } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DataFile } from '../../../lambdas/core/iceberg/data-file.ts';
import { liveFiles } from '../../../lambdas/core/iceberg/live-files.ts';
import { numberProperty } from '../../../lambdas/core/iceberg/metadata.ts';
import { columnsOf, type IcebergColumn, selectFrom } from '../../athena/iceberg-select.ts';
import { identifier, text } from '../../firehose/parquet.ts';
import type { MaintainedTable } from './maintained-table.ts';
import { buildReplace, type Compaction } from './replace.ts';

/** The size of files, where the table's properties do not say otherwise. */
const TARGET_BYTES = 512 * 1024 * 1024;

/** Files of at least this share of the target are left as they are. */
const LARGE_ENOUGH = 0.75;

/**
 * Merges the small files of each day that has at least so many.
 *
 * @returns whether files were merged
 */
export async function compact(table: MaintainedTable, minFiles: number): Promise<boolean> {
  const compaction = await rewriteSmallFiles(table, minFiles);
  return compaction !== undefined && commitCompaction(table, compaction);
}

/**
 * Writes files with the rows of small ones. If the process dies, or nobody commits them, they are orphans.
 *
 * @returns undefined if there is nothing to do
 */
export async function rewriteSmallFiles(table: MaintainedTable, minFiles: number): Promise<Compaction | undefined> {
  const loaded = await table.load();
  const { metadata } = loaded;
  const target = numberProperty(metadata, 'write.target-file-size-bytes', TARGET_BYTES);
  const files = await Array.fromAsync(liveFiles(loaded, table.files));
  const small = files.filter(({ bytes }) => bytes < target * LARGE_ENOUGH);
  const bins = [...Map.groupBy(small, ({ partition }) => partition).values()]
    .filter((ofDay) => ofDay.length >= minFiles)
    .flatMap((ofDay) => binsOf(ofDay, target))
    .filter((bin) => bin.length > 1);
  if (bins.length === 0) return undefined;
  const columns = columnsOf(metadata);
  const added: DataFile[] = [];
  for (const bin of bins) added.push(await merged(table, metadata.location, columns, bin));
  return { replaced: bins.flat(), added };
}

/** Neighbours that fill a file together. */
function binsOf(files: readonly DataFile[], target: number): DataFile[][] {
  const bins: DataFile[][] = [];
  let room = 0;
  for (const file of files) {
    if (file.bytes > room) {
      bins.push([]);
      room = target;
    }
    bins.at(-1)?.push(file);
    room -= file.bytes;
  }
  return bins;
}

/**
 * Replaces the files, unless one of them is not in the table any more: then the new ones are deleted.
 *
 * @returns whether the files were replaced
 */
export async function commitCompaction(table: MaintainedTable, compaction: Compaction): Promise<boolean> {
  for (;;) {
    const change = await buildReplace(await table.load(), compaction, table.making());
    if (!change) {
      await table.delete(compaction.added.map(({ path }) => path));
      return false;
    }
    if (await table.commit(change)) return true;
  }
}

/** Writes the rows of files of one day into one file: with the columns of today, by the ids of their fields. */
async function merged(
  table: MaintainedTable,
  location: string,
  columns: readonly IcebergColumn[],
  files: readonly DataFile[],
): Promise<DataFile> {
  const partition = files[0]?.partition ?? null;
  const name = `${table.making().newId()}.parquet`;
  const path = `${location}/data/${partition === null ? '' : `dt=${partition}/`}${name}`;
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const unfinished = table.unfinishedFile();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const ids = columns.map((column) => `${identifier(column.name)}: ${column.id}`).join(', ');
    const select = selectFrom(columns, files, (uri) => table.path(uri));
    await connection.run(
      `COPY (${select}) TO ${text(unfinished)} (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {${ids}})`,
    );
    const written = await connection.runAndReadAll(
      `SELECT num_rows, file_size_bytes FROM parquet_file_metadata(${text(unfinished)})`,
    );
    const [[writtenRows, bytes] = []] = written.getRows();
    if (Number(writtenRows) !== rows) throw new Error(`${path}: expected ${rows} rows, got ${String(writtenRows)}`);
    await table.putFile(path, unfinished);
    return { path, partition, rows, bytes: Number(bytes), metrics: NO_METRICS };
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(unfinished, { force: true });
  }
}

/** Readers do without, at the price of reading footers. */
const NO_METRICS = { columnSizes: {}, valueCounts: {}, nullCounts: {}, lower: {}, upper: {}, splitOffsets: [4] };
