import type { FilteredLogEvent } from '@aws-sdk/client-cloudwatch-logs';
import type { Source } from '../../lambdas/core/loading/load.ts';
import type { Payload } from '../../lambdas/core/loading/payload.ts';
import { sourceOfLogGroup } from '../../lambdas/core/loading/sources.ts';
import { CommandError } from '../output/command-error.ts';
import type { LakeHandle } from './lake-handle.ts';
import type { LogRange, LogReader } from './log-reader.ts';
import type { OperationOptions } from './operation-options.ts';
import { loadHere } from './payloads.ts';
import { State } from './state.ts';

/** What came of it. events = loaded + alreadyLoaded. */
export interface EventCounts {
  readonly events: number;
  readonly payloads: number;
  /** Events loaded; in a dry run, what would have been. */
  readonly loaded: number;
  /** Events of payloads that an earlier run has loaded. */
  readonly alreadyLoaded: number;
}

interface Progress extends EventCounts {
  /** All before is done; milliseconds since the epoch. */
  readonly since: number;
}

/** Named where a subscription filter has its name: payloads made here are none of a subscription's. */
const FILTER = 'backfill';

/** Payloads hold the events of one log stream and one minute, and not more than these. */
const MINUTE_MS = 60_000;
const MAX_PAYLOAD_EVENTS = 5000;

/**
 * Loads a log group's events of a stretch of time, from the minute of its beginning up to that of its end.
 * They are cut into payloads by stream and minute, so that every run over a minute makes the same payloads,
 * which the ledger knows. Events that came through the subscription as well are loaded under other origins:
 * give the time it was not there.
 *
 * @throws CommandError for a log group of no source, and on this machine, which keeps no events.
 */
export async function backfillLogGroup(
  lake: LakeHandle,
  asked: LogRange,
  options: OperationOptions,
): Promise<EventCounts> {
  const range = { ...asked, since: minuteOf(asked.since), until: minuteOf(asked.until) };
  const { logGroup } = range;
  const source = sourceOfLogGroup(lake.sources, logGroup);
  if (!source) {
    const groups = lake.sources.flatMap(({ settings }) => (settings.lane === 'events' ? settings.logGroups : []));
    throw new CommandError(`log group ${logGroup}: expected one of a source, ${groups.join(', ') || 'none'}`);
  }
  if (!lake.logs) {
    throw new CommandError('--log-group reads CloudWatch, which a lake on this machine has not; give --stack');
  }
  const pattern = (await lake.logs.pattern(logGroup)) ?? '';
  const state = new State<Progress>(lake.stateFolder, 'backfill-log-group', range);
  const resume = options.dryRun ? undefined : state.read();
  let counts: EventCounts = { events: 0, payloads: 0, loaded: 0, alreadyLoaded: 0, ...resume };
  const progress = options.progress('events');
  progress.add(counts.events);
  for await (const minute of minutes(lake.logs, { ...range, since: resume?.since ?? range.since }, pattern)) {
    for (const payload of payloadsOf(minute.events, logGroup, lake.accountId)) {
      await options.rateLimit(payload.events);
      const done = !options.dryRun && (await isKnown(lake, source, payload));
      counts = {
        events: counts.events + payload.events,
        payloads: counts.payloads + 1,
        loaded: counts.loaded + (done ? 0 : payload.events),
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

/** The beginning of a time's minute. */
function minuteOf(millis: number): number {
  return Math.floor(millis / MINUTE_MS) * MINUTE_MS;
}

/** Loads the payload; true where it had been loaded before. */
async function isKnown(lake: LakeHandle, source: Source, payload: Payload): Promise<boolean> {
  const { outcome } = await loadHere(lake, source, payload, 'lake-backfill');
  if (outcome === 'already_loaded') return true;
  if (outcome === 'loaded') return false;
  throw new CommandError(
    `log group ${payload.logGroup}, stream ${payload.logStream}: a payload is ${outcome}; run the same again to go on`,
  );
}

interface Minute {
  readonly events: readonly FilteredLogEvent[];
  readonly until: number;
  /** False where the minute has more than is held at a time. */
  readonly ended: boolean;
}

/** Events minute by minute, which they come in order of; a full minute in parts. */
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
        until = minuteOf(timestamp) + MINUTE_MS;
      }
      held.push(event);
      if (held.length < MAX_HELD_EVENTS) continue;
      yield { events: held, until, ended: false };
      held = [];
    }
  }
  if (held.length > 0) yield { events: held, until, ended: true };
}

/** Of all streams together: tens of megabytes. */
const MAX_HELD_EVENTS = 50_000;

function* payloadsOf(events: readonly FilteredLogEvent[], logGroup: string, owner: string): Generator<Payload> {
  for (const [logStream, of] of Map.groupBy(events, ({ logStreamName = '' }) => logStreamName)) {
    for (let at = 0; at < of.length; at += MAX_PAYLOAD_EVENTS) {
      const part = of.slice(at, at + MAX_PAYLOAD_EVENTS);
      const messages = part.map(({ message = '' }) => message);
      yield {
        owner,
        logGroup,
        logStream,
        filter: FILTER,
        firstEventId: part[0]?.eventId ?? '',
        lastEventId: part.at(-1)?.eventId ?? '',
        events: part.length,
        messages,
        timestamps: part.map(({ timestamp = 0 }) => timestamp),
        bytes: messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0),
      };
    }
  }
}
