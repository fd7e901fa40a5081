/** Amounts that AWS bills in a month for a lake's sources, by way to load. */
import { COUNT_METRICS, TRACK_METRICS } from '../../lambdas/core/duplicates/metrics.ts';
import { SHARDS } from '../../lambdas/core/duplicates/store.ts';
import { COMMIT_METRICS, LOAD_METRICS } from '../../lambdas/core/metrics.ts';
import type { Delivery, TableFormat } from '../../lambdas/core/settings.ts';
import { placesOf } from '../../lib/alarms/places.ts';
import { alarmsOf } from '../../lib/alarms/stack-alarms.ts';
import type { Config } from '../../lib/config/config.ts';
import { namesOf } from '../../lib/names.ts';
import { ASSUMED } from './assumed.ts';
import { NO_USAGE, QUEUE_REQUESTS_PER_MESSAGE, sumOf, times, type Usage } from './cost.ts';
import { batches, DIRECT_BASE_USAGE, directFiles, directLedgerUnits, directUsage, landed } from './direct-lane.ts';
import { COMMITTER_BASE_USAGE, icebergAmounts, icebergUsage } from './iceberg.ts';
import type { Rates } from './rates.ts';
import {
  duplicateUnits,
  icebergBytes,
  ledgerUnits,
  objectsPerDay,
  packed,
  rawBytesPerObject,
  readingMemoryMiB,
  recordPerLine,
  type SourceLoad,
  secondsPerObject,
} from './source-amounts.ts';

export const DAYS_PER_MONTH = 30;

/**
 * A way to load. `parquet`, `firehoseIceberg`: this project's through Firehose, into either kind of table, of which the
 * second one is for comparison only. `direct`, `iceberg`: this project's, in files that it writes itself, found by their
 * folders or committed to Iceberg tables. `usual`: the baseline, into Parquet, with readline, a regular expression,
 * JSON.stringify and one record per line.
 */
export type Way = 'parquet' | 'direct' | 'iceberg' | 'firehoseIceberg' | 'usual';

export function isDirect(way: Way): way is 'direct' | 'iceberg' {
  return way === 'direct' || way === 'iceberg';
}

/** The way of each source by its own `delivery`. */
export type WayOrConfigured = Way | 'configured';

/** The way in which a source is loaded. */
export function wayOf({ delivery, tableFormat }: BilledSource, way: WayOrConfigured): Way {
  if (way !== 'configured') return way;
  if (delivery !== 'direct') return 'parquet';
  return tableFormat === 'iceberg' ? 'iceberg' : 'direct';
}

/** The stack's params on which the bill depends. */
export type Billed = Pick<
  Config,
  | 'memoryMiB'
  | 'maxConcurrency'
  | 'bufferSizeMiB'
  | 'bufferIntervalSeconds'
  | 'commitIntervalSeconds'
  | 'logEventsMemoryMiB'
  | 'parquetCompression'
  | 'landingRetentionDays'
  | 'ledgerRetentionDays'
  | 'duplicates'
>;

/** A source's lines, and other values on which its bill depends. */
export interface BilledSource extends SourceLoad {
  /** Whether its objects are stored in the stack's own landing bucket. */
  readonly inLandingBucket: boolean;
  readonly delivery: Delivery;
  readonly tableFormat: TableFormat;
  readonly retentionDays: number;
  readonly archiveAfterDays?: number;
  /** Parquet files that Firehose writes a day. */
  readonly filesPerDay: number;
}

