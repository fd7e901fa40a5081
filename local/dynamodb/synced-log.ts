/** Has what LevelDB has written survive a power cut, which LevelDB itself leaves to the operating system. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, syncFolder } from '../files.ts';

/**
 * LevelDB appends each write to its newest `.log` file, and hands it over to the operating system, before it says that it is
 * done. Its other files are on the disk before it deletes a log whose writes they have.
 * https://github.com/google/leveldb/blob/main/doc/impl.md
 */
export class SyncedLog {
  readonly #dir: string;
  readonly #known = new Set<string>();
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** When the promise resolves, everything that was written before the call is on the disk. Calls at once share the work. */
  sync(): Promise<void> {
    // One that has begun may have missed what was written before this call.
    this.#next ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#sync();
      });
    this.#last = this.#next;
    return this.#last;
  }

  async #sync(): Promise<void> {
    const logs = (await readdir(this.#dir)).filter((name) => name.endsWith('.log'));
    for (const name of logs) await synced(join(this.#dir, name));
    // The name of a new file is in the folder.
    if (logs.some((name) => !this.#known.has(name))) await syncFolder(this.#dir);
    for (const name of logs) this.#known.add(name);
  }
}

/** A log that LevelDB has deleted since is not needed any more. */
async function synced(path: string): Promise<void> {
  const file = await open(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  try {
    await file?.datasync();
  } finally {
    await file?.close();
  }
}
