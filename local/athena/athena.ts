import { opendir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBResultReader } from '@duckdb/node-api';
import { didYouMean } from '../../lambdas/core/reading/nearest.ts';
import { LOADS } from '../../lambdas/core/tables/lake-tables.ts';
import { OWN, PARTITION } from '../../lambdas/core/tables/table.ts';
import { onceView } from '../../lambdas/core/tables/views.ts';
import { isMissing } from '../files.ts';
import { DUCKDB_TYPE, identifier, text } from '../firehose/parquet.ts';
import { ATHENA_SPILL } from '../local-lake.ts';
import { type GlueColumn, type GlueTable, glueTable } from '../template/glue-table.ts';
import type { Resource } from '../template/resource.ts';
import { MACRO_STATEMENTS } from './functions.ts';
import { plainValue, type QueryResult } from './query-result.ts';
import { QueryError, readingStatement } from './statement.ts';

/** Athena on this machine: SQL over the lake's tables. */
export interface Athena {
  /**
   * Runs one query over the present contents of the tables.
   *
   * @throws QueryError with one line: the problem of the query.
   */
  query(sql: string): Promise<QueryResult>;
  close(): Promise<void>;
}

export interface AthenaOptions {
  /** The lake's folder; buckets are below `buckets/`. */
  readonly dir: string;
  /** AWS::Glue::Table resources: each becomes a table in the schema of its database. */
  readonly tables: readonly Resource[];
  /** Statements that create views of the tables, beside those without repeats. */
  readonly views?: readonly string[];
  /**
   * Whether timestamps of the tables have all of their microseconds.
   *
   * @default false: they are rounded to the millisecond, as Athena reads them
   */
  readonly microseconds?: boolean;
}

/**
 * Opens the tables of a template for queries. A query can read the lake's buckets and do nothing else: it writes
 * nothing, and reaches no other file, no network and no extension.
 */
export async function openAthena(options: AthenaOptions): Promise<Athena> {
  const { dir, tables: resources, views = [], microseconds = false } = options;
  const buckets = resolve(dir, 'buckets');
  if (/[*?[\]{}]/.test(buckets)) throw new Error(`lake folder: expected a path without * ? [ ] { }, got ${buckets}`);
  const tables = resources.map((resource) => openTable(glueTable(resource), buckets, microseconds));
  const instance = await DuckDBInstance.create(':memory:', { temp_directory: resolve(dir, ATHENA_SPILL) });
  const connection = await instance.connect();
  await prepareSession(connection, tables, buckets);

  return {
    async query(sql) {
      await refresh(tables, views, connection);
      return runQuery(connection, sql, tables);
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

interface OpenTable extends GlueTable {
  readonly folder: string;
  readonly microseconds: boolean;
  /** True if the table's view reads files; undefined before the first look. */
  hasFiles: boolean | undefined;
}

function openTable(table: GlueTable, buckets: string, microseconds: boolean): OpenTable {
  return { ...table, folder: join(buckets, table.bucket, table.prefix), microseconds, hasFiles: undefined };
}

async function prepareSession(
  connection: DuckDBConnection,
  tables: readonly OpenTable[],
  buckets: string,
): Promise<void> {
  const databases = [...new Set(tables.map(({ database }) => database))];
  const statements = [
    ...MACRO_STATEMENTS,
    // As in Athena, 5 / 2 is 2.
    'SET integer_division = true',
    ...databases.map((database) => `CREATE SCHEMA IF NOT EXISTS ${identifier(database)}`),
    `SET search_path = ${text([...databases.map(identifier), 'main'].join(','))}`,
    "SET TimeZone = 'UTC'",
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    `SET allowed_directories = [${text(buckets)}]`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ];
  for (const statement of statements) await connection.run(statement);
}

/**
 * DuckDB refuses a view over no files, so the view is recreated when the first file appears or the last one disappears.
 * The views without repeats also read the table of loads, which must exist before them.
 */
async function refresh(
  tables: readonly OpenTable[],
  views: readonly string[],
  connection: DuckDBConnection,
): Promise<void> {
  const changed: OpenTable[] = [];
  for (const table of tables) {
    const hasFiles = await holdsParquet(table.folder);
    if (hasFiles === table.hasFiles) continue;
    await connection.run(
      `CREATE OR REPLACE VIEW ${identifier(table.database)}.${identifier(table.name)} AS ${select(table, hasFiles)}`,
    );
    table.hasFiles = hasFiles;
    changed.push(table);
  }
  for (const { database, name, columns } of changed.filter((table) => isLakeTable(table, tables))) {
    await connection.run(onceView({ database, table: name, columns: columns.map((column) => column.name) }));
  }
  if (changed.length > 0) for (const view of views) await connection.run(view);
}

/** Databases of other templates have no table of loads, and tables without the columns that tell repeats. */
function isLakeTable({ database, columns, partitions }: OpenTable, tables: readonly OpenTable[]): boolean {
  return (
    tables.some((table) => table.database === database && table.name === LOADS) &&
    columns.some(({ name }) => name === OWN.origin.name) &&
    partitions.some(({ name }) => name === PARTITION.name)
  );
}

/** All columns in the table's order and types. A column that an older file does not have is null. */
function select({ columns, partitions, folder, microseconds }: OpenTable, hasFiles: boolean): string {
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

async function runQuery(connection: DuckDBConnection, sql: string, tables: readonly OpenTable[]): Promise<QueryResult> {
  try {
    return resultOf(await connection.runAndReadAll(await readingStatement(connection, sql)));
  } catch (error) {
    throw error instanceof QueryError ? error : queryError(error, tables);
  }
}

function resultOf(reader: DuckDBResultReader): QueryResult {
  const types = reader.columnTypes();
  return {
    columns: reader.columnNames().map((name, index) => ({ name, type: String(types[index]).toLowerCase() })),
    rows: reader.getRows().map((row) => row.map(plainValue)),
  };
}

/** DuckDB's message: sentences on lines of their own, then the part of the query that they are about, if there is one. */
function queryError(error: unknown, tables: readonly OpenTable[]): QueryError {
  const lines = String(error instanceof Error ? error.message : error).split('\n');
  const at = lines.findIndex((line) => line.startsWith('LINE '));
  const [what = '', ...more] = lines.slice(0, at < 0 ? undefined : at).flatMap((line) => line.trim() || []);
  const [, missing] = /^Catalog Error: Table with name (\S+)/.exec(what) ?? [];
  const names = tables.map(({ name }) => name).sort();
  // Of tables DuckDB would name its own too.
  const hints = missing === undefined ? more : [`Tables: ${names.join(', ')}${didYouMean(missing, names)}`];
  return new QueryError([what, ...hints].join(' '), {
    ...(at >= 0 && { context: lines.slice(at).join('\n') }),
    failed: !/^(?:Parser|Binder|Catalog) Error/.test(what),
    cause: error,
  });
}
