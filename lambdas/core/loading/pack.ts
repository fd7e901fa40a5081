/**
 * Packs rows into Firehose records, and records into batches within the limits of PutRecordBatch.
 * https://docs.aws.amazon.com/firehose/latest/dev/limits.html
 */

/** Firehose bills each record in steps of this many bytes. */
export const BILLING_STEP_BYTES = 5 * 1024;

/** Bytes that Firehose bills for a record of so many. */
export function billedSize(recordBytes: number): number {
  return Math.ceil(recordBytes / BILLING_STEP_BYTES) * BILLING_STEP_BYTES;
}

/** Bytes of the largest record, before base64. */
export const MAX_RECORD_BYTES = 1000 * 1024;

/** Limits of one batch. */
export const MAX_BATCH_RECORDS = 500;
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Bytes that a record is filled to. They are whole billing steps, so rounding up costs at most the space that was too
 * small for the next row. They are about half of the largest record, because one bad row can make Firehose fail the
 * whole record. A batch holds eight such records.
 */
export const PACKED_RECORD_BYTES = 101 * BILLING_STEP_BYTES;

/** Result of adding a row to a packer. */
export type Packed =
  | 'packed'
  /** The batch has no room for the row: take the batch, then add the row again. */
  | 'full'
  /** The row is larger than the largest record. */
  | 'too-large';

/**
 * Pool of the memory of batches that are no longer needed. New memory costs more: the operating system must clear it,
 * it is not in the processor's cache, and the garbage collector must find it afterwards.
 */
const spare = new Set<ArrayBufferLike>();
/** Enough for a full batch and the next one, for rows as well as for rejected lines. */
const MAX_SPARE = 4;

/** Returns the memory of a batch to the pool. The caller must not use the records afterwards. */
export function recycle(records: readonly Uint8Array[]): void {
  const memory = records[0]?.buffer;
  if (memory?.byteLength === MAX_BATCH_BYTES && spare.size < MAX_SPARE) spare.add(memory);
}

function batchMemory(): Buffer {
  // The memory returned last is used first, so that no more batches are touched than are needed at once.
  const memory = [...spare].at(-1);
  if (!memory) return Buffer.allocUnsafeSlow(MAX_BATCH_BYTES);
  spare.delete(memory);
  return Buffer.from(memory);
}

/**
 * Fills records with rows, one JSON object after the other, until a batch is full. Firehose needs no separator between
 * the rows of a record:
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
 */
export class Packer {
  /** Memory of the batch, in which its records follow one another; allocated when the first row is added. */
  #batch: Buffer | undefined;
  /** End of each closed record in the batch. The open record begins at the last of these ends. */
  #ends: number[] = [];
  /** End of the rows that were added. */
  #end = 0;

  get empty(): boolean {
    return this.#end === 0;
  }

  /** Bytes of rows that still fit into the open record, or 0 if the batch is full. */
  get room(): number {
    const open = this.#openBytes;
    return open > 0 || this.#fits(PACKED_RECORD_BYTES) ? PACKED_RECORD_BYTES - open : 0;
  }

  add(row: string): Packed {
    const bytes = Buffer.byteLength(row);
    if (bytes > MAX_RECORD_BYTES) return 'too-large';
    if (this.#openBytes === 0 || bytes > this.room) {
      // `addRows` may fill an open record up to its whole size, so the batch must have room for all of it.
      if (!this.#fits(Math.max(bytes, PACKED_RECORD_BYTES))) return 'full';
      this.closeRecord();
    }
    const batch = this.#memory();
    this.#end += batch.write(row, this.#end);
    if (bytes > PACKED_RECORD_BYTES) this.closeRecord();
    return 'packed';
  }

  /** Adds rows that are together at most `room` bytes. */
  addRows(rows: Uint8Array): void {
    this.#memory().set(rows, this.#end);
    this.#end += rows.length;
  }

  /** Closes the open record, if it has rows: the next row begins a new record. */
  closeRecord(): void {
    if (this.#openBytes > 0) this.#ends.push(this.#end);
  }

  /** Returns the records of the batch, in the order in which their rows were added, and empties the packer. */
  take(): Uint8Array[] {
    this.closeRecord();
    const batch = this.#batch;
    const records = this.#ends.map((end, index) => (batch as Buffer).subarray(this.#ends[index - 1] ?? 0, end));
    this.#batch = undefined;
    this.#ends = [];
    this.#end = 0;
    return records;
  }

  get #openBytes(): number {
    return this.#end - (this.#ends.at(-1) ?? 0);
  }

  /** True if the batch has room for another record of this size after the open one. */
  #fits(bytes: number): boolean {
    const records = this.#ends.length + (this.#openBytes > 0 ? 1 : 0);
    return records < MAX_BATCH_RECORDS && this.#end + bytes <= MAX_BATCH_BYTES;
  }

  #memory(): Buffer {
    this.#batch ??= batchMemory();
    return this.#batch;
  }
}

/**
 * Matches the boundary between two rows of a record. It cannot match within a JSON string, because the quotes of the
 * first key would be escaped there. Other senders may end each row with a line feed, which compact JSON never contains.
 */
const BETWEEN_ROWS = /(?<=\})\n*(?=\{"0":)/;

/** The rows of a record. */
export function rowsOf(record: Uint8Array): string[] {
  const text = Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('utf8');
  let end = text.length;
  while (text[end - 1] === '\n') end--;
  return end === 0 ? [] : text.slice(0, end).split(BETWEEN_ROWS);
}
