/** The alarms of the whole stack, in the order of the data flow. */
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { LOADS, REJECTED_LINES } from '../../lambdas/core/tables/lake-tables.ts';
import type { Config } from '../config/config.ts';
import type { Source } from '../config/sources.ts';
import { type AlarmDefinition, both, filled, MAX_METRICS, ONCE_AN_HOUR, sumOf, type Watched, when } from './alarm.ts';
import { type Places, watchedSources } from './places.ts';
import { sourceAlarms, streamConditions, streamMetrics } from './source-alarms.ts';
import { ofFunction, ofLake, ofQueue } from './watched.ts';

/**
 * All alarms of a configuration: at most 13 for the stack, and two for each source (and a third one, if
 * `duplicates.alarmPercent` asks for it).
 */
export function alarmsOf(config: Config, places: Places): AlarmDefinition[] {
  return [
    ...objectAlarms(config, places),
    ...directAlarms(config, places),
    ...eventAlarms(config, places),
    throttled(places),
    lakeTables(config, places),
    ...newFields(config, places),
    ...checkAlarms(places),
    ...watchedSources(config).flatMap((source) => sourceAlarms(source, config, places)),
  ];
}

/** Rows are late if an object waits so long, in seconds. */
const LATE_SECONDS = 1800;

/** A crashed invocation's message returns after the queue's visibility timeout, which is so many times the function's. */
export const VISIBILITY_TIMEOUTS = 6;

function objectAlarms(config: Config, { service, objects }: Places): AlarmDefinition[] {
  if (!objects) return [];
  return [
    {
      kind: 'queue-late',
      metrics: { age: ofQueue(objects.queue, 'ApproximateAgeOfOldestMessage') },
      // One crash, after which the message returns, is no incident.
      above: Math.max(LATE_SECONDS, VISIBILITY_TIMEOUTS * config.timeoutSeconds),
      ...{ periodSeconds: 300, periods: 3, badPeriods: 3 },
      happened: 'Objects have waited in the queue for long: nothing takes them, or too little.',
      command: 'audit --since 1d',
    },
    {
      kind: 'dead-letters',
      metrics: { letters: ofQueue(objects.deadLetters, 'ApproximateNumberOfMessagesVisible') },
      above: 0,
      ...{ periodSeconds: 300, periods: 1, badPeriods: 1 },
      happened: 'Objects could not be loaded in five attempts: dead letters.',
      command: 'redrive --dry-run',
    },
    {
      kind: 'load-objects',
      ...failingFunction(objects.loader),
      happened: 'The function load-objects crashes, runs into its time limit, or is throttled.',
      command: 'audit --since 1d',
    },
    {
      kind: 'unfinished',
      metrics: { age: ofLake(service, 'UnfinishedSeconds', undefined, 'Maximum') },
      above: LONGEST_LOAD_SECONDS,
      ...ONCE_AN_HOUR,
      happened: 'An object has been loading for more than two hours, in many invocations.',
      command: 'audit --since 1d',
    },
    ...noRows(config, service, objects.queue),
  ];
}

/** At the measured rates, several hundred GB are loaded in this time. */
const LONGEST_LOAD_SECONDS = 7200;

/**
 * Half a day in each hour of which objects came, and no row. A shorter time could be a night of requests that filters
 * leave out. If there are more sources than one alarm can watch, it would be wrong of the others: there is none then.
 */
function noRows(config: Config, service: string, queue: string): AlarmDefinition[] {
  const sources = watchedSources(config).filter(({ lane }) => lane === 'objects');
  if (sources.length === 0 || sources.length >= MAX_METRICS) return [];
  const rows = sourceMetrics(sources, service, 'RowsAcknowledged');
  return [
    {
      kind: 'no-rows',
      metrics: { sent: ofQueue(queue, 'NumberOfMessagesSent', 'Sum'), ...rows },
      ...when(both(`${filled('sent')} > 0`, `${sumOf(Object.keys(rows))} == 0`)),
      ...{ periodSeconds: 3600, periods: 12, badPeriods: 12 },
      happened: 'Objects have come for twelve hours, and none of their lines became a row.',
      command: 'audit --since 1d',
    },
  ];
}

function sourceMetrics(sources: readonly Source[], service: string, metric: string): Record<string, Watched> {
  return Object.fromEntries(sources.map(({ name }, index) => [`s${index + 1}`, ofLake(service, metric, name)]));
}

/**
 * Failures that are more than one invocation's bad luck, which is retried: at least three in a quarter of an hour, and a
 * hundredth of the invocations. Lambda gives no `Errors` while all invocations are throttled.
 *
 * @param longest milliseconds of an invocation beyond which it is near its time limit; left out for a function that
 * stops by itself and goes on in another invocation
 */
