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
  #open = Buffer.allocUnsafeSlow(PACKED_RECORD_BYTES);
  #openBytes = 0;

  get empty(): boolean {
    return this.#closed.length === 0 && this.#openBytes === 0;
  }

  add(row: string): Packed {
    const bytes = Buffer.byteLength(row) + 1;
    if (bytes > MAX_RECORD_BYTES) return 'too-large';
    const joins = this.#openBytes > 0 && this.#openBytes + bytes <= PACKED_RECORD_BYTES;
    if (!joins) {
      // A record once opened may be filled, so its whole size must fit before it is opened.
      const records = this.#closed.length + (this.#openBytes > 0 ? 1 : 0) + 1;
      const batchBytes = this.#closedBytes + this.#openBytes + Math.max(bytes, PACKED_RECORD_BYTES);
      if (records > MAX_BATCH_RECORDS || batchBytes > MAX_BATCH_BYTES) return 'full';
      this.#close();
    }
    if (bytes > PACKED_RECORD_BYTES) {
      this.#closed.push(Buffer.from(`${row}\n`));
      this.#closedBytes += bytes;
    } else {
      this.#openBytes += this.#open.write(row, this.#openBytes);
      this.#open[this.#openBytes++] = 0x0a;
    }
    return 'packed';
  }

  /** The batch: records in the order of their rows. The packer is empty again. */
  take(): Uint8Array[] {
    this.#close();
    const batch = this.#closed;
    this.#closed = [];
    this.#closedBytes = 0;
    return batch;
  }

  #close(): void {
    if (this.#openBytes === 0) return;
    this.#closed.push(Buffer.from(this.#open.subarray(0, this.#openBytes)));
    this.#closedBytes += this.#openBytes;
    this.#openBytes = 0;
  }
}
