/** The tables of sources in the catalog, as promoted columns are added to them. */
import { GetTableCommand, type GlueClient, type Table as GlueTable, UpdateTableCommand } from '@aws-sdk/client-glue';
import type { CatalogTables } from '../core/evolution/promote.ts';
import { COLUMN_TYPES } from '../core/formats/json-columns.ts';
import type { IcebergCatalog, LoadedTable } from '../core/iceberg/ports.ts';
import { currentSchema, ensureTable, ICEBERG_TYPES, isReadAs, madeFor } from '../core/iceberg/schema.ts';
import type { Column, Table } from '../core/tables/table.ts';

export interface CatalogProps {
  readonly glue: GlueClient;
  /** The database of the Parquet tables. */
  readonly database: string;
  /** The Iceberg tables; undefined if the stack has none. */
  readonly catalog: IcebergCatalog | undefined;
  /** Name of the bucket for the files of new Iceberg tables. */
  readonly lakeBucket: string;
}

/**
 * The tables of each source: its Parquet table and the Iceberg table of its name, if there is one. Both have all columns,
 * whatever format the source has now, so that none has another type in one of them: the format can change, views read both,
 * and the tables among which rows are divided get only columns that the source's own Iceberg table has, from the writer that
 * has rows for them. If the process dies between the two, the next one finds the column missing in one of them.
 */
export function catalogTables({ glue, database, catalog, lakeBucket }: CatalogProps): CatalogTables {
  const parquet = glueTables(glue, database);
  const all = catalog ? [parquet, icebergTables(catalog, lakeBucket)] : [parquet];
  return {
    types: async (name) => (await Promise.all(all.map((tables) => tables.types(name)))).flat(),
    async addColumns(table) {
      for (const tables of all) await tables.addColumns(table);
    },
  };
}

/** A change is refused if another one was made meanwhile. */
const TRIES = 10;

/**
 * Parquet tables: definitions in Glue's Data Catalog. An update names the version that it was made for, so it never takes
 * away what another has added.
 *
 * https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
 */
function glueTables(client: GlueClient, database: string): CatalogTables {
  const get = async (name: string): Promise<GlueTable> => {
    const { Table } = await client.send(new GetTableCommand({ DatabaseName: database, Name: name }));
    if (Table) return Table;
    throw new Error(`table ${database}.${name}: expected its definition, got none`);
  };
  return {
    async types(name) {
      const { StorageDescriptor } = await get(name);
      const columns = StorageDescriptor?.Columns ?? [];
      return [new Map(columns.map(({ Name = '', Type }) => [Name, COLUMN_TYPES.find((type) => type === Type)]))];
    },
    async addColumns(table) {
      let failure: unknown;
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const found = await get(table.name);
        const input = withColumns(found, table);
        if (!input) return;
        const { VersionId } = found;
        // Refused, or the answer is lost: the next round sees what became of it.
        await client
          .send(new UpdateTableCommand({ DatabaseName: database, TableInput: input, VersionId, SkipArchive: true }))
          .catch((error: unknown) => {
            failure = error;
          });
      }
      throw failure;
    },
  };
}

/** The definition with the columns that it lacks; undefined if it has all. */
function withColumns(found: GlueTable, { columns }: Table) {
  const { StorageDescriptor } = found;
  const there = StorageDescriptor?.Columns ?? [];
  const missing = columns.filter(({ name }) => there.every(({ Name }) => Name !== name));
  if (missing.length === 0) return undefined;
  const added = missing.map(({ name, type, comment }) => ({ Name: name, Type: type, Comment: comment }));
  return { ...inputOf(found), StorageDescriptor: { ...StorageDescriptor, Columns: [...there, ...added] } };
}

/** Of a table's definition, what an update may have. https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html */
function inputOf({
  Name,
  Description,
  Owner,
  LastAccessTime,
  LastAnalyzedTime,
  Retention,
  PartitionKeys,
  ViewOriginalText,
  ViewExpandedText,
  TableType,
  Parameters,
  TargetTable,
}: GlueTable) {
  const rest = { Description, Owner, LastAccessTime, LastAnalyzedTime, Retention, PartitionKeys };
  return { Name, ...rest, ViewOriginalText, ViewExpandedText, TableType, Parameters, TargetTable };
}

/**
 * Iceberg tables, by the catalog's REST protocol. None is made here: one that is missing may be lost, and whoever writes rows
 * knows what to do then. A new one gets all columns from the writer that makes it.
 */
function icebergTables(catalog: IcebergCatalog, lakeBucket: string): CatalogTables {
  return {
    async types(name) {
      const loaded = await catalog.load(name);
      // There is none yet, or none any more.
      if (!loaded) return [];
      const typeOf = (iceberg: unknown) => COLUMN_TYPES.find((type) => ICEBERG_TYPES[type] === iceberg);
      const { fields } = currentSchema(loaded.metadata);
      return [new Map(fields.map(({ name: column, type }) => [column, typeOf(type)]))];
    },
    async addColumns(table) {
      const loaded = await catalog.load(table.name);
      if (!loaded) return;
      const there: IcebergCatalog = {
        load: (name) => catalog.load(name),
        create: async () => undefined,
        commit: (name, change) => catalog.commit(name, change),
      };
      const added = { ...table, columns: table.columns.filter((column) => !isOtherwise(column, loaded)) };
      await ensureTable(there, added, { ...madeFor(table.name, added, lakeBucket), acceptWider: true });
    },
  };
}

/** Whether a table has a column with another type, as one of before may, into which no rows are written now. */
function isOtherwise({ name, type }: Column, { metadata }: LoadedTable): boolean {
  const field = currentSchema(metadata).fields.find((each) => each.name === name);
  const wanted = ICEBERG_TYPES[type];
  return field !== undefined && !isReadAs(field.type, wanted) && !isReadAs(wanted, field.type);
}
