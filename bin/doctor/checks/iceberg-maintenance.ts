import { EntityNotFoundException, GetTableOptimizerCommand, type TableOptimizer } from '@aws-sdk/client-glue';
import { OPTIMIZERS, type OptimizerKind } from '../../../lambdas/core/iceberg/optimizers.ts';
import { namesOf } from '../../../lib/names.ts';
import { listed, quantity } from '../../output/render.ts';
import { check, ok, type Verdict, warning } from '../check.ts';
import type { Clients } from '../clients.ts';
import { type DividedSource, dividedSources, type IcebergTable, icebergTables } from '../examined.ts';
import { partsOf } from './iceberg-parts.ts';
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
    return (await pointerOf(clients, table)) && (await optimizersOf(clients, table));
  },
  judge(optimizers, table) {
    // That there is no table is said of the table.
    if (!optimizers) return [];
    const wrong = optimizers.flatMap(([kind, found]) => faultOf(kind, found, invokeManage(table)) ?? []);
    return wrong.length > 0
      ? wrong
      : [ok('Glue maintains it: all kinds are enabled, and none failed when it last ran.')];
  },
});

/** Tables of a source that are looked at: Glue is asked three times for each, and there may be thousands. */
const MAX_PARTS = 20;

/** A table is maintained from a day after its first rows on; the next day something is wrong if it is not. */
const UNMAINTAINED_MS = 2 * 86_400_000;

interface MaintainedParts {
  /** Tables that should be maintained. */
  readonly count: number;
  /** What Glue has of some of them. */
  readonly looked: ReadonlyMap<string, Optimizers>;
}

/** Whether Glue maintains the tables of values, which the function that commits sees to each day. */
export const icebergPartsMaintenance = check<DividedSource, MaintainedParts>({
  name: 'Iceberg maintenance of values',
  actions: ['glue:GetTables', 'glue:GetTableOptimizer'],
  things: dividedSources,
  about: ({ settings }) => settings.name,
  async ask(clients, source) {
    const old = (await partsOf(clients, source)).filter(
      ({ CreateTime }) => CreateTime !== undefined && Date.now() - CreateTime.getTime() > UNMAINTAINED_MS,
    );
    const looked = new Map<string, Optimizers>();
    // Spread over all of them: those beside each other may have begun together.
    const step = Math.max(1, Math.ceil(old.length / MAX_PARTS));
    for (let at = 0; at < old.length; at += step) {
      const name = old[at]?.Name ?? '';
      looked.set(name, await optimizersOf(clients, { ...source, name }));
    }
    return { count: old.length, looked };
  },
  judge({ count, looked }, { stackName }) {
    if (count === 0) return [ok('No table of a value is old enough to be maintained.')];
    const seeCommits = `aws logs tail ${namesOf(stackName).logGroups}commit-tables --since 2d; it tries again each day`;
    const wrong = [...looked].flatMap(([name, optimizers]) => {
      const [fault] = optimizers.flatMap(([kind, found]) => faultOf(kind, found, seeCommits) ?? []);
      return fault ? [{ name, fault }] : [];
    });
    const seen = looked.size < count ? `${looked.size} of ${quantity(count, 'table')}` : quantity(count, 'table');
    const [first] = wrong;
    if (!first) return [ok(`Glue maintains them: ${seen} of values were looked at.`)];
    return [
      warning(
        `Glue does not maintain ${quantity(wrong.length, 'table')} as it should: ${listed(wrong.map(({ name }) => name))}. ` +
          `${seen} of values were looked at. ${first.name}: ${first.fault.says}`,
        first.fault.next,
      ),
    ];
  },
});

type InCatalog = Pick<IcebergTable, 'catalogId' | 'database' | 'name'>;

async function optimizersOf(clients: Clients, table: InCatalog): Promise<Optimizers> {
  const found: (readonly [OptimizerKind, TableOptimizer | undefined])[] = [];
  for (const { kind } of OPTIMIZERS) found.push([kind, await optimizerOf(clients, table, kind)]);
  return found;
}

async function optimizerOf(
  { glue }: Clients,
  { catalogId: CatalogId, database: DatabaseName, name: TableName }: InCatalog,
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

/**
 * Nothing of this holds up or loses rows. An optimizer that has not run yet is as it has to be.
 *
 * @param cure what sets it up again
 */
function faultOf(kind: OptimizerKind, found: TableOptimizer | undefined, cure: string): Verdict | undefined {
  if (!found) return warning(`It has no ${kind}: ${WITHOUT[kind]}.`, cure);
  const { configuration, lastRun } = found;
  if (configuration?.enabled !== true) return warning(`Its ${kind} is disabled: ${WITHOUT[kind]}.`, cure);
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