function failingFunction(
  name: string,
  longest?: number,
): Pick<AlarmDefinition, 'metrics' | 'expression' | 'above' | 'periodSeconds' | 'periods' | 'badPeriods'> {
  const failures = sumOf(['errors', 'throttles']);
  const failing = both(`${failures} >= ${LEAST_FAILURES}`, `(100 * ${failures}) >= ${filled('invocations')}`);
  return {
    metrics: {
      errors: ofFunction(name, 'Errors'),
      throttles: ofFunction(name, 'Throttles'),
      invocations: ofFunction(name, 'Invocations'),
      ...(longest !== undefined && { duration: ofFunction(name, 'Duration', 'Maximum') }),
    },
    ...when(failing, ...(longest === undefined ? [] : [nearLimit('duration', longest)])),
    ...{ periodSeconds: 900, periods: 4, badPeriods: 1 },
  };
}

const LEAST_FAILURES = 3;

/** Share of its time limit beyond which an invocation may soon not come to its end. */
const NEAR_LIMIT = 0.9;

function nearLimit(id: string, milliseconds: number): string {
  return `${filled(id)} > ${milliseconds * NEAR_LIMIT}`;
}

function eventAlarms({ timeoutSeconds }: Config, { events }: Places): AlarmDefinition[] {
  if (!events) return [];
  return [
    {
      kind: 'load-log-events',
      ...failingFunction(events.loader, timeoutSeconds * 1000),
      happened: 'The function load-log-events fails, is throttled, or takes nearly all of its time limit.',
      command: 'redrive --dry-run',
    },
    {
      kind: 'events-given-up',
      metrics: {
        dropped: ofFunction(events.loader, 'AsyncEventsDropped'),
        lost: ofFunction(events.loader, 'DestinationDeliveryFailures'),
      },
      expression: sumOf(['dropped', 'lost']),
      above: 0,
      ...ONCE_AN_HOUR,
      happened:
        'Lambda has given up log events: they are in the lake bucket under aws/lambda/async/, or could not be kept.',
      command: 'redrive --dry-run',
    },
  ];
}

/** An object waits a quarter of an hour for others at most, and a batch is written in as much; twice of both is late. */
const LATE_BATCH_SECONDS = 3600;

/** Completing the files of a sealed batch takes seconds, and is tried again each minute after three. */
const LATE_SEAL_SECONDS = 900;

/** A commit that fails is tried again in each of the next minutes. */
const LATE_COMMIT_SECONDS = 1800;

/** Few files of a table of many that share a source wait so much longer, for the turn of their table (core/direct/due.ts). */
const QUIET_COMMIT_SECONDS = 3600;

/** Glue refuses metadata of more than 20 MB, and then every commit. https://docs.aws.amazon.com/glue/latest/dg/limitation-glue-iceberg-rest-api.html */
const LARGE_METADATA_BYTES = 15_000_000;

/** The direct lane plans batches of objects and writes them; an object whose turn has failed is a dead letter of loading. */
function directAlarms(config: Config, { service, direct }: Places): AlarmDefinition[] {
  if (!direct) return [];
  const longest = (metric: string) => ofLake(service, metric, undefined, 'Maximum');
  const commitSeconds = longestCommitWait(config);
  return [
    {
      kind: 'direct',
      metrics: {
        errors1: ofFunction(direct.plan, 'Errors'),
        errors2: ofFunction(direct.write, 'Errors'),
        letters: ofQueue(direct.deadLetters, 'ApproximateNumberOfMessagesVisible'),
        waiting: longest('WaitingSeconds'),
        unwritten: longest('UnwrittenSeconds'),
        sealed: longest('SealedSeconds'),
        missed: longest('UploadsNotCompleted'),
        ...(direct.promote !== undefined && { promote: ofFunction(direct.promote, 'Errors') }),
      },
      ...when(
        `${sumOf(['errors1', 'errors2'])} >= ${LEAST_FAILURES}`,
        `${filled('letters')} > 0`,
        `${filled('waiting')} > ${LATE_BATCH_SECONDS}`,
        // A batch with files of Iceberg tables is written when these are committed.
        `${filled('unwritten')} > ${LATE_BATCH_SECONDS + commitSeconds}`,
        `${filled('sealed')} > ${LATE_SEAL_SECONDS}`,
        `${filled('missed')} > 0`,
        // One run in an hour, which Lambda tries three times within some minutes.
        ...(direct.promote === undefined ? [] : [`${filled('promote')} >= ${LEAST_FAILURES}`]),
      ),
      ...{ periodSeconds: 900, periods: 4, badPeriods: 1 },
      happened:
        'The direct lane does not plan or write its batches, and rows of its sources are late; or keys do not become columns.',
      command: 'audit --since 1d',
    },
    {
      kind: 'commits',
      metrics: {
        errors: ofFunction(direct.commit, 'Errors'),
        uncommitted: longest('UncommittedSeconds'),
        metadata: longest('TableMetadataBytes'),
      },
      ...when(
        `${filled('errors')} >= ${LEAST_FAILURES}`,
        `${filled('uncommitted')} > ${commitSeconds + LATE_COMMIT_SECONDS}`,
        `${filled('metadata')} > ${LARGE_METADATA_BYTES}`,
      ),
      ...{ periodSeconds: 900, periods: 4, badPeriods: 1 },
      happened:
        'Written files are not committed to their Iceberg tables, or the metadata of a table becomes too large.',
      command: 'audit --since 1d',
    },
  ];
}

