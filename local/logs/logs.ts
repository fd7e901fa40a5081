import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { ACCOUNT, arnOf, nameOfArn } from '../account.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import { compiledFilterPattern } from './filter-pattern.ts';

/** A log event as an application writes it; `timestamp` is in milliseconds since the epoch. */
export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** What the log groups' subscriptions are made of. */
export interface LogsOptions {
  readonly resources: readonly Resource[];
  /** Stores an event (JSON) for a function, to be invoked later; the label says how many log events it has. */
  readonly invoke: (functionArn: string, payload: string, label: string) => Promise<void>;
}

/** The subscription filters of CloudWatch Logs: events are handed on and not kept. */
export interface LocalLogs {
  /** The functions that filters hand events to, by ARN. */
  readonly targets: readonly string[];
  /**
   * Hands events on in payloads of CloudWatch's form.
   *
   * @throws Error if the group has no filter, or an event exceeds CloudWatch's limit.
   */
  put(logGroup: string, logStream: string, events: readonly LogEvent[]): Promise<void>;
}

/** Largest payload: Lambda's limit for an asynchronous event, less the JSON around the data. */
const MAX_ENCODED_BYTES = 1_048_576 - 64;
const MAX_PAYLOAD_EVENTS = 10_000;
/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html */
const MAX_EVENT_BYTES = 1_048_576;

/**
 * Reads the stack's subscription filters.
 *
 * @throws TemplateError naming a destination or a filter pattern that is not emulated.
 */
export function logsOf({ resources, invoke }: LogsOptions): LocalLogs {
  const filters = resources
    .filter(({ type }) => type === 'AWS::Logs::SubscriptionFilter')
    .map((resource) => subscriptionOf(resource));
  return {
    targets: filters.map(({ functionArn }) => functionArn),
    put: async (logGroup, logStream, events) => {
      const subscribed = filters.filter((filter) => filter.logGroup === logGroup);
      if (subscribed.length === 0) {
        const groups = filters.map((filter) => filter.logGroup).join(', ') || 'none';
        throw new Error(`log group ${logGroup} has no subscription filter; groups that have one: ${groups}`);
      }
      const identified = events.map((event, index) => ({ id: eventId(logGroup, logStream, event, index), ...event }));
      for (const { name, matches, functionArn } of subscribed) {
        const payload = {
          messageType: 'DATA_MESSAGE',
          owner: ACCOUNT,
          logGroup,
          logStream,
          subscriptionFilters: [name],
        };
        const matching = identified.filter(({ message }) => matches(message));
        for (const { data, events: count } of encodedPayloads(payload, matching)) {
          await invoke(functionArn, JSON.stringify({ awslogs: { data } }), `${count}-events`);
        }
      }
    },
  };
}

const filterProperties = z.object({
  LogGroupName: z.string(),
  DestinationArn: z.string(),
  FilterPattern: z.string().default(''),
});

interface Subscription {
  readonly name: string;
  readonly logGroup: string;
  readonly functionArn: string;
  matches(message: string): boolean;
}

function subscriptionOf(resource: Resource): Subscription {
  const { LogGroupName, DestinationArn, FilterPattern } = propertiesOf(resource, filterProperties);
  if (DestinationArn !== arnOf('lambda', `function:${nameOfArn(DestinationArn)}`)) {
    throw new TemplateError(
      `subscription filter ${resource.localName}: destination ${DestinationArn} is no function; others have no local behaviour`,
    );
  }
  return {
    name: resource.localName,
    logGroup: LogGroupName,
    functionArn: DestinationArn,
    matches: compiledFilterPattern(FilterPattern, `subscription filter ${resource.localName}`),
  };
}

type IdentifiedEvent = LogEvent & { readonly id: string };

/** Payloads of one group and stream: gzip and base64, each within the limits, with the events in order. */
function* encodedPayloads(payload: object, events: readonly IdentifiedEvent[]): Generator<EncodedPayload> {
  for (let start = 0; start < events.length; start += MAX_PAYLOAD_EVENTS) {
    yield* encodedWithin(payload, events.slice(start, start + MAX_PAYLOAD_EVENTS));
  }
}

interface EncodedPayload {
  readonly data: string;
  /** How many events it has. */
  readonly events: number;
}

function* encodedWithin(payload: object, logEvents: readonly IdentifiedEvent[]): Generator<EncodedPayload> {
  const data = gzipSync(JSON.stringify({ ...payload, logEvents })).toString('base64');
  if (data.length <= MAX_ENCODED_BYTES) {
    yield { data, events: logEvents.length };
    return;
  }
  if (logEvents.length === 1) throw new Error(`a log event does not fit into ${MAX_ENCODED_BYTES} bytes, compressed`);
  const half = Math.ceil(logEvents.length / 2);
  yield* encodedWithin(payload, logEvents.slice(0, half));
  yield* encodedWithin(payload, logEvents.slice(half));
}

/**
 * An id of 56 digits, which the same event in the same place always has: a file that is put twice gives the same events
 * twice. Like CloudWatch's own ids, it sorts by time.
 */
function eventId(logGroup: string, logStream: string, { timestamp, message }: LogEvent, index: number): string {
  const bytes = Buffer.byteLength(message);
  if (bytes > MAX_EVENT_BYTES)
    throw new Error(`expected a log event of at most ${MAX_EVENT_BYTES} bytes, got ${bytes}`);
  const hash = createHash('sha256').update(JSON.stringify([logGroup, logStream, timestamp, index, message]));
  const digits = (BigInt(`0x${hash.digest('hex')}`) % 10n ** 42n).toString().padStart(42, '0');
  return String(timestamp).padStart(14, '0') + digits;
}
