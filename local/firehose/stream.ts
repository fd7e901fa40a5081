import { deliveryLine } from '../lambda/log-lines.ts';
import { type Buckets, type DeliveryFailure, deliver } from './delivery.ts';
import type { ParquetWriter } from './parquet.ts';
import type { StreamSettings } from './settings.ts';
import type { Spool, Spools } from './spool.ts';

/** Failed records of a stream, or rows without values. */
export interface StreamFailure {
  readonly stream: string;
  readonly records: number;
  /** One line; the first of several errors in one object. */
  readonly error: string;
}

/** Writes a line into the log of deliveries, after the time. */
export type LogDelivery = (line: string) => void;

/** Milliseconds between attempts at a delivery that fails. */
const RETRY_AFTER = 5000;

/**
 * One delivery stream: accepts batches, and delivers them when the buffer is full, when its time is over, or on
 * request.
 */
export class Stream {
  readonly #settings: StreamSettings;
  readonly #spools: Spools;
  readonly #parquet: ParquetWriter;
  readonly #buckets: Buckets;
  readonly #log: LogDelivery;
  readonly #failures: StreamFailure[] = [];
  /** Error of the last delivery in the background. Its records are kept, and the delivery is tried again. */
  #deliveryError: string | undefined;
  /** The last delivery; deliveries run one after the other. */
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: StreamSettings, spools: Spools, parquet: ParquetWriter, buckets: Buckets, log: LogDelivery) {
    this.#settings = settings;
    this.#spools = spools;
    this.#parquet = parquet;
    this.#buckets = buckets;
    this.#log = log;
    this.#deliverWhenDue();
  }

  get pending(): boolean {
    return !this.#spools.isEmpty;
  }

  get failures(): readonly StreamFailure[] {
    if (!this.#deliveryError) return this.#failures;
    const error = `not delivered yet, tried again every ${RETRY_AFTER / 1000} s: ${this.#deliveryError}`;
    return [...this.#failures, { stream: this.#settings.name, records: 0, error }];
  }

  /** The part of DescribeDeliveryStream's answer that does not depend on the destination. */
  get description(): Readonly<Record<string, unknown>> {
    const { name } = this.#settings;
    return {
      DeliveryStreamName: name,
      DeliveryStreamARN: `arn:aws:firehose:us-east-1:123456789012:deliverystream/${name}`,
      DeliveryStreamStatus: 'ACTIVE',
      DeliveryStreamType: 'DirectPut',
      VersionId: '1',
      Destinations: [],
      HasMoreDestinations: false,
    };
  }

  /** Resolves when the records would survive a crash of this process and a power cut. */
  async accept(records: readonly Buffer[]): Promise<void> {
    const bytes = await this.#spools.append({ arrival: Date.now(), records });
    if (bytes < this.#settings.bufferBytes) {
      this.#deliverWhenDue();
    } else {
      await this.#spools.seal();
      this.#deliverInBackground();
    }
  }

  /** Delivers all records that have been accepted until now. */
  flush(): Promise<void> {
    const delivered = this.#last.then(() => this.#deliverAll());
    this.#last = delivered.catch(() => undefined);
    return delivered;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#last;
    await this.#spools.seal();
  }

  async #deliverAll(): Promise<void> {
    await this.#spools.seal();
    for (const spool of [...this.#spools.sealed]) {
      const failures = await deliver(spool, this.#settings, this.#parquet, this.#buckets);
      // Only after the delivery: if the process crashes before this, the next one delivers the same objects under the
      // same keys.
      await this.#spools.remove(spool);
      this.#logDelivery(spool, failures);
      this.#failures.push(...failures.map(({ records, error }) => ({ stream: this.#settings.name, records, error })));
    }
    this.#deliveryError = undefined;
  }

  #logDelivery({ arrival }: Spool, failures: readonly DeliveryFailure[]): void {
    const freshnessSeconds = (Date.now() - arrival) / 1000;
    const failed = failures.filter(({ kind }) => kind === 'not-converted');
    const failedRecords = failed.reduce((sum, { records }) => sum + records, 0);
    const message = failed.map(({ error }) => error).join('; ');
    this.#log(
      deliveryLine({ stream: this.#settings.name, freshnessSeconds, failedRecords, ...(message && { message }) }),
    );
  }

  #deliverInBackground(): void {
    this.flush().then(
      () => this.#deliverWhenDue(),
      (error: unknown) => {
        this.#deliveryError = String(error);
        this.#deliverIn(RETRY_AFTER);
      },
    );
  }

  #deliverWhenDue(): void {
    const oldest = this.#spools.oldestArrival;
    if (oldest !== undefined) this.#deliverIn(Math.max(0, oldest + this.#settings.bufferSeconds * 1000 - Date.now()));
  }

  #deliverIn(milliseconds: number): void {
    if (this.#timer || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#deliverInBackground();
    }, milliseconds);
    this.#timer.unref();
  }
}
