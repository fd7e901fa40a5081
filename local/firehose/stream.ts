import { type Buckets, deliver, type StreamSettings } from './delivery.ts';
import type { ParquetWriter } from './parquet.ts';
import type { Spools } from './spool.ts';

/** Records of a stream that did not become rows as they should. */
export interface StreamFailure {
  readonly stream: string;
  readonly records: number;
  /** One line; of several errors in one object, the first. */
  readonly error: string;
}

/** Milliseconds between attempts at a delivery that fails. */
const RETRY_AFTER = 5000;

/** One delivery stream: accepts batches; delivers them when full, when due, or when told. */
export class Stream {
  readonly #settings: StreamSettings;
  readonly #spools: Spools;
  readonly #parquet: ParquetWriter;
  readonly #buckets: Buckets;
  readonly #failures: StreamFailure[] = [];
  /** Why the last delivery in the background failed; its records are kept and tried again. */
  #deliveryError: string | undefined;
  /** Deliveries follow one another. */
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: StreamSettings, spools: Spools, parquet: ParquetWriter, buckets: Buckets) {
    this.#settings = settings;
    this.#spools = spools;
    this.#parquet = parquet;
    this.#buckets = buckets;
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

  /** Resolves when the records outlive this process. */
  async accept(records: readonly Buffer[]): Promise<void> {
    const bytes = await this.#spools.append({ arrival: Date.now(), records });
    if (bytes < this.#settings.bufferBytes) {
      this.#deliverWhenDue();
    } else {
      await this.#spools.seal();
      this.#deliverInBackground();
    }
  }

  /** Delivers all that has been accepted until now. */
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
      // Only now: killed before this, the next process delivers the same objects under the same keys.
      await this.#spools.remove(spool);
      this.#failures.push(...failures.map((failure) => ({ stream: this.#settings.name, ...failure })));
    }
    this.#deliveryError = undefined;
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
