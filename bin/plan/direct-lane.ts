/**
 * What a source needs if the lake writes its files itself: batches, their files, and amounts that are billed. Pure
 * arithmetic with averages. core/direct/batch.ts has the steps of the lane.
 */
import { MAX_FILE_BYTES, MAX_OPEN } from '../../lambdas/core/direct/batch-files.ts';
import { FILE_BYTES, MAX_MEMBERS } from '../../lambdas/core/direct/cut.ts';
import { COMPLETED_AT_A_TIME } from '../../lambdas/core/direct/publish.ts';
import { BILLING_STEP_BYTES } from '../../lambdas/core/loading/pack.ts';
import type { Config } from '../../lib/config/config.ts';
import { ASSUMED } from './assumed.ts';
import { NO_USAGE, ONE_CPU_MIB, QUEUE_REQUESTS_PER_MESSAGE, type Usage } from './cost.ts';
import type { Concurrency, Files, Freshness } from './delivery.ts';
import { tablesOfBatch } from './fan-out.ts';
import type { Rates } from './rates.ts';
import { type DynamoDbUnits, objectsPerDay, rawBytesPerObject, type SourceLoad } from './source-amounts.ts';

const DAY_SECONDS = 86_400;
const MIB = 2 ** 20;

/** Batches are planned each minute. */
const PLAN_SECONDS = 60;

/** Parts in which a file is uploaded (core/direct/upload.ts). */
export const PART_BYTES = 8 * MIB;

/**
 * DynamoDB units of the ledger, counted by test/lambdas/edges/direct-cost.test.ts. Writes of an object: its entry is put
 * and claimed, each with the index 2. A batch is put, opened, attempted, sealed and written, each with the index 2. Reads
 * of an object: whether it has an entry of its own, whether the batch has it, and whether its key has other versions, which
 * alone take further units.
 */
export const DIRECT_UNITS = { writesPerObject: 4, writesPerBatch: 10, readsPerObject: 3 } as const;

/** Units of one run of the planner for a source: half a unit for each of 33 queries, 16 of each kind and one of batches. */
const PLAN_READS = 33 / 2;

export type DirectParams = Pick<Config, 'bufferSizeMiB' | 'bufferIntervalSeconds' | 'memoryMiB' | 'maxConcurrency'>;

/** The batches of a source, at the day's average throughput. */
export interface Batches {
  readonly perDay: number;
  readonly objects: number;
  /** Seconds of the function that writes one. */
  readonly seconds: number;
  /** S3 requests that write: lists, and for each file its beginning, its parts and its end. */
  readonly puts: number;
}

/** A source as the lane gets it: payloads of log groups come as objects, which Firehose puts for each minute. */
export function landed<Load extends SourceLoad>(load: Load): Load {
  if (load.lane === 'objects') return load;
  const rawPerDay = load.linesPerDay * load.bytesPerLine;
  const objects = Math.max(
    Math.min(ASSUMED.leastPayloadObjectsPerDay, objectsPerDay(load)),
    (rawPerDay * ASSUMED.payloadGzipShare) / ASSUMED.payloadObjectBytes,
  );
  const rates = { ...load.rates, gzipRatio: 1 / ASSUMED.payloadGzipShare };
  const { minutesPerPayloadObject: minutesPerObject } = ASSUMED;
  return { ...load, lane: 'objects', linesPerObject: load.linesPerDay / objects, minutesPerObject, rates };
}

/** Bytes a day that Firehose bills for payloads on their way to the lane. */
function payloadBytes(load: SourceLoad): number {
  if (load.lane === 'objects') return 0;
  const bytes = rawBytesPerObject(load) * ASSUMED.payloadGzipShare;
  return objectsPerDay(load) * Math.ceil(bytes / BILLING_STEP_BYTES) * BILLING_STEP_BYTES;
}

/** Batches as core/direct/cut.ts cuts them: when their files are large enough, or when they are due. */
export function batches(load: SourceLoad, { bufferSizeMiB, bufferIntervalSeconds, memoryMiB }: DirectParams): Batches {
  const objects = objectsPerDay(load);
  const estimated = (rawBytesPerObject(load) / load.rates.gzipRatio) * FILE_BYTES.compressed;
  const full = Math.max(1, Math.min(MAX_MEMBERS, (bufferSizeMiB * MIB) / estimated));
  const perDay = Math.min(
    objects,
    Math.max(objects / full, DAY_SECONDS / Math.max(bufferIntervalSeconds, PLAN_SECONDS)),
  );
  const members = objects / perDay;
  const { count, bytes } = filesOf(load, perDay);
  const parts = Math.ceil(bytes / PART_BYTES);
  // The rows of loads are a file too.
  const puts = 2 + count * (2 + parts) + 3;
  const isDivided = (load.tables ?? 1) > 1;
  const ofFiles = isDivided ? count * ASSUMED.fileSeconds : 0;
  const cpuSeconds = (members * rawBytesPerObject(load) * load.rates.direct.nsPerByte) / 1e9 + ofFiles;
  // Files of many tables are written at the same time, and completed.
  const requests = isDivided ? count * ((1 + parts) / MAX_OPEN + 1 / COMPLETED_AT_A_TIME) + 5 : puts;
  const waits = members * ASSUMED.memberWaitSeconds + requests * ASSUMED.putSeconds;
  return {
    perDay,
    objects: members,
    seconds: (cpuSeconds * ONE_CPU_MIB) / Math.min(memoryMiB, ONE_CPU_MIB) + waits,
    puts,
  };
}

