/** The SQL with which DuckDB reads the files of Iceberg tables: columns go by the ids of their fields. */
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import type { TableMetadata } from '../../lambdas/core/iceberg/metadata.ts';
import { currentSchema, ICEBERG_TYPES } from '../../lambdas/core/iceberg/schema.ts';
import { type ColumnType, PARTITION } from '../../lambdas/core/tables/table.ts';
import { DUCKDB_TYPE, identifier, text } from '../firehose/parquet.ts';

export interface IcebergColumn {
  readonly id: number;
  readonly name: string;
  /** DuckDB's name of the type. */
  readonly type: string;
}

/** DuckDB's types by Iceberg's. Times keep their microseconds, as Athena reads them. */
const TYPES: ReadonlyMap<unknown, string> = new Map(
  Object.entries(ICEBERG_TYPES).map(([type, iceberg]) => [iceberg, DUCKDB_TYPE[type as ColumnType]]),
);

/** The columns of the current schema, in its order. @throws Error for a type that no column of a lake has */
export function columnsOf(metadata: TableMetadata): IcebergColumn[] {
  return currentSchema(metadata).fields.map(({ id, name, type }) => {
    const duckDbType = TYPES.get(type);
    if (duckDbType !== undefined) return { id, name, type: duckDbType };
    const known = [...TYPES.keys()].join(', ');
    throw new Error(`column ${name}: expected one of the types ${known}, got ${JSON.stringify(type)}`);
  });
}

/**
 * Selects the rows of files. The day is that of a file in its manifest; a file without one has its days in a column, or
 * none.
 *
 * @param pathOf the path on this machine of a URI
 */
export function selectFrom(
  columns: readonly IcebergColumn[],
  files: readonly DataFile[],
  pathOf: (uri: string) => string,
): string {
  const names = columns.map(({ name }) => identifier(name)).join(', ');
  const read = files.map(({ path, partition }) => ({ path: pathOf(path), day: partition }));
  const days = read.filter((file): file is FileOfDay => file.day !== null);
  const others = read.filter(({ day }) => day === null);
  const selects = [
    ...(days.length > 0 ? [`SELECT ${names} FROM ${joinedWithDays(columns, days)}`] : []),
    ...(others.length > 0 ? [`SELECT ${names} FROM ${readParquet(columns, others)}`] : []),
  ];
  if (selects.length > 0) return selects.join(' UNION ALL ');
  return `SELECT ${columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${identifier(name)}`).join(', ')} WHERE false`;
}

interface FileOfDay {
  readonly path: string;
  readonly day: string;
}

/** The column of a file's name: no column of a table has this name. */
const FILE = '#file';

/**
 * Files are joined with their days by name, so that a condition on `dt` leaves out the pages of other days; of every file
 * the footer is read. Of 1,000 files of 400 days a view is made in 20 ms, and a query of one day takes 35 ms instead of
 * the 130 ms of all days; a UNION ALL of days takes 650 ms to be planned.
 */
function joinedWithDays(columns: readonly IcebergColumn[], files: readonly FileOfDay[]): string {
  const others = columns.filter(({ name }) => name !== PARTITION.name);
  const days = files.map(({ path, day }) => `(${text(path)}, ${text(day)})`);
  const file = identifier(FILE);
  return `${readParquet(others, files)} JOIN (VALUES ${days.join(', ')}) days(${file}, ${identifier(PARTITION.name)}) USING (${file})`;
}

/** Columns go by the ids of their fields: of a file of before a column was added, it is null. */
function readParquet(columns: readonly IcebergColumn[], files: readonly { readonly path: string }[]): string {
  const paths = files.map(({ path }) => text(literally(path)));
  const fields = columns.map(
    ({ id, name, type }) => `${id}: {name: ${text(name)}, type: ${text(type)}, default_value: NULL}`,
  );
  return `read_parquet([${paths.join(', ')}], schema = MAP {${fields.join(', ')}}, filename = ${text(FILE)})`;
}

/** A path as a pattern of DuckDB that matches only itself. */
function literally(path: string): string {
  return path.replace(/[*?[\]]/g, '[$&]');
}
