/** Amounts that one source uses in a day, from measured rates. Pure arithmetic with averages, which are not rounded. */
import { packedBytes } from '../../lambdas/core/duplicates/packed-page.ts';
import { MAX_PAGE_FINGERPRINTS } from '../../lambdas/core/duplicates/pages.ts';
import {
  BILLING_STEP_BYTES,
  billedSize,
  MAX_BATCH_BYTES,
  PACKED_RECORD_BYTES,
} from '../../lambdas/core/loading/pack.ts';
import { ASSUMED } from './assumed.ts';
import { ONE_CPU_MIB } from './cost.ts';
import type { FormatRates, Rates } from './rates.ts';

/** One source's lines in a day. */
export interface SourceLoad {
  readonly lane: 'objects' | 'events';
  readonly linesPerDay: number;
  /** Raw bytes, including the line end. */
  readonly bytesPerLine: number;
  /** Lines per object, or events per payload; an invocation loads one object or payload. */
  readonly linesPerObject: number;
  /**
   * Minutes of event time that an object's records span.
   *
   * @default ASSUMED.minutesPerObject
   */
  readonly minutesPerObject?: number;
  /**
   * Iceberg tables among which its rows are divided.
   *
   * @default 1
   */
  readonly tables?: number;
  readonly rates: FormatRates;
}

/** Assumed lines per object or payload, if the user gives no number. */
export function likelyLinesPerObject(lane: SourceLoad['lane'], linesPerDay: number): number {
  const [most, least] =
    lane === 'objects'
      ? [ASSUMED.linesPerObject, ASSUMED.leastObjectsPerDay]
      : [ASSUMED.linesPerPayload, ASSUMED.leastPayloadsPerDay];
  return Math.max(1, Math.min(most, linesPerDay / least));
}

export function objectsPerDay({ linesPerDay, linesPerObject }: SourceLoad): number {
  return linesPerDay / linesPerObject;
}

export function rawBytesPerObject({ linesPerObject, bytesPerLine }: SourceLoad): number {
  return linesPerObject * bytesPerLine;
}

/** What Firehose receives for one object or payload. */
export interface Sent {
  /** Bytes of rows, not rounded: they count for quotas and buffers. */
  readonly bytes: number;
  /** Billed bytes: of rows and of the row of `loads`, with each record rounded up. */
  readonly billedBytes: number;
  readonly records: number;
  readonly requests: number;
}

/** Bytes of a full batch, which consists of whole records. */
const BATCH_BYTES = Math.floor(MAX_BATCH_BYTES / PACKED_RECORD_BYTES) * PACKED_RECORD_BYTES;

/** Rows packed into records as core/loading/pack.ts packs them. */
export function packed(load: SourceLoad): Sent {
  const bytes = rawBytesPerObject(load) * load.rates.sentBytesPerByte;
  const row = load.bytesPerLine * load.rates.sentBytesPerByte;
  // A record is closed when the next row does not fit: on average, half a row of space stays empty.
  const filled = Math.max(row, PACKED_RECORD_BYTES - row / 2);
  const full = Math.floor(bytes / filled);
  const billed = full * billedSize(Math.max(filled, PACKED_RECORD_BYTES)) + billedSize(bytes - full * filled);
  return {
    bytes,
    billedBytes: billed + BILLING_STEP_BYTES,
    records: Math.ceil(bytes / filled),
    requests: Math.ceil(bytes / BATCH_BYTES),
  };
}

/** Billed bytes of the usual way: one record per line, each rounded up. */
export function recordPerLine({ bytesPerLine, linesPerObject, rates }: SourceLoad): number {
  return linesPerObject * billedSize(bytesPerLine * rates.usualSentBytesPerByte);
}

/** Billed bytes of the path to Iceberg: one record per row, not rounded, and the row of `loads`. */
export function icebergBytes(load: SourceLoad, { loadsRowBytes }: Rates): number {
  return rawBytesPerObject(load) * load.rates.icebergBytesPerByte + loadsRowBytes;
}

/** Memory of the functions that load a lane's objects or payloads, and check them for duplicates. */
export function readingMemoryMiB(
  lane: SourceLoad['lane'],
  { memoryMiB, logEventsMemoryMiB }: { readonly memoryMiB: number; readonly logEventsMemoryMiB: number },
): number {
  return lane === 'objects' ? memoryMiB : logEventsMemoryMiB;
}

