/** What one source takes in a day, by measured rates. Pure arithmetic; averages, so nothing is rounded to whole things. */
import { packedBytes } from '../../lambdas/core/duplicates/packed-page.ts';
import { MAX_PAGE_FINGERPRINTS } from '../../lambdas/core/duplicates/pages.ts';
import { BILLING_STEP_BYTES, MAX_BATCH_BYTES, PACKED_RECORD_BYTES } from '../../lambdas/core/loading/pack.ts';
import { ASSUMED } from './assumed.ts';
import { ONE_CPU_MIB } from './cost.ts';
import type { FormatRates, Rates } from './rates.ts';

/** One source's lines of a day. */
export interface SourceLoad {
  readonly lane: 'objects' | 'events';
  readonly linesPerDay: number;
  /** Raw, line end included. */
  readonly bytesPerLine: number;
  /** Lines of an object, events of a payload; one invocation loads one. */
  readonly linesPerObject: number;
  readonly rates: FormatRates;
}

/** Lines of an object or payload, where nobody says how many they are. */
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

/** What Firehose gets of one object or payload. */
export interface Sent {
  /** Of rows, as they are: quotas and buffers count these. */
  readonly bytes: number;
  /** Of rows and the row of `loads`, each record rounded up: what is billed. */
  readonly billedBytes: number;
  readonly records: number;
  readonly requests: number;
}

/** Bytes of a full batch: whole records. */
const BATCH_BYTES = Math.floor(MAX_BATCH_BYTES / PACKED_RECORD_BYTES) * PACKED_RECORD_BYTES;

/** Rows packed into records, as core/loading/pack.ts does. */
export function packed(load: SourceLoad): Sent {
  const bytes = rawBytesPerObject(load) * load.rates.sentBytesPerByte;
  const row = load.bytesPerLine * load.rates.sentBytesPerByte;
  // A record is closed when the next row does not fit: on the average half a row stays empty.
  const filled = Math.max(row, PACKED_RECORD_BYTES - row / 2);
  const full = Math.floor(bytes / filled);
  const billed = full * billedStep(Math.max(filled, PACKED_RECORD_BYTES)) + billedStep(bytes - full * filled);
  return {
    bytes,
    billedBytes: billed + BILLING_STEP_BYTES,
    records: Math.ceil(bytes / filled),
    requests: Math.ceil(bytes / BATCH_BYTES),
  };
}

/** A record for each line, rounded up: the usual way. */
export function recordPerLine({ bytesPerLine, linesPerObject, rates }: SourceLoad): number {
  return linesPerObject * billedStep(bytesPerLine * rates.usualSentBytesPerByte);
}

/** A record for each row, not rounded, and the row of `loads`: what the path to Iceberg bills. */
export function icebergBytes(load: SourceLoad, { loadsRowBytes }: Rates): number {
  return rawBytesPerObject(load) * load.rates.icebergBytesPerByte + loadsRowBytes;
}

function billedStep(bytes: number): number {
  return Math.ceil(bytes / BILLING_STEP_BYTES) * BILLING_STEP_BYTES;
}

/** Seconds of one invocation on an object or payload; a function of less memory has less of a CPU. */
export function secondsPerObject(load: SourceLoad, nsPerByte: number, memoryMiB: number): number {
  const cpuSeconds = (rawBytesPerObject(load) * nsPerByte) / 1e9;
  return (cpuSeconds * ONE_CPU_MIB) / Math.min(memoryMiB, ONE_CPU_MIB) + ASSUMED.waitSeconds;
}

/** DynamoDB units of one object or payload. */
export interface Units {
  readonly writes: number;
  readonly reads: number;
  readonly bytes: number;
}

/** A claim, a checkpoint for each batch, a finish. */
export function ledgerUnits(load: SourceLoad): Units {
  return { writes: 2 + packed(load).requests, reads: 0, bytes: ASSUMED.ledgerEntryBytes };
}

/** Bytes of a page besides its fingerprints, and of a write and of two reads that need not be consistent. */
const PAGE_OVERHEAD_BYTES = 45;
const WRITE_BYTES = 1024;
const READ_BYTES = 8192;

/** Objects (compressed) and payloads from this size on are asked for before they are read: half a read. */
const ASKED_FOR_FROM_BYTES = 65_536;

/** Minutes of an object or payload that have pages, and what each has: full pages, and fingerprints in one more. */
function pagesOf({ lane, linesPerObject }: SourceLoad, sampleRate: number) {
  const minutes = lane === 'objects' ? Math.max(1, Math.min(ASSUMED.minutesPerObject, linesPerObject)) : 1;
  const records = linesPerObject / minutes;
  // A minute none of whose records is in the sample has no page.
  const pages = minutes * (1 - (1 - sampleRate) ** records);
  const fingerprints = (minutes * records * sampleRate) / pages;
  const full = Math.floor(fingerprints / MAX_PAGE_FINGERPRINTS);
  return { pages, full, rest: fingerprints - full * MAX_PAGE_FINGERPRINTS };
}

/** A page for each minute, a mark put and deleted, the object finished; each page read once to be counted. */
export function duplicateUnits(load: SourceLoad, sampleRate: number): Units {
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

/** Memory of pages comes in such steps (core/duplicates/page-memory.ts), and about as much goes to what else a page is. */
const PAGE_STEP_BYTES = 4096;

/** Bytes of memory that counting takes for the pages of one object or payload. */
export function countedBytesPerObject(load: SourceLoad, sampleRate: number): number {
  const { pages, full, rest } = pagesOf(load, sampleRate);
  const memoryOf = (count: number) =>
    (Math.ceil(packedBytes(count, sampleRate) / PAGE_STEP_BYTES) + 1) * PAGE_STEP_BYTES;
  return pages * (full * memoryOf(MAX_PAGE_FINGERPRINTS) + (rest > 0 ? memoryOf(rest) : 0));
}
