/**
 * Which metadata an Iceberg table has in Glue's catalog. The REST endpoint makes and changes tables; putting other metadata in
 * the place of a table's it cannot. The definition of the table is changed instead, as Iceberg's own library for Glue changes
 * it at each commit: only if nobody has changed it since.
 *
 * https://github.com/apache/iceberg/blob/main/aws/src/main/java/org/apache/iceberg/aws/glue/GlueTableOperations.java
 */
import {
  AlreadyExistsException,
  type Column,
  ConcurrentModificationException,
  CreateTableCommand,
  EntityNotFoundException,
  GetTableCommand,
  type GlueClient,
  type Table,
  type TableInput,
  UpdateTableCommand,
} from '@aws-sdk/client-glue';
import type { LoadedTable } from '../core/iceberg/ports.ts';
import { columnTypeOf, currentSchema } from '../core/iceberg/schema.ts';

/** A table's definition in the catalog. */
export interface TablePointer {
  /** URI of the metadata file; undefined if the definition has lost it. */
  readonly metadataLocation: string | undefined;
  readonly definition: Table;
}

/** Where the tables are. */
export interface PointedTables {
  /** Id of the account. */
  readonly catalogId: string;
  readonly database: string;
}

export interface TablePointers {
  /** @returns undefined if there is no such table */
  read(table: string): Promise<TablePointer | undefined>;
  /**
   * Points a table to other metadata, or makes the table, if its definition is still as it was read.
   *
   * @param before undefined if there was no table
   * @returns false if somebody else has changed it, and nothing was done
   */
  point(table: string, before: TablePointer | undefined, to: LoadedTable): Promise<boolean>;
}

/** The parameter of a table that says where its metadata is. */
export const METADATA_LOCATION = 'metadata_location';

export function gluePointers(client: GlueClient, { catalogId: CatalogId, database: DatabaseName }: PointedTables) {
  const read = async (Name: string): Promise<TablePointer | undefined> => {
    try {
      const { Table } = await client.send(new GetTableCommand({ CatalogId, DatabaseName, Name }));
      return Table && { metadataLocation: Table.Parameters?.[METADATA_LOCATION], definition: Table };
    } catch (error) {
      if (error instanceof EntityNotFoundException) return undefined;
      throw error;
    }
  };
  return {
    read,
    async point(table, before, to) {
      const TableInput = definitionOf(table, before, to);
      try {
        const request = { CatalogId, DatabaseName, TableInput };
        if (before === undefined) await client.send(new CreateTableCommand(request));
        else {
          const { VersionId } = before.definition;
          await client.send(new UpdateTableCommand({ ...request, VersionId, SkipArchive: true }));
        }
        return true;
      } catch (error) {
        const isRefused = error instanceof ConcurrentModificationException || error instanceof AlreadyExistsException;
        // The client repeats a request whose answer was lost: then it was this one that changed the table.
        if (isRefused) return (await read(table))?.metadataLocation === to.metadataLocation;
        throw error;
      }
    },
  } satisfies TablePointers;
}

/** What Glue shows of a table beside its metadata: https://iceberg.apache.org/docs/latest/aws/#glue-catalog */
function definitionOf(Name: string, before: TablePointer | undefined, to: LoadedTable): TableInput {
  const { Description, Owner, Parameters = {} } = before?.definition ?? {};
  const { metadata, metadataLocation } = to;
  return {
    Name,
    ...(Description !== undefined && { Description }),
    ...(Owner !== undefined && { Owner }),
    TableType: 'EXTERNAL_TABLE',
    StorageDescriptor: { Location: metadata.location, Columns: currentSchema(metadata).fields.map(columnOf) },
    Parameters: {
      ...Parameters,
      table_type: 'ICEBERG',
      [METADATA_LOCATION]: metadataLocation,
      ...(before?.metadataLocation !== undefined && { previous_metadata_location: before.metadataLocation }),
    },
  };
}

function columnOf({ id, name, type, doc }: ReturnType<typeof currentSchema>['fields'][number]): Column {
  return {
    Name: name,
    Type: columnTypeOf(type),
    // https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html
    ...(doc !== undefined && { Comment: doc.slice(0, 255) }),
    Parameters: { 'iceberg.field.id': String(id), 'iceberg.field.optional': 'true', 'iceberg.field.current': 'true' },
  };
}
