/** The alarms of each source: its lines, its way into the table and, if they are asked for, its duplicates. */
import type { Config } from '../config/config.ts';
import type { Source } from '../config/sources.ts';
import {
  type AlarmDefinition,
  both,
  either,
  filled,
  MAX_METRICS,
  ONCE_AN_HOUR,
  sumOf,
  type Watched,
  when,
} from './alarm.ts';
import type { Places } from './places.ts';
import { ofLake, ofStream, ofSubscription } from './watched.ts';

/**
 * From how many bad lines in a quarter of an hour on, and from which share of all its lines, lines are worth a look. An
 * access log in S3 has none; in a log group, containers write what comes before their own logger, and stack traces.
 */
const BAD_LINES = { objects: { least: 10, share: 0.01 }, events: { least: 100, share: 0.05 } } as const;

/** If no line of a quarter of an hour could be read, so many are enough. */
const LEAST_OF_ALL_BAD = 10;

/** Streams of a table that are watched: beside those, log groups have the rest of an alarm's metrics. */
const MOST_STREAMS = { objects: 5, events: 2 } as const;

export function sourceAlarms(source: Source, config: Config, places: Places): AlarmDefinition[] {
  const { alarmPercent, enabled } = config.duplicates;
  return [
    lines(source, places),
    delivery(source, config, places),
    ...(enabled && alarmPercent !== undefined ? [duplicates(source.name, alarmPercent, places)] : []),
  ];
}

/**
 * Lines that are rejected, rows without a value, and objects of which no line could be read. A load puts all of these
 * metrics at once, so that none has a gap of its own. Filtered lines count nowhere: a night of health checks is no
 * incident, and a file of another format is asked for its format before any filter.
 */
function lines({ name: source, lane }: Source, { service }: Places): AlarmDefinition {
  const { least, share } = BAD_LINES[lane];
  const bad = '(rejected + empty)';
  const all = '(rejected + rows)';
  const conditions = [
    both(`${bad} >= ${LEAST_OF_ALL_BAD}`, `${bad} == ${all}`),
    both(`${bad} >= ${least}`, `${bad} > (${share} * ${all})`),
    // An object of which no line can be read is of another kind, however small. A payload of one stray line is not.
    ...(lane === 'objects' ? ['unread > 0'] : []),
  ];
  return {
    kind: 'lines',
    source,
    metrics: {
      rows: ofLake(service, 'RowsAcknowledged', source),
      rejected: ofLake(service, 'LinesRejected', source),
      empty: ofLake(service, 'EmptyRows', source),
      ...(lane === 'objects' && { unread: ofLake(service, 'RejectedObjects', source) }),
    },
    expression: `IF(${either(...conditions)}, 100 * ${bad} / ${all}, 0)`,
    above: 0,
    ...{ periodSeconds: 900, periods: 4, badPeriods: 1 },
    happened: `Lines of ${source} cannot be read: too many are rejected or have no value, or an object is of another format.`,
    command: `replay-rejected --dry-run --where "source = '${source}'"`,
  };
}

/** From Firehose into the table and, for log groups, from CloudWatch to the function. */
function delivery(source: Source, config: Config, places: Places): AlarmDefinition {
  const { name, lane } = source;
  const streams = places.streams(name).slice(0, MOST_STREAMS[lane]);
  const fromFirehose = streamMetrics(streams);
  const refused = named('refused', subscriptionMetrics(source, places, MAX_METRICS - 2 * streams.length));
  return {
    kind: 'delivery',
    source: name,
    metrics: { ...fromFirehose, ...refused },
    ...when(...streamConditions(streams, config), ...anyOf(Object.keys(refused))),
    ...ONCE_AN_HOUR,
    happened:
      `Rows of ${name} are late between Firehose and the table, or could not be converted` +
      `${lane === 'events' ? ', or CloudWatch could not hand on events of its log groups' : ''}.`,
    command: 'redrive --dry-run',
  };
}

/** What CloudWatch could not hand on: refused, which skips events, before throttled, which only delays them. */
function subscriptionMetrics({ name }: Source, { events }: Places, most: number): Watched[] {
  const subscriptions = events?.subscriptions(name) ?? [];
  return (['DeliveryErrors', 'DeliveryThrottling'] as const)
    .flatMap((metric) => subscriptions.map((subscription) => ofSubscription(subscription, metric)))
    .slice(0, most);
}

/** The metrics by ids of numbers: `refused1`, `refused2`. */
function named(id: string, metrics: readonly Watched[]): Readonly<Record<string, Watched>> {
  return Object.fromEntries(metrics.map((metric, index) => [`${id}${index + 1}`, metric]));
}

function anyOf(ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${sumOf(ids)} > 0`];
}

export function streamMetrics(streams: readonly string[]): Readonly<Record<string, Watched>> {
  return {
    ...named(
      'age',
      streams.map((stream) => ofStream(stream, 'DeliveryToS3.DataFreshness', 'Maximum')),
    ),
    ...named(
      'failed',
      streams.map((stream) => ofStream(stream, 'FailedConversion.Records', 'Sum')),
    ),
  };
}

/**
 * Conditions over `streamMetrics`. A record waits for its buffer interval, and Firehose may take minutes to write the
 * file; the buffer of the next file fills meanwhile.
 */
export function streamConditions(
  streams: readonly string[],
  { bufferIntervalSeconds }: Pick<Config, 'bufferIntervalSeconds'>,
): string[] {
  const late = 900 + 2 * bufferIntervalSeconds;
  const ids = (id: string) => streams.map((_, index) => `${id}${index + 1}`);
  const ages = ids('age').map(filled);
  const oldest = ages.length === 1 ? ages.join() : `MAX([${ages.join(', ')}])`;
  return [`${oldest} > ${late}`, ...anyOf(ids('failed'))];
}

/**
 * Minutes are counted up to a quarter of an hour after their end, and even later for late records, so the alarm looks at
 * the last hour.
 */
function duplicates(source: string, percent: number, { service }: Places): AlarmDefinition {
  return {
    kind: 'duplicates',
    source,
    ...duplicateRate(service, source),
    above: percent,
    ...{ periodSeconds: 900, periods: 4, badPeriods: 1 },
    happened: `More than ${percent} % of the records of ${source} are duplicates.`,
    command: `duplicates --source ${source}`,
  };
}

/** Duplicates per hundred records: a share of the records checked, so it is also valid for a sample. */
export function duplicateRate(service: string, source: string) {
  return {
    metrics: {
      within: ofLake(service, 'DuplicatesWithinObject', source),
      across: ofLake(service, 'DuplicatesAcrossObjects', source),
      checked: ofLake(service, 'RecordsChecked', source),
    },
    expression: '100 * (within + across) / checked',
  };
}
