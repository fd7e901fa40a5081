import type { FormatOptions } from './reading/format.ts';
import type { KeepRaw } from './reading/row.ts';
import type { FanOut } from './tables/fan-out.ts';

/**
 * Environment variables with which the stack configures its functions. lib/ writes them at synth and the handlers read
 * them at cold start, both by the names listed here. This file imports neither the AWS SDK nor the CDK.
 */
export const ENV = {
  /** Name of the lake in logs and metrics, so that the stacks of an account can be told apart. */
  service: 'TRIBUTARY_SERVICE',
  /** JSON of `SourceSettings[]`: the sources the function loads. */
  sources: 'TRIBUTARY_SOURCES',
  /** Names of the Firehose streams into the lake's own tables. */
  loadsStream: 'TRIBUTARY_LOADS_STREAM',
  rejectedStream: 'TRIBUTARY_REJECTED_STREAM',
  /** Name of the ledger's table, and the number of days that it keeps the entry of an object. */
  ledgerTable: 'TRIBUTARY_LEDGER_TABLE',
  ledgerDays: 'TRIBUTARY_LEDGER_DAYS',
  /** URL of the queue that announces objects. An object that one invocation cannot finish is announced there again. */
  queueUrl: 'TRIBUTARY_QUEUE_URL',
  /** JSON of `TrackedSettings[]`: the sources whose records are checked for duplicates. */
  trackedSources: 'TRIBUTARY_TRACKED_SOURCES',
  /** JSON of `DirectSettings`: how batches of the direct lane are planned and written. */
  direct: 'TRIBUTARY_DIRECT',
  /** JSON of `IcebergSettings`: where the Iceberg tables are, and how often they are committed to. */
  iceberg: 'TRIBUTARY_ICEBERG',
  /** URL of Glue, by the SDK's own name for it: set where another service stands for it. */
  glueUrl: 'AWS_ENDPOINT_URL_GLUE',
  /** Name of the Glue database of the Parquet tables. */
  database: 'TRIBUTARY_DATABASE',
  /** ARN of the role with which Glue maintains Iceberg tables. */
  optimizerRole: 'TRIBUTARY_OPTIMIZER_ROLE',
  /** Name of the lake bucket. */
  lakeBucket: 'TRIBUTARY_LAKE_BUCKET',
  /** URL of the queue that tells writers of batches, and of the dead-letter queue of the objects. */
  writeQueueUrl: 'TRIBUTARY_WRITE_QUEUE_URL',
  deadLettersUrl: 'TRIBUTARY_DEAD_LETTERS_URL',
  /**
   * Name of the table of fingerprint pages, the share of records that is checked, and the time window in hours: records
   * whose time is further in the past or in the future are not checked.
   */
  duplicatesTable: 'TRIBUTARY_DUPLICATES_TABLE',
  duplicatesSampleRate: 'TRIBUTARY_DUPLICATES_SAMPLE_RATE',
  duplicatesWindowHours: 'TRIBUTARY_DUPLICATES_WINDOW_HOURS',
  /** Name of the function that payloads are handed on to; absent if they are not checked for duplicates. */
  trackFunction: 'TRIBUTARY_TRACK_FUNCTION',
} as const;

/**
 * The largest number of messages that track-duplicates receives at once, and how long Lambda waits to gather them. The
 * objects of one batch share requests to the table, and marks. The wait does no harm: a minute is counted only six
 * minutes after its last page.
 */
export const TRACK_BATCH = { messages: 10, windowSeconds: 60 } as const;

/** CloudWatch namespace of all metrics. */
export const METRIC_NAMESPACE = 'Tributary';

/** How the lines of a source are read. */
export interface ReadingSettings {
  /** The source's and its table's name. */
  readonly name: string;
  readonly format: string;
  readonly options?: FormatOptions;
}

/** The S3 objects of a bucket whose keys have a prefix and a suffix. */
export interface ObjectsIn {
  readonly bucket: string;
  readonly prefix?: string;
  readonly suffix?: string;
}

/** A source whose inputs are S3 objects. */
export interface ObjectsPlace extends ObjectsIn {
  readonly lane: 'objects';
  /** The objects were exported by CloudWatch, with a time before each event. */
  readonly exportedLogs?: boolean;
}

/** A source whose inputs are the CloudWatch subscription payloads of log groups, listed by their exact names. */
export interface EventsPlace {
  readonly lane: 'events';
  readonly logGroups: readonly string[];
  /** Where Firehose puts their payloads, gzipped as they are, for the direct lane. Absent if no stream does. */
  readonly payloads?: ObjectsIn;
}

