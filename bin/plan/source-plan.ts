import type { Concurrency, Files, Freshness, StreamNeeds } from './delivery.ts';
import type { IcebergAmounts } from './iceberg.ts';

/** The plan of one source. `…PerDay` are averages. */
export interface SourcePlan {
  readonly name: string;
  readonly format: string;
  /** Format whose measured rates are used: the source's own, or a similar one if it is not measured. */
  readonly ratesOf: string;
  readonly lane: 'objects' | 'events';
  readonly delivery: 'firehose' | 'direct';
  /** Days that its rows stay. */
  readonly retentionDays: number;
  readonly linesPerDay: number;
  readonly bytesPerLine: number;
  readonly rawBytesPerDay: number;
  readonly linesPerObject: number;
  readonly objectsPerDay: number;
  /** The functions that load, or write batches. */
  readonly lambda: Concurrency;
  /** Batches of the direct lane; absent if the source is not on it. */
  readonly batchesPerDay?: number;
  /** Commits to its Iceberg tables; absent if it has none. */
  readonly iceberg?: IcebergAmounts;
  /** What the source would need on the direct lane too, if it went through Firehose. */
  readonly firehose: StreamNeeds & {
    /** Configured number of streams. */
    readonly streams: number;
    /** Billed bytes ÷ raw bytes, including the row of `loads`. */
    readonly billedBytesPerByte: number;
  };
  readonly files: Files & {
    /** US dollars for an Athena query that reads all columns of a day. */
    readonly scanDayUsd: number;
  };
  readonly freshness: Freshness;
  readonly dynamoDb: {
    readonly ledgerWritesPerDay: number;
    readonly duplicateWritesPerDay: number;
    readonly duplicateReadsPerDay: number;
    readonly duplicateWritesPerSecondPeak: number;
  };
  /** Seconds to check an object or payload, and memory for counting a minute of the peak. */
  readonly duplicates: { readonly secondsPerObject: number; readonly countBytesPeak: number };
}
