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
 * Size a record is filled to: whole billing steps, so that rounding costs less than a row a record;
 * moderate, because one bad row may fail its whole record. Sixteen make a batch.
 */
export const PACKED_RECORD_BYTES = 51 * BILLING_STEP_BYTES;

/** What became of a row given to a packer. */
export type Packed =
  | 'packed'
  /** The batch has no room: take it, then add the row again. */
  | 'full'
  /** The row is larger than a record may be; it fits nowhere. */
  | 'too-large';

/** Fills records with rows, one JSON object a line, until a batch is full. */
export class Packer {
  #closed: Uint8Array[] = [];
  #closedBytes = 0;
  /** The record being filled; made when the first row comes. */
  #open: Buffer | undefined;
  #openBytes = 0;

  get empty(): boolean {
    return this.#closed.length === 0 && this.#openBytes === 0;
  }

  /** Bytes of rows, with their line ends, that the record being filled still takes; 0 where the batch is full. */
  get room(): number {
    return this.#openBytes > 0 || this.#fits(PACKED_RECORD_BYTES) ? PACKED_RECORD_BYTES - this.#openBytes : 0;
  }

  add(row: string): Packed {
    const bytes = Buffer.byteLength(row) + 1;
    if (bytes > MAX_RECORD_BYTES) return 'too-large';
    if (this.#openBytes === 0 || bytes > this.room) {
      // A record once opened may be filled, so its whole size must fit before it is opened.
      if (!this.#fits(Math.max(bytes, PACKED_RECORD_BYTES))) return 'full';
      this.closeRecord();
    }
    if (bytes > PACKED_RECORD_BYTES) {
      this.#closed.push(Buffer.from(`${row}\n`));
      this.#closedBytes += bytes;
    } else {
      const open = this.#opened();
      this.#openBytes += open.write(row, this.#openBytes);
      open[this.#openBytes++] = LINE_FEED;
    }
    return 'packed';
  }

  /** Adds rows with their line ends: at most `room` bytes. */
  addRows(rows: Uint8Array): void {
    this.#opened().set(rows, this.#openBytes);
    this.#openBytes += rows.length;
  }

  /** The record being filled is full enough. */
  closeRecord(): void {
    if (this.#open === undefined || this.#openBytes === 0) return;
    this.#closed.push(this.#open.subarray(0, this.#openBytes));
    this.#closedBytes += this.#openBytes;
    this.#open = undefined;
    this.#openBytes = 0;
  }

  /** The batch: records in the order of their rows. The packer is empty again. */
  take(): Uint8Array[] {
    this.closeRecord();
    const batch = this.#closed;
    this.#closed = [];
    this.#closedBytes = 0;
    return batch;
  }

  /** Has the batch room for another record of so many bytes, beside the one being filled? */
  #fits(bytes: number): boolean {
    const records = this.#closed.length + (this.#openBytes > 0 ? 1 : 0);
    return records < MAX_BATCH_RECORDS && this.#closedBytes + this.#openBytes + bytes <= MAX_BATCH_BYTES;
  }

  #opened(): Buffer {
    this.#open ??= Buffer.allocUnsafeSlow(PACKED_RECORD_BYTES);
    return this.#open;
  }
}

const LINE_FEED = 0x0a;
