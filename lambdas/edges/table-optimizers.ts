/** Glue's maintenance of Iceberg tables. https://docs.aws.amazon.com/glue/latest/dg/table-optimizers.html */
import { isDeepStrictEqual } from 'node:util';
import {
  CreateTableOptimizerCommand,
  EntityNotFoundException,
  GetTableOptimizerCommand,
  type GlueClient,
  type TableOptimizerConfiguration,
  UpdateTableOptimizerCommand,
} from '@aws-sdk/client-glue';
import type { Optimizer } from '../core/iceberg/optimizers.ts';

/** A table of Glue's catalog. */
export interface MaintainedTable {
  /** Id of the account. */
  readonly catalogId: string;
  readonly database: string;
  readonly table: string;
}

/**
 * Has Glue maintain a table as the lake wants it, with a role: makes each kind of maintenance that is not there, and changes
 * each that is otherwise. If the process ends in between, the next call goes on.
 */
export async function maintain(
  client: GlueClient,
  table: MaintainedTable,
  optimizers: readonly Optimizer[],
  roleArn: string,
): Promise<void> {
  for (const optimizer of optimizers) await set(client, table, optimizer, roleArn);
}

async function set(
  client: GlueClient,
  { catalogId: CatalogId, database: DatabaseName, table: TableName }: MaintainedTable,
  { kind: Type, configuration }: Optimizer,
  roleArn: string,
): Promise<void> {
  const which = { CatalogId, DatabaseName, TableName, Type };
  const wanted: TableOptimizerConfiguration = { roleArn, enabled: true, ...configuration };
  const there = await configurationOf(client, which);
  if (there === undefined) {
    await client.send(new CreateTableOptimizerCommand({ ...which, TableOptimizerConfiguration: wanted }));
  } else if (!has(there, wanted)) {
    await client.send(new UpdateTableOptimizerCommand({ ...which, TableOptimizerConfiguration: wanted }));
  }
}

type Which = ConstructorParameters<typeof GetTableOptimizerCommand>[0];

async function configurationOf(client: GlueClient, which: Which): Promise<TableOptimizerConfiguration | undefined> {
  try {
    const { TableOptimizer } = await client.send(new GetTableOptimizerCommand(which));
    return TableOptimizer?.configuration ?? {};
  } catch (error) {
    if (error instanceof EntityNotFoundException) return undefined;
    throw error;
  }
}

/** Whether a value has all that is wanted; Glue may tell more, such as values that it chose itself. */
function has(there: unknown, wanted: unknown): boolean {
  if (!isObject(there) || !isObject(wanted)) return isDeepStrictEqual(there, wanted);
  return Object.entries(wanted).every(([key, value]) => has(there[key], value));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
