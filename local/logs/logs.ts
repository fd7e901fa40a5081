import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { ACCOUNT, arnOf, nameOfArn } from '../account.ts';
import type { Need } from '../iam/needs.ts';
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
  /** Gives a record to a delivery stream. */
  readonly putRecord: (stream: string, record: Buffer) => Promise<void>;
}

/** The subscription filters of CloudWatch Logs: events are handed on and not kept. */
export interface LocalLogs {
  /** The functions that filters hand events to, by ARN. */
  readonly targets: readonly string[];
  /** What CloudWatch Logs must be allowed. */
  readonly needs: readonly Need[];
  /**
   * Hands events on in payloads of CloudWatch's form.
   *
   * @throws Error if the group has no filter, or an event exceeds CloudWatch's limit.
   */
  put(logGroup: string, logStream: string, events: readonly LogEvent[]): Promise<void>;
}

/** Largest payload for a function, gzipped: in base64 and JSON it is an asynchronous event, which has a limit. */
const MAX_FUNCTION_BYTES = Math.floor((1_048_576 - 64) / 4) * 3;
/** Largest payload for a delivery stream, gzipped: Firehose's limit for a record. */
const MAX_RECORD_BYTES = 1000 * 1024;
const MAX_PAYLOAD_EVENTS = 10_000;
/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html */
const MAX_EVENT_BYTES = 1_048_576;

/**
 * Reads the stack's subscription filters.
 *
 * @throws TemplateError naming a destination or a filter pattern that is not emulated.
 */
export function logsOf({ resources, ...services }: LogsOptions): LocalLogs {
  const filters = resources
    .filter(({ type }) => type === 'AWS::Logs::SubscriptionFilter')
    .map((resource) => subscriptionOf(resource, resources, services));
  return {
    targets: filters.flatMap(({ destination }) => destination.functionArn ?? []),
    needs: filters.map(({ need }) => need),
    put: async (logGroup, logStream, events) => {
      const subscribed = filters.filter((filter) => filter.logGroup === logGroup);
      if (subscribed.length === 0) {
        const groups = filters.map((filter) => filter.logGroup).join(', ') || 'none';
        throw new Error(`log group ${logGroup} has no subscription filter; groups that have one: ${groups}`);
      }
      const identified = events.map((event, index) => ({ id: eventId(logGroup, logStream, event, index), ...event }));
      for (const { name, matches, destination } of subscribed) {
        const payload = {
          messageType: 'DATA_MESSAGE',
          owner: ACCOUNT,
          logGroup,
          logStream,
          subscriptionFilters: [name],
        };
        const matching = identified.filter(({ message }) => matches(message));
        for (const each of payloads(payload, matching, destination.maxBytes)) await destination.deliver(each);
      }
    },
  };
}

const filterProperties = z.object({
  LogGroupName: z.string(),
  DestinationArn: z.string(),
  RoleArn: z.string().optional(),
  FilterPattern: z.string().default(''),
});

interface Subscription {
  readonly need: Need;
  readonly name: string;
  readonly logGroup: string;
  readonly destination: Destination;
  matches(message: string): boolean;
}

/** A function, which gets a payload in base64 within JSON, or a delivery stream, whose record it is. */
interface Destination {
  readonly functionArn?: string;
  /** The largest payload, gzipped. */
  readonly maxBytes: number;
  deliver(payload: Payload): Promise<void>;
}

type Services = Omit<LogsOptions, 'resources'>;

function subscriptionOf(resource: Resource, resources: readonly Resource[], services: Services): Subscription {
  const { LogGroupName, DestinationArn, FilterPattern, RoleArn } = propertiesOf(resource, filterProperties);
  const where = `subscription filter ${resource.localName}`;
  const destination = destinationOf(DestinationArn, resources, services);
  if (!destination) {
    throw new TemplateError(
      `${where}: destination ${DestinationArn} is no function and no delivery stream of the stack; others have no local ` +
        'behaviour',
    );
  }
  if (destination.functionArn === undefined && RoleArn === undefined) {
    throw new TemplateError(`${where}: expected a RoleArn, which CloudWatch needs to write to a delivery stream`);
  }
  return {
    name: resource.localName,
    need: {
      what: where,
      service: 'logs.amazonaws.com',
      source: arnOf('logs', `log-group:${LogGroupName}:*`),
      ...(RoleArn !== undefined && { roleArn: RoleArn }),
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
      actions: destination.functionArn ? ['lambda:InvokeFunction'] : ['firehose:PutRecord', 'firehose:PutRecordBatch'],
      resource: DestinationArn,
    },
    logGroup: LogGroupName,
    destination,
    matches: compiledFilterPattern(FilterPattern, where),
  };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html */
function destinationOf(arn: string, resources: readonly Resource[], services: Services): Destination | undefined {
  const name = nameOfArn(arn);
  if (arn === arnOf('lambda', `function:${name}`)) {
    return {
      functionArn: arn,
      maxBytes: MAX_FUNCTION_BYTES,
      deliver: ({ gzip, events }) => {
        const event = JSON.stringify({ awslogs: { data: gzip.toString('base64') } });
        return services.invoke(arn, event, `${events}-events`);
      },
    };
  }
  const isStream = ({ type, localName }: Resource) =>
    type === 'AWS::KinesisFirehose::DeliveryStream' && arn === arnOf('firehose', `deliverystream/${localName}`);
  const stream = resources.find(isStream);
  if (!stream) return undefined;
  return { maxBytes: MAX_RECORD_BYTES, deliver: ({ gzip }) => services.putRecord(stream.localName, gzip) };
}

type IdentifiedEvent = LogEvent & { readonly id: string };

/** Payloads of one group and stream, gzipped, each within the limits, with the events in order. */
function* payloads(payload: object, events: readonly IdentifiedEvent[], maxBytes: number): Generator<Payload> {
  for (let start = 0; start < events.length; start += MAX_PAYLOAD_EVENTS) {
    yield* payloadsWithin(payload, events.slice(start, start + MAX_PAYLOAD_EVENTS), maxBytes);
  }
}

interface Payload {
  readonly gzip: Buffer;
  /** How many events it has. */
  readonly events: number;
}

function* payloadsWithin(payload: object, logEvents: readonly IdentifiedEvent[], maxBytes: number): Generator<Payload> {
  const gzip = gzipSync(JSON.stringify({ ...payload, logEvents }));
  if (gzip.length <= maxBytes) {
    yield { gzip, events: logEvents.length };
    return;
  }
  if (logEvents.length === 1) throw new Error(`a log event does not fit into ${maxBytes} bytes, compressed`);
  const half = Math.ceil(logEvents.length / 2);
  yield* payloadsWithin(payload, logEvents.slice(0, half), maxBytes);
  yield* payloadsWithin(payload, logEvents.slice(half), maxBytes);
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
