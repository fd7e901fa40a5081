/** What the operations work on: one lake's queue, ledger, streams, buckets and tables, here or on AWS. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { FirehoseClient } from '@aws-sdk/client-firehose';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import {
  ENV,
  type Environment,
  type LoaderSettings,
  loaderSettings,
  type TrackerSettings,
  trackerSettings,
} from '../../lambdas/core/settings.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { sourceTable, type Table } from '../../lambdas/core/tables/table.ts';
import { type OnceOf, onceSelect } from '../../lambdas/core/tables/views.ts';
import { CommandError } from '../output/command-error.ts';
import type { LogReader } from './log-reader.ts';

/** A row of a query's result: numbers as numbers, all else as text or null. */
export type ResultRow = Readonly<Record<string, unknown>>;

export interface Clients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  readonly firehose: FirehoseClient;
}

/** Names and settings of a lake, as its own functions are told them. */
export interface LakeSettings extends Omit<LoaderSettings, 'sources'> {
  readonly sources: readonly Source[];
  /** URL of the queue that announces objects; undefined where no source has objects. */
  readonly queueUrl: string | undefined;
  /** Undefined where duplicates are not checked. */
  readonly duplicates: TrackerSettings | undefined;
}

/** One lake. */
export interface LakeHandle extends LakeSettings, Clients {
  /** The AWS account's number. */
  readonly accountId: string;
  readonly lakeBucket: string;
  readonly database: string;
  /** Runs one query; rows come as they are read. */
  readonly query: (sql: string) => AsyncIterable<ResultRow>;
  /** Reads log groups; undefined on this machine, which keeps no log events. */
  readonly logs: LogReader | undefined;
  /** Folder for what an operation that is broken off needs to go on. */
  readonly stateFolder: string;
  /** What Firehose acknowledged before this time has reached the tables. */
  readonly settledBefore: () => Date;
  /** Waits until the lake has done what it was given, where that can be waited for; gives back what went wrong. */
  readonly settle: () => Promise<string[]>;
  readonly close: () => Promise<void>;
}

/**
 * Reads what a lake's loading functions are told, from the environments of all functions of its stack.
 *
 * @param what the lake, for the error
 * @throws CommandError when none of the functions loads anything.
 */
export function lakeSettings(environments: readonly Environment[], what: string): LakeSettings {
  const loaders = environments.filter((env) => env[ENV.sources] && env[ENV.loadsStream]);
  const [first] = loaders;
  if (!first) throw new CommandError(`${what}: expected functions that load sources, got none: deploy the stack first`);
  const settings = loaders.flatMap((env) => loaderSettings(env).sources);
  return {
    ...loaderSettings(first),
    sources: compiledSources(settings),
    queueUrl: loaders.map((env) => env[ENV.queueUrl]).find((url) => url !== undefined),
    duplicates: environments.filter((env) => env[ENV.trackedSources]).map(trackerSettings)[0],
  };
}

/** The source of a name. @throws CommandError naming those there are. */
export function sourceNamed({ sources }: LakeSettings, name: string): Source {
  const source = sources.find(({ settings }) => settings.name === name);
  if (source) return source;
  const names = sources.map(({ settings }) => settings.name).join(', ');
  throw new CommandError(`no source ${name}: expected one of ${names}`);
}

/** A source's table, as today's formats have it. */
export function tableOf({ settings, format }: Source): Table {
  return sourceTable(settings.name, '', format.columns, settings.lane);
}

/** All tables of a lake, with the streams into each. */
export function tablesOf(lake: LakeSettings): { readonly table: Table; readonly streams: readonly string[] }[] {
  return [
    ...lake.sources.map((source) => ({ table: tableOf(source), streams: source.settings.streams })),
    { table: loadsTable, streams: [lake.loadsStream] },
    { table: rejectedTable, streams: [lake.rejectedStream] },
  ];
}

/** A table's rows without their repeats, as a subquery: the views need not have been made. */
export function once({ database }: LakeHandle, { name, columns }: Table, where?: string): string {
  const of: OnceOf = { database, table: name, columns: columns.map((column) => column.name) };
  return `(${onceSelect(of, where)})`;
}

/** A literal of SQL. */
export function sqlText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A moment as a literal of SQL, UTC without zone, as the tables have it. */
export function sqlTime(time: Date): string {
  return `TIMESTAMP ${sqlText(time.toISOString().slice(0, -1).replace('T', ' '))}`;
}

/** A timestamp of a query's result, UTC without zone. */
export function timeOf(value: unknown): Date {
  return new Date(`${String(value).replace(' ', 'T')}Z`);
}
