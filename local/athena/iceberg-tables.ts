/** Tables of the lake's Iceberg catalog in DuckDB: each is a view of the files of its current snapshot. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { liveFiles } from '../../lambdas/core/iceberg/live-files.ts';
import { parseIcebergJson, type TableMetadata } from '../../lambdas/core/iceberg/metadata.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { SOURCE } from '../../lambdas/core/iceberg/properties.ts';
import { currentSchema } from '../../lambdas/core/iceberg/schema.ts';
import { mayHaveRowsOf, type TableOwner } from '../../lambdas/core/tables/fan-out.ts';
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
  readonly table: IcebergName;
  /** The source whose rows, or a part of them, it has. */
  readonly source: string;
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
  readonly #sources: ReadonlyMap<string, readonly TableOwner[]>;
  readonly #files: BucketFiles;
  readonly #made = new Map<string, MadeView>();

  /** @param sources by the databases that have their tables of loads */
  constructor(dir: string, sources: ReadonlyMap<string, readonly TableOwner[]>, connection: DuckDBConnection) {
    this.#connection = connection;
    this.#dir = dir;
    this.#sources = sources;
    this.#files = new BucketFiles(dir);
  }

  /** All tables, whether there are views of them or not. */
  async tables(): Promise<IcebergName[]> {
    const found: IcebergName[] = [];
    for (const [lakeDatabase, sources] of this.#sources) {
      const database = icebergDatabaseOf(lakeDatabase);
      for (const name of await tablesIn(this.#dir, database)) {
        const owners = sources.filter((source) => mayHaveRowsOf(source.name, name, sources));
        found.push({ database, name, lakeDatabase, owners: [name, ...owners.map((source) => source.name)] });
      }
    }
    return found;
  }

  /**
   * @returns the sources of the tables whose view is another one now
   * @throws QueryError naming a table of the statement that cannot be read
   */
  async refresh(statement: ReadingStatement): Promise<MadeTable[]> {
    const made: MadeTable[] = [];
    for (const table of await this.tables()) {
      const isRead = readsTable(statement, table);
      if (!isRead && !statement.listsTables) continue;
      try {
        const source = await this.#make(table, isRead);
        if (source !== undefined) made.push({ name: source, lakeDatabase: table.lakeDatabase });
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

  /** The tables of a source as their views have them, its own first; none of which there is no view. */
  placesOf(lakeDatabase: string, source: string): IcebergPlace[] {
    const places = [...this.#made.values()]
      .filter((made) => made.table.lakeDatabase === lakeDatabase && made.source === source)
      .map(({ table: { database, name }, columns }) => ({ database, name, columns }));
    return [...places.filter(({ name }) => name === source), ...places.filter(({ name }) => name !== source)];
  }

  /** Makes the view of a table, if it has changed. @returns the source that has the table's rows; undefined if it has not */
  async #make(table: IcebergName, isRead: boolean): Promise<string | undefined> {
    const { database, name } = table;
    const view = `${identifier(database)}.${identifier(name)}`;
    const before = this.#made.get(view);
    const metadata = await readPointer(this.#dir, database, name);
    // Dropped in between: DuckDB says that there is no such table.
    if (metadata === undefined) return undefined;
    if (before?.metadata === metadata && (before.hasRows || !isRead)) return undefined;
    const loaded = await loadTable(metadata, this.#files);
    const columns = columnsOf(loaded.metadata);
    const files = isRead ? await Array.fromAsync(liveFiles(loaded, this.#files)) : [];
    await this.#connection.run(
      `CREATE OR REPLACE VIEW ${view} AS ${selectFrom(columns, files, (uri) => this.#files.path(uri))}`,
    );
    const source = loaded.metadata.properties?.[SOURCE] ?? name;
    this.#made.set(view, { table, source, metadata, hasRows: isRead, columns: columns.map((column) => column.name) });
    return source;
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

/** Whether a statement reads a table, or a view of its source, which is in the database of the lake's own tables. */
function readsTable({ tables }: ReadingStatement, { database, name, lakeDatabase, owners }: IcebergName): boolean {
  const reads = (schema: string, each: string) => tables.has(`.${each}`) || tables.has(`${schema}.${each}`);
  const views = owners.flatMap((owner) => [onceName(owner), allName(owner), localTimeName(owner)]);
  return reads(database, name) || views.some((view) => reads(lakeDatabase, view));
}

/** A table of the catalog, the database of the lake's own tables, and the sources of which it may have rows, by its name. */
type IcebergName = MadeTable & { readonly database: string; readonly owners: readonly string[] };

/** A table that has a view, with the columns of that. */
export type IcebergPlace = TablePlace & { readonly columns: readonly string[] };
