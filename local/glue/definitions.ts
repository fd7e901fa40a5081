/**
 * Glue's own API, as far as it is about the metadata of Iceberg tables: definitions of tables, by GetTable, CreateTable and
 * UpdateTable. A definition's version is the place of its metadata here: it changes whenever that does.
 *
 * https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
 */
import { z } from 'zod';
import { GlueError, unsupported } from './glue-error.ts';
import type { TableStore } from './table-store.ts';

const named = z.looseObject({ DatabaseName: z.string(), Name: z.string() });
const given = z.looseObject({
  DatabaseName: z.string(),
  VersionId: z.string().optional(),
  TableInput: z.looseObject({
    Name: z.string(),
    Parameters: z.looseObject({
      table_type: z.literal('ICEBERG', 'tables of other types have no local behaviour'),
      metadata_location: z.string().regex(/^s3:\/\//),
    }),
  }),
});

/**
 * Does an operation of Glue's API.
 *
 * @param operation by its name: `GetTable`
 * @returns the answer's body
 * @throws GlueError with a type by Glue's name
 */
export async function definitionOperation(tables: TableStore, operation: string, body: unknown): Promise<object> {
  const act = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  if (!act) throw unsupported(`AWSGlue.${operation}`);
  try {
    return await act(tables, body);
  } catch (error) {
    if (error instanceof z.ZodError) throw new GlueError(400, 'InvalidInputException', z.prettifyError(error));
    if (!(error instanceof GlueError)) throw error;
    throw new GlueError(400, TYPES[error.type] ?? error.type, error.message);
  }
}

/** What Glue's own API calls the errors of Iceberg's protocol. */
const TYPES: Readonly<Record<string, string>> = {
  NoSuchTableException: 'EntityNotFoundException',
  NoSuchNamespaceException: 'EntityNotFoundException',
  CommitFailedException: 'ConcurrentModificationException',
};

const OPERATIONS: Readonly<Record<string, (tables: TableStore, body: unknown) => Promise<object>>> = {
  GetTable: async (tables, body) => {
    const { DatabaseName, Name } = named.parse(body);
    const { version, location } = await tables.pointerOf(DatabaseName, Name);
    const Parameters = { table_type: 'ICEBERG', ...(location !== undefined && { metadata_location: location }) };
    return { Table: { Name, DatabaseName, TableType: 'EXTERNAL_TABLE', VersionId: version, Parameters } };
  },
  CreateTable: async (tables, body) => {
    const { DatabaseName, TableInput } = given.parse(body);
    await tables.point(DatabaseName, TableInput.Name, undefined, TableInput.Parameters.metadata_location);
    return {};
  },
  UpdateTable: async (tables, body) => {
    const { DatabaseName, TableInput, VersionId } = given.parse(body);
    if (VersionId === undefined) throw unsupported('UpdateTable without VersionId');
    await tables.point(DatabaseName, TableInput.Name, VersionId, TableInput.Parameters.metadata_location);
    return {};
  },
};