/** Files of a batch, and the bytes of each. */
function filesOf(load: SourceLoad, batchesPerDay: number): { readonly count: number; readonly bytes: number } {
  const raw = (objectsPerDay(load) * rawBytesPerObject(load)) / batchesPerDay;
  const all = raw * load.rates.direct.fileBytesPerByte;
  const { tables = 1 } = load;
  if (tables > 1) {
    const count = Math.max(
      tablesOfBatch({ tables, linesPerBatch: load.linesPerDay / batchesPerDay }),
      all / MAX_FILE_BYTES,
    );
    return { count, bytes: all / count + ASSUMED.leastFileBytes };
  }
  const count = Math.max(1, all / MAX_FILE_BYTES);
  return { count, bytes: all / count };
}

export function directFiles(load: SourceLoad, { perDay }: Batches): Files {
  const { count, bytes } = filesOf(load, perDay);
  return { perDay: perDay * count, bytes, gatheredBytes: bytes, everySeconds: DAY_SECONDS / (perDay * count) };
}

/** The functions that write batches. Seconds are those of one batch, and of its last object in the queue. */
export function directConcurrency(written: Batches, config: DirectParams, peakFactor: number): Concurrency {
  const average = (written.perDay / DAY_SECONDS) * written.seconds;
  const peak = average * peakFactor;
  return {
    secondsPerObject: written.seconds,
    average,
    peak,
    gbSecondsPerDay: (average * DAY_SECONDS * config.memoryMiB) / 1024,
    queueSeconds: (peak * Math.max(config.bufferIntervalSeconds, PLAN_SECONDS)) / config.maxConcurrency,
  };
}

/** @param commitSeconds how long written files may wait for their commit; 0 without Iceberg tables */
export function directFreshness(
  written: Batches,
  config: DirectParams,
  queueSeconds: number,
  commitSeconds = 0,
): Freshness {
  const waits = Math.min(Math.max(config.bufferIntervalSeconds, PLAN_SECONDS), DAY_SECONDS / written.perDay);
  const parts = [
    { what: 'the writer gathers (ELB: five minutes)', seconds: 300 },
    { what: 'notification', seconds: ASSUMED.notificationSeconds },
    { what: 'waiting for other objects', seconds: waits },
    { what: 'waiting for the planner', seconds: PLAN_SECONDS },
    { what: 'waiting in the queue at the peak', seconds: queueSeconds },
    { what: 'writing the batch', seconds: written.seconds },
    ...(commitSeconds > 0 ? [{ what: 'waiting for the commit', seconds: commitSeconds }] : []),
  ];
  const sumOf = (seconds: readonly { readonly seconds: number }[]) =>
    seconds.reduce((sum, each) => sum + each.seconds, 0);
  return {
    leastSeconds: sumOf(parts.filter(({ what }) => ['notification', 'writing the batch'].includes(what))),
    mostSeconds: sumOf(parts),
    parts,
  };
}

/** Units of the ledger for one object, with its share of the batch. */
export function directLedgerUnits({ objects }: Batches): DynamoDbUnits {
  const { writesPerObject, writesPerBatch, readsPerObject } = DIRECT_UNITS;
  return {
    writes: writesPerObject + writesPerBatch / objects,
    reads: readsPerObject + 1 / objects,
    bytes: ASSUMED.ledgerEntryBytes * (1 + 1 / objects),
  };
}

/** A day of announcing and writing a source's objects, without what is stored. */
export function directUsage(source: SourceLoad, config: DirectParams, rates: Rates): Usage {
  const load = landed(source);
  const objects = objectsPerDay(load);
  const written = batches(load, config);
  const units = directLedgerUnits(written);
  const seconds = objects * ASSUMED.announceSeconds + written.perDay * written.seconds;
  const messages = objects + written.perDay;
  return {
    ...NO_USAGE,
    firehosePlainBytes: payloadBytes(source),
    lambdaGBSeconds: (seconds * config.memoryMiB) / 1024,
    lambdaRequests: messages,
    sqsRequests: messages * QUEUE_REQUESTS_PER_MESSAGE,
    snsRequests: objects,
    s3Puts: written.perDay * written.puts,
    // The candidates and the attempt's list.
    s3Gets: objects + 2 * written.perDay,
    dynamoDbWrites: objects * units.writes,
    dynamoDbReads: objects * units.reads + PLANS_PER_DAY * PLAN_READS,
    logBytes: messages * ASSUMED.logBytesPerInvocation + objects * rates.logBytesPerInvocation,
  };
}

const PLANS_PER_DAY = DAY_SECONDS / PLAN_SECONDS;

/** Memory of the planner (lib/direct-lane.ts). */
const PLAN_MEMORY_MIB = 512;

/** A day of the planner and of asking the queue of batches, however many sources there are. */
export const DIRECT_BASE_USAGE: Usage = {
  ...NO_USAGE,
  lambdaGBSeconds: (PLANS_PER_DAY * ASSUMED.planSeconds * PLAN_MEMORY_MIB) / 1024,
  lambdaRequests: PLANS_PER_DAY,
  sqsRequests: ASSUMED.pollsPerDay,
  logBytes: PLANS_PER_DAY * ASSUMED.logBytesPerInvocation,
};