/** Where the inputs of a source come from. */
export type InputPlace = ObjectsPlace | EventsPlace;

/** Whether the inputs of a place are objects that CloudWatch has exported. */
export function isExported(place: InputPlace): boolean {
  return place.lane === 'objects' && place.exportedLogs === true;
}

/** The objects that belong to a source, of lines or of payloads; undefined if there are none. */
export function objectsOf(place: InputPlace): ObjectsIn | undefined {
  return place.lane === 'objects' ? place : place.payloads;
}

/** The settings that say which inputs belong to a source, and how to read them. */
export type InputSettings = ReadingSettings & InputPlace;

/** The settings of one source that the loading functions need. */
export type SourceSettings = InputSettings & {
  /** Firehose streams into the source's table, at least one. */
  readonly streams: readonly string[];
  readonly keepRaw: KeepRaw;
  /** @default firehose */
  readonly delivery?: Delivery;
  /** @default parquet */
  readonly tableFormat?: TableFormat;
  /** Days that its rows stay. @default - `retentionDays` of `DirectSettings` */
  readonly retentionDays?: number;
  /** @default off */
  readonly schemaEvolution?: Evolution;
  /** How its rows are divided among Iceberg tables; the values are in `FAN_OUT_FILE`. @default - not at all */
  readonly fanOut?: Omit<FanOut, 'allow'>;
};

/** File beside the code of write-batch, with `FanOutValues` as JSON; there if a source has `fanOut`. */
export const FAN_OUT_FILE = 'fan-out.json';

/** The values that have a table of their own, by the sources. */
export type FanOutValues = Readonly<Record<string, readonly string[]>>;

/** What becomes of keys that come often and are no columns: nothing, `lake schema` suggests them, or they become some. */
export type Evolution = 'off' | 'suggest' | 'auto';

/** How rows get into their table: through Firehose, or in files that the lake writes itself. */
export type Delivery = 'firehose' | 'direct';

/** What the files of a source's table belong to: a folder that Athena lists, or an Iceberg table with snapshots. */
export type TableFormat = 'parquet' | 'iceberg';

/** Whether keys that are no columns are counted. */
export function isEvolving({ schemaEvolution = 'off' }: Pick<SourceSettings, 'schemaEvolution'>): boolean {
  return schemaEvolution !== 'off';
}

/** Settings that say how to recognize equal records of a source. */
export interface RecordSettings extends ReadingSettings {
  /** Columns that identify a record. @default - the format's record keys */
  readonly recordKey?: readonly string[];
}

/** The settings of one source that the duplicate check needs. */
export type TrackedSettings = RecordSettings & InputPlace;

/** All settings of the duplicate check. */
export interface TrackerSettings {
  readonly sources: readonly TrackedSettings[];
  readonly table: string;
  /** Share of the records that is checked: greater than 0, at most 1. */
  readonly sampleRate: number;
  readonly windowHours: number;
}

/** All settings of a loading function. */
export interface LoaderSettings {
  readonly sources: readonly SourceSettings[];
  readonly loadsStream: string;
  readonly rejectedStream: string;
  readonly ledgerTable: string;
  readonly ledgerDays: number;
}

/** How batches of the direct lane are planned and written. */
export interface DirectSettings {
  /** MiB of a finished file that a batch aims at. */
  readonly fileMiB: number;
  /** Seconds after which an object waits no longer for others. */
  readonly waitSeconds: number;
  /** Batches of a source that are open at a time. */
  readonly maxOpen: number;
  /** Timeout of the function that writes a batch. */
  readonly writeSeconds: number;
  /** The zone whose calendar has the days of the tables. */
  readonly timeZone: string;
  readonly retentionDays: number;
}

/** All settings of the functions that plan and write batches. */
export interface BatchSettings {
  readonly sources: readonly SourceSettings[];
  readonly direct: DirectSettings;
  readonly ledgerTable: string;
  readonly ledgerDays: number;
  readonly lakeBucket: string;
  readonly writeQueueUrl: string;
}

/**
 * Reads the environment of plan-batches and write-batch.
 *
 * @throws SettingsError with the variable that is missing, is not JSON or is not a number
 */
export function batchSettings(env: Environment): BatchSettings {
  return {
    sources: fromJson<readonly SourceSettings[]>(env, ENV.sources),
    direct: fromJson<DirectSettings>(env, ENV.direct),
    ledgerTable: required(env, ENV.ledgerTable),
    ledgerDays: requiredNumber(env, ENV.ledgerDays),
    lakeBucket: required(env, ENV.lakeBucket),
    writeQueueUrl: required(env, ENV.writeQueueUrl),
  };
}

