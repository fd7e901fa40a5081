/** Writes Parquet files for tests, and reads them by readers that share no code with the writer. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { openParquetFile, type ParquetOptions } from '../../../../lambdas/core/parquet/file.ts';
import { type Column, type ColumnType, keyOf } from '../../../../lambdas/core/tables/table.ts';
import { openXByKey } from '../../../../local/firehose/openx.ts';
import { selectRows, text } from '../../../../local/firehose/parquet.ts';

/** Columns of a table for tests, with the keys `a`, `b`, and so on. */
export function columnsOf(types: Readonly<Record<string, ColumnType>>): Column[] {
  return Object.entries(types).map(([name, type], index) => ({ name, type, key: keyOf(10 + index), comment: '' }));
}

/** One column of each type. */
export const EVERY_TYPE = columnsOf({
  text: 'string',
  count: 'int',
  bytes: 'bigint',
  seconds: 'double',
  ok: 'boolean',
  time: 'timestamp',
});

/** The file of some rows as JSON, which are appended in one go or in several. */
export function fileOf(columns: readonly Column[], rows: readonly string[], options?: ParquetOptions): Buffer {
  const file = openParquetFile(columns, options);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < rows.length; at += 1000) {
    file.append(Buffer.from(rows.slice(at, at + 1000).join('')));
    parts.push(...file.take());
  }
  parts.push(...file.finish());
  const bytes = Buffer.concat(parts);
  if (file.rows !== rows.length) throw new Error(`expected ${rows.length} rows, got ${file.rows}`);
  if (file.bytes !== bytes.length) throw new Error(`expected ${file.bytes} bytes, got ${bytes.length}`);
  return bytes;
}

/** DuckDB, and a folder for its files. */
export class Duck {
  readonly #connection: DuckDBConnection;
  readonly #dir: string;

  private constructor(connection: DuckDBConnection, dir: string) {
    this.#connection = connection;
    this.#dir = dir;
  }

  static async open(dir: string): Promise<Duck> {
    return new Duck(await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect(), dir);
  }

  close(): void {
    this.#connection.closeSync();
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjectsJson();
  }

  /** The query that reads a file. */
  file(bytes: Uint8Array): string {
    return `SELECT * FROM read_parquet(${text(this.#store('ours.parquet', bytes))})`;
  }

  /**
   * How a file, read by each of three readers, differs from what Firehose makes of the same rows: the rows that only one
   * of both has, and columns of another type.
   */
  async differences(columns: readonly Column[], rows: readonly string[], bytes: Uint8Array): Promise<unknown[]> {
    const expected = rows.length === 0 ? '' : openXByKey(columns)(rows.join('')).ndjson;
    const theirs = selectRows({ columns, ndjson: this.#store('rows.ndjson', expected) });
    const readers = {
      duckdb: this.file(bytes),
      arrow: `SELECT * FROM read_parquet(${text(this.#store('arrow.parquet', byArrow(bytes)))})`,
      hyparquet: selectRows({
        columns,
        ndjson: this.#store('hyparquet.ndjson', await ndjsonByHyparquet(columns, bytes)),
      }),
    };
    const found: unknown[] = [];
    for (const [reader, ours] of Object.entries(readers)) {
      for (const row of await this.query(`(${ours}) EXCEPT ALL (${theirs})`)) found.push({ reader, only: row });
      for (const row of await this.query(`(${theirs}) EXCEPT ALL (${ours})`)) found.push({ reader, lacks: row });
      const [types, wanted] = [await this.query(`DESCRIBE ${ours}`), await this.query(`DESCRIBE ${theirs}`)];
      if (JSON.stringify(types) !== JSON.stringify(wanted)) found.push({ reader, types, wanted });
    }
    return found;
  }

  #store(name: string, content: string | Uint8Array): string {
    const path = join(this.#dir, name);
    writeFileSync(path, content);
    return path;
  }
}

/** arrow-rs, as far as it is used here. */
interface ArrowRs {
  readParquet(bytes: Uint8Array): object;
  writeParquet(table: object): Uint8Array;
}

const arrowRs = createRequire(import.meta.url)('parquet-wasm') as ArrowRs;

/** What arrow-rs reads of a file, as a file that it writes. */
export function byArrow(bytes: Uint8Array): Uint8Array {
  return arrowRs.writeParquet(arrowRs.readParquet(bytes));
}

const ZSTD = (input: Uint8Array, length: number) => zstdDecompressSync(input, { maxOutputLength: length });

/** The rows of a file by hyparquet, without nulls; times in milliseconds are JavaScript's Dates. */
export async function byHyparquet(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const rows = await parquetReadObjects({ file: sliceOf(bytes), compressors: { ZSTD } });
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)));
}

/** The rows of a file by hyparquet, in the form of `selectRows`. */
async function ndjsonByHyparquet(columns: readonly Column[], bytes: Uint8Array): Promise<string> {
  const parsers = { timestampFromMicroseconds: (micros: bigint) => micros };
  const rows = await parquetReadObjects({ file: sliceOf(bytes), compressors: { ZSTD }, parsers: parsers as never });
  const json = (value: unknown) => {
    if (typeof value === 'string') return JSON.stringify(value);
    return Object.is(value, -0) ? '-0.0' : String(value);
  };
  return rows
    .map((row) => {
      const values = columns.flatMap(({ name }, index) =>
        row[name] === null ? [] : [`"${index}":${json(row[name])}`],
      );
      return `{${values.join(',')}}\n`;
    })
    .join('');
}

export function metadataOf(bytes: Uint8Array): FileMetaData {
  return parquetMetadata(sliceOf(bytes));
}

function sliceOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
