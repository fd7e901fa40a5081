/** Warnings about problems at the planned volume, each with ways to solve it. */
import type { Config } from '../../lib/config/config.ts';
import { bytesText, thousands } from '../output/render.ts';
import { ASSUMED } from './assumed.ts';
import { tightest, UNITS } from './quotas.ts';
import type { SourcePlan } from './source-plan.ts';

/** Largest allowed `streamsPerTable`. */
export const MAX_STREAMS = 50;

/** Opening a Parquet file smaller than this takes a query longer than reading it. */
export const SMALL_FILE_BYTES = 4 * 2 ** 20;

/** Firehose's largest buffering hints. */
const MAX_BUFFER_SECONDS = 900;
const MAX_BUFFER_MIB = 128;

/**
 * Write units per second that a new table accepts.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
 */
const NEW_TABLE_WRITES = 4000;

/** Lambda's longest timeout. */
const TRACK_SECONDS = 900;
const WRITE_SECONDS = 900;

/** Share of it that an average batch may take. */
const WRITE_SHARE = 0.5;

/** Share of a function's memory that counting a minute may use. */
const COUNT_SHARE = 0.7;

const GIB = 2 ** 30;

/** One line per warning, beginning with the source. */
export function warningsOf(source: SourcePlan, config: Config, peakFactor: number): string[] {
  return [
    ...(source.delivery === 'direct'
      ? [...smallFilesOfBatches(source, config), ...longBatches(source), ...manyTables(source)]
      : [...streamWarnings(source), ...loadsWarnings(source, peakFactor), ...fileWarnings(source, config)]),
    ...functionWarnings(source, config),
    ...duplicateWarnings(source, config),
    ...queryWarnings(source, config),
  ].map((warning) => `${source.name}: ${warning}`);
}

function streamWarnings({ firehose: { streams, peak, regions } }: SourcePlan): string[] {
  return regions.flatMap(({ streamsNeeded, ...quota }) => {
    if (streamsNeeded <= streams) return [];
    const { regions: names } = quota;
    const where = names.length > 0 ? names.join(', ') : 'other Regions';
    const what = tightest(peak, quota);
    const rate = (value: number) => `${number(value)} ${UNITS[what]}`;
    const cures = [
      ...(streamsNeeded <= MAX_STREAMS ? [`streamsPerTable=${streamsNeeded}`] : []),
      ...(streamsNeeded > MAX_STREAMS && streams < MAX_STREAMS
        ? [`streamsPerTable=${MAX_STREAMS} and a quota of ${rate(peak[what] / MAX_STREAMS)} for each`]
        : []),
      `a quota of ${rate(peak[what] / streams)} for each stream`,
    ];
    const has = `${streams === 1 ? '1 stream takes' : `${streams} streams take`} ${number(streams * quota[what])}`;
    return [`${where}: ${rate(peak[what])} at the peak, but ${has}: needs ${cures.join(', or ')}`];
  });
}

/** Each object sends its row of `loads` with a request of its own, and that table has only one stream. */
function loadsWarnings({ objectsPerDay, firehose }: SourcePlan, peakFactor: number): string[] {
  const perSecond = (peakFactor * objectsPerDay) / 86_400;
  const least = Math.min(...firehose.regions.map(({ requestsPerSecond }) => requestsPerSecond));
  if (perSecond <= least) return [];
  return [
    `${thousands(Math.round(perSecond))} objects a second at the peak need as many puts to the one stream of loads, ` +
      `which takes ${thousands(least)} in most Regions: write larger objects, or request a higher quota`,
  ];
}

