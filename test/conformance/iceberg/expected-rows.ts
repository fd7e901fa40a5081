/**
 * The rows that tables should have, in tables of DuckDB that know nothing of Parquet and of Iceberg: a reader that trusts
 * wrong bounds of a file misses rows, and DuckDB would miss the same ones in the same file.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type ColumnType, PARTITION, type Table } from '../../../lambdas/core/tables/table.ts';
import { plainValue } from '../../../local/athena/query-result.ts';
import { DUCKDB_TYPE, identifier } from '../../../local/firehose/parquet.ts';
import { DATABASE } from '../../helpers/local-catalog.ts';
import type { Answer } from '../differences.ts';

/** A row by the names of its columns, with the values of JSON. A number that JSON.stringify would change is a bigint. */
export type Row = Readonly<Record<string, string | number | bigint | boolean>>;

/** The column of the path of a row's file, which no table has. */
const FILE = '#file';

export class ExpectedRows {
  readonly #connection: DuckDBConnection;
  readonly #columns = new Map<string, ReadonlySet<string>>();

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  static async open(): Promise<ExpectedRows> {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(`CREATE SCHEMA ${identifier(DATABASE)}`);
    return new ExpectedRows(connection);
  }

  close(): void {
    this.#connection.closeSync();
  }

  /** Makes a table, or gives it the columns of the new one. */
  async ensure({ name, columns }: Table): Promise<void> {
    const all = [...columns, { name: PARTITION.name, type: 'string' as ColumnType }];
    const before = this.#columns.get(name);
    const selected = [...all, { name: FILE, type: 'string' as ColumnType }].map((column) => {
      const value = before?.has(column.name) ? identifier(column.name) : 'NULL';
      return `CAST(${value} AS ${DUCKDB_TYPE[column.type]}) AS ${identifier(column.name)}`;
    });
    const from = before ? `FROM ${place(name)}` : 'WHERE false';
    await this.#connection.run(`CREATE OR REPLACE TABLE ${place(name)} AS SELECT ${selected.join(', ')} ${from}`);
    this.#columns.set(name, new Set([...all.map((column) => column.name), FILE]));
  }

  /** @param file its path */
  async append(
    { name }: Table,
    { day, rows, file }: { day: string; rows: readonly Row[]; file: string },
  ): Promise<void> {
    for (const row of rows) {
      const entries = Object.entries({ ...row, [PARTITION.name]: day, [FILE]: file });
      const names = entries.map(([column]) => identifier(column));
      // As texts, from which the table's types are read: a number of JavaScript would have a type of its own.
      const values = entries.map(([, value]) => (Object.is(value, -0) ? '-0.0' : String(value)));
      const places = values.map((_, index) => `$${index + 1}::VARCHAR`);
      await this.#connection.run(`INSERT INTO ${place(name)} (${names}) VALUES (${places})`, values);
    }
  }

  async deleteBefore(name: string, day: string): Promise<void> {
    await this.#connection.run(`DELETE FROM ${place(name)} WHERE ${PARTITION.name} < '${day}'`);
  }

  /** @param condition in SQL */
  async rows(table: string, condition: string): Promise<Answer> {
    const sql = `SELECT * EXCLUDE ${identifier(FILE)} FROM ${place(table)} WHERE ${condition}`;
    const reader = await this.#connection.runAndReadAll(sql);
    return {
      columns: reader.columnNames().map((name) => ({ name })),
      rows: reader.getRows().map((row) => row.map(plainValue)),
    };
  }

  /** The paths of the files that have such rows. */
  async files(table: string, condition: string): Promise<string[]> {
    const sql = `SELECT DISTINCT ${identifier(FILE)} FROM ${place(table)} WHERE ${condition}`;
    return (await this.#connection.runAndReadAll(sql)).getRows().map(([file]) => String(file));
  }
}

function place(table: string): string {
  return `${identifier(DATABASE)}.${identifier(table)}`;
}
