/** How tables are to be maintained: a small file per table in the folder of a lake, beside its pointer. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OptimizerKind } from '../../lambdas/core/iceberg/optimizers.ts';
import { isMissing, syncFolder, writeDurable } from '../files.ts';
import { GLUE } from './pointers.ts';

/** A table's kinds of maintenance, each in the form of Glue's `TableOptimizerConfiguration`. */
export type Optimizers = Readonly<Partial<Record<OptimizerKind, OptimizerSettings>>>;

export interface OptimizerSettings {
  readonly enabled: boolean;
  readonly [setting: string]: unknown;
}

export async function readOptimizers(lake: string, database: string, table: string): Promise<Optimizers> {
  try {
    return JSON.parse(await readFile(fileOf(lake, database, table), 'utf8')) as Optimizers;
  } catch (error) {
    // Whoever asks for what is damaged finds none, and makes it anew.
    if (isMissing(error) || error instanceof SyntaxError) return {};
    throw error;
  }
}

/** When the promise resolves, the settings survive a power cut. */
export function writeOptimizers(lake: string, database: string, table: string, optimizers: Optimizers): Promise<void> {
  return writeDurable(fileOf(lake, database, table), JSON.stringify(optimizers));
}

export async function removeOptimizers(lake: string, database: string, table: string): Promise<void> {
  await rm(fileOf(lake, database, table), { force: true });
  await syncFolder(join(lake, GLUE, database));
}

/** The ending is none of a pointer's, and no table's name has a dot. */
function fileOf(lake: string, database: string, table: string): string {
  return join(lake, GLUE, database, `${table}.optimizers`);
}
