import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesize } from '../lib/synth.ts';
import { writeAtomic } from './files.ts';
import { checkLakeVersion } from './lake-version.ts';
import { CONTEXT_FILE, type LocalLake, type OpenOptions } from './local-lake.ts';
import { openLocked } from './lock.ts';
import { type LakeHooks, openStack } from './open-stack.ts';

/**
 * Opens a lake: synthesizes the stack into its folder and runs the stack there, continuing with the data in the folder.
 *
 * @throws Error if another process uses the folder; LakeVersionError if another version of Tributary made it; ConfigError
 * for a param that cannot be used; TemplateError for a stack that cannot be emulated.
 */
export function openLake({ dir, context, progress }: OpenOptions, hooks?: LakeHooks): Promise<LocalLake> {
  return openLocked(dir, async () => {
    checkLakeVersion(dir);
    const assembly = join(dir, 'stack');
    progress?.('synthesizing the stack');
    // Otherwise the bundles of earlier syntheses would accumulate.
    await rm(assembly, { recursive: true, force: true });
    const { stackName } = synthesize({ context, outdir: assembly });
    await writeAtomic(join(dir, CONTEXT_FILE), JSON.stringify(context ?? {}));
    return openStack({ dir, assembly, stackName, progress, hooks });
  });
}
