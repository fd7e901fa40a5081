import type { Concurrency, Files, Freshness, StreamNeeds } from './delivery.ts';

/** One source's plan. `…PerDay` are averages. */
export interface SourcePlan {
  readonly name: string;
  readonly format: string;
  /** Format whose measured rates are used. */
  readonly ratesOf: string;
  readonly lane: 'objects' | 'events';
  readonly linesPerDay: number;
  readonly bytesPerLine: number;
  readonly rawBytesPerDay: number;
  readonly linesPerObject: number;
  readonly objectsPerDay: number;
  readonly lambda: Concurrency;
  readonly firehose: StreamNeeds & {
    /** As configured. */
    readonly streams: number;
    /** Bytes billed ÷ raw bytes, the row of `loads` included. */
    readonly billedBytesPerByte: number;
  };
  readonly files: Files & {
    /** US dollars of an Athena query that reads all columns of a day. */
    readonly scanDayUsd: number;
  };
  readonly freshness: Freshness;
  readonly dynamoDb: {
    readonly ledgerWritesPerDay: number;
    readonly duplicateWritesPerDay: number;
    readonly duplicateReadsPerDay: number;
    readonly duplicateWritesPerSecondPeak: number;
  };
  /** The duplicate check of an object or payload, and the memory of counting a minute at the peak. */
  readonly duplicates: { readonly secondsPerObject: number; readonly countBytesPeak: number };
}
