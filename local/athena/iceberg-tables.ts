/** Tables of the lake's Iceberg catalog in DuckDB: each is a view of the files of its current snapshot. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { liveFiles } from '../../lambdas/core/iceberg/live-files.ts';
import { parseIcebergJson, type TableMetadata } from '../../lambdas/core/iceberg/metadata.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { currentSchema } from '../../lambdas/core/iceberg/schema.ts';
import { icebergDatabaseOf } from '../../lambdas/core/tables/lake-tables.ts';
import { allName, localTimeName, onceName, type TablePlace } from '../../lambdas/core/tables/views.ts';
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
  /** Names of its columns. */
  readonly columns: readonly string[];
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
  async tables(): Promise<IcebergName[]> {
    const found: IcebergName[] = [];
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
      const isRead = readsTable(statement, table);
      if (!isRead && !statement.listsTables) continue;
      try {
        if (await this.#make(table.database, table.name, isRead)) made.push(table);
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

  /** The table as its view has it; undefined if there is no view of it. */
  placeOf(lakeDatabase: string, name: string): (TablePlace & { readonly columns: readonly string[] }) | undefined {
    const database = icebergDatabaseOf(lakeDatabase);
    const made = this.#made.get(`${identifier(database)}.${identifier(name)}`);
    return made && { database, name, columns: made.columns };
  }

  /** Makes the view of a table, if it has changed. @returns whether it has */
  async #make(database: string, name: string, isRead: boolean): Promise<boolean> {
    const view = `${identifier(database)}.${identifier(name)}`;
    const before = this.#made.get(view);
    const metadata = await readPointer(this.#dir, database, name);
    // Dropped in between: DuckDB says that there is no such table.
    if (metadata === undefined) return false;
    if (before?.metadata === metadata && (before.hasRows || !isRead)) return false;
    const table = await loadTable(metadata, this.#files);
    const columns = columnsOf(table.metadata);
    const files = isRead ? await Array.fromAsync(liveFiles(table, this.#files)) : [];
    await this.#connection.run(
      `CREATE OR REPLACE VIEW ${view} AS ${selectFrom(columns, files, (uri) => this.#files.path(uri))}`,
    );
    this.#made.set(view, { metadata, hasRows: isRead, columns: columns.map((column) => column.name) });
    return true;
  }
}

/** Names of the columns of an Iceberg table; undefined if there is no such table. */
export async function icebergColumns(dir: string, database: string, name: string): Promise<string[] | undefined> {
  const location = await readPointer(dir, database, name);
  if (location === undefined) return undefined;
  const { metadata } = await loadTable(location, new BucketFiles(dir));
  return currentSchema(metadata).fields.map((field) => field.name);
}

async function loadTable(metadataLocation: string, files: BucketFiles): Promise<LoadedTable> {
  const bytes = await files.get(metadataLocation);
  try {
    return { metadata: parseIcebergJson(new TextDecoder().decode(bytes)) as TableMetadata, metadataLocation };
  } catch (error) {
    throw new Error(`${metadataLocation}: damaged: ${messageOf(error)}`, { cause: error });
  }
}

/** Whether a statement reads a table, or one of the views of it, which are in the database of the lake's own tables. */
function readsTable({ tables }: ReadingStatement, { database, name, lakeDatabase }: IcebergName): boolean {
  const reads = (schema: string, each: string) => tables.has(`.${each}`) || tables.has(`${schema}.${each}`);
  const views = [onceName(name), allName(name), localTimeName(name)];
  return reads(database, name) || views.some((view) => reads(lakeDatabase, view));
}

/** A table of the catalog, and the database of the lake's own tables. */
type IcebergName = MadeTable & { readonly database: string };
