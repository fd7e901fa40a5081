/** A lake as the operations see it: queue, ledger, streams, buckets and tables, on this machine or on AWS. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { FirehoseClient } from '@aws-sdk/client-firehose';
import type { GlueClient } from '@aws-sdk/client-glue';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { canPromote, evolvedSource } from '../../lambdas/core/evolution/promoted.ts';
import type { IcebergCatalog } from '../../lambdas/core/iceberg/ports.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import type { LoadMetric } from '../../lambdas/core/metrics.ts';
import {
  batchSettings,
  type DirectSettings,
  ENV,
  type Environment,
  type FanOutValues,
  type IcebergSettings,
  icebergSettings,
  isExported,
  type LoaderSettings,
  loaderSettings,
  type TrackerSettings,
  trackerSettings,
} from '../../lambdas/core/settings.ts';
import type { FanOutTables } from '../../lambdas/core/tables/fan-out.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { sourceTable, type Table } from '../../lambdas/core/tables/table.ts';
import { type OnceOf, onceSelect, rowsOf, type TablePlace } from '../../lambdas/core/tables/views.ts';
import { fanOutTables } from '../../lambdas/edges/fan-out-values.ts';
import { dynamoPromotedRecords } from '../../lambdas/edges/promoted-records.ts';
import type { Damage } from '../../local/damage.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import type { LogEvent, LogReader } from './log-reader.ts';

/** A row of a query's result: numbers as numbers, all other values as text or null. */
export type ResultRow = Readonly<Record<string, unknown>>;

export interface Clients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  readonly firehose: FirehoseClient;
  readonly glue: GlueClient;
}

/** Names and settings of a lake, read from the environment variables of its functions. */
export interface LakeSettings extends Omit<LoaderSettings, 'sources'> {
  /** With the columns that were promoted since the deployment. */
  readonly sources: readonly Source[];
  /** The sources as they were deployed: Firehose's streams know the columns of these. */
  readonly deployed: readonly Source[];
  /** URL of the queue that announces objects; undefined if no source has objects. */
  readonly queueUrl: string | undefined;
  /** URL of the queue that announces objects to the duplicate check; undefined if it checks none. */
  readonly checkQueueUrl: string | undefined;
  /** How the direct lane writes batches; undefined if the stack does not have that lane. */
  readonly direct: DirectSettings | undefined;
  /** Where the Iceberg tables are; undefined if the stack has no function that commits to them. */
  readonly iceberg: IcebergSettings | undefined;
  /** ARN of the role with which Glue maintains the Iceberg tables; undefined if no source has one. */
  readonly optimizerRole: string | undefined;
  /** Undefined if the lake does not check duplicates. */
  readonly duplicates: TrackerSettings | undefined;
}

/** An open lake: its settings, the clients of its services, and what depends on where the lake is. */
export interface LakeHandle extends LakeSettings, Clients {
  /** Number of the AWS account, 12 digits. */
  readonly accountId: string;
  readonly lakeBucket: string;
  readonly database: string;
  /** The Iceberg tables; undefined if the stack has no function that commits to them. */
  readonly catalog: IcebergCatalog | undefined;
  /** The Iceberg tables that have rows of a source; none if there is none of it. */
  readonly icebergTables: (source: string) => Promise<readonly TablePlace[]>;
  /** The values by which sources divide their rows, as the function that writes has them. @throws CommandError without one */
  readonly fanOutValues: () => Promise<FanOutValues>;
  /** Runs one query and returns the rows while they are read. */
  readonly query: (sql: string) => AsyncIterable<ResultRow>;
  /** Reads log groups; undefined for a local lake, which keeps no log events. */
  readonly logs: LogReader | undefined;
  /** Puts log events into a log group that the lake has subscribed to. @throws Error if an event is not accepted */
  readonly putLogEvents: (logGroup: string, logStream: string, events: readonly LogEvent[]) => Promise<void>;
  /** Sum of a metric of a source since a time, as far as it has arrived. */
  readonly metricSum: (metric: LoadMetric, source: string, since: Date) => Promise<number>;
  /** What of a local lake could not be read and was set aside; nothing on AWS. */
  readonly damaged: () => readonly Damage[];
  /** Folder for the progress of operations, from which an interrupted operation continues. */
  readonly stateFolder: string;
  /** Rows that Firehose acknowledged before this time are in the tables. */
  readonly settledBefore: () => Date;
  /** Waits until a local lake has finished its work; on AWS it returns at once. @returns a line per problem */
  readonly settle: () => Promise<string[]>;
  readonly close: () => Promise<void>;
}

/**
 * Reads a lake's settings from the environment variables of the functions of its stack.
 *
 * @param what names the lake in the error message
 * @throws CommandError if none of the functions loads a source
 */
export function lakeSettings(environments: readonly Environment[], what: string): LakeSettings {
  const loaders = environments.filter((env) => env[ENV.sources] && env[ENV.loadsStream]);
  const writer = environments.find((env) => env[ENV.direct] && env[ENV.writeQueueUrl]);
  const committer = environments.find((env) => env[ENV.iceberg] && env[ENV.writeQueueUrl]);
  const trackers = environments.filter((env) => env[ENV.trackedSources]);
  const [first] = loaders;
  if (!first) throw new CommandError(`${what}: expected functions that load sources, got none; deploy the stack first`);
  const deployed = compiledSources(eachOnce(loaders.flatMap((env) => loaderSettings(env).sources)));
  const tracked = trackers.map(trackerSettings);
  const [tracker] = tracked;
  return {
    ...loaderSettings(first),
    sources: deployed,
    deployed,
    queueUrl: queueUrlIn(loaders),
    checkQueueUrl: queueUrlIn(trackers),
    direct: writer && batchSettings(writer).direct,
    iceberg: committer && icebergSettings(committer),
    optimizerRole: environments.map((env) => env[ENV.optimizerRole]).find((role) => role !== undefined),
    // One function reads objects, another one log events; all else is the same for both.
    duplicates: tracker && { ...tracker, sources: eachOnce(tracked.flatMap(({ sources }) => sources)) },
  };
}

