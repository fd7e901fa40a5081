/** Tables of the template in DuckDB: Parquet files in folders whose names are the partitions, as Hive has them. */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { isMissing } from '../files.ts';
import { DUCKDB_TYPE, identifier, text } from '../firehose/parquet.ts';
import { definedTable } from '../glue/hive-definitions.ts';
import { type GlueColumn, type GlueTable, glueTable } from '../template/glue-table.ts';
import type { Resource } from '../template/resource.ts';

export interface HiveTable extends Omit<GlueTable, 'columns'> {
  /** As the catalog had them last. */
  columns: readonly GlueColumn[];
  /** The table as the last deployment made it. */
  readonly resource: Resource;
  readonly folder: string;
  readonly microseconds: boolean;
  /** What the table's view was made of: its columns, and whether there were files; undefined before the first look. */
  made: string | undefined;
}

/** A table whose view was made, or made anew. */
export interface MadeTable {
  readonly name: string;
  /** The database that has the table of loads. */
  readonly lakeDatabase: string;
}

/**
 * @param buckets the folder of the buckets
 * @param microseconds whether timestamps have all of their microseconds; otherwise they are rounded as by Athena
 */
export function hiveTable(resource: Resource, buckets: string, microseconds: boolean): HiveTable {
  const table = glueTable(resource);
  return { ...table, resource, folder: join(buckets, table.bucket, table.prefix), microseconds, made: undefined };
}

/**
 * Makes the views of tables. DuckDB refuses a view over no files, so the view is recreated when the first file appears or
 * the last one disappears; and when the catalog has other columns.
 *
 * @param lake the lake's folder
 * @returns the tables whose view is another one now
 */
export async function refreshHive(
  lake: string,
  tables: readonly HiveTable[],
  connection: DuckDBConnection,
): Promise<MadeTable[]> {
  const made: MadeTable[] = [];
  for (const table of tables) {
    const hasFiles = await holdsParquet(table.folder);
    const { database, name, columns } = await definedTable(lake, table.resource);
    const now = JSON.stringify([hasFiles, columns]);
    if (now === table.made) continue;
    table.columns = columns;
    const select = selectFrom(table, hasFiles);
    await connection.run(`CREATE OR REPLACE VIEW ${identifier(database)}.${identifier(name)} AS ${select}`);
    table.made = now;
    made.push({ lakeDatabase: database, name });
  }
  return made;
}

/** All columns in the table's order and types. A column that an older file does not have is null. */
function selectFrom({ columns, partitions, folder, microseconds }: HiveTable, hasFiles: boolean): string {
  const all = [...columns, ...partitions];
  const nulls = all.map((column) => cast('NULL', column)).join(', ');
  if (!hasFiles) return `SELECT ${nulls} WHERE false`;
  const hiveTypes = partitions.map(({ name, type }) => `${identifier(name)}: ${text(DUCKDB_TYPE[type])}`);
  const hive =
    partitions.length > 0
      ? `hive_partitioning = true, hive_types = {${hiveTypes.join(', ')}}`
      : 'hive_partitioning = false';
  const files = `read_parquet(${text(join(folder, '**/*.parquet'))}, union_by_name = true, ${hive})`;
  return (
    `SELECT ${all.map((column) => cast(read(column, microseconds), column)).join(', ')} FROM ` +
    `(SELECT ${nulls} WHERE false UNION ALL BY NAME SELECT * FROM ${files})`
  );
}

/**
 * A column as Athena reads it: of a timestamp the milliseconds, and half of one rounds up. Trino does so with the timestamps
 * of Hive tables unless it is set to another precision, which Athena's users cannot do:
 * https://trino.io/docs/current/connector/hive.html (hive.timestamp-precision)
 */
function read({ name, type }: GlueColumn, microseconds: boolean): string {
  if (type !== 'timestamp' || microseconds) return identifier(name);
  return `date_trunc('milliseconds', ${identifier(name)} + INTERVAL 500 MICROSECONDS)`;
}

function cast(expression: string, { name, type }: GlueColumn): string {
  return `CAST(${expression} AS ${DUCKDB_TYPE[type]}) AS ${identifier(name)}`;
}

async function holdsParquet(folder: string): Promise<boolean> {
  try {
    for await (const entry of await opendir(folder, { recursive: true })) {
      if (entry.isFile() && entry.name.endsWith('.parquet')) return true;
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return false;
}
