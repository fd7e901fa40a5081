/** The tables of a lake as `lake query` sees them, on this machine or on AWS. */
import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient, paginateGetTables } from '@aws-sdk/client-glue';
import type { QueriedLake } from '../../lambdas/core/queries/saved-queries.ts';
import type { QueriedTable } from '../../lambdas/core/queries/saved-query.ts';
import type { TableOwner } from '../../lambdas/core/tables/fan-out.ts';
import {
  FAN_OUT_PARAMETER,
  icebergDatabaseOf,
  LOADS,
  TABLE_FORMAT_PARAMETER,
} from '../../lambdas/core/tables/lake-tables.ts';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';
import type { TablePlace } from '../../lambdas/core/tables/views.ts';
import { namesOf } from '../../lib/names.ts';
import { openAthena } from '../../local/athena/athena.ts';
import { messageOf } from '../../local/files.ts';
import { divisionIn, glueTable } from '../../local/template/glue-table.ts';
import { readLakeFolder } from '../input/lake-folder.ts';
import { type Answer, athenaResult } from '../operations/aws-athena.ts';
import { awsIcebergTables } from '../operations/aws-iceberg-tables.ts';
import { localIcebergTables } from '../operations/local-iceberg-tables.ts';
import { CommandError } from '../output/command-error.ts';

/** A lake, and how the rows of its sources are divided. */
export interface OpenLake extends QueriedLake {
  readonly tables: readonly (QueriedTable & Pick<TableOwner, 'fanOut'>)[];
}

/** A lake that is open for queries. */
export interface OpenQueries {
  /** Its database and tables, for the saved queries. */
  lake(): Promise<OpenLake>;
  /** The Iceberg tables that may have rows of a source whose rows are divided. */
  placesOf(source: string): Promise<readonly TablePlace[]>;
  run(sql: string): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Opens the tables of a lake's folder.
 *
 * @throws CommandError if the folder contains no lake
 */
export async function openLocalQueries(dir: string, microseconds: boolean): Promise<OpenQueries> {
  const folder = readLakeFolder(dir);
  const athena = await openAthena({ ...folder, microseconds });
  const tables = folder.tables.map(glueTable);
  const database = tables.find(({ name }) => name === LOADS)?.database ?? '';
  return {
    lake: async () => ({
      database,
      tables: tables
        .filter((table) => table.database === database)
        .map(({ name, columns, isIceberg, fanOut }) => {
          return { name, columns, database: rowsDatabase(database, isIceberg), fanOut };
        }),
    }),
    placesOf: (source) => localIcebergTables(dir, icebergDatabaseOf(database), tables)(source),
    run: async (sql) => ({ result: await athena.query(sql) }),
    close: () => athena.close(),
  };
}

/**
 * Opens the workgroup of a deployed stack, whose limits apply. Names of workgroup and database follow from the stack's,
 * so that the policy of the stack's readers is all that it needs.
 */
export function openDeployedQueries(stackName: string): OpenQueries {
  const { workgroup, database } = namesOf(stackName);
  const athena = new AthenaClient({});
  let read: Promise<OpenLake> | undefined;
  const lake = () => {
    read ??= tablesIn(database, stackName);
    return read;
  };
  return {
    lake,
    placesOf: async (source) => {
      const { tables } = await lake();
      return await awsIcebergTables(new GlueClient({}), icebergDatabaseOf(database), tables)(source);
    },
    run: athenaResult(athena, workgroup, database),
    close: async () => athena.destroy(),
  };
}

const TYPES: readonly string[] = ['string', 'int', 'bigint', 'double', 'boolean', 'timestamp'] satisfies ColumnType[];

/** The tables of sources and of the lake: those that have the column `origin`. Views, and tables of others, have none. */
async function tablesIn(database: string, stackName: string): Promise<OpenLake> {
  const client = new GlueClient({});
  const tables: OpenLake['tables'][number][] = [];
  try {
    for await (const { TableList = [] } of paginateGetTables({ client }, { DatabaseName: database })) {
      for (const { Name = '', TableType, StorageDescriptor, Parameters } of TableList) {
        const columns = (StorageDescriptor?.Columns ?? []).flatMap(({ Name: name = '', Type = '' }) =>
          TYPES.includes(Type) ? [{ name, type: Type as ColumnType }] : [],
        );
        if (TableType !== 'VIRTUAL_VIEW' && columns.some(({ name }) => name === 'origin')) {
          const isIceberg = Parameters?.[TABLE_FORMAT_PARAMETER] === 'iceberg';
          const fanOut = divisionIn(Parameters?.[FAN_OUT_PARAMETER]);
          tables.push({ name: Name, columns, database: rowsDatabase(database, isIceberg), fanOut });
        }
      }
    }
  } catch (error) {
    throw new CommandError(
      `stack ${stackName}: its database ${database} could not be read: ${messageOf(error)}; ` +
        '--stack expects the name of a deployed stack, --lake a folder on this machine',
      { cause: error },
    );
  } finally {
    client.destroy();
  }
  return { database, tables };
}

/** The database into which the rows of a table are written now. */
export function rowsDatabase(database: string, isIceberg: boolean): string {
  return isIceberg ? icebergDatabaseOf(database) : database;
}
