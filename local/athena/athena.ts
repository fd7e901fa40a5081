import { resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBResultReader } from '@duckdb/node-api';
import { localTimeView } from '../../lambdas/core/queries/local-time-view.ts';
import { didYouMean } from '../../lambdas/core/reading/nearest.ts';
import { icebergDatabaseOf, LOADS } from '../../lambdas/core/tables/lake-tables.ts';
import { OWN, PARTITION } from '../../lambdas/core/tables/table.ts';
import { allView, localTimeName, type OnceOf, onceView } from '../../lambdas/core/tables/views.ts';
import { identifier, text } from '../firehose/parquet.ts';
import { ATHENA_SPILL } from '../local-lake.ts';
import type { Resource } from '../template/resource.ts';
import { MACRO_STATEMENTS } from './functions.ts';
import { type HiveTable, hiveTable, type MadeTable, refreshHive } from './hive-tables.ts';
import { type IcebergPlace, IcebergViews } from './iceberg-tables.ts';
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
  /** Statements that create the views with local times: `CREATE OR REPLACE VIEW "database"."table_local_time" AS …`. */
  readonly views?: readonly string[];
  /** The zone of the days of sources whose rows are divided. @default UTC, which needs no views with local times */
  readonly timeZone?: string;
  /**
   * Whether timestamps of the tables have all of their microseconds.
   *
   * @default false: they are rounded to the millisecond, as Athena reads them
   */
  readonly microseconds?: boolean;
}

/**
 * Opens the tables of a template, and those of the lake's Iceberg catalog, for queries. A name without a schema is that of
 * an Iceberg table, if there is one. A query can read the lake's buckets and do nothing else: it writes nothing, and
 * reaches no other file, no network and no extension.
 */
