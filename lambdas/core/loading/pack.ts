/**
 * Rows to Firehose records and batches that cannot break PutRecordBatch's limits.
 * https://docs.aws.amazon.com/firehose/latest/dev/limits.html
 */

/** Firehose bills each record in steps of this many bytes. */
export const BILLING_STEP_BYTES = 5 * 1024;

/** Largest record, before base64. */
export const MAX_RECORD_BYTES = 1000 * 1024;

/** Largest batch. */
export const MAX_BATCH_RECORDS = 500;
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Size a record is filled to: whole billing steps, so that rounding costs no more than what the next row had no
 * room for; half of what a record may be, because one bad row may fail its whole record. Eight make a batch.
 */
export const PACKED_RECORD_BYTES = 101 * BILLING_STEP_BYTES;

/** What became of a row given to a packer. */
export type Packed =
  | 'packed'
  /** The batch has no room: take it, then add the row again. */
  | 'full'
  /** The row is larger than a record may be; it fits nowhere. */
  | 'too-large';

/**
 * Memory of batches that are read, for batches to come: a batch is larger than what a processor has at hand, and memory
 * from the system has to be cleared first and found unused by the garbage collector afterwards.
 */
const spare = new Set<ArrayBufferLike>();
/** One that is full, the next one, and those of rejected lines. */
const MAX_SPARE = 4;

/** The records of a batch are needed no more: their memory serves another batch. */
export function recycle(records: readonly Uint8Array[]): void {
  const memory = records[0]?.buffer;
  if (memory?.byteLength === MAX_BATCH_BYTES && spare.size < MAX_SPARE) spare.add(memory);
}

function batchMemory(): Buffer {
  // The last to come is used first, so that no more of them are ever touched than are needed at once.
  const memory = [...spare].at(-1);
  if (!memory) return Buffer.allocUnsafeSlow(MAX_BATCH_BYTES);
  spare.delete(memory);
  return Buffer.from(memory);
}

/**
 * Fills records with rows, one JSON object behind the other, until a batch is full. Firehose needs nothing between them:
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
 */
export class Packer {
  /** The batch: its records lie one behind the other. Taken when the first row comes. */
  #batch: Buffer | undefined;
  /** Where closed records end, and so the one being filled begins; the last ends the batch as it is. */
  #ends: number[] = [];
  #end = 0;

  get empty(): boolean {
    return this.#end === 0;
  }

  /** Bytes of rows that the record being filled still takes; 0 where the batch is full. */
  get room(): number {
    const open = this.#openBytes;
    return open > 0 || this.#fits(PACKED_RECORD_BYTES) ? PACKED_RECORD_BYTES - open : 0;
  }

  add(row: string): Packed {
    const bytes = Buffer.byteLength(row);
    if (bytes > MAX_RECORD_BYTES) return 'too-large';
    if (this.#openBytes === 0 || bytes > this.room) {
      // A record once opened may be filled, so its whole size must fit before it is opened.
      if (!this.#fits(Math.max(bytes, PACKED_RECORD_BYTES))) return 'full';
      this.closeRecord();
    }
    const batch = this.#memory();
    this.#end += batch.write(row, this.#end);
    if (bytes > PACKED_RECORD_BYTES) this.closeRecord();
    return 'packed';
  }

  /** Adds rows: at most `room` bytes. */
  addRows(rows: Uint8Array): void {
    this.#memory().set(rows, this.#end);
    this.#end += rows.length;
  }

  /** The record being filled is full enough. */
  closeRecord(): void {
    if (this.#openBytes > 0) this.#ends.push(this.#end);
  }

  /** The batch: records in the order of their rows. The packer is empty again. */
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

  /** Has the batch room for another record of so many bytes, beside the one being filled? */
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
 * Between two rows of a record: within a string the quotes of a row's first key would have backslashes. Whoever else
 * sends rows may end them with a line feed, which JSON text never holds.
 */
const BETWEEN_ROWS = /(?<=\})\n*(?=\{"0":)/;

/** The rows of a record. */
export function rowsOf(record: Uint8Array): string[] {
  const text = Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('utf8');
  const rows = text.replace(/\n+$/, '');
  return rows === '' ? [] : rows.split(BETWEEN_ROWS);
}