/** Whether an environment is that of the function that writes batches: it tells of their dead letters, and others do not. */
export function isOfWriter(env: Environment): boolean {
  return env[ENV.direct] !== undefined && env[ENV.deadLettersUrl] !== undefined;
}

/** Log groups on the direct lane are a source of both functions. */
function eachOnce<Of extends { readonly name: string }>(sources: readonly Of[]): Of[] {
  return [...new Map(sources.map((source) => [source.name, source])).values()];
}

function queueUrlIn(environments: readonly Environment[]): string | undefined {
  return environments.map((env) => env[ENV.queueUrl]).find((url) => url !== undefined);
}

/** The source with this name. @throws UsageError with the names of all sources */
export function sourceNamed({ sources }: LakeSettings, name: string): Source {
  const source = sources.find(({ settings }) => settings.name === name);
  if (source) return source;
  const names = sources.map(({ settings }) => settings.name).join(', ');
  throw new UsageError(`no source ${name}: expected one of ${names}`);
}

/**
 * The settings with sources as writers read them: with their promoted columns, so that rows which operations write, and what
 * they compare, have the same columns.
 */
export async function withPromoted(settings: LakeSettings, dynamodb: DynamoDBClient): Promise<LakeSettings> {
  const records = dynamoPromotedRecords(dynamodb, settings.ledgerTable);
  const sources: Source[] = [];
  for (const source of settings.sources) {
    const { name } = source.settings;
    sources.push(canPromote(source.settings) ? evolvedSource(source, (await records.read(name)).columns) : source);
  }
  return { ...settings, sources };
}

/** How the rows of a source are divided among tables; undefined if they are not. */
export async function divisionOf(
  lake: Pick<LakeHandle, 'fanOutValues'>,
  { settings }: Source,
): Promise<FanOutTables | undefined> {
  return settings.fanOut && fanOutTables(settings, await lake.fanOutValues());
}

/** A source's table, with the columns that the current code gives its format. */
export function tableOf({ settings, format }: Source): Table {
  return sourceTable(settings.name, '', format.columns, settings.lane, isExported(settings));
}

/** A table, the streams that write to it, and its source, if it is not one of the lake's own. */
export interface LakeTable {
  readonly table: Table;
  readonly streams: readonly string[];
  readonly source?: Source;
}

export function tablesOf(lake: LakeSettings): LakeTable[] {
  return [
    ...lake.sources.map((source) => ({ table: tableOf(source), streams: source.settings.streams, source })),
    { table: loadsTable, streams: [lake.loadsStream] },
    { table: rejectedTable, streams: [lake.rejectedStream] },
  ];
}

/** A subquery for the rows of one of the lake's own tables without repeats; it does not need the lake's views to exist. */
export function once({ database }: LakeHandle, { name, columns }: Table, where?: string): string {
  const of: OnceOf = { tables: [{ database, name }], columns: columns.map((column) => column.name) };
  return `(${onceSelect(of, where)})`;
}

/**
 * Tables that one query reads together at most. Trino, of which Athena is made, refuses queries of more than 100 stages, or 150
 * in newer versions, and may need one for each table; Athena does not document its own limit.
 * https://trino.io/docs/current/admin/properties-query-management.html#query-max-stage-count
 */
export const MAX_TABLES_AT_ONCE = 80;

/** The tables that have rows of a source: its own, and its Iceberg tables, whatever its `tableFormat` is now. */
export async function placesOf(
  lake: Pick<LakeHandle, 'database' | 'icebergTables'>,
  source: string,
): Promise<OnceOf['tables']> {
  return [{ database: lake.database, name: source }, ...(await lake.icebergTables(source))];
}

/** What to select these columns of all rows of a source from: one query for each, because it may have thousands of tables. */
export async function allRowsOf(
  lake: Pick<LakeHandle, 'database' | 'icebergTables'>,
  source: string,
  columns: readonly string[],
): Promise<string[]> {
  const places = await placesOf(lake, source);
  const selected: string[] = [];
  for (let at = 0; at < places.length; at += MAX_TABLES_AT_ONCE) {
    const [first, ...others] = places.slice(at, at + MAX_TABLES_AT_ONCE);
    if (first) selected.push(rowsOf({ tables: [first, ...others], columns }));
  }
  return selected;
}

/** Whether rows lie under the days of their events, which may be any: then a condition on `dt` would miss some. */
export function isByEventDay(settings: Source['settings']): boolean {
  return settings.delivery === 'direct' || (settings.lane === 'events' && settings.payloads !== undefined);
}

/** A string literal of SQL. */
export function sqlText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A timestamp literal of SQL in the form of the tables: UTC without a zone. */
export function sqlTime(time: Date): string {
  return `TIMESTAMP ${sqlText(time.toISOString().slice(0, -1).replace('T', ' '))}`;
}

/** Reads a timestamp of a query's result, which is UTC without a zone. */
export function timeOf(value: unknown): Date {
  return new Date(`${String(value).replace(' ', 'T')}Z`);
}
