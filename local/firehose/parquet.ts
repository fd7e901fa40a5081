import { DuckDBInstance } from '@duckdb/node-api';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';

/** The values of ParquetSerDe's Compression. */
export type ParquetCompression = 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED';

/** Valid rows to be written to one Parquet file. */
export interface ParquetRows {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /**
   * File with one JSON object per line. Keys are the indexes in `columns`, from "0". Values fit their columns; a
   * timestamp is in whole microseconds since the epoch. Missing values are null.
   */
  readonly ndjson: string;
  readonly rows: number;
  readonly bytes: number;
  readonly compression: ParquetCompression;
  /** The file to write. */
  readonly file: string;
}

/** Writes Parquet files, one at a time. */
export interface ParquetWriter {
  write(rows: ParquetRows): Promise<void>;
  close(): void;
}

/** DuckDB's memory limit; a row group must fit several times. */
const MEMORY = '320MB';

const MAX_ROW_GROUP_ROWS = 122_880; // DuckDB's own default
const MIN_ROW_GROUP_ROWS = 2048; // DuckDB's vector size: row groups cannot be smaller
const ROW_GROUP_BYTES = 32 * 1024 * 1024;

/**
 * Opens a writer with its own DuckDB. Its column types are those that Athena reads for the Glue types; timestamps are
 * in microseconds without a zone.
 */
export async function openParquetWriter(): Promise<ParquetWriter> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: MEMORY, threads: '2' });
  const connection = await instance.connect();
  let last: Promise<unknown> = Promise.resolve();
  return {
    async write(rows) {
      const written = last.then(() => connection.run(copyStatement(rows)));
      last = written.catch(() => undefined);
      await written;
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** The query that reads the JSON rows of ParquetRows. */
export function selectRows({ columns, ndjson }: Pick<ParquetRows, 'columns' | 'ndjson'>): string {
  const input = columns.map(({ type }, index) => `${text(String(index))}: ${text(INPUT_TYPE[type])}`);
  const output = columns.map(({ name, type }, index) => {
    const value = identifier(String(index));
    return `${type === 'timestamp' ? `make_timestamp(${value})` : value} AS ${identifier(name)}`;
  });
  return (
    `SELECT ${output.join(', ')} FROM read_json(${text(ndjson)}, format = 'newline_delimited', ` +
    `columns = {${input.join(', ')}})`
  );
}

function copyStatement({ columns, ndjson, rows, bytes, compression, file }: ParquetRows): string {
  // A row group is held in memory until it is complete, so wide rows need smaller row groups.
  const fitting = Math.floor(ROW_GROUP_BYTES / (bytes / rows));
  const rowGroup = Math.max(MIN_ROW_GROUP_ROWS, Math.min(MAX_ROW_GROUP_ROWS, fitting));
  return (
    `COPY (${selectRows({ columns, ndjson })}) ` +
    `TO ${text(file)} (FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${rowGroup})`
  );
}

/** DuckDB's name of each Glue type. */
export const DUCKDB_TYPE: Readonly<Record<ColumnType, string>> = {
  string: 'VARCHAR',
  int: 'INTEGER',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
};

/** read_json would parse a timestamp's text by its own rules; a number of microseconds leaves nothing to interpret. */
const INPUT_TYPE: Readonly<Record<ColumnType, string>> = { ...DUCKDB_TYPE, timestamp: 'BIGINT' };

/** An SQL string literal. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A quoted SQL name. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
