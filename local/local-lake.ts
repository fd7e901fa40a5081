import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CUSTOM_RESOURCES } from './custom-resources.ts';
import { type Damage, isSetAside } from './damage.ts';
import { UNFINISHED } from './files.ts';
import { GLUE } from './glue/pointers.ts';
import type { TableStore } from './glue/table-store.ts';
import type { Denied } from './iam/permissions.ts';
import { VERSION_FILE } from './lake-version.ts';
import { LOCKS } from './lock.ts';
import type { Resource } from './template/resource.ts';

/**
 * A lake on this machine: the synthesized stack's own template and bundles, run against local endpoints. One folder
 * holds all data of the local account:
 *
 *   <dir>/stack/                 the cloud assembly with which the lake was last opened (template, bundles)
 *   <dir>/stack.old/             the one before, while a new one takes its place
 *   <dir>/buckets/<bucket>/<key> every bucket's objects as plain files
 *   <dir>/objects/, <dir>/unfinished/  S3's metadata of objects, and requests that have not come whole
 *   <dir>/uploads/               S3's multipart uploads that are not completed
 *   <dir>/dynamodb/              tables
 *   <dir>/glue/<database>/<table>.json  which metadata file of an Iceberg table counts
 *   <dir>/glue/<database>/<table>.optimizers  how Glue is to maintain it
 *   <dir>/custom-resources.json  what the functions of custom resources were told when the stack was deployed
 *   <dir>/queues/, <dir>/invocations/, <dir>/firehose/  messages, events and records accepted but not done yet
 *   <dir>/logs/<function>.log    output of functions
 *   <dir>/context.json           the params with which the lake was last opened
 *   <dir>/version.json           the version of Tributary that opened the lake last
 *   <dir>/operations/            progress of operations that were interrupted
 *   <dir>/locks/                 the process that has the lake open
 *   <dir>/athena-spill/          what a query that is too large for the memory writes
 *   <dir>/sample/                input that the demo loads
 *
 * A name that ends in `.tmp` is something that is not complete yet, one that ends in `.damaged` something that could not
 * be read and was set aside.
 */
export interface OpenOptions {
  /** The lake's folder; created if missing. */
  readonly dir: string;
  /** Context params that override those of cdk.json, like `cdk -c name=value`. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Receives short lines about the progress. */
  readonly progress?: (line: string) => void;
}

/** The file in a lake's folder with the context params of the last opening. */
export const CONTEXT_FILE = 'context.json';

/** Folder of a lake's folder with what a query writes that is too large for the memory. */
export const ATHENA_SPILL = 'athena-spill';

const STACK = 'stack';
const OLD_STACK = 'stack.old';

/** The parts of a lake's folder, each by its name. */
export const LAKE_NAMES: readonly string[] = [
  ...[
    STACK,
    OLD_STACK,
    'buckets',
    'objects',
    'unfinished',
    'uploads',
    'dynamodb',
    GLUE,
    'queues',
    'invocations',
    'firehose',
    'logs',
  ],
  ...[CONTEXT_FILE, CUSTOM_RESOURCES, VERSION_FILE, 'operations', LOCKS, ATHENA_SPILL, 'sample'],
];

/** Whether a name in a lake's folder is one of a lake's. Deleting a lake deletes what has such names and nothing else. */
export function isLakeName(name: string): boolean {
  const made = (own: string) => name.startsWith(`${own}.`) && (name.endsWith(UNFINISHED) || isSetAside(name));
  return LAKE_NAMES.some((own) => name === own || made(own));
}

/** Where a lake's cloud assembly is, was while a new one takes its place, and is made before it takes that place. */
export function stackPlaces(dir: string): { readonly stack: string; readonly old: string; readonly made: string } {
  return { stack: join(dir, STACK), old: join(dir, OLD_STACK), made: join(dir, `${STACK}${UNFINISHED}`) };
}

/** The cloud assembly with which a lake was last opened, whole at any time; undefined if there is none. */
export function stackOf(dir: string): string | undefined {
  const { stack, old } = stackPlaces(dir);
  return [stack, old].find((folder) => existsSync(folder));
}

/** The failures since the lake was opened. */
export interface Drained {
  /** Messages moved to a dead-letter queue, with the last error of the function that received them. */
  readonly deadLetters: readonly { readonly queue: string; readonly body: string; readonly error: string }[];
  /** Asynchronous events that Lambda gave up on, by function. */
  readonly failedEvents: readonly { readonly functionName: string; readonly error: string }[];
  /** Records that Firehose could not convert, by stream. */
  readonly conversionFailures: readonly { readonly stream: string; readonly records: number; readonly error: string }[];
  /** What could not be read when the lake was opened, and was set aside. */
  readonly damaged: readonly Damage[];
  /** What functions and services were not allowed by the policies of the stack. */
  readonly denied: readonly Denied[];
}

export interface LocalLake {
  readonly dir: string;
  /** The stack's resources that are emulated, by their local names. */
  readonly resources: readonly Resource[];
  /** URLs of the services by name, as in AWS_ENDPOINT_URL_<NAME>. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** The Iceberg tables, as their catalog has them. */
  readonly tables: TableStore;
  /** The folder with the code of a function. */
  codeOf(lambda: Resource): string;
  /**
   * Puts a file into a bucket like S3, and sends the notification. The same bytes under the same key are the same
   * object.
   */
  putObject(bucket: string, key: string, file: string): Promise<void>;
  /** Puts log events into a log group; its subscription filter hands them on in gzipped payloads. */
  putLogEvents(
    logGroup: string,
    logStream: string,
    events: readonly { timestamp: number; message: string }[],
  ): Promise<void>;
  /**
   * Waits until all queues, invocations and delivery buffers are empty and scheduled functions have nothing left to do.
   * Waits that would end only with time are skipped.
   *
   * @param left receives from time to time how many messages and events are left
   */
  drain(left?: (count: number) => void): Promise<Drained>;
  close(): Promise<void>;
}