/** Seconds that written files of Iceberg tables, now or of before, wait for a commit on an ordinary day. */
function longestCommitWait({ sources, commitIntervalSeconds }: Config): number {
  const isQuiet = sources.some(({ fanOut }) => fanOut !== undefined);
  return commitIntervalSeconds + (isQuiet ? QUIET_COMMIT_SECONDS : 0);
}

/** Refusals that last: single records are refused every day, and accepted within a second. */
function throttled({ service }: Places): AlarmDefinition {
  return {
    kind: 'throttled',
    metrics: { wait: ofLake(service, 'ThrottledSeconds', undefined, 'Maximum') },
    above: 60,
    ...{ periodSeconds: 300, periods: 6, badPeriods: 6 },
    happened: 'For half an hour, loads have waited more than a minute for Firehose, which refuses records.',
    command: 'audit --since 1d',
  };
}

function lakeTables(config: Config, places: Places): AlarmDefinition {
  const streams = [LOADS, REJECTED_LINES].flatMap((table) => places.streams(table));
  return {
    kind: 'lake-tables',
    metrics: streamMetrics(streams),
    ...when(...streamConditions(streams, config)),
    ...ONCE_AN_HOUR,
    happened: 'Rows of loads or rejected_lines are late between Firehose and the table, or could not be converted.',
    command: 'redrive --dry-run',
  };
}

/** For formats whose fields their writer has defined; elsewhere, fields that no column takes are ordinary. */
function newFields(config: Config, { service }: Places): AlarmDefinition[] {
  const sources = watchedSources(config)
    .filter(({ format, options }) => FORMATS.get(format)?.compile(options).layout?.kind === 'delimited')
    .slice(0, MAX_METRICS);
  if (sources.length === 0) return [];
  const metrics = sourceMetrics(sources, service, 'UnknownFields');
  return [
    {
      kind: 'new-fields',
      metrics,
      expression: sumOf(Object.keys(metrics)),
      above: 0,
      ...ONCE_AN_HOUR,
      happened: 'Lines have more fields than their format knows; the values are in the column extra.',
    },
  ];
}

function checkAlarms({ service, check }: Places): AlarmDefinition[] {
  if (!check) return [];
  const { count, track, trackLogEvents, queue } = check;
  const functions = [count, track, trackLogEvents].filter((name) => name !== undefined);
  const errors = Object.fromEntries(functions.map((name, index) => [`errors${index + 1}`, ofFunction(name, 'Errors')]));
  const missed = {
    unchecked: ofLake(service, 'PayloadsNotChecked'),
    ...(trackLogEvents && { dropped: ofFunction(trackLogEvents, 'AsyncEventsDropped') }),
    ...(queue && { letters: ofQueue(queue.deadLetters, 'ApproximateNumberOfMessagesVisible') }),
  };
  return [
    {
      kind: 'check',
      metrics: {
        ...errors,
        duration: ofFunction(count, 'Duration', 'Maximum'),
        ...missed,
      },
      ...when(
        `${sumOf(Object.keys(errors))} >= ${LEAST_FAILURES}`,
        nearLimit('duration', COUNT_TIMEOUT_SECONDS * 1000),
        `${sumOf(Object.keys(missed))} > 0`,
      ),
      ...{ periodSeconds: 900, periods: 4, badPeriods: 1 },
      happened: 'The duplicate check fails, or has missed objects or log events; loading is not affected.',
      command: 'redrive --dry-run',
    },
  ];
}

/** Time limit of count-duplicates. */
export const COUNT_TIMEOUT_SECONDS = 300;
