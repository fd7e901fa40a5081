import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UNFINISHED, writeAtomic } from './files.ts';
import { inputsHash, keptStackName, writeKept } from './kept-assembly.ts';
import { checkLakeVersion } from './lake-version.ts';
import { CONTEXT_FILE, isLakeName, type LocalLake, type OpenOptions, stackPlaces } from './local-lake.ts';
import { openLocked } from './lock.ts';
import { type LakeHooks, openStack } from './open-stack.ts';

/**
 * Opens a lake: synthesizes the stack into its folder and runs the stack there, continuing with the data in the folder.
 * The stack that is there is kept if it is the one that would be made. If the process dies meanwhile, the folder has the
 * stack of before or the new one, and either is whole.
 *
 * @throws Error if another process uses the folder; LakeVersionError if another version of Tributary made it; ConfigError
 * for a param that cannot be used; TemplateError for a stack that cannot be emulated.
 */
export function openLake({ dir, context = {}, progress }: OpenOptions, hooks?: LakeHooks): Promise<LocalLake> {
  return openLocked(dir, async () => {
    checkLakeVersion(dir);
    await removeUnfinished(dir);
    const { stack } = stackPlaces(dir);
    const inputs = inputsHash({ context });
    const kept = keptStackName(stack, inputs);
    const stackName = kept ?? (await synthesized({ dir, context, progress }, inputs));
    await writeAtomic(join(dir, CONTEXT_FILE), JSON.stringify(context));
    if (kept === undefined) await replaceStack(dir);
    return openStack({ dir, assembly: stack, stackName, progress, hooks });
  });
}

/** Synthesizes the stack aside. @returns its name */
async function synthesized({ dir, context = {}, progress }: OpenOptions, inputs: string): Promise<string> {
  progress?.('synthesizing the stack');
  const { made } = stackPlaces(dir);
  // Imported only when needed: loading CDK takes seconds.
  const { synthesize } = await import('../lib/synth.ts');
  const { stackName } = synthesize({ context, outdir: made, checked: false });
  writeKept(made, inputs, stackName);
  return stackName;
}

/** Removes what a process that died had not completed. */
async function removeUnfinished(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (isLakeName(name) && name.endsWith(UNFINISHED)) await rm(join(dir, name), { recursive: true });
  }
}

/**
 * Moves a new assembly into its place, which takes two steps, as a folder cannot replace another one. Whatever line the
 * process dies on, `stackOf` finds a whole assembly: the old one until the new one is in its place.
 */
async function replaceStack(dir: string): Promise<void> {
  const { stack, old, made } = stackPlaces(dir);
  if (existsSync(stack)) {
    await rm(old, { recursive: true, force: true });
    await rename(stack, old);
  }
  await rename(made, stack);
  await rm(old, { recursive: true, force: true });
}
