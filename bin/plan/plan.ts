/** A plan: resources, freshness and cost of the configured lake at a given number of lines a day. Pure. */
import { QUIET_MS } from '../../lambdas/core/direct/due.ts';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { Config } from '../../lib/config/config.ts';
import type { Source } from '../../lib/config/sources.ts';
import { ASSUMED } from './assumed.ts';
import { type Cost, costOf, NO_USAGE, RAW_TB, sumOf, TB } from './cost.ts';
import { concurrency, type Files, files, freshness, streamNeeds } from './delivery.ts';
import { batches, directConcurrency, directFiles, directFreshness, directLedgerUnits, landed } from './direct-lane.ts';
import { icebergAmounts } from './iceberg.ts';
import type { Prices } from './prices.ts';
import { type FormatRates, type Rates, ratesOfLane } from './rates.ts';
import {
  countedBytesPerObject,
  duplicateUnits,
  ledgerUnits,
  likelyLinesPerObject,
  objectsPerDay,
  packed,
  rawBytesPerObject,
  readingMemoryMiB,
  type SourceLoad,
  secondsPerObject,
} from './source-amounts.ts';
import type { SourcePlan } from './source-plan.ts';
import {
  alarmCounts,
  type BilledSource,
  DAYS_PER_MONTH,
  directBaseUsage,
  duplicatesBaseUsage,
  duplicatesUsage,
  isDirect,
  loadingUsage,
  queueBaseUsage,
  type WayOrConfigured,
  watchingUsage,
  wayOf,
} from './usage.ts';
import { warningsOf } from './warnings.ts';

/** Known values of one source's traffic. */
export interface Volume {
  readonly linesPerDay: number;
  /** @default - average of the lines the format was measured with */
  readonly bytesPerLine?: number;
  /** @default - 10,000 lines per object, 500 events per payload; fewer if a day has very few lines */
  readonly linesPerObject?: number;
}

/** Input of a plan. */
export interface PlanInput {
  readonly config: Config;
  /** By the source's name. Sources without a volume are left out of the plan. */
  readonly volumes: ReadonlyMap<string, Volume>;
  /** The peak's throughput ÷ the day's average. */
  readonly peakFactor: number;
  readonly rates: Rates;
  readonly prices: Prices;
}

/** US dollars a month by part. */
export interface MonthlyCost {
  readonly loading: Cost;
  /** 0 for the usual way, which does not check for duplicates. */
  readonly duplicates: Cost;
  readonly total: number;
  /** The total without storage in S3, per raw terabyte (10^12 bytes). */
  readonly perRawTB: number;
}

/** A whole plan, as `lake plan --json` prints it. */
export interface Plan {
  readonly peakFactor: number;
  readonly rates: Pick<Rates, 'date' | 'command' | 'machine'>;
  readonly prices: Pick<Prices, 'date' | 'region'>;
  readonly assumed: typeof ASSUMED;
  readonly config: Pick<
    Config,
    | 'memoryMiB'
    | 'logEventsMemoryMiB'
    | 'maxConcurrency'
    | 'bufferSizeMiB'
    | 'bufferIntervalSeconds'
    | 'parquetCompression'
    | 'retentionDays'
    | 'duplicates'
  >;
  readonly sources: readonly SourcePlan[];
  readonly requestsPerDay: {
    readonly sqs: number;
    readonly sns: number;
    readonly s3Gets: number;
    readonly s3Puts: number;
  };
  /** The alarms, and US dollars a month for the metrics that they look at, which are in CloudWatch's part. */
  readonly alarms: { readonly alarms: number; readonly metrics: number; readonly usd: number };
  readonly monthly: {
    /** Each source by its own `delivery`. */
    readonly configured: MonthlyCost;
    /** All through Firehose. */
    readonly parquet: MonthlyCost;
    /** All on the direct lane. */
    readonly direct: MonthlyCost;
    /** The same, into Iceberg tables. */
    readonly iceberg: MonthlyCost;
    /** All through Firehose into Iceberg tables, for comparison only: the stack does not do so. */
    readonly firehoseIceberg: MonthlyCost;
    readonly usual: MonthlyCost;
  };
  readonly warnings: readonly string[];
}

