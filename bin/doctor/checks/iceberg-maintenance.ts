import { EntityNotFoundException, GetTableOptimizerCommand, type TableOptimizer } from '@aws-sdk/client-glue';
import { OPTIMIZERS, type OptimizerKind } from '../../../lambdas/core/iceberg/optimizers.ts';
import { check, ok, type Verdict, warning } from '../check.ts';
import type { Clients } from '../clients.ts';
import { type IcebergTable, icebergTables } from '../examined.ts';
import { invokeManage, pointerOf } from './iceberg-tables.ts';

/** Each kind of maintenance, and what Glue has of it: undefined if nothing. */
type Optimizers = readonly (readonly [kind: OptimizerKind, found: TableOptimizer | undefined])[];

/** What becomes of a table without it. */
const WITHOUT: Readonly<Record<OptimizerKind, string>> = {
  compaction: 'its small files stay small, and queries become slow',
  retention: 'its metadata grows towards the 20 MB that Glue refuses',
  orphan_file_deletion: 'files that no snapshot names stay, and cost storage',
};

/** Where Glue logs the runs. */
const LOG_GROUPS: Readonly<Record<OptimizerKind, string>> = {
  compaction: '/aws-glue/iceberg-compaction/logs',
  retention: '/aws-glue/iceberg-retention/logs',
  orphan_file_deletion: '/aws-glue/iceberg-orphan-file-deletion/logs',
};

/** Whether Glue maintains the tables. https://docs.aws.amazon.com/glue/latest/dg/table-optimizers.html */
export const icebergMaintenance = check<IcebergTable, Optimizers | undefined>({
  name: 'Iceberg maintenance',
  actions: ['glue:GetTable', 'glue:GetTableOptimizer'],
  things: icebergTables,
  about: ({ name }) => name,
  async ask(clients, table) {
    // Glue says of a missing table what it says of a missing optimizer.
    if (!(await pointerOf(clients, table))) return undefined;
    const found: (readonly [OptimizerKind, TableOptimizer | undefined])[] = [];
    for (const { kind } of OPTIMIZERS) found.push([kind, await optimizerOf(clients, table, kind)]);
    return found;
  },
  judge(optimizers, table) {
    // That there is no table is said of the table.
    if (!optimizers) return [];
    const wrong = optimizers.flatMap(([kind, found]) => faultOf(kind, found, table) ?? []);
    return wrong.length > 0
      ? wrong
      : [ok('Glue maintains it: all kinds are enabled, and none failed when it last ran.')];
  },
});

async function optimizerOf(
  { glue }: Clients,
  { catalogId: CatalogId, database: DatabaseName, name: TableName }: IcebergTable,
  Type: OptimizerKind,
): Promise<TableOptimizer | undefined> {
  try {
    const { TableOptimizer } = await glue.send(
      new GetTableOptimizerCommand({ CatalogId, DatabaseName, TableName, Type }),
    );
    return TableOptimizer;
  } catch (error) {
    if (error instanceof EntityNotFoundException) return undefined;
    throw error;
  }
}

/** Nothing of this holds up or loses rows. An optimizer that has not run yet is as it has to be. */
function faultOf(kind: OptimizerKind, found: TableOptimizer | undefined, table: IcebergTable): Verdict | undefined {
  if (!found) return warning(`It has no ${kind}: ${WITHOUT[kind]}.`, invokeManage(table));
  const { configuration, lastRun } = found;
  if (configuration?.enabled !== true)
    return warning(`Its ${kind} is disabled: ${WITHOUT[kind]}.`, invokeManage(table));
  if (lastRun?.eventType !== 'failed') return undefined;
  const { endTimestamp, startTimestamp, error = 'Glue does not say why' } = lastRun;
  const at = (endTimestamp ?? startTimestamp)?.toISOString();
  return warning(
    `Its ${kind} failed when it last ran${at === undefined ? '' : `, at ${at}`} (${error.slice(0, LONGEST_ERROR)}): ${WITHOUT[kind]}.`,
    `aws logs tail ${LOG_GROUPS[kind]} --since 2d`,
  );
}

/** Characters of Glue's own words that are shown. */
const LONGEST_ERROR = 300;
