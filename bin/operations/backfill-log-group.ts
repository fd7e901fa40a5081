import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs';
import type { Source } from '../../lambdas/core/loading/load.ts';
import type { Payload } from '../../lambdas/core/loading/payload.ts';
import { sourceOfLogGroup } from '../../lambdas/core/loading/sources.ts';
import { eventBlocks } from '../../lambdas/core/reading/events.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { isOld } from './arrival-note.ts';
import type { LakeHandle } from './lake-handle.ts';
import type { LogRange, LogReader } from './log-reader.ts';
import type { OperationOptions } from './operation-options.ts';
import { loadHere } from './payloads.ts';
import { State } from './state.ts';

/** Result of a backfill. events = loaded + alreadyLoaded. */
export interface EventCounts {
  readonly events: number;
  readonly payloads: number;
  /** Events loaded; in a dry run, events that would have been loaded. */
  readonly loaded: number;
  /** Of the loaded events, those logged before yesterday: their rows lie under the day on which they arrive. */
  readonly old: number;
  /** Events of payloads that an earlier run has loaded. */
  readonly alreadyLoaded: number;
}

interface Progress extends EventCounts {
  /** All events before this time are done; milliseconds since the epoch. */
  readonly since: number;
}

/** Stands for a filter's name in payloads: it marks them as not coming from a subscription filter. */
const FILTER = 'backfill';

const MINUTE_MS = 60_000;
/** A payload contains events of one log stream and one minute, at most this many. */
const MAX_PAYLOAD_EVENTS = 5000;

/**
 * Loads a log group's events of a period. Both ends of the period are rounded down to a whole minute. The events are
 * grouped into payloads by stream and minute, so that every run over a minute makes the same payloads and the ledger
 * recognizes them. Events that the subscription has also delivered are loaded again under other origins: give a
 * period in which the subscription did not exist.
 *
 * @throws UsageError if no source has the log group, or if the lake is local: it keeps no log events
 */
export async function backfillLogGroup(
  lake: LakeHandle,
  asked: LogRange,
  options: OperationOptions,
): Promise<EventCounts> {
  const range = { ...asked, since: startOfMinute(asked.since), until: startOfMinute(asked.until) };
  const { logGroup } = range;
  const now = new Date();
  const source = sourceOfGroup(lake, logGroup);
  if (!lake.logs) {
    throw new UsageError(
      '--log-group: expected --stack as well: a local lake keeps no log events that could be loaded again',
    );
  }
  const pattern = (await lake.logs.pattern(logGroup)) ?? '';
  const state = new State<Progress>(lake.stateFolder, 'backfill-log-group', range);
  const resume = options.dryRun ? undefined : state.read();
  let counts: EventCounts = { events: 0, payloads: 0, loaded: 0, old: 0, alreadyLoaded: 0, ...resume };
  const progress = options.progress('events');
  progress.add(counts.events);
  for await (const minute of minutes(lake.logs, { ...range, since: resume?.since ?? range.since }, pattern)) {
    for (const payload of payloadsOf(minute.events, logGroup, lake.accountId)) {
      await options.rateLimit(payload.events);
      const done = !options.dryRun && (await wasLoaded(lake, source, payload));
      counts = {
        events: counts.events + payload.events,
        payloads: counts.payloads + 1,
        loaded: counts.loaded + (done ? 0 : payload.events),
        old: counts.old + (!done && isOld(new Date(minute.until), now) ? payload.events : 0),
        alreadyLoaded: counts.alreadyLoaded + (done ? payload.events : 0),
      };
      progress.add(payload.events);
    }
    if (minute.ended && !options.dryRun) await state.write({ ...counts, since: minute.until });
  }
  progress.end();
  if (!options.dryRun) await state.end();
  return counts;
}

/** The source that loads a log group. @throws UsageError with the log groups of all sources if there is none */
export function sourceOfGroup(lake: LakeHandle, logGroup: string): Source {
  const source = sourceOfLogGroup(lake.sources, logGroup);
  if (source) return source;
  const groups = lake.sources.flatMap(({ settings }) => (settings.lane === 'events' ? settings.logGroups : []));
  throw new UsageError(
    `log group ${logGroup}: expected a log group of a source: ${groups.join(', ') || 'none is configured'}`,
  );
}

function startOfMinute(millis: number): number {
  return Math.floor(millis / MINUTE_MS) * MINUTE_MS;
}

/** Loads the payload. @returns whether it had been loaded before */
async function wasLoaded(lake: LakeHandle, source: Source, payload: Payload): Promise<boolean> {
  const { outcome } = await loadHere(lake, source, payload, 'lake-backfill');
  if (outcome === 'already_loaded') return true;
  if (outcome === 'loaded') return false;
  throw new CommandError(
    `log group ${payload.logGroup}, stream ${payload.logStream}: a payload is ${outcome}; ` +
      'run the command again to continue',
  );
}

interface Minute {
  readonly events: readonly FilteredLogEvent[];
  readonly until: number;
  /** Whether these are the minute's last events: a minute of more than `MAX_HELD_EVENTS` comes in several parts. */
  readonly ended: boolean;
}

/** Events grouped by minute. They arrive in order of time; a minute with very many events is split. */
async function* minutes(logs: LogReader, range: LogRange, pattern: string): AsyncGenerator<Minute> {
  if (range.since >= range.until) return;
  let held: FilteredLogEvent[] = [];
  let until = 0;
  for await (const page of logs.events(range, pattern)) {
    for (const event of page) {
      const { timestamp = 0 } = event;
      if (timestamp >= until) {
        if (held.length > 0) yield { events: held, until, ended: true };
        held = [];
        until = startOfMinute(timestamp) + MINUTE_MS;
      }
      held.push(event);
      if (held.length < MAX_HELD_EVENTS) continue;
      yield { events: held, until, ended: false };
      held = [];
    }
  }
  if (held.length > 0) yield { events: held, until, ended: true };
}

/** Events of all streams together that are held in memory: tens of megabytes. */
const MAX_HELD_EVENTS = 50_000;

function* payloadsOf(events: readonly FilteredLogEvent[], logGroup: string, owner: string): Generator<Payload> {
  for (const [logStream, of] of Map.groupBy(events, ({ logStreamName = '' }) => logStreamName)) {
    for (let at = 0; at < of.length; at += MAX_PAYLOAD_EVENTS) {
      const part = of.slice(at, at + MAX_PAYLOAD_EVENTS);
      yield {
        owner,
        logGroup,
        logStream,
        filter: FILTER,
        firstEventId: part[0]?.eventId ?? '',
        lastEventId: part.at(-1)?.eventId ?? '',
        events: part.length,
        blocks: eventBlocks(part.map(({ message = '', timestamp }) => ({ message, timestamp }))),
        bytes: part.reduce((sum, { message = '' }) => sum + Buffer.byteLength(message), 0),
      };
    }
  }
}
