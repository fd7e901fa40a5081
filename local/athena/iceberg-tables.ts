/** Tables of the lake's Iceberg catalog in DuckDB: each is a view of the files of its current snapshot. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { liveFiles } from '../../lambdas/core/iceberg/live-files.ts';
import { parseIcebergJson, type TableMetadata } from '../../lambdas/core/iceberg/metadata.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { icebergDatabaseOf } from '../../lambdas/core/tables/lake-tables.ts';
import { localTimeName, onceName } from '../../lambdas/core/tables/views.ts';
import { messageOf } from '../files.ts';
import { identifier } from '../firehose/parquet.ts';
import { readPointer, tablesIn } from '../glue/pointers.ts';
import { BucketFiles } from './bucket-files.ts';
import type { MadeTable } from './hive-tables.ts';
import { columnsOf, selectFrom } from './iceberg-select.ts';
import { QueryError, type ReadingStatement } from './statement.ts';

/** What a view is made of. */
interface MadeView {
  /** URI of the metadata. */
  readonly metadata: string;
  /** Whether it has the table's rows, or its columns alone. */
  readonly hasRows: boolean;
}

/**
 * Makes the views that a query needs, and no others: a source that fans out has a thousand tables. A view stays until the
 * catalog has other metadata for its table.
 */
export class IcebergViews {
  readonly #connection: DuckDBConnection;
  readonly #dir: string;
  readonly #databases: readonly string[];
  readonly #files: BucketFiles;
  readonly #made = new Map<string, MadeView>();

  /** @param databases those that have tables of loads */
  constructor(dir: string, databases: readonly string[], connection: DuckDBConnection) {
    this.#connection = connection;
    this.#dir = dir;
    this.#databases = databases;
    this.#files = new BucketFiles(dir);
  }

  /** All tables, whether there are views of them or not. */
  async tables(): Promise<{ readonly database: string; readonly name: string; readonly lakeDatabase: string }[]> {
    const found = [];
    for (const lakeDatabase of this.#databases) {
      const database = icebergDatabaseOf(lakeDatabase);
      for (const name of await tablesIn(this.#dir, database)) found.push({ database, name, lakeDatabase });
    }
    return found;
  }

  /**
   * @returns the tables whose view is another one now
   * @throws QueryError naming a table of the statement that cannot be read
   */
  async refresh(statement: ReadingStatement): Promise<MadeTable[]> {
    const made: MadeTable[] = [];
    for (const table of await this.tables()) {
      const isRead = readsTable(statement, table.database, table.name);
      if (!isRead && !statement.listsTables) continue;
      try {
        const columns = await this.#make(table.database, table.name, isRead);
        if (columns) made.push({ ...table, columns });
      } catch (error) {
        // A list of tables has those that can be read.
        if (!isRead) continue;
        throw new QueryError(`table ${table.database}.${table.name}: ${messageOf(error)}`, {
          failed: true,
          cause: error,
        });
      }
    }
    return made;
  }

  /** Makes the view of a table, if it has changed. @returns the names of its columns */
  async #make(database: string, name: string, isRead: boolean): Promise<string[] | undefined> {
    const view = `${identifier(database)}.${identifier(name)}`;
    const before = this.#made.get(view);
    const metadata = await readPointer(this.#dir, database, name);
    // Dropped in between: DuckDB says that there is no such table.
    if (metadata === undefined) return undefined;
    if (before?.metadata === metadata && (before.hasRows || !isRead)) return undefined;
    const table = await this.#load(metadata);
    const columns = columnsOf(table.metadata);
    const files = isRead ? await Array.fromAsync(liveFiles(table, this.#files)) : [];
    await this.#connection.run(
      `CREATE OR REPLACE VIEW ${view} AS ${selectFrom(columns, files, (uri) => this.#files.path(uri))}`,
    );
    this.#made.set(view, { metadata, hasRows: isRead });
    return columns.map((column) => column.name);
  }

  async #load(location: string): Promise<LoadedTable> {
    const bytes = await this.#files.get(location);
    try {
      return {
        metadata: parseIcebergJson(new TextDecoder().decode(bytes)) as TableMetadata,
        metadataLocation: location,
      };
    } catch (error) {
      throw new Error(`${location}: damaged: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** Whether a statement reads a table, or one of the views of it. */
function readsTable({ tables }: ReadingStatement, database: string, name: string): boolean {
  const names = [name, onceName(name), localTimeName(name)];
  return names.some((each) => tables.has(`.${each}`) || tables.has(`${database}.${each}`));
}