export async function openAthena(options: AthenaOptions): Promise<Athena> {
  const { dir, tables: resources, views = [], timeZone = 'UTC', microseconds = false } = options;
  const buckets = resolve(dir, 'buckets');
  if (/[*?[\]{}]/.test(buckets)) throw new Error(`lake folder: expected a path without * ? [ ] { }, got ${buckets}`);
  const tables = resources.map((resource) => hiveTable(resource, buckets, microseconds));
  const databases = [...new Set(tables.map(({ database }) => database))];
  const instance = await DuckDBInstance.create(':memory:', { temp_directory: resolve(dir, ATHENA_SPILL) });
  const connection = await instance.connect();
  await prepareSession(connection, databases, buckets);
  const iceberg = new IcebergViews(
    dir,
    Map.groupBy(tables, ({ database }) => database),
    connection,
  );

  return {
    async query(sql) {
      try {
        const statement = await readingStatement(connection, sql);
        const made = [...(await refreshHive(dir, tables, connection)), ...(await iceberg.refresh(statement))];
        const sources = new Map(made.map((source) => [`${source.lakeDatabase}.${source.name}`, source]));
        for (const source of sources.values()) {
          await makeViews(source, { tables, iceberg, views, timeZone, connection });
        }
        return resultOf(await connection.runAndReadAll(statement.sql));
      } catch (error) {
        if (error instanceof QueryError) throw error;
        const names = [...tables, ...(await iceberg.tables())].map(({ name }) => name);
        throw queryError(error, [...new Set(names)].sort());
      }
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function prepareSession(
  connection: DuckDBConnection,
  databases: readonly string[],
  buckets: string,
): Promise<void> {
  const schemas = [...databases.map(icebergDatabaseOf), ...databases];
  const statements = [
    ...MACRO_STATEMENTS,
    // As in Athena, 5 / 2 is 2.
    'SET integer_division = true',
    ...schemas.map((schema) => `CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`),
    `SET search_path = ${text([...schemas.map(identifier), 'main'].join(','))}`,
    "SET TimeZone = 'UTC'",
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    `SET allowed_directories = [${text(buckets)}]`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ];
  for (const statement of statements) await connection.run(statement);
}

interface Made {
  readonly tables: readonly HiveTable[];
  readonly iceberg: IcebergViews;
  /** Statements that create views. */
  readonly views: readonly string[];
  readonly timeZone: string;
  readonly connection: DuckDBConnection;
}

/** Makes the views of a source anew, over its table and its Iceberg tables, or those of them that are there. */
async function makeViews({ name, lakeDatabase }: MadeTable, made: Made): Promise<void> {
  const ofLake = made.tables.filter(({ database }) => database === lakeDatabase);
  const hive = ofLake.find((table) => table.name === name);
  const inIceberg = made.iceberg.placesOf(lakeDatabase, name);
  const [first, ...others] = [...(hive ? [{ database: lakeDatabase, name }] : []), ...inIceberg];
  if (!first) return;
  const columns = columnsOf(hive, inIceberg);
  const of: OnceOf = { tables: [first, ...others], columns: columns.filter((column) => column !== PARTITION.name) };
  // Databases of other templates have no table of loads, and tables without the columns that tell repeats.
  const hasLoads = ofLake.some((table) => table.name === LOADS);
  const statements = localTimeViews(of, hive, { name, lakeDatabase }, made);
  if (hasLoads && [OWN.origin, PARTITION].every((column) => columns.includes(column.name))) {
    statements.push(onceView(lakeDatabase, name, of));
  }
  if (others.length > 0) statements.push(allView(lakeDatabase, name, of));
  for (const statement of statements) await made.connection.run(statement);
}

/** The columns of the views of a source. */
function columnsOf(hive: HiveTable | undefined, inIceberg: readonly IcebergPlace[]): readonly string[] {
  const ofHive = hive && [...hive.columns, ...hive.partitions].map((column) => column.name);
  const [own] = inIceberg;
  // A table of a value gets a new column with its next rows, and has none in it before.
  if (ofHive && hive.fanOut) return ofHive;
  // One of the two may have got a column that the other one gets next.
  return ofHive?.filter((column) => own?.columns.includes(column) !== false) ?? own?.columns ?? [];
}

/** The template has none for a source whose rows are divided, because it does not know the tables. */
function localTimeViews(
  { tables }: OnceOf,
  hive: HiveTable | undefined,
  { name, lakeDatabase }: MadeTable,
  { views, timeZone }: Made,
): string[] {
  if (hive?.fanOut) {
    const view = timeZone === 'UTC' ? undefined : localTimeView(lakeDatabase, hive, timeZone, tables);
    return view === undefined ? [] : [view];
  }
  const ofIceberg = `${identifier(icebergDatabaseOf(lakeDatabase))}.`;
  const hasIceberg = tables.some(({ database }) => database !== lakeDatabase);
  return views.filter((view) => {
    const isOurs = view.includes(` VIEW ${identifier(lakeDatabase)}.${identifier(localTimeName(name))} AS `);
    return isOurs && (hasIceberg || !view.includes(ofIceberg));
  });
}

function resultOf(reader: DuckDBResultReader): QueryResult {
  const types = reader.columnTypes();
  return {
    columns: reader.columnNames().map((name, index) => ({ name, type: String(types[index]).toLowerCase() })),
    rows: reader.getRows().map((row) => row.map(plainValue)),
  };
}

/** DuckDB's message: sentences on lines of their own, then the part of the query that they are about, if there is one. */
function queryError(error: unknown, names: readonly string[]): QueryError {
  const lines = String(error instanceof Error ? error.message : error).split('\n');
  const at = lines.findIndex((line) => line.startsWith('LINE '));
  const [what = '', ...more] = lines.slice(0, at < 0 ? undefined : at).flatMap((line) => line.trim() || []);
  const [, missing] = /^Catalog Error: Table with name (\S+)/.exec(what) ?? [];
  // Of tables DuckDB would name its own too.
  const hints = missing === undefined ? more : [`Tables: ${listed(names)}${didYouMean(missing, names)}`];
  return new QueryError([what, ...hints].join(' '), {
    ...(at >= 0 && { context: lines.slice(at).join('\n') }),
    failed: !/^(?:Parser|Binder|Catalog) Error/.test(what),
    cause: error,
  });
}

/** A source that fans out may have a thousand tables. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(', ');
  return names.length > MAX_LISTED ? `${shown} and ${names.length - MAX_LISTED} more` : shown;
}

const MAX_LISTED = 40;