/** A month of loading one source. */
export function loadingUsage(source: BilledSource, way: Way, config: Billed, rates: Rates): Usage {
  if (isDirect(way)) return directMonth(source, way, config, rates);
  const perMonth = objectsPerDay(source) * DAYS_PER_MONTH;
  const ns = way === 'usual' ? source.rates.usualNsPerByte : source.rates.loadNsPerByte;
  const memoryMiB = readingMemoryMiB(source.lane, config);
  const ledger = way === 'usual' ? { writes: 0, reads: 0, bytes: 0 } : ledgerUnits(source);
  const logBytes = ASSUMED.logBytesPerInvocation + (way === 'usual' ? 0 : rates.logBytesPerInvocation);
  return {
    ...invocations(source, perMonth, secondsPerObject(source, ns, memoryMiB), memoryMiB),
    firehoseBytes:
      perMonth * { parquet: packed(source).billedBytes, firehoseIceberg: 0, usual: recordPerLine(source) }[way],
    icebergBytes: way === 'firehoseIceberg' ? perMonth * icebergBytes(source, rates) : 0,
    snsRequests: source.lane === 'objects' ? perMonth : 0,
    s3Puts: source.filesPerDay * DAYS_PER_MONTH,
    ...keptUsage(source, way, config),
    dynamoDbWrites: perMonth * ledger.writes,
    dynamoDbReads: perMonth * ledger.reads,
    dynamoDbByteMonths: objectsPerDay(source) * config.ledgerRetentionDays * ledger.bytes,
    logBytes: perMonth * logBytes,
    metricMonths: way === 'usual' ? 0 : METRICS_OF_A_SOURCE,
  };
}

/** One more metric counts the objects that are skipped. */
const METRICS_OF_A_SOURCE = Object.keys(LOAD_METRICS).length + 1;

/** The same on the direct lane. */
function directMonth(given: BilledSource, way: 'direct' | 'iceberg', config: Billed, rates: Rates): Usage {
  const source = way === 'iceberg' ? given : notDivided(given);
  const load = landed(source);
  const cut = batches(load, config);
  const entries = directLedgerUnits(cut);
  const perDay = [directUsage(source, config, rates)];
  if (way === 'iceberg') perDay.push(icebergUsage(icebergAmounts(load, cut, config)));
  return {
    ...times(sumOf(perDay), DAYS_PER_MONTH),
    ...keptUsage(source, way, config),
    dynamoDbByteMonths: objectsPerDay(load) * config.ledgerRetentionDays * entries.bytes,
    metricMonths: METRICS_OF_A_SOURCE + (way === 'iceberg' ? Object.keys(COMMIT_METRICS).length : 0),
  };
}

/** Only Iceberg tables are divided. */
function notDivided(source: BilledSource): BilledSource {
  return { ...source, tables: 1 };
}

/** A month of what the direct lane needs however much it loads. */
export function directBaseUsage(): Usage {
  return times(sumOf([DIRECT_BASE_USAGE, COMMITTER_BASE_USAGE]), DAYS_PER_MONTH);
}

/** A month of checking one source for duplicates: its payloads, or on the direct lane the objects that these come in. */
export function duplicatesUsage(given: BilledSource, way: Way, config: Billed): Usage {
  const source = isDirect(way) ? landed(given) : given;
  const { sampleRate, windowHours } = config.duplicates;
  const perMonth = objectsPerDay(source) * DAYS_PER_MONTH;
  const units = duplicateUnits(source, sampleRate);
  const keptDays = (windowHours + PAGES_KEPT_SPARE_HOURS) / 24;
  const memoryMiB = readingMemoryMiB(source.lane, config);
  const seconds = secondsPerObject(source, source.rates.trackNsPerByte, memoryMiB);
  return {
    ...invocations(source, perMonth, seconds, memoryMiB),
    // For each minute of events, its shards are queried and its counts are stored.
    dynamoDbWrites: perMonth * units.writes + MINUTES_PER_MONTH,
    dynamoDbReads: perMonth * units.reads + MINUTES_PER_MONTH * SHARD_READS,
    dynamoDbByteMonths: objectsPerDay(source) * keptDays * units.bytes,
    logBytes: perMonth * ASSUMED.logBytesPerInvocation,
    metricMonths: Object.keys(COUNT_METRICS).length + Object.keys(TRACK_METRICS).length,
  };
}

