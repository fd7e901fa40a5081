import type { FormatOptions } from './reading/format.ts';
import type { KeepRaw } from './reading/row.ts';

/**
 * What the stack tells its functions. Written by lib/ at synth, read by the handlers at cold start:
 * both sides take the names from here. This file imports no SDK and no CDK.
 */
export const ENV = {
  /** JSON of `SourceSettings[]`: the sources the function loads. */
  sources: 'TRIBUTARY_SOURCES',
  /** Names of the Firehose streams into the lake's own tables. */
  loadsStream: 'TRIBUTARY_LOADS_STREAM',
  rejectedStream: 'TRIBUTARY_REJECTED_STREAM',
  /** Name of the ledger's table, and for how many days it remembers an object. */
  ledgerTable: 'TRIBUTARY_LEDGER_TABLE',
  ledgerDays: 'TRIBUTARY_LEDGER_DAYS',
  /** URL of the queue that announces objects: what one invocation cannot finish goes back to it. */
  queueUrl: 'TRIBUTARY_QUEUE_URL',
  /** JSON of `TrackedSettings[]`: the sources whose records are checked for duplicates. */
  trackedSources: 'TRIBUTARY_TRACKED_SOURCES',
  /** Name of the table of fingerprint pages, the share of records checked, and how many hours back. */
  duplicatesTable: 'TRIBUTARY_DUPLICATES_TABLE',
  duplicatesSampleRate: 'TRIBUTARY_DUPLICATES_SAMPLE_RATE',
  duplicatesWindowHours: 'TRIBUTARY_DUPLICATES_WINDOW_HOURS',
  /** Name of the function that payloads are handed on to; absent: nobody checks for duplicates. */
  trackFunction: 'TRIBUTARY_TRACK_FUNCTION',
} as const;

/**
 * Messages of objects that track-duplicates is handed at once, at most, and how long Lambda gathers them. They share
 * requests to the table, and marks. Nothing about duplicates is urgent: a minute is counted six minutes after its
 * last page.
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

/** A source whose inputs are S3 objects: those of a bucket, below a prefix, that end in a suffix. */
export interface ObjectsPlace {
  readonly lane: 'objects';
  readonly bucket: string;
  readonly prefix?: string;
  readonly suffix?: string;
}

/** A source whose inputs are CloudWatch subscription payloads: those of log groups, by their exact names. */
export interface EventsPlace {
  readonly lane: 'events';
  readonly logGroups: readonly string[];
}

/** Where the inputs of a source come from. */
export type InputPlace = ObjectsPlace | EventsPlace;

/** What of a source's settings says which inputs are its own, and how to read them. */
export type InputSettings = ReadingSettings & InputPlace;

/** One source, as its loading function sees it. */
export type SourceSettings = InputSettings & {
  /** Firehose streams into the source's table, at least one. */
  readonly streams: readonly string[];
  readonly keepRaw: KeepRaw;
};

/** How the records of a source are told apart. */
export interface RecordSettings extends ReadingSettings {
  /** Columns that identify a record. @default - the format's record keys */
  readonly recordKey?: readonly string[];
}

/** One source, as the duplicate check sees it. */
export type TrackedSettings = RecordSettings & InputPlace;

/** All that the duplicate check is told. */
export interface TrackerSettings {
  readonly sources: readonly TrackedSettings[];
  readonly table: string;
  /** (0, 1] */
  readonly sampleRate: number;
  readonly windowHours: number;
}

/** All a loading function is told. */
export interface LoaderSettings {
  readonly sources: readonly SourceSettings[];
  readonly loadsStream: string;
  readonly rejectedStream: string;
  readonly ledgerTable: string;
  readonly ledgerDays: number;
}

/** The stack's settings cannot be used: a fault of the deployment, never of a log line. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Reads a loading function's environment.
 *
 * @throws SettingsError naming the variable that is missing, is not JSON or is not a number.
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
 * @throws SettingsError naming the variable that is missing, is not JSON or is not a number.
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

/** @throws SettingsError when the variable is not set. */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (!value) throw new SettingsError(`environment variable ${name} is not set: deploy the function with its stack`);
  return value;
}

/** @throws SettingsError when the variable is not set or is not a finite number above 0. */
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
