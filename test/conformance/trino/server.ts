/** A Trino of one node on this machine. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CREDENTIALS } from '../../../local/credentials.ts';
import { beside, FOLDER, javaInto, javaSince, javaWith, unpacked } from '../check.ts';
import { type Answer, exactJson } from '../differences.ts';
import { freePort, startServer } from '../server-process.ts';

/** The version of Java that a version of Trino needs at least. https://trino.io/docs/current/installation/deployment.html */
const JAVA_OF = { '435': 17, '476': 24, '483': 25 } as const;

export type Version = keyof typeof JAVA_OF;

/** Since then Maven's repository has plugins as jars, and not as the zip with all that they need. */
const PLUGINS_AS_JARS = 478;

/** Memory of the Java machine; the rows of a demo's lake need a part of it. */
const HEAP = '2G';

/** Longer than a query takes on a machine that has other things to do. */
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

/** The access key of the local account, from the environment, for a property that begins so: `s3`. */
export function accessKey(prefix: string): Properties {
  return {
    [`${prefix}.aws-access-key`]: '$' + '{ENV:AWS_ACCESS_KEY_ID}',
    [`${prefix}.aws-secret-key`]: '$' + '{ENV:AWS_SECRET_ACCESS_KEY}',
  };
}

/**
 * Installs Trino and starts it, with the access key of the local account in its environment.
 *
 * @param plugins their names, such as `hive`
 * @throws Missing if there is no Java that is new enough, or no Maven
 */
export async function startTrino(
  version: Version,
  plugins: readonly string[],
  catalogs: Readonly<Record<string, Properties>>,
): Promise<Trino> {
  const program = javaSince(JAVA_OF[version]);
  const classPath = javaWith(`io.trino:trino-main:${version}`);
  const pluginFolder = join(FOLDER, `trino-plugins-${version}`);
  for (const name of plugins) installPlugin(name, version, pluginFolder);
  const folder = join(FOLDER, `trino-${version}`);
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
    // Newer versions do not start without it.
    '--add-modules=jdk.incubator.vector',
    ...['-Dnode.environment=conformance', '-Dnode.bind-ip=127.0.0.1', '-Dnode.internal-address=127.0.0.1'],
    `-Dconfig=${config}`,
  ];
  const isReady = async () => {
    const answer = await fetch(`${url}/v1/info`);
    return ((await answer.json()) as { starting: boolean }).starting === false;
  };
  const { close } = await startServer({
    program,
    args: [...javaOptions, '-cp', classPath, beside('trino/TrinoServer.java'), version],
    cwd: folder,
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
    logFile: join(folder, 'server.log'),
    isReady,
  });
  return { query: (sql, session) => query(url, sql, session), close };
}

/** The plugin's folder, with all of its classes, and the name of the one that Trino loads. */
function installPlugin(name: string, version: Version, folder: string): void {
  const artifact = `io.trino:trino-${name}:${version}`;
  if (Number(version) < PLUGINS_AS_JARS) {
    unpacked(artifact, folder);
    return;
  }
  const plugin = join(folder, `trino-${name}-${version}`);
  javaInto(plugin, [artifact]);
  const services = join(plugin, 'services/META-INF/services');
  mkdirSync(services, { recursive: true });
  const className = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Plugin`;
  writeFileSync(join(services, 'io.trino.spi.Plugin'), `io.trino.plugin.${name}.${className}\n`);
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
