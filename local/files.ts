import { randomUUID } from 'node:crypto';
import { open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Ending of files that are not complete yet. Code that opens a folder removes such files, which an earlier run has
 * left.
 */
export const UNFINISHED = '.tmp';

/**
 * Writes a file so that it exists either completely or not at all, even if the process crashes. A power cut may leave it
 * empty: for what can be made anew.
 */
export async function writeAtomic(file: string, data: string): Promise<void> {
  const unfinished = `${file}.${randomUUID()}${UNFINISHED}`;
  await writeFile(unfinished, data);
  await rename(unfinished, file);
}

/** Writes a file so that it exists either completely or not at all. When the promise resolves, it survives a power cut. */
export async function writeDurable(file: string, data: string): Promise<void> {
  const unfinished = `${file}.${randomUUID()}${UNFINISHED}`;
  await writeFile(unfinished, data, { flush: true });
  await rename(unfinished, file);
  await syncFolder(dirname(file));
}

/** Makes the names of a folder's files survive a power cut: that of a file that was made, renamed or removed. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
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