/** @throws Error if there are no rates for a source's format, nor for the format whose rates stand in for it */
export function planOf(input: PlanInput): Plan {
  const { config, peakFactor, rates, prices } = input;
  const planned = config.sources.flatMap((source) => {
    const volume = input.volumes.get(source.name);
    return volume ? [plannedSource(source, volume, input)] : [];
  });
  const sources = planned.map(({ plan }) => plan);
  const billed = planned.map(({ billed }) => billed);
  const alarms = alarmCounts(config);
  const {
    memoryMiB,
    logEventsMemoryMiB,
    maxConcurrency,
    bufferSizeMiB,
    bufferIntervalSeconds,
    parquetCompression,
    retentionDays,
    duplicates,
  } = config;
  return {
    peakFactor,
    rates: { date: rates.date, command: rates.command, machine: rates.machine },
    prices: { date: prices.date, region: prices.region },
    assumed: ASSUMED,
    config: {
      memoryMiB,
      logEventsMemoryMiB,
      maxConcurrency,
      bufferSizeMiB,
      bufferIntervalSeconds,
      parquetCompression,
      retentionDays,
      duplicates,
    },
    sources,
    requestsPerDay: requestsPerDay(billed, input),
    alarms: { ...alarms, usd: alarms.metrics * prices.alarmMetricPerMonth.usd },
    monthly: {
      configured: monthly(billed, 'configured', input),
      parquet: monthly(billed, 'parquet', input),
      direct: monthly(billed, 'direct', input),
      iceberg: monthly(billed, 'iceberg', input),
      firehoseIceberg: monthly(billed, 'firehoseIceberg', input),
      usual: monthly(billed, 'usual', input),
    },
    warnings: sources.flatMap((source) => warningsOf(source, config, peakFactor)),
  };
}

/** Format of a gateway, whose rates are used for formats that are not measured and name no similar format. */
const RATES_OF_OTHERS = 'kong';

function ratesFor(format: string, { formats }: Rates): { readonly name: string; readonly rates: FormatRates } {
  const name = formats[format] ? format : (FORMATS.get(format)?.ratesLike ?? RATES_OF_OTHERS);
  const rates = formats[name];
  if (!rates) throw new Error(`format ${format}: expected rates of one of ${Object.keys(formats).join(', ')}`);
  return { name, rates };
}

function plannedSource(source: Source, volume: Volume, { config, rates: all, prices, peakFactor }: PlanInput) {
  const { name, format, lane, streamsPerTable: streams } = source;
  const { linesPerDay } = volume;
  const { name: ratesOf, rates: ofFormat } = ratesFor(format, all);
  const rates = ratesOfLane(ofFormat, lane);
  const load = {
    lane,
    linesPerDay,
    bytesPerLine: volume.bytesPerLine ?? rates.bytesPerLine,
    linesPerObject: Math.min(linesPerDay, volume.linesPerObject ?? likelyLinesPerObject(lane, linesPerDay)),
    // A table for each value, and one for all others.
    ...(source.fanOut && { tables: source.fanOut.allow.length + 1 }),
    rates,
  };
  const throughFirehose = files(load, streams, config);
  const { loading, written, fresh, ledger, batchesPerDay, iceberg } =
    source.delivery === 'direct'
      ? directNeeds(load, config, peakFactor, source.tableFormat === 'iceberg')
      : firehoseNeeds(load, throughFirehose, config, peakFactor);
  const perDay = objectsPerDay(load);
  // What an invocation loads and checks.
  const read = source.delivery === 'direct' ? landed(load) : load;
  const readPerDay = objectsPerDay(read);
  const { enabled, sampleRate } = config.duplicates;
  const pages = enabled ? duplicateUnits(read, sampleRate) : { writes: 0, reads: 0 };
  const plan: SourcePlan = {
    name,
    format,
    ratesOf,
    lane,
    delivery: source.delivery,
    retentionDays: source.retentionDays,
    linesPerDay,
    bytesPerLine: load.bytesPerLine,
    rawBytesPerDay: linesPerDay * load.bytesPerLine,
    linesPerObject: load.linesPerObject,
    objectsPerDay: perDay,
    lambda: loading,
    ...(batchesPerDay !== undefined && { batchesPerDay }),
    ...(iceberg && { iceberg }),
    firehose: {
      streams,
      billedBytesPerByte: packed(load).billedBytes / rawBytesPerObject(load),
      ...streamNeeds(load, streams, peakFactor),
    },
    files: { ...written, scanDayUsd: ((written.perDay * written.bytes) / TB) * prices.athenaPerTB.usd },
    freshness: fresh,
    dynamoDb: {
      ledgerWritesPerDay: readPerDay * ledger.writes,
      duplicateWritesPerDay: readPerDay * pages.writes,
      duplicateReadsPerDay: readPerDay * pages.reads,
      duplicateWritesPerSecondPeak: (peakFactor * readPerDay * pages.writes) / 86_400,
    },
    duplicates: {
      secondsPerObject: enabled
        ? secondsPerObject(read, read.rates.trackNsPerByte, readingMemoryMiB(read.lane, config))
        : 0,
      // Pages that a minute adds: the objects that arrive in it, times the pages of one object.
      countBytesPeak: enabled ? ((peakFactor * readPerDay) / 1440) * countedBytesPerObject(read, sampleRate) : 0,
    },
  };
  const billed: BilledSource = {
    ...load,
    inLandingBucket: source.lane === 'objects' && source.bucket === undefined,
    delivery: source.delivery,
    tableFormat: source.tableFormat,
    retentionDays: source.retentionDays,
    ...(source.archiveAfterDays !== undefined && { archiveAfterDays: source.archiveAfterDays }),
    filesPerDay: throughFirehose.perDay,
  };
  return { plan, billed };
}

