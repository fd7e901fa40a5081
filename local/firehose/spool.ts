import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The records that a delivery stream has accepted but not delivered yet, on disk: one file per object to be delivered.
 * A file is a sequence of batches, one frame each:
 *
 *   length of the rest (u32) | arrival, ms since the epoch (f64) | records (u32) | { length (u32), bytes }*
 *
 * A frame is written by one append. If the process crashes during the append, the incomplete frame is the last one of
 * its file and was never acknowledged, so it is ignored.
 */
export interface Spool {
  /** Part of the spool's file name, so that a delivery repeated after a crash has the same name. */
  readonly uuid: string;
  /** When the oldest record arrived, milliseconds since the epoch. */
  readonly arrival: number;
  readonly file: string;
}

export interface Batch {
  readonly arrival: number;
  readonly records: readonly Buffer[];
}

/** The spools of one stream: one that is being filled, and those that wait to be delivered. */
export class Spools {
  readonly #folder: string;
  #active: { readonly spool: Spool; readonly handle: FileHandle; bytes: number } | undefined;
  #sealed: Spool[];
  /** Appends and seals run one after the other: a frame must not be written into another one. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, sealed: Spool[]) {
    this.#folder = folder;
    this.#sealed = sealed;
  }

  /**
   * Opens a stream's folder and creates it if missing. Spools that an earlier process has left wait to be delivered.
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
   * Stores a batch. When the promise resolves, the batch survives a crash of this process (the operating system has it;
   * a power failure can still lose it).
   *
   * @returns bytes of records in the spool being filled
   */
  append(batch: Batch): Promise<number> {
    return this.#next(async () => {
      this.#active ??= await this.#begin(batch.arrival);
      try {
        await this.#active.handle.appendFile(frame(batch));
      } catch (error) {
        // The incomplete frame of a failed write would hide the frames after it, so the spool must end here.
        await this.#seal();
        throw error;
      }
      this.#active.bytes += batch.records.reduce((sum, record) => sum + record.length, 0);
      return this.#active.bytes;
    });
  }

  /** Ends the spool being filled: it now waits to be delivered. */
  seal(): Promise<void> {
    return this.#next(() => this.#seal());
  }

  /** Removes a delivered spool. */
  async remove(spool: Spool): Promise<void> {
    await rm(spool.file);
    this.#sealed = this.#sealed.filter((other) => other !== spool);
  }

  async #begin(arrival: number) {
    const uuid = randomUUID();
    const file = join(this.#folder, `${arrival}_${uuid}.spool`);
    return { spool: { uuid, arrival, file }, handle: await open(file, 'ax'), bytes: 0 };
  }

  async #seal(): Promise<void> {
    if (!this.#active) return;
    await this.#active.handle.close();
    this.#sealed.push(this.#active.spool);
    this.#active = undefined;
  }

  #next<Result>(step: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** The spools in a folder, oldest first. */
async function leftSpools(folder: string): Promise<Spool[]> {
  const spools: Spool[] = [];
  for (const name of await readdir(folder)) {
    const [, arrival, uuid] = /^(\d+)_([0-9a-f-]{36})\.spool$/.exec(name) ?? [];
    if (arrival && uuid) spools.push({ uuid, arrival: Number(arrival), file: join(folder, name) });
  }
  return spools.sort((a, b) => a.arrival - b.arrival || a.uuid.localeCompare(b.uuid));
}

const LENGTH_BYTES = 4;
const HEAD_BYTES = 8 + 4;

function frame({ arrival, records }: Batch): Buffer {
  const head = Buffer.alloc(LENGTH_BYTES + HEAD_BYTES);
  const parts: Buffer[] = [head];
  let length = HEAD_BYTES;
  for (const record of records) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(record.length);
    parts.push(size, record);
    length += size.length + record.length;
  }
  head.writeUInt32LE(length, 0);
  head.writeDoubleLE(arrival, LENGTH_BYTES);
  head.writeUInt32LE(records.length, LENGTH_BYTES + 8);
  return Buffer.concat(parts);
}

/** Reads a spool batch by batch, so that only one batch is in memory. */
export async function* readBatches(spool: Spool): AsyncGenerator<Batch> {
  const handle = await open(spool.file);
  try {
    const { size } = await stat(spool.file);
    for (let at = 0; at + LENGTH_BYTES <= size; ) {
      const length = (await read(handle, at, LENGTH_BYTES)).readUInt32LE();
      at += LENGTH_BYTES;
      if (at + length > size) return;
      yield parseFrame(await read(handle, at, length));
      at += length;
    }
  } finally {
    await handle.close();
  }
}

function parseFrame(bytes: Buffer): Batch {
  const records: Buffer[] = [];
  const count = bytes.readUInt32LE(8);
  for (let index = 0, at = HEAD_BYTES; index < count; index++) {
    const length = bytes.readUInt32LE(at);
    records.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { arrival: bytes.readDoubleLE(0), records };
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw new Error('spool file shrank while it was read');
    done += bytesRead;
  }
  return buffer;
}