function fileWarnings({ files, firehose, retentionDays }: SourcePlan, config: Config): string[] {
  const { bufferIntervalSeconds, bufferSizeMiB } = config;
  if (files.bytes >= SMALL_FILE_BYTES) return [];
  const { streams } = firehose;
  const enough = Math.min(...firehose.regions.map(({ streamsNeeded }) => streamsNeeded));
  const bySize = files.gatheredBytes >= 0.99 * bufferSizeMiB * 2 ** 20;
  const factor = SMALL_FILE_BYTES / files.bytes;
  const cures: string[] = [];
  let largest = files.bytes;
  if (bySize && bufferSizeMiB < MAX_BUFFER_MIB) {
    const size = Math.min(MAX_BUFFER_MIB, Math.ceil(bufferSizeMiB * factor));
    largest = (files.bytes * size) / bufferSizeMiB;
    cures.push(`bufferSizeMiB=${size} makes them ${bytesText(largest)}`);
  }
  if (!bySize && bufferIntervalSeconds < MAX_BUFFER_SECONDS) {
    const seconds = Math.min(MAX_BUFFER_SECONDS, Math.ceil((files.everySeconds * factor) / 60) * 60);
    if (seconds > files.everySeconds) {
      largest = (files.bytes * seconds) / files.everySeconds;
      cures.push(`bufferIntervalSeconds=${seconds} makes them ${bytesText(largest)}`);
    }
  }
  if (streams > enough) {
    largest *= streams / enough;
    cures.push(`streamsPerTable=${enough} makes them up to ${number(streams / enough)} times as large`);
  }
  if (largest < SMALL_FILE_BYTES) cures.push('merge past days with a query (INSERT INTO another table)');
  const many = `${thousands(Math.round(files.perDay * retentionDays))} in ${retentionDays} days`;
  return [
    `small files: ${bytesText(files.bytes)} each, ${thousands(Math.round(files.perDay))} per day, ${many}: ` +
      cures.join('; '),
  ];
}

/** A batch is cut when it is due, or when its files are large enough: it takes either to make larger ones. */
function smallFilesOfBatches({ files, retentionDays, iceberg }: SourcePlan, config: Config): string[] {
  const { bufferIntervalSeconds, bufferSizeMiB } = config;
  if (files.bytes >= SMALL_FILE_BYTES) return [];
  const factor = SMALL_FILE_BYTES / files.bytes;
  const cures: string[] = [];
  if (bufferIntervalSeconds < MAX_BUFFER_SECONDS && files.everySeconds < 2 * bufferIntervalSeconds) {
    const seconds = Math.min(MAX_BUFFER_SECONDS, Math.ceil((bufferIntervalSeconds * factor) / 60) * 60);
    cures.push(
      `bufferIntervalSeconds=${seconds} makes them ${bytesText((files.bytes * seconds) / bufferIntervalSeconds)}`,
    );
  }
  if (iceberg && iceberg.tables > 1) cures.push('divide by a column with fewer values (fanOut)');
  else if (cures.length === 0 || factor > MAX_BUFFER_SECONDS / bufferIntervalSeconds) {
    cures.push('merge past days with a query (INSERT INTO another table)');
  }
  const many = `${thousands(Math.round(files.perDay * retentionDays))} in ${retentionDays} days`;
  return [
    `small files: ${bytesText(files.bytes)} each, ${thousands(Math.round(files.perDay))} per day, ${many}, ` +
      `with bufferSizeMiB=${bufferSizeMiB}: ${cures.join('; ')}`,
  ];
}

/** A batch must be written within one invocation. */
function longBatches({ lambda: { secondsPerObject: seconds }, iceberg }: SourcePlan): string[] {
  if (seconds <= WRITE_SECONDS * WRITE_SHARE) return [];
  const cure =
    iceberg && iceberg.tables > 1 ? ', or divide by a column with fewer values (fanOut)' : ', or write smaller objects';
  return [
    `writing a batch takes about ${thousands(Math.round(seconds))} s of the ${WRITE_SECONDS} s that Lambda allows: ` +
      `set a smaller bufferSizeMiB${cure}`,
  ];
}

/** Versions of tables that an account may have. https://repost.aws/knowledge-center/glue-table-version-errors */
const MAX_TABLE_VERSIONS = 1_000_000;
/** Days until then that leave no time to notice it. */
const FEW_DAYS = 90;

