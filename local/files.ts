import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';

/** Ends the names of files not yet complete; whoever opens a folder removes what is left of them. */
export const UNFINISHED = '.tmp';

/** Writes a file so that it is there whole or not at all, wherever the process may be killed. */
export async function writeAtomic(file: string, data: string): Promise<void> {
  const unfinished = `${file}.${randomUUID()}${UNFINISHED}`;
  await writeFile(unfinished, data);
  await rename(unfinished, file);
}

/** Is `error` Node's way to say that a file or a folder is not there? */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The first line of an error's text. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