/** Seconds of one invocation. A function with less than `ONE_CPU_MIB` of memory has only a part of a CPU. */
export function secondsPerObject(load: SourceLoad, nsPerByte: number, memoryMiB: number): number {
  const cpuSeconds = (rawBytesPerObject(load) * nsPerByte) / 1e9;
  return (cpuSeconds * ONE_CPU_MIB) / Math.min(memoryMiB, ONE_CPU_MIB) + ASSUMED.waitSeconds;
}

/** DynamoDB units and stored bytes of one object or payload. */
export interface DynamoDbUnits {
  readonly writes: number;
  readonly reads: number;
  readonly bytes: number;
}

/**
 * Units of the ledger: a claim, a checkpoint for each batch, and a finish; for an object also the item of its key, which is
 * made before the claim and remembers the version at the end.
 */
export function ledgerUnits(load: SourceLoad): DynamoDbUnits {
  const isObject = load.lane === 'objects';
  return {
    writes: 2 + packed(load).requests + (isObject ? 2 : 0),
    reads: 0,
    bytes: ASSUMED.ledgerEntryBytes + (isObject ? ASSUMED.latestVersionBytes : 0),
  };
}

/** Bytes of a page besides its fingerprints. */
const PAGE_OVERHEAD_BYTES = 45;
/** Bytes that one write unit covers, and bytes that one read unit covers in an eventually consistent read. */
const WRITE_BYTES = 1024;
const READ_BYTES = 8192;

/** For objects (compressed) and payloads of at least this size, the entry is read first: half a read unit. */
const ASKED_FOR_FROM_BYTES = 65_536;

/** Minutes of an object or payload that have pages; the full pages of each, and the fingerprints on one more page. */
function pagesOf(load: SourceLoad, sampleRate: number) {
  const { lane, linesPerObject, minutesPerObject = ASSUMED.minutesPerObject } = load;
  const minutes = lane === 'objects' ? Math.max(1, Math.min(minutesPerObject, linesPerObject)) : 1;
  const records = linesPerObject / minutes;
  // A minute has no page if none of its records is in the sample.
  const pages = minutes * (1 - (1 - sampleRate) ** records);
  const fingerprints = (minutes * records * sampleRate) / pages;
  const full = Math.floor(fingerprints / MAX_PAGE_FINGERPRINTS);
  return { pages, full, rest: fingerprints - full * MAX_PAGE_FINGERPRINTS };
}

/**
 * Units of the duplicate check: for each minute its pages and a mark, which is put and deleted; for the object a
 * finish. Each page is read once to be counted.
 */
export function duplicateUnits(load: SourceLoad, sampleRate: number): DynamoDbUnits {
  const { lane, rates } = load;
  const { pages, full, rest } = pagesOf(load, sampleRate);
  const bytesOf = (count: number) => PAGE_OVERHEAD_BYTES + packedBytes(count, sampleRate);
  const writesOf = (count: number) => Math.ceil(bytesOf(count) / WRITE_BYTES);
  const bytes = pages * (full * bytesOf(MAX_PAGE_FINGERPRINTS) + (rest > 0 ? bytesOf(rest) : 0));
  const size = rawBytesPerObject(load) / (lane === 'objects' ? rates.gzipRatio : 1);
  const asked = size >= ASKED_FOR_FROM_BYTES ? 0.5 : 0;
  return {
    writes: pages * (full * writesOf(MAX_PAGE_FINGERPRINTS) + (rest > 0 ? writesOf(rest) : 0) + 2) + 1,
    reads: bytes / READ_BYTES + asked,
    bytes,
  };
}

/** Pages get memory in these steps (core/duplicates/page-memory.ts); a page's other data take about one step more. */
const PAGE_STEP_BYTES = 4096;

/** Memory, in bytes, for counting the pages of one object or payload. */
export function countedBytesPerObject(load: SourceLoad, sampleRate: number): number {
  const { pages, full, rest } = pagesOf(load, sampleRate);
  const memoryOf = (count: number) =>
    (Math.ceil(packedBytes(count, sampleRate) / PAGE_STEP_BYTES) + 1) * PAGE_STEP_BYTES;
  return pages * (full * memoryOf(MAX_PAGE_FINGERPRINTS) + (rest > 0 ? memoryOf(rest) : 0));
}
