import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setAside } from '../../local/damage.ts';
import { isMissing, writeAtomic } from '../../local/files.ts';

/** Folder, below the working directory, for the progress of operations on AWS that may be interrupted. */
const STATE_FOLDER = '.lake-operations';

/** The folder for the operations on a stack, or for one that has no stack. */
export function stateFolderOf(name: string): string {
  return join(STATE_FOLDER, name);
}

/** Progress of an operation, kept in a file from which a later run continues. */
export class State<Progress> {
  readonly file: string;
  readonly #folder: string;

  /** @param task the arguments of the operation: a run with other arguments has another file */
  constructor(folder: string, operation: string, task: unknown) {
    this.#folder = folder;
    const hash = createHash('sha256').update(JSON.stringify(task)).digest('hex').slice(0, 12);
    this.file = join(folder, `${operation}-${hash}.json`);
  }

  /** Undefined if there is none. A file that cannot be read is set aside: the task begins anew, and repeats are skipped. */
  read(): Progress | undefined {
    if (!existsSync(this.file)) return undefined;
    try {
      return JSON.parse(readFileSync(this.file, 'utf8')) as Progress;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      setAside(this.file);
      return undefined;
    }
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

  /** Deletes the file, so that the next run of the same task starts from the beginning. */
  async end(): Promise<void> {
    await rm(this.file, { force: true });
  }
}
