/**
 * A Trino of one node on this machine. Athena's engine version 3 is made of Trino, and 435 is the last version of Trino
 * that runs on Java 17.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CREDENTIALS } from '../../../local/credentials.ts';
import { beside, FOLDER, javaWith, unpacked } from '../check.ts';
import { type Answer, exactJson } from '../differences.ts';

const VERSION = '435';

/** Memory of the Java machine; the rows of a demo's lake need a part of it. */
const HEAP = '2G';

/** Longer than Trino takes on a machine that has other things to do. */
const START_SECONDS = 300;
const QUERY_SECONDS = 180;

/** Properties of a catalog, whose values may name variables of the environment: `${ENV:AWS_ACCESS_KEY_ID}`. */
export type Properties = Readonly<Record<string, string | number | boolean>>;

/** The result of a query, with the values of Trino's JSON. */
export interface TrinoResult extends Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** Where a query looks for names that say no catalog and no schema. */
export interface Session {
  readonly catalog: string;
  readonly schema: string;
}

export interface Trino {
  /** @throws TrinoError with Trino's own message */
  query(sql: string, session: Session): Promise<TrinoResult>;
  close(): Promise<void>;
}

/** Trino refuses a query, or cannot run it. */
export class TrinoError extends Error {
  override readonly name = 'TrinoError';
}

/**
 * Installs Trino and starts it, with the access key of the local account in its environment.
 *
 * @param plugins their names, such as `hive`
 * @throws Missing if there is no Java 17 or Maven
 */
export async function startTrino(
  plugins: readonly string[],
  catalogs: Readonly<Record<string, Properties>>,
): Promise<Trino> {
  const classPath = javaWith(`io.trino:trino-main:${VERSION}`);
  const pluginFolder = join(FOLDER, 'trino-plugins');
  for (const name of plugins) unpacked(`io.trino:trino-${name}:${VERSION}`, pluginFolder);
  const folder = join(FOLDER, 'trino');
  const catalogFolder = join(folder, 'catalogs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(catalogFolder, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = writeProperties(join(folder, 'config.properties'), {
    coordinator: true,
    'node-scheduler.include-coordinator': true,
    'http-server.http.port': port,
    'discovery.uri': url,
    'plugin.dir': pluginFolder,
    'catalog.config-dir': catalogFolder,
    'query.max-memory-per-node': '1GB',
    'query.max-run-time': `${QUERY_SECONDS}s`,
    'task.concurrency': 2,
    'task.max-worker-threads': 4,
  });
  for (const [name, properties] of Object.entries(catalogs)) {
    writeProperties(join(catalogFolder, `${name}.properties`), properties);
  }
  const javaOptions = [
    ...[`-Xmx${HEAP}`, '-XX:+ExitOnOutOfMemoryError', '-Duser.timezone=UTC', '-Dfile.encoding=UTF-8'],
    ...['-Djdk.attach.allowAttachSelf=true', '--add-opens=java.base/java.nio=ALL-UNNAMED'],
    ...['-Dnode.environment=conformance', '-Dnode.bind-ip=127.0.0.1', '-Dnode.internal-address=127.0.0.1'],
    `-Dconfig=${config}`,
  ];
  const logFile = join(folder, 'server.log');
  const log = openSync(logFile, 'w');
  const server = spawn('java', [...javaOptions, '-cp', classPath, beside('trino/TrinoServer.java'), VERSION], {
    cwd: folder,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
  });
  closeSync(log);
  const stop = () => server.kill('SIGKILL');
  process.once('exit', stop);
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const close = async () => {
    process.off('exit', stop);
    stop();
    await ended;
  };
  try {
    await started(url, () => server.exitCode !== null || server.signalCode !== null);
  } catch (error) {
    await close();
    throw new Error(`${(error as Error).message}: ${readFileSync(logFile, 'utf8').slice(-3000)}`);
  }
  return { query: (sql, session) => query(url, sql, session), close };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function writeProperties(file: string, properties: Properties): string {
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return file;
}

/** Waits until Trino takes queries. */
async function started(url: string, hasEnded: () => boolean): Promise<void> {
  for (let second = 0; second < START_SECONDS; second++) {
    if (hasEnded()) throw new Error('Trino ended while it started');
    const info = await fetch(`${url}/v1/info`).then(
      (answer) => answer.json() as Promise<{ starting: boolean }>,
      () => undefined,
    );
    if (info?.starting === false) return;
    await sleep(1000);
  }
  throw new Error(`Trino has not started in ${START_SECONDS} seconds`);
}

/** https://trino.io/docs/current/develop/client-protocol.html */
interface Page {
  readonly nextUri?: string;
  readonly columns?: TrinoResult['columns'];
  readonly data?: readonly (readonly unknown[])[];
  readonly error?: { readonly errorName: string; readonly message: string };
}

async function query(url: string, sql: string, { catalog, schema }: Session): Promise<TrinoResult> {
  const headers = {
    'x-trino-user': 'conformance',
    'x-trino-catalog': catalog,
    'x-trino-schema': schema,
    'x-trino-time-zone': 'UTC',
    // Without it, times come with milliseconds only.
    'x-trino-client-capabilities': 'PARAMETRIC_DATETIME',
  };
  let page = await pageOf(await fetch(`${url}/v1/statement`, { method: 'POST', body: sql, headers }));
  const rows: (readonly unknown[])[] = [];
  let { columns = [] } = page;
  for (;;) {
    if (page.error) throw new TrinoError(`${page.error.errorName}: ${page.error.message}`);
    columns = page.columns ?? columns;
    for (const row of page.data ?? []) rows.push(row);
    if (page.nextUri === undefined) return { columns, rows };
    page = await pageOf(await fetch(page.nextUri, { headers }));
  }
}

async function pageOf(answer: Response): Promise<Page> {
  const text = await answer.text();
  if (!answer.ok) throw new TrinoError(`status ${answer.status}: ${text.slice(0, 500)}`);
  return exactJson(text) as Page;
}
