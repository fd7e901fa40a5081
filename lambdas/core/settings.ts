import type { FormatOptions } from './format.ts';
import type { KeepRaw } from './row.ts';
import type { Lane } from './table.ts';

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
} as const;

/** CloudWatch namespace of all metrics. */
export const METRIC_NAMESPACE = 'Tributary';

/** One source, as its loading function sees it. */
export interface SourceSettings {
  /** The source's and its table's name. */
  readonly name: string;
  readonly format: string;
  readonly options?: FormatOptions;
  readonly lane: Lane;
  /** Firehose stream of the source's table. */
  readonly stream: string;
  readonly keepRaw: KeepRaw;
  /** Lane `objects`: where its objects lie. */
  readonly bucket?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  /** Lane `events`: exact names. */
  readonly logGroups?: readonly string[];
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
 * @throws SettingsError naming the variable that is missing or is no JSON.
 */
export function loaderSettings(env: Environment): LoaderSettings {
  const json = required(env, ENV.sources);
  let sources: readonly SourceSettings[];
  try {
    sources = JSON.parse(json) as readonly SourceSettings[];
  } catch (cause) {
    throw new SettingsError(`environment variable ${ENV.sources} is no JSON: ${json.slice(0, 80)}`, { cause });
  }
  return {
    sources,
    loadsStream: required(env, ENV.loadsStream),
    rejectedStream: required(env, ENV.rejectedStream),
    ledgerTable: required(env, ENV.ledgerTable),
    ledgerDays: Number(required(env, ENV.ledgerDays)),
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
