/** Measures the size of the functions and how long they take to start. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryCredentials } from '../local/credentials.ts';
import { openEndpoint } from '../local/endpoint.ts';
import { Environment } from '../local/lambda/environment.ts';
import { environmentOf } from '../local/lambda/lambda.ts';
import type { Resource } from '../local/template/resource.ts';
import type { Functions } from './functions.ts';
import { median } from './measure.ts';
import { columnsOf, number, type Section } from './report.ts';
import type { Scale } from './scale.ts';

/** Size of the largest bundle, and start time of the slowest function. */
export interface Starts {
  readonly bundleKiB: number;
  readonly initMs: number;
  readonly section: Section;
}

export async function measureStarts({ functions, bundle, env }: Functions, { starts }: Scale): Promise<Starts> {
  const nothing = mkdtempSync(join(tmpdir(), 'tributary-bench-nothing-'));
  writeFileSync(join(nothing, 'index.mjs'), 'export const handler = () => {};');
  const measured: { name: string; kib: number; mapKib: number; times: number[] }[] = [];
  const candidates = functions.map((resource) => ({ name: resource.localName, resource, folder: bundle(resource) }));
  const [first] = candidates as [(typeof candidates)[0]];
  for (const { name, resource, folder } of [...candidates, { ...first, name: 'an empty function', folder: nothing }]) {
    const times: number[] = [];
    for (let start = 0; start < starts; start++) times.push(await initTime(resource, folder, env));
    measured.push({ name, kib: kibOf(folder, (file) => !isMap(file)), mapKib: kibOf(folder, isMap), times });
  }
  rmSync(nothing, { recursive: true });
  const own = measured.slice(0, -1);
  return {
    bundleKiB: Math.max(...own.map(({ kib }) => kib)),
    initMs: Math.max(...own.map(({ times }) => median(times))),
    section: {
      title: 'Start',
      notes: [
        `From a fresh process to its first poll for an invocation: medians of ${starts}, wall time. Node’s own start ` +
          'is in it, as the empty function shows.',
      ],
      columns: columnsOf('function', 'bundle KiB', 'source map KiB', 'init ms'),
      rows: measured.map(({ name, kib, mapKib, times }) => [name, number(kib), number(mapKib), number(median(times))]),
    },
  };
}

const isMap = (file: string) => file.endsWith('.map');

function kibOf(folder: string, counts: (file: string) => boolean): number {
  // Only files: the local Lambda keeps V8's compile cache in a subfolder.
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile() && counts(entry.name));
  return files.reduce((sum, { name }) => sum + statSync(join(folder, name)).size, 0) / 1024;
}

/** Milliseconds until a new process asks for its first invocation. @throws Error if its initialization fails */
async function initTime(
  resource: Resource,
  folder: string,
  services: Readonly<Record<string, string>>,
): Promise<number> {
  const endpoint = await openEndpoint({ signed: false });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let start = 0;
  endpoint.serve({
    name: 'LAMBDA_RUNTIME',
    handle: async ({ url = '' }) => {
      if (url.endsWith('/runtime/invocation/next')) resolve(performance.now() - start);
      else reject(new Error(`${resource.localName}: could not be loaded: ${url}`));
    },
    close: async () => {},
  });
  const env = {
    ...environmentOf(resource, folder, { services, credentials: temporaryCredentials('bench') }),
    AWS_LAMBDA_RUNTIME_API: new URL(endpoint.url).host,
  };
  start = performance.now();
  const environment = new Environment({
    functionArn: resource.localName,
    env,
    memoryMiB: Number(resource.properties.MemorySize),
    timeout: 1000,
    onOutput: () => {},
  });
  try {
    return await promise;
  } finally {
    await environment.discard();
    await endpoint.close();
  }
}
