import { DuckDBInstance } from '@duckdb/node-api';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';

/** What Firehose's ParquetSerDe takes as Compression. */
export type ParquetCompression = 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED';

/** Clean rows on their way into one Parquet file. */
export interface ParquetRows {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /**
   * File with one JSON object per line. Keys are the columns' places in `columns`, from "0"; values fit
   * their columns, a timestamp as whole microseconds since the epoch; what is missing is null.
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

/** Most that DuckDB may hold; a row group has to fit, several times over. */
const MEMORY = '320MB';

const MAX_ROW_GROUP_ROWS = 122_880; // DuckDB's own default
const MIN_ROW_GROUP_ROWS = 2048; // DuckDB's vector: it writes no less
const ROW_GROUP_BYTES = 32 * 1024 * 1024;

/**
 * A writer with its own DuckDB. Its column types are those Athena reads for the Glue types; timestamps
 * are microseconds without zone.
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

/** The query that reads rows' JSON, as ParquetRows has it. */
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
  // A row group is held in memory until it is whole, so wide rows make it shorter.
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

/** read_json would read a timestamp's text by its own rules; microseconds leave nothing to interpret. */
const INPUT_TYPE: Readonly<Record<ColumnType, string>> = { ...DUCKDB_TYPE, timestamp: 'BIGINT' };

/** An SQL string literal. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A quoted SQL name. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
