import { VERSION_FILE } from './lake-version.ts';
import { LOCKS } from './lock.ts';
import type { Resource } from './template/resource.ts';

/**
 * A lake on this machine: the synthesized stack's own template and bundles, run against local
 * endpoints. Everything the local account holds lies below one folder:
 *
 *   <dir>/stack/                 the cloud assembly it was last opened with (template, bundles)
 *   <dir>/buckets/<bucket>/<key> every bucket's objects as plain files
 *   <dir>/objects/, <dir>/unfinished/  what S3 knows of objects beyond their bytes, and of those not yet there
 *   <dir>/dynamodb/              tables
 *   <dir>/queues/, <dir>/invocations/, <dir>/firehose/  what is accepted and not yet done
 *   <dir>/logs/<function>.log    what functions print
 *   <dir>/context.json           the params it was last opened with
 *   <dir>/version.json           the version of Tributary that opened it last
 *   <dir>/operations/            how far operations have come that were broken off
 *   <dir>/locks/                 the process that has it open
 *   <dir>/sample/                what the demo feeds it
 */
export interface OpenOptions {
  /** The lake's folder; made when missing. */
  readonly dir: string;
  /** Context params over those of cdk.json, as `cdk -c name=value` gives them. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Told what goes on, one short line at a time. */
  readonly progress?: (line: string) => void;
}

/** File of a lake's folder with the context params it was last opened with. */
export const CONTEXT_FILE = 'context.json';

/** All there is in a lake's folder, and nowhere else: what may be deleted with it. */
export const LAKE_NAMES: readonly string[] = [
  ...['stack', 'buckets', 'objects', 'unfinished', 'dynamodb', 'queues', 'invocations', 'firehose', 'logs'],
  ...[CONTEXT_FILE, VERSION_FILE, 'operations', LOCKS, 'sample'],
];

/** What happened since the lake was opened. */
export interface Drained {
  /** Messages that went to a dead-letter queue, with the last error of the function that had them. */
  readonly deadLetters: readonly { readonly queue: string; readonly body: string; readonly error: string }[];
  /** Asynchronous events that Lambda gave up on, by function. */
  readonly failedEvents: readonly { readonly functionName: string; readonly error: string }[];
  /** Records Firehose could not convert, by stream. */
  readonly conversionFailures: readonly { readonly stream: string; readonly records: number; readonly error: string }[];
}

export interface LocalLake {
  readonly dir: string;
  /** The stack's resources that have a behaviour here, by their local names. */
  readonly resources: readonly Resource[];
  /** Where the SDK finds the services: URLs by name, as in AWS_ENDPOINT_URL_<NAME>. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** Puts a file into a bucket as S3 would, notification included. The same bytes under the same key are the same object. */
  putObject(bucket: string, key: string, file: string): Promise<void>;
  /** Puts log events to a log group; its subscription filter hands them on in gzipped payloads. */
  putLogEvents(
    logGroup: string,
    logStream: string,
    events: readonly { timestamp: number; message: string }[],
  ): Promise<void>;
  /**
   * Waits until every queue, invocation and delivery buffer is empty, and what runs by the clock has
   * nothing left to do. Waits that only time would end are skipped.
   */
  drain(): Promise<Drained>;
  close(): Promise<void>;
}
