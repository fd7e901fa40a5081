import { Duration, Size } from 'aws-cdk-lib';
import type { SourceSettings } from '../../lambdas/core/settings.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { type Places, promotesKeys } from '../alarms/places.ts';
import { DirectLane } from '../direct-lane.ts';
import { IcebergTables } from '../iceberg-tables.ts';
import type { LogFunction } from '../log-function.ts';
import type { ObjectNotifications } from '../object-notifications.ts';
import { SchemaEvolution } from '../schema-evolution.ts';
import { grantRead, type LaneProps, type ObjectInput, output, roleArnOf, tablesOf } from './lane.ts';

/** The objects that may take the direct lane, and the function that announces them to it. */
interface Announced {
  readonly inputs: readonly ObjectInput[];
  readonly settings: readonly SourceSettings[];
  readonly notifications: ObjectNotifications;
  readonly announce: LogFunction;
}

/** Announced objects → batches → files. */
export function writeDirectly(
  { inputs, settings, notifications, announce }: Announced,
  { stack, config, catalog, lake, ledger, encryptionKey, removalPolicy }: LaneProps,
): NonNullable<Places['direct']> {
  const lane = new DirectLane(stack, 'Direct', {
    sources: settings,
    tables: [...tablesOf(inputs.map(({ source }) => source)), loadsTable, rejectedTable],
    fanOutValues: Object.fromEntries(
      inputs.flatMap(({ source: { name, fanOut } }) => (fanOut ? [[name, fanOut.allow]] : [])),
    ),
    lake,
    ledger,
    notifications,
    memoryMiB: config.memoryMiB,
    maxConcurrency: config.maxConcurrency,
    fileSize: Size.mebibytes(config.bufferSizeMiB),
    wait: Duration.seconds(config.bufferIntervalSeconds),
    timeZone: config.timeZone,
    retention: Duration.days(config.retentionDays),
    encryptionKey,
    removalPolicy,
  });
  lane.grantVersions(announce);
  for (const input of inputs) grantRead(lane.write, input);
  const tables = inputs.flatMap(({ source: { table } }, index) => {
    const source = settings[index];
    return source ? [{ source, table }] : [];
  });
  const iceberg = new IcebergTables(stack, 'Iceberg', {
    databaseName: catalog.icebergDatabaseName,
    tables: tables.filter(({ source }) => source.tableFormat === 'iceberg'),
    lane,
    lake,
    commitInterval: Duration.seconds(config.commitIntervalSeconds),
    encryptionKey,
    removalPolicy,
    lakeFormation: config.lakeFormation,
  });
  const evolving = tables.filter(({ source }) => promotesKeys(source));
  const { lakeFormation } = config;
  const props = { tables: evolving, catalog, iceberg, ledger, lake, removalPolicy, lakeFormation };
  const evolution = evolving.length > 0 ? new SchemaEvolution(stack, 'SchemaEvolution', props) : undefined;
  const description = 'Reads the objects of batches: for policies of buckets and keys of others.';
  output(stack, 'WritingRole', roleArnOf(lane.write), description);
  const { promote } = evolution ?? {};
  return { ...lane.places, commit: iceberg.commit.functionName, ...(promote !== undefined && { promote }) };
}
