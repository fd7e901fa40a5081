/** Runs the deployed functions, each in a process of its own, and the services that they call in another process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Source } from '../lambdas/core/loading/load.ts';
import { continuation } from '../lambdas/core/loading/notification.ts';
import { LOADS_COLUMNS } from '../lambdas/core/tables/lake-tables.ts';
import { numbered } from '../lambdas/core/tables/table.ts';
import { synthesize } from '../lib/synth.ts';
import { Sessions } from '../local/iam/caller.ts';
import { Permissions } from '../local/iam/permissions.ts';
import { openLambda } from '../local/lambda/lambda.ts';
import type { Resource } from '../local/template/resource.ts';
import { readStack } from '../local/template/template.ts';
import type { Input } from './input.ts';
import type { ServiceReply, ServiceRequest } from './services.ts';

/** Bucket for all objects. */
const BUCKET = 'bench-logs';

/** A source as the stack is told of it, with a prefix of its own. */
const declared = ({ settings: { name, format, options } }: Source) => ({
  ...options,
  name,
  format,
  from: { bucket: BUCKET, prefix: `${name}/`, notifications: 'eventbridge' },
});

/** A source that makes load-log-events one of the functions. */
const EVENTS = { name: 'events', format: 'json', preset: 'server-logs', from: { logGroups: ['/bench/app'] } };

/** Long enough to load the largest object in one invocation: the bench does not measure timeouts. */
const TIMEOUT_SECONDS = 3600;

/** The synthesized stack and its services. */
export interface Functions {
  readonly functions: readonly Resource[];
  /** The folder of a function's bundle. */
  readonly bundle: (lambda: Resource) => string;
  /** Environment variables that give a function the endpoints of the services. */
  readonly env: Readonly<Record<string, string>>;
  readonly dynamoDbUrl: string;
  readonly firehoseUrl: string;
  /** Names of the DynamoDB tables of the duplicate check and of the ledger. */
  readonly duplicatesTable: string;
  readonly ledgerTable: string;
  /** Starts load-objects in a new process. */
  start(): Promise<LoadObjects>;
  close(): Promise<void>;
}

/** load-objects, in one process. */
export interface LoadObjects {
  /** Loads an object that consists of the input repeated `times` times. @throws Error if not all lines are loaded */
  load(input: Input, times: number): Promise<LoadedObject>;
  close(): Promise<void>;
}

/** Measured values of a loaded object. */
export interface LoadedObject {
  readonly pid: number;
  /** Bytes of its row of `loads`, as JSON. */
  readonly loadsRowBytes: number;
  /** Bytes that the invocation printed. */
  readonly logBytes: number;
}

/**
 * Synthesizes the stack and starts its services.
 *
 * @param sources the sources of all inputs that will be loaded
 */
