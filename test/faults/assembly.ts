import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import type { Delivery, TableFormat } from '../../lambdas/core/settings.ts';
import type { FanOut } from '../../lambdas/core/tables/fan-out.ts';
import { isObject } from '../../local/template/intrinsics.ts';

/** Log group of the source `app`; objects go to the source `alb`. */
export const LOG_GROUP = '/test/app';

/** How the rows of the source `alb` are divided, where a test has them divided. */
export const FAN_OUT: FanOut = { by: 'domain_name', allow: ['shop', 'Shop', 'www.example.com'] };

const contextOf = (dividesRows: boolean) => ({
  // Every request the services see is then one of a loading function.
  'duplicates.enabled': 'false',
  sources: [
    { name: 'alb', format: 'alb', ...(dividesRows && { fanOut: FAN_OUT }) },
    { name: 'app', format: 'json', preset: 'server-logs', from: { logGroups: [LOG_GROUP] } },
  ],
});

/** What a test changes of the deployed functions, to meet in seconds what happens in minutes. */
export interface FunctionChanges {
  readonly timeoutSeconds?: number;
  readonly memoryMiB?: number;
  /** Processes of a function at a time. */
  readonly concurrency?: number;
  /** @default firehose */
  readonly delivery?: Delivery;
  /** @default parquet */
  readonly tableFormat?: TableFormat;
  /** Whether the direct lane stays in the stack though no source is on it. @default false */
  readonly keepDirectLane?: boolean;
  /** Whether the rows of the source `alb` are divided among tables: FAN_OUT. @default false */
  readonly dividesRows?: boolean;
}

/** Copies the stack, synthesized once for all test files that change as much of its context, to a folder, with changes. */
export async function writeStack(to: string, changes: FunctionChanges = {}): Promise<void> {
  const { delivery = 'firehose', tableFormat = 'parquet', keepDirectLane = false, dividesRows = false } = changes;
  const params = { delivery, tableFormat, keepDirectLane: String(keepDirectLane) };
  cpSync(await synthesized(params, dividesRows), to, { recursive: true });
  const file = join(to, 'Tributary.template.json');
  const template: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const resources = isObject(template) && isObject(template.Resources) ? Object.values(template.Resources) : [];
  for (const resource of resources) {
    if (!isObject(resource) || !isObject(resource.Properties)) continue;
    if (resource.Type === 'AWS::Lambda::Function') Object.assign(resource.Properties, propertiesOf(changes));
  }
  writeFileSync(file, JSON.stringify(template));
}

function propertiesOf({ timeoutSeconds, memoryMiB, concurrency }: FunctionChanges): Record<string, number> {
  return {
    ...(timeoutSeconds !== undefined && { Timeout: timeoutSeconds }),
    ...(memoryMiB !== undefined && { MemorySize: memoryMiB }),
    ...(concurrency !== undefined && { ReservedConcurrentExecutions: concurrency }),
  };
}

const LOOK_AGAIN_MS = 100;

/** The first test file to come synthesizes, which takes seconds; the others wait for it. */
async function synthesized(params: Readonly<Record<string, string>>, dividesRows: boolean): Promise<string> {
  const folder = inject('faultsFolder');
  const stack = [...Object.values(params), ...(dividesRows ? ['divided'] : [])].join('-');
  const [outdir, ready, failed, claimed] = ['stack', 'ready', 'failed', 'claimed'].map((name) =>
    join(folder, `${stack}-${name}`),
  ) as [string, string, string, string];
  if (isFirst(claimed)) {
    try {
      // CDK takes most of a second to load, and the other files do without.
      const { synthesize } = await import('../../lib/synth.ts');
      synthesize({ context: { ...contextOf(dividesRows), ...params }, outdir, checked: false });
      writeFileSync(ready, '');
    } catch (error) {
      writeFileSync(failed, String(error));
    }
  }
  while (!existsSync(ready)) {
    if (existsSync(failed)) throw new Error(`the stack was not synthesized: ${readFileSync(failed, 'utf8')}`);
    await sleep(LOOK_AGAIN_MS);
  }
  return outdir;
}

function isFirst(claim: string): boolean {
  try {
    mkdirSync(claim);
    return true;
  } catch {
    return false;
  }
}
