import { randomUUID } from 'node:crypto';
import { copyFile, type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asideOf } from '../damage.ts';
import { syncFolder, UNFINISHED } from '../files.ts';
import { type Acknowledged, type Batch, NOTHING, readBatches, SpoolDamageError, writeBatch } from './spool-file.ts';

/** The records of one object to be delivered: accepted but not delivered yet, in a file. */
export interface Spool {
  /** Part of the spool's file name, so that a delivery repeated after a crash has the same name. */
  readonly uuid: string;
  /** When the oldest record arrived, milliseconds since the epoch. */
  readonly arrival: number;
  readonly file: string;
}

/** The spools of one stream: one that is being filled, and those that wait to be delivered. */
export class Spools {
  readonly #folder: string;
  #active: { readonly spool: Spool; readonly handle: FileHandle; end: Acknowledged; bytes: number } | undefined;
  #sealed: Spool[];
  /** Appends and seals run one after the other: a frame must not be written into another one. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, sealed: Spool[]) {
    this.#folder = folder;
    this.#sealed = sealed;
  }

  /**
   * Opens a stream's folder and creates it if missing. Spools that an earlier process has left wait to be delivered; of a
   * damaged one, a copy is set aside, and the records before the damage wait.
   */
  static async open(folder: string): Promise<Spools> {
    await mkdir(folder, { recursive: true });
    return new Spools(folder, await leftSpools(folder));
  }

  /** The spools that wait to be delivered, oldest first. */
  get sealed(): readonly Spool[] {
    return this.#sealed;
  }

  get isEmpty(): boolean {
    return this.#active === undefined && this.#sealed.length === 0;
  }

  /** Arrival of the oldest record that is not delivered yet. */
  get oldestArrival(): number | undefined {
    return this.#sealed[0]?.arrival ?? this.#active?.spool.arrival;
  }

  /**
   * Stores a batch. When the promise resolves, the batch survives a crash of this process and a power cut.
   *
   * @returns bytes of records in the spool being filled
   */
  append(batch: Batch): Promise<number> {
    return this.#next(async () => {
      if (this.#active) this.#active.end = await writeBatch(this.#active.handle, this.#active.end, batch);
      else this.#active = { ...(await beginSpool(this.#folder, batch)), bytes: 0 };
      this.#active.bytes += batch.records.reduce((sum, record) => sum + record.length, 0);
      return this.#active.bytes;
    });
  }

  /** Ends the spool being filled: it now waits to be delivered. */
  seal(): Promise<void> {
    return this.#next(async () => {
      if (!this.#active) return;
      await this.#active.handle.close();
      this.#sealed.push(this.#active.spool);
      this.#active = undefined;
    });
  }

  /** Removes a delivered spool. */
  async remove(spool: Spool): Promise<void> {
    await rm(spool.file);
    this.#sealed = this.#sealed.filter((other) => other !== spool);
  }

  #next<Result>(step: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Makes a spool with its first batch. It gets its name when it has that: a spool without any batch is a damaged one. */
async function beginSpool(
  folder: string,
  batch: Batch,
): Promise<{ spool: Spool; handle: FileHandle; end: Acknowledged }> {
  const { arrival } = batch;
  const uuid = randomUUID();
  const file = join(folder, `${arrival}_${uuid}.spool`);
  const unfinished = `${file}${UNFINISHED}`;
  const handle = await open(unfinished, 'wx+');
  try {
    const end = await writeBatch(handle, NOTHING, batch);
    await rename(unfinished, file);
    await syncFolder(folder);
    return { spool: { uuid, arrival, file }, handle, end };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The spools in a folder, oldest first. */
async function leftSpools(folder: string): Promise<Spool[]> {
  const spools: Spool[] = [];
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (name.endsWith(UNFINISHED)) await rm(file);
    const [, arrival, uuid] = /^(\d+)_([0-9a-f-]{36})\.spool$/.exec(name) ?? [];
    if (!arrival || !uuid) continue;
    const spool = { uuid, arrival: Number(arrival), file };
    if (await isReadable(folder, spool)) spools.push(spool);
  }
  return spools.sort((a, b) => a.arrival - b.arrival || a.uuid.localeCompare(b.uuid));
}

/**
 * Reads a spool to its end. If it is damaged, a copy is set aside, whose name says how many records are lost, and the file
 * keeps the batches before the damage. If the process dies meanwhile, the next one does the same again.
 *
 * @returns false if nothing is left of the spool
 */
async function isReadable(folder: string, { file, arrival, uuid }: Spool): Promise<boolean> {
  let [batches, records] = [0, 0];
  try {
    for await (const batch of readBatches(file)) {
      batches++;
      records += batch.records.length;
    }
    return true;
  } catch (error) {
    if (!(error instanceof SpoolDamageError)) throw error;
    const lost = error.acknowledged ? `.${error.acknowledged.records - records}-records` : '';
    await copyFile(file, asideOf(join(folder, `${arrival}_${uuid}${lost}.spool`)));
  }
  if (batches === 0) await rm(file);
  else await keepFirst(file, batches);
  await syncFolder(folder);
  return batches > 0;
}

/** Replaces a spool's file by one with only its first batches. */
async function keepFirst(file: string, batches: number): Promise<void> {
  const kept = `${file}${UNFINISHED}`;
  const handle = await open(kept, 'wx');
  try {
    let end = NOTHING;
    let left = batches;
    for await (const batch of readBatches(file)) {
      end = await writeBatch(handle, end, batch);
      if (--left === 0) break;
    }
  } finally {
    await handle.close();
  }
  await rename(kept, file);
}