export async function openFunctions(sources: readonly Source[]): Promise<Functions> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const services = await startServices();
  const close = async () => {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    return { ...(await functionsOf(sources, dir, services)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function functionsOf(
  sources: readonly Source[],
  dir: string,
  services: Services,
): Promise<Omit<Functions, 'close'>> {
  const { S3 = '', FIREHOSE = '', SQS = '' } = services.urls;
  const assembly = synthesize({
    context: { sources: [...sources.map(declared), EVENTS] },
    outdir: join(dir, 'stack'),
    checked: false,
  });
  const stack = readStack({ ...assembly, urls: { sqs: SQS } });
  const tables = stack.resources.filter(({ type }) => type === 'AWS::DynamoDB::Table');
  const opened = await services.ask({ kind: 'tables', dir: join(dir, 'dynamodb'), tables });
  const { DYNAMODB = '' } = opened.kind === 'urls' ? opened.urls : {};
  const urls = { S3, FIREHOSE, SQS, DYNAMODB };
  const env = Object.fromEntries(Object.entries(urls).map(([name, url]) => [`AWS_ENDPOINT_URL_${name}`, url]));
  const functions = stack.resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map((resource) => ({ ...resource, properties: { ...resource.properties, Timeout: TIMEOUT_SECONDS } }));
  const permissions = new Permissions(stack.resources);
  let started = 0;
  return {
    functions,
    bundle: stack.bundle,
    env,
    dynamoDbUrl: DYNAMODB,
    firehoseUrl: FIREHOSE,
    duplicatesTable: nameOf(tables, 'duplicates'),
    ledgerTable: nameOf(tables, 'ledger'),
    start: () =>
      startLoadObjects(
        { functions, bundle: stack.bundle, env, permissions, dir: join(dir, String(started++)) },
        services,
      ),
  };
}

function nameOf(tables: readonly Resource[], part: string): string {
  const table = tables.find(({ localName }) => localName.includes(part));
  if (!table) throw new Error(`the stack has no table of the ${part}`);
  return table.localName;
}

type Services = Awaited<ReturnType<typeof startServices>>;

async function startServices() {
  const child = fork(fileURLToPath(new URL('./services.ts', import.meta.url)), {
    // stdout is reserved for the results of the bench.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const crashed = once(child, 'exit').then(() => Promise.reject(new Error('the process of the services has crashed')));
  crashed.catch(() => {});
  const reply = async (): Promise<ServiceReply> => {
    const [message] = (await Promise.race([once(child, 'message'), crashed])) as [ServiceReply];
    return message;
  };
  const first = await reply();
  return {
    stop: async () => {
      child.kill();
      await crashed.catch(() => {});
    },
    urls: first.kind === 'urls' ? first.urls : {},
    ask: (request: ServiceRequest): Promise<ServiceReply> => {
      const answer = reply();
      child.send(request);
      return answer;
    },
  };
}

interface LambdaSettings {
  readonly functions: readonly Resource[];
  readonly bundle: (lambda: Resource) => string;
  readonly env: Readonly<Record<string, string>>;
  readonly permissions: Permissions;
  readonly dir: string;
}

/** The output of a process may arrive this much later than its answer, because it takes another path. */
const OUTPUT_LAG_MS = 50;

const LOAD_OBJECTS = 'load-objects';
let loaded = 0;

async function startLoadObjects({ dir, ...settings }: LambdaSettings, services: Services): Promise<LoadObjects> {
  let process = 0;
  mkdirSync(dir, { recursive: true });
  const lambda = await openLambda({
    ...settings,
    sessions: new Sessions(),
    dir,
    onInvocation: ({ pid }) => (process = pid),
  });
  const log = join(dir, `${LOAD_OBJECTS}.log`);
  const member = join(dir, 'member.gz');
  return {
    async load(input, times) {
      const printed = logOf(log).length;
      const key = `${input.source.settings.name}/${loaded++}/${input.key}`;
      writeFileSync(member, input.gzip);
      await services.ask({ kind: 'object', key, file: member, times });
      const body = continuation({ bucket: BUCKET, key, etag: '0' });
      const record = { messageId: key, receiptHandle: key, body, attributes: { ApproximateReceiveCount: '1' } };
      const result = await lambda.function(LOAD_OBJECTS).invoke(JSON.stringify({ Records: [record] }));
      if (!result.ok || !result.payload.includes('"batchItemFailures":[]')) {
        throw new Error(`${key}: not loaded: ${JSON.stringify(result)}\n${logOf(log).slice(-2000)}`);
      }
      const reply = await services.ask({ kind: 'loads' });
      await sleep(OUTPUT_LAG_MS);
      const [row = '{}'] = reply.kind === 'loads' ? reply.loads : [];
      const lines = (JSON.parse(row) as Record<string, unknown>)[LINES_KEY];
      if (lines !== input.lines * times) {
        throw new Error(`${key}: expected ${input.lines * times} lines to be loaded, got ${lines}`);
      }
      return { pid: process, loadsRowBytes: row.length, logBytes: logOf(log).length - printed };
    },
    close: () => lambda.close(),
  };
}

/** JSON key of the column `lines` in a row of `loads`. */
const LINES_KEY = numbered(LOADS_COLUMNS).find(({ name }) => name === 'lines')?.key ?? '';

function logOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