/**
 * The REST catalog of the Iceberg tables, and how they are committed to. Of the catalog nothing else is known, so that
 * another one than Glue's can take its place.
 * https://docs.aws.amazon.com/glue/latest/dg/connect-glu-iceberg-rest.html
 */
export interface IcebergSettings {
  /** URL of the catalog, without a slash at its end. */
  readonly url: string;
  /** The service and the Region that requests are signed for (SigV4). */
  readonly signingName: string;
  readonly region: string;
  /** The catalog's name for what has the database: of Glue, the id of the account. */
  readonly warehouse: string;
  readonly database: string;
  /** Seconds that written files of a table wait for others before they are committed. */
  readonly commitSeconds: number;
}

/**
 * Reads where the Iceberg tables are: in Glue, or in what stands for it.
 *
 * @throws SettingsError with the variable that is missing or is not JSON
 */
export function icebergSettings(env: Environment): IcebergSettings {
  const settings = fromJson<IcebergSettings>(env, ENV.iceberg);
  const glueUrl = env[ENV.glueUrl];
  return glueUrl ? { ...settings, url: `${glueUrl}/iceberg` } : settings;
}

/** All settings of the function that makes Iceberg tables. */
export interface ManageSettings {
  /** The sources with such tables. */
  readonly sources: readonly SourceSettings[];
  readonly iceberg: IcebergSettings;
  readonly lakeBucket: string;
  /** ARN of the role with which Glue maintains the tables. */
  readonly optimizerRole: string;
}

/**
 * Reads the environment of manage-tables.
 *
 * @throws SettingsError with the variable that is missing or is not JSON
 */
export function manageSettings(env: Environment): ManageSettings {
  return {
    sources: fromJson<readonly SourceSettings[]>(env, ENV.sources),
    iceberg: icebergSettings(env),
    lakeBucket: required(env, ENV.lakeBucket),
    optimizerRole: required(env, ENV.optimizerRole),
  };
}

/** All settings of the function that promotes keys to columns. */
export interface PromoteSettings {
  /** The sources whose keys it promotes. */
  readonly sources: readonly SourceSettings[];
  readonly ledgerTable: string;
  /** The database of the Parquet tables. */
  readonly database: string;
  readonly lakeBucket: string;
  readonly iceberg: IcebergSettings;
}

/**
 * Reads the environment of promote-columns.
 *
 * @throws SettingsError with the variable that is missing or is not JSON
 */
export function promoteSettings(env: Environment): PromoteSettings {
  return {
    sources: fromJson<readonly SourceSettings[]>(env, ENV.sources),
    ledgerTable: required(env, ENV.ledgerTable),
    database: required(env, ENV.database),
    lakeBucket: required(env, ENV.lakeBucket),
    iceberg: icebergSettings(env),
  };
}

/** The settings are invalid. The cause is the deployment, never a log line. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Reads a loading function's environment.
 *
 * @throws SettingsError with the variable that is missing, is not JSON or is not a number
 */
export function loaderSettings(env: Environment): LoaderSettings {
  return {
    sources: fromJson<readonly SourceSettings[]>(env, ENV.sources),
    loadsStream: required(env, ENV.loadsStream),
    rejectedStream: required(env, ENV.rejectedStream),
    ledgerTable: required(env, ENV.ledgerTable),
    ledgerDays: requiredNumber(env, ENV.ledgerDays),
  };
}

/**
 * Reads the environment of track-duplicates.
 *
 * @throws SettingsError with the variable that is missing, is not JSON or is not a number
 */
export function trackerSettings(env: Environment): TrackerSettings {
  return {
    sources: fromJson<readonly TrackedSettings[]>(env, ENV.trackedSources),
    table: required(env, ENV.duplicatesTable),
    sampleRate: requiredNumber(env, ENV.duplicatesSampleRate),
    windowHours: requiredNumber(env, ENV.duplicatesWindowHours),
  };
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws SettingsError if the variable is not set */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (!value) throw new SettingsError(`environment variable ${name} is not set: deploy the function with its stack`);
  return value;
}

/** @throws SettingsError if the variable is not set or is not a finite number above 0 */
export function requiredNumber(env: Environment, name: string): number {
  const text = required(env, name);
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new SettingsError(`environment variable ${name}: expected a number above 0, got ${text.slice(0, 80)}`);
}

function fromJson<T>(env: Environment, name: string): T {
  const json = required(env, name);
  try {
    return JSON.parse(json) as T;
  } catch (cause) {
    throw new SettingsError(`environment variable ${name}: expected JSON, got ${json.slice(0, 80)}`, { cause });
  }
}
