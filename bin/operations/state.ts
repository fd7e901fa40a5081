import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, writeAtomic } from '../../local/files.ts';

/** How far an operation has come, kept in a file from which a later run goes on. */
export class State<Progress> {
  readonly file: string;
  readonly #folder: string;

  /** @param task what is done, with all that makes it a task of its own */
  constructor(folder: string, operation: string, task: unknown) {
    this.#folder = folder;
    const hash = createHash('sha256').update(JSON.stringify(task)).digest('hex').slice(0, 12);
    this.file = join(folder, `${operation}-${hash}.json`);
  }

  read(): Progress | undefined {
    return existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as Progress) : undefined;
  }

  async write(progress: Progress): Promise<void> {
    const text = JSON.stringify(progress);
    try {
      await writeAtomic(this.file, text);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await mkdir(this.#folder, { recursive: true });
      await writeAtomic(this.file, text);
    }
  }

  /** The task is done: the same one begins anew. */
  async end(): Promise<void> {
    await rm(this.file, { force: true });
  }
}
