/** A source's needs of Firehose and Lambda, and the size, number and delay of its files. Pure arithmetic. */
import type { Config } from '../../lib/config/config.ts';
import { ASSUMED } from './assumed.ts';
import { QUOTAS, type RegionQuota, streamsNeeded, type Throughput } from './quotas.ts';
import {
  objectsPerDay,
  packed,
  rawBytesPerObject,
  readingMemoryMiB,
  type SourceLoad,
  secondsPerObject,
} from './source-amounts.ts';

const DAY_SECONDS = 86_400;
const MIB = 2 ** 20;

/** The stack's params on which delivery depends. */
export type Delivering = Pick<
  Config,
  | 'memoryMiB'
  | 'logEventsMemoryMiB'
  | 'maxConcurrency'
  | 'bufferSizeMiB'
  | 'bufferIntervalSeconds'
  | 'parquetCompression'
>;

/** Throughput of the streams that write to a table, and how many streams it needs. */
export interface StreamNeeds {
  readonly average: Throughput;
  readonly peak: Throughput;
  readonly regions: readonly (RegionQuota & {
    /** Number of streams with which the peak is within this Region's quotas. */
    readonly streamsNeeded: number;
    /** Quota per stream that the peak needs with the configured number of streams. */
    readonly mibPerSecondNeeded: number;
  })[];
}

export function streamNeeds(load: SourceLoad, streams: number, peakFactor: number): StreamNeeds {
  const perSecond = objectsPerDay(load) / DAY_SECONDS;
  const { bytes, records, requests } = packed(load);
  const times = (factor: number): Throughput => ({
    mibPerSecond: (factor * perSecond * bytes) / MIB,
    recordsPerSecond: factor * perSecond * records,
    requestsPerSecond: factor * perSecond * requests,
  });
  const peak = times(peakFactor);
  const regions = QUOTAS.map((quota) => ({
    ...quota,
    streamsNeeded: streamsNeeded(peak, quota),
    mibPerSecondNeeded: peak.mibPerSecond / streams,
  }));
  return { average: times(1), peak, regions };
}

/** The functions that load a source's objects or payloads. */
export interface Concurrency {
  /** Duration of one invocation, which loads one object or payload. */
  readonly secondsPerObject: number;
  readonly average: number;
  readonly peak: number;
  readonly gbSecondsPerDay: number;
  /** Seconds until loading starts of the last object that arrives within five minutes at the peak; 0 for payloads. */
  readonly queueSeconds: number;
}

const INTERVAL_SECONDS = 300;

export function concurrency(load: SourceLoad, config: Delivering, peakFactor: number): Concurrency {
  const memoryMiB = readingMemoryMiB(load.lane, config);
  const seconds = secondsPerObject(load, load.rates.loadNsPerByte, memoryMiB);
  const average = (objectsPerDay(load) / DAY_SECONDS) * seconds;
  const peak = average * peakFactor;
  const queueSeconds = load.lane === 'objects' ? (peak * INTERVAL_SECONDS) / config.maxConcurrency : 0;
  const gbSecondsPerDay = (average * DAY_SECONDS * memoryMiB) / 1024;
  return { secondsPerObject: seconds, average, peak, gbSecondsPerDay, queueSeconds };
}

/** Files written to a table, at the day's average throughput. */
export interface Files {
  readonly perDay: number;
  /** Size of one Parquet file. */
  readonly bytes: number;
  /** Bytes of the records buffered for one file. */
  readonly gatheredBytes: number;
  /** Seconds between two files of one stream. */
  readonly everySeconds: number;
}

export function files(
  load: SourceLoad,
  streams: number,
  config: Pick<Delivering, 'bufferSizeMiB' | 'bufferIntervalSeconds' | 'parquetCompression'>,
): Files {
  const sent = packed(load);
  const sentPerDay = objectsPerDay(load) * sent.bytes;
  const fullAfter = (config.bufferSizeMiB * MIB * streams * DAY_SECONDS) / sentPerDay;
  const due = Math.max(config.bufferIntervalSeconds, ASSUMED.leastBufferSeconds);
  // A buffer is due this long after its first record: if batches are rarer than that, each becomes a file.
  const batchesPerDay = objectsPerDay(load) * sent.requests;
  const perDay = Math.min((streams * DAY_SECONDS) / Math.min(fullAfter, due), batchesPerDay);
  const parquetPerDay =
    objectsPerDay(load) * rawBytesPerObject(load) * load.rates.parquetBytesPerByte[config.parquetCompression];
  return {
    perDay,
    bytes: parquetPerDay / perDay,
    gatheredBytes: sentPerDay / perDay,
    everySeconds: (streams * DAY_SECONDS) / perDay,
  };
}

/** The shortest and the longest delay from an event to its row, in seconds. */
export interface Freshness {
  readonly leastSeconds: number;
  readonly mostSeconds: number;
  /** The parts of the longest delay, in order. */
  readonly parts: readonly { readonly what: string; readonly seconds: number }[];
}

export function freshness(load: SourceLoad, loading: Concurrency, written: Files, config: Delivering): Freshness {
  const objects = load.lane === 'objects';
  const due = Math.max(config.bufferIntervalSeconds, ASSUMED.leastBufferSeconds);
  const parts = [
    ...(objects ? [{ what: 'the writer gathers (ELB: five minutes)', seconds: INTERVAL_SECONDS }] : []),
    objects
      ? { what: 'notification', seconds: ASSUMED.notificationSeconds }
      : { what: 'subscription', seconds: ASSUMED.subscriptionSeconds },
    ...(objects ? [{ what: 'waiting in the queue at the peak', seconds: loading.queueSeconds }] : []),
    { what: 'loading', seconds: loading.secondsPerObject },
    { what: "Firehose's buffer", seconds: Math.min(due, written.everySeconds) },
    { what: 'writing the file', seconds: ASSUMED.writeSeconds },
  ];
  // The shortest delay is that of the last event before a file is written: it waits for no buffer and no queue.
  const waits = ['notification', 'subscription', 'loading', 'writing the file'];
  return {
    leastSeconds: secondsOf(parts.filter(({ what }) => waits.includes(what))),
    mostSeconds: secondsOf(parts),
    parts,
  };
}

function secondsOf(parts: Freshness['parts']): number {
  return parts.reduce((sum, { seconds }) => sum + seconds, 0);
}
