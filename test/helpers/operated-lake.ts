/** What tests of operations share: a format of lines, of which some are rejected, and lakes of one stack. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import type { LakeHandle } from '../../bin/operations/lake-handle.ts';
import type { OperationOptions } from '../../bin/operations/operation-options.ts';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import { synthesize } from '../../lib/synth.ts';
import { CONTEXT_FILE } from '../../local/local-lake.ts';
import { sharedFolder, temporaryFolder } from './folder.ts';

export const LOG_FORMAT = '$remote_addr - [$time_local] "$request" $status';
/** What is not of the format is to be rejected, not filtered. */
export const NGINX = {
  format: 'nginx',
  logFormat: LOG_FORMAT,
  filters: { not_stdout: false, no_http: false, no_client_address: false, local_client: false },
};
/** Reads the lines with a bar, which LOG_FORMAT rejects. */
export const FIXED = LOG_FORMAT.replace(' - ', ' | ');

export const REAL: OperationOptions = {
  dryRun: false,
  rateLimit: async () => {},
  progress: () => ({ add() {}, end() {} }),
};
export const DRY: OperationOptions = { ...REAL, dryRun: true };

/**
 * Synthesizes a stack once for all tests of a file.
 *
 * @returns makes the folder of a lake with this stack, in which nothing has been done
 */
export function lakesOf(context: Readonly<Record<string, unknown>>): () => string {
  const template = sharedFolder();
  beforeAll(() => {
    synthesize({ context, outdir: join(template, 'stack'), checked: false });
    writeFileSync(join(template, CONTEXT_FILE), JSON.stringify(context));
  }, 60_000);
  return () => {
    const dir = temporaryFolder();
    cpSync(template, dir, { recursive: true });
    return dir;
  };
}

/** The lake as operations see it after its sources have learnt to read lines with a bar. */
export function mendedLake(of: LakeHandle): LakeHandle {
  const settings = of.sources.map((source) => source.settings);
  const options = (each: (typeof settings)[number]) => ({ ...each.options, logFormat: FIXED });
  return { ...of, sources: compiledSources(settings.map((each) => ({ ...each, options: options(each) }))) };
}