function firehoseNeeds(load: SourceLoad, written: Files, config: Config, peakFactor: number) {
  const loading = concurrency(load, config, peakFactor);
  const fresh = freshness(load, loading, written, config);
  return { loading, written, fresh, ledger: ledgerUnits(load), batchesPerDay: undefined, iceberg: undefined };
}

function directNeeds(source: SourceLoad, config: Config, peakFactor: number, isIceberg: boolean) {
  const load = landed(source);
  const cut = batches(load, config);
  const loading = directConcurrency(cut, config, peakFactor);
  const iceberg = isIceberg ? icebergAmounts(load, cut, config) : undefined;
  // A commit that is due waits for the next minute; one of many tables for its turn.
  const turnSeconds = iceberg && iceberg.tables > 1 ? QUIET_MS / 1000 : 0;
  const commitSeconds = iceberg && config.commitIntervalSeconds + turnSeconds + 60;
  const fresh = directFreshness(cut, config, loading.queueSeconds, commitSeconds);
  return {
    ...{ loading, written: directFiles(load, cut), fresh },
    ...{ ledger: directLedgerUnits(cut), batchesPerDay: cut.perDay, iceberg },
  };
}

function monthly(
  sources: readonly BilledSource[],
  way: WayOrConfigured,
  { config, rates, prices }: PlanInput,
): MonthlyCost {
  const { loading, duplicates } = usages(sources, way, config, rates);
  const cost = { loading: costOf(loading, prices), duplicates: costOf(duplicates, prices) };
  const total = cost.loading.total + cost.duplicates.total;
  const rawTB =
    sources.reduce((sum, { linesPerDay, bytesPerLine }) => sum + linesPerDay * bytesPerLine, 0) *
    (DAYS_PER_MONTH / RAW_TB);
  return { ...cost, total, perRawTB: (total - cost.loading.s3Storage) / rawTB };
}

function usages(sources: readonly BilledSource[], way: WayOrConfigured, config: Config, rates: Rates) {
  const queues = sources.some(({ lane }) => lane === 'objects') ? 1 : 0;
  const checked = config.duplicates.enabled && way !== 'usual';
  return {
    loading: sumOf([
      ...sources.map((source) => loadingUsage(source, wayOf(source, way), config, rates)),
      ...(sources.some((source) => isDirect(wayOf(source, way))) ? [directBaseUsage()] : []),
      queueBaseUsage(queues),
      ...(way === 'usual' ? [] : [watchingUsage(config)]),
    ]),
    duplicates: checked
      ? sumOf([
          ...sources.map((source) => duplicatesUsage(source, wayOf(source, way), config)),
          duplicatesBaseUsage(config),
          queueBaseUsage(queues),
        ])
      : NO_USAGE,
  };
}

function requestsPerDay(sources: readonly BilledSource[], { config, rates }: PlanInput): Plan['requestsPerDay'] {
  const { loading, duplicates } = usages(sources, 'configured', config, rates);
  const perDay = (of: 'sqsRequests' | 'snsRequests' | 's3Gets' | 's3Puts') =>
    (loading[of] + duplicates[of]) / DAYS_PER_MONTH;
  return { sqs: perDay('sqsRequests'), sns: perDay('snsRequests'), s3Gets: perDay('s3Gets'), s3Puts: perDay('s3Puts') };
}
