/**
 * Measured rates of loading: bench/rates.json, which `npm run bench` writes. CPU times are of one thread of the machine
 * named there; a Lambda function with 1,769 MiB is assumed to be as fast.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Lane } from '../../lambdas/core/tables/table.ts';
import { object } from '../../lib/config/values.ts';
import { readChecked } from './checked.ts';

const positive = z.number('a number above 0').gt(0, 'a number above 0');

const FORMAT = object({
  /** Average bytes per line, including the line end. */
  bytesPerLine: positive,
  /** Raw bytes ÷ bytes of the same lines gzipped. */
  gzipRatio: positive,
  /** CPU nanoseconds per raw byte of the whole handler: from the object's bytes to the answer of PutRecordBatch. */
  loadNsPerByte: positive,
  /** CPU nanoseconds per raw byte of the duplicate check: from the object's bytes to pages written and counted. */
  trackNsPerByte: positive,
  /**
   * The same two rates for log events, whose payloads take more than objects of the same lines: the difference is
   * measured without the services. Absent until it is measured.
   *
   * @default - the rates of objects
   */
  events: object({ loadNsPerByte: positive, trackNsPerByte: positive }).optional(),
  /** Bytes of records ÷ raw bytes, before Firehose rounds records up. */
  sentBytesPerByte: positive,
  /** Bytes of records ÷ raw bytes for Iceberg, which needs one record per line with column names as keys. */
  icebergBytesPerByte: positive,
  /**
   * CPU nanoseconds per raw byte of the usual way, which is the baseline: readline, a regular expression,
   * JSON.stringify with all columns, one record per line. Also up to the answer of PutRecordBatch.
   */
  usualNsPerByte: positive,
  /** Bytes of records ÷ raw bytes of the usual way, before Firehose rounds records up. */
  usualSentBytesPerByte: positive,
  /**
   * The direct lane: CPU nanoseconds per raw byte from the object's bytes to the finished file, and bytes of the file ÷
   * raw bytes.
   */
  direct: object({ nsPerByte: positive, fileBytesPerByte: positive }),
  /** Bytes of Parquet ÷ raw bytes, by codec; ZSTD is what Iceberg's writers use. */
  parquetBytesPerByte: object({ SNAPPY: positive, GZIP: positive, UNCOMPRESSED: positive, ZSTD: positive }),
});

const RATES = object({
  /** Day of the measurement, YYYY-MM-DD. */
  date: z.iso.date('a day as YYYY-MM-DD'),
  /** Command that measured. */
  command: z.string('the command that measured'),
  /** Processor, its number of cores, and Node's version. */
  machine: z.string('the machine that was measured'),
  /** Rates by the name of the format. */
  formats: z.record(z.string(), FORMAT).refine((formats) => Object.keys(formats).length > 0, 'at least one format'),
  /** Bytes of a row of `loads` as JSON. */
  loadsRowBytes: positive,
  /** Bytes that the function itself logs per invocation. */
  logBytesPerInvocation: positive,
});

/** Rates of one format. */
export type FormatRates = Readonly<z.output<typeof FORMAT>>;

/** Rates of a format for the lane of a source. */
export function ratesOfLane(rates: FormatRates, lane: Lane): FormatRates {
  return lane === 'events' ? { ...rates, ...rates.events } : rates;
}

/** All rates of one measurement. */
export type Rates = Readonly<z.output<typeof RATES>>;

/** File that `npm run bench` writes the rates to. */
export const RATES_FILE = new URL('../../bench/rates.json', import.meta.url);

/** Reads rates. @throws CommandError with the key that is not valid */
export function ratesOf(json: string, what: string): Rates {
  return readChecked(RATES, json, what);
}

/** The rates in this repository. */
export function measuredRates(): Rates {
  return ratesOf(readFileSync(RATES_FILE, 'utf8'), 'bench/rates.json');
}