/** Whether Glue's REST endpoint keeps a version of the table for each commit, as its own API does by default, is unproven. */
function manyTables({ iceberg }: SourcePlan): string[] {
  if (!iceberg || iceberg.tables === 1) return [];
  const days = MAX_TABLE_VERSIONS / iceberg.commitsPerDay;
  if (days > FEW_DAYS) return [];
  return [
    `${thousands(Math.round(iceberg.commitsPerDay))} commits a day: if Glue keeps a version of a table for each, the ` +
      `${thousands(MAX_TABLE_VERSIONS)} that an account may have are there after ${number(days)} days, and commits are refused: ` +
      'look at the versions of a table after the first day, and request a higher quota or delete old ones',
  ];
}

function functionWarnings({ lane, delivery, lambda }: SourcePlan, config: Config): string[] {
  const needed = Math.ceil(lambda.peak);
  const warnings: string[] = [];
  if (lane === 'objects' && needed > config.maxConcurrency) {
    warnings.push(
      `the queue ${delivery === 'direct' ? 'of batches ' : ''}grows at the peak, which needs ${thousands(needed)} concurrent invocations; ` +
        `maxConcurrency is ${config.maxConcurrency}` +
        (needed > MAX_CONCURRENCY ? `, and can be at most ${MAX_CONCURRENCY}: write larger objects` : ''),
    );
  }
  const limit = config.logEventsConcurrency ?? Number.POSITIVE_INFINITY;
  if (lane === 'events' && needed > limit) {
    warnings.push(`the peak needs ${thousands(needed)} concurrent invocations; logEventsConcurrency is ${limit}`);
  }
  // The duplicate check reads the same objects at the same time.
  const both = config.duplicates.enabled ? 2 * needed : needed;
  const { accountConcurrency, newAccountConcurrency } = ASSUMED;
  if (both > newAccountConcurrency) {
    const has =
      both > accountConcurrency
        ? `an account has ${thousands(accountConcurrency)} unless its quota was raised`
        : `a new account has ${newAccountConcurrency}, an older one ${thousands(accountConcurrency)}: request a higher quota ` +
          'if yours is too small';
    warnings.push(`Lambda needs about ${thousands(both)} concurrent invocations; ${has}`);
  }
  return warnings;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
const MAX_CONCURRENCY = 1000;

function duplicateWarnings(source: SourcePlan, config: Config): string[] {
  const { enabled, sampleRate } = config.duplicates;
  if (!enabled) return [];
  const { dynamoDb } = source;
  const { secondsPerObject, countBytesPeak } = source.duplicates;
  const warnings: string[] = [];
  if (dynamoDb.duplicateWritesPerSecondPeak > NEW_TABLE_WRITES) {
    warnings.push(
      `the duplicate check writes ${thousands(Math.round(dynamoDb.duplicateWritesPerSecondPeak))} units a second at ` +
        `the peak, and more if objects arrive at once; a new table accepts ${thousands(NEW_TABLE_WRITES)} ` +
        'until it has scaled up: start with a lower duplicates.sampleRate, or warm the table up',
    );
  }
  const memory = config.memoryMiB * 2 ** 20 * COUNT_SHARE;
  if (countBytesPeak > memory) {
    const rate = Number(((sampleRate * memory) / countBytesPeak).toPrecision(1));
    warnings.push(
      `counting a minute at the peak takes ${bytesText(countBytesPeak)} of memory, ` +
        `more than memoryMiB=${config.memoryMiB} allows: set duplicates.sampleRate=${rate}`,
    );
  }
  if (secondsPerObject > TRACK_SECONDS) {
    warnings.push(
      `the duplicate check takes ${thousands(Math.round(secondsPerObject))} s for an object, ` +
        `but Lambda's longest timeout is ${TRACK_SECONDS} s`,
    );
  }
  return warnings;
}

function queryWarnings({ files }: SourcePlan, { scanLimitGiB }: Config): string[] {
  const day = files.perDay * files.bytes;
  if (day <= scanLimitGiB * GIB) return [];
  return [
    `a day is ${bytesText(day)} of Parquet: a query that reads all its columns exceeds scanLimitGiB=${scanLimitGiB}`,
  ];
}

/** Three significant digits below 100, a whole number above. */
function number(value: number): string {
  return value >= 100 ? thousands(Math.round(value)) : String(Number(value.toPrecision(3)));
}