/** Monthly usage of the duplicate check that does not depend on the traffic. */
export function duplicatesBaseUsage({ memoryMiB }: Billed): Usage {
  return {
    ...NO_USAGE,
    lambdaGBSeconds: (MINUTES_PER_MONTH * ASSUMED.countSeconds * memoryMiB) / 1024,
    lambdaRequests: MINUTES_PER_MONTH,
    logBytes: MINUTES_PER_MONTH * ASSUMED.logBytesPerInvocation,
    dynamoDbReads: MINUTES_PER_MONTH / 2,
  };
}

/** A month of the alarms and the dashboard, which do not depend on the traffic. */
export function watchingUsage(config: Config): Usage {
  return { ...NO_USAGE, alarmMetricMonths: alarmCounts(config).metrics, dashboardMonths: 1 };
}

/** The number of alarms that a configuration has, and of the metrics that they look at. */
export function alarmCounts(config: Config): { readonly alarms: number; readonly metrics: number } {
  const alarms = alarmsOf(config, placesOf(config, namesOf(config.stackName).prefix));
  return { alarms: alarms.length, metrics: alarms.reduce((sum, { metrics }) => sum + Object.keys(metrics).length, 0) };
}

/** Monthly usage of queues that does not depend on the traffic. */
export function queueBaseUsage(queues: number): Usage {
  return { ...NO_USAGE, sqsRequests: queues * ASSUMED.pollsPerDay * DAYS_PER_MONTH };
}

/** Pages are kept a day longer than the window (edges/duplicates.ts). */
const PAGES_KEPT_SPARE_HOURS = 24;

const MINUTES_PER_MONTH = DAYS_PER_MONTH * 1440;

/** Read units for one minute: half a unit for each of its shards. */
const SHARD_READS = SHARDS / 2;

/** Usage of invocations. Objects are announced through a queue and read from S3; payloads are part of their event. */
function invocations({ lane }: SourceLoad, count: number, seconds: number, memoryMiB: number): Usage {
  return {
    ...NO_USAGE,
    lambdaGBSeconds: (count * seconds * memoryMiB) / 1024,
    lambdaRequests: count,
    ...(lane === 'objects' && { sqsRequests: count * QUEUE_REQUESTS_PER_MESSAGE, s3Gets: count }),
  };
}

/** What is stored in S3 after the retention time has passed once, and what moves to the archive meanwhile. */
function keptUsage(given: BilledSource, way: Way, config: Billed) {
  const source = way === 'iceberg' ? given : notDivided(given);
  const { parquetBytesPerByte, gzipRatio, direct } = source.rates;
  const { retentionDays, archiveAfterDays = retentionDays } = source;
  const perByte = isDirect(way)
    ? direct.fileBytesPerByte
    : parquetBytesPerByte[way === 'firehoseIceberg' ? 'ZSTD' : config.parquetCompression];
  const load = landed(source);
  const cut = batches(load, config);
  const rawPerDay = objectsPerDay(source) * rawBytesPerObject(source);
  const inLanding = source.inLandingBucket ? config.landingRetentionDays / gzipRatio : 0;
  if (way === 'iceberg') {
    // Files of Iceberg tables move to no other storage class.
    const { tables, mergedFilesPerDay, replacedBytes } = icebergAmounts(load, cut, config);
    const ofFiles = tables > 1 ? mergedFilesPerDay * ASSUMED.leastFileBytes * retentionDays : 0;
    return { s3ByteMonths: rawPerDay * (retentionDays * perByte + inLanding) + ofFiles + replacedBytes };
  }
  const filesPerDay = way === 'direct' ? directFiles(load, cut).perDay : source.filesPerDay;
  return {
    s3ByteMonths: rawPerDay * (archiveAfterDays * perByte + inLanding),
    s3ArchiveByteMonths: rawPerDay * (retentionDays - archiveAfterDays) * perByte,
    s3Transitions: archiveAfterDays < retentionDays ? filesPerDay * DAYS_PER_MONTH : 0,
  };
}
