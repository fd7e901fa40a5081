import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';

/**
 * Ending of files that are not complete yet. Code that opens a folder removes such files, which an earlier run has
 * left.
 */
export const UNFINISHED = '.tmp';

/** Writes a file so that it exists either completely or not at all, even if the process crashes. */
export async function writeAtomic(file: string, data: string): Promise<void> {
  const unfinished = `${file}.${randomUUID()}${UNFINISHED}`;
  await writeFile(unfinished, data);
  await rename(unfinished, file);
}

/** True if `error` is Node's error for a missing file or folder. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The first line of an error's text. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
