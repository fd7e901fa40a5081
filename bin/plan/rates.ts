/**
 * What loading takes, as measured: bench/rates.json, which `npm run bench` writes. CPU is that of one
 * thread of the machine named there; a Lambda of 1,769 MiB is taken to be as fast.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { object } from '../../lib/config/values.ts';
import { readChecked } from './checked.ts';

/** Above 0. */
const positive = z.number('a number above 0').gt(0, 'a number above 0');

const FORMAT = object({
  /** Bytes of a line, its line end included. */
  bytesPerLine: positive,
  /** Raw bytes ÷ bytes of the same lines gzipped. */
  gzipRatio: positive,
  /** CPU nanoseconds a raw byte, from the object's bytes to the answer of PutRecordBatch: the whole handler. */
  loadNsPerByte: positive,
  /** CPU nanoseconds a raw byte, from the object's bytes to pages written, their counting included. */
  trackNsPerByte: positive,
  /** Bytes of records ÷ raw bytes, before Firehose rounds. */
  sentBytesPerByte: positive,
  /** The same with a record for each line and the column names as keys, as the path to Iceberg needs it. */
  icebergBytesPerByte: positive,
  /**
   * The usual way: readline, a regex, JSON.stringify with all columns, a record for each line; to the
   * answer of PutRecordBatch too.
   */
  usualNsPerByte: positive,
  usualSentBytesPerByte: positive,
  /** Bytes of Parquet ÷ raw bytes, by codec; ZSTD is what Iceberg's writers use. */
  parquetBytesPerByte: object({ SNAPPY: positive, GZIP: positive, UNCOMPRESSED: positive, ZSTD: positive }),
});

const RATES = object({
  /** Day of the measurement, YYYY-MM-DD. */
  date: z.iso.date('a day as YYYY-MM-DD'),
  /** What was run to measure. */
  command: z.string('the command that measured'),
  /** Processor, its number of cores, and Node's version. */
  machine: z.string('the machine measured on'),
  /** By name of the format. */
  formats: z.record(z.string(), FORMAT).refine((formats) => Object.keys(formats).length > 0, 'at least one format'),
  /** Bytes of a row of `loads` as JSON, and of what the function itself logs of an invocation. */
  loadsRowBytes: positive,
  logBytesPerInvocation: positive,
});

/** Rates of one format. */
export type FormatRates = Readonly<z.output<typeof FORMAT>>;

/** All rates of one measurement. */
export type Rates = Readonly<z.output<typeof RATES>>;

/** Where the rates lie that `npm run bench` writes. */
export const RATES_FILE = new URL('../../bench/rates.json', import.meta.url);

/** @throws CommandError for text that is no rates, naming the key. */
export function ratesOf(json: string, what: string): Rates {
  return readChecked(RATES, json, what);
}

/** The rates that come with the code. */
export function measuredRates(): Rates {
  return ratesOf(readFileSync(RATES_FILE, 'utf8'), 'bench/rates.json');
}
