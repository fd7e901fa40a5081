/** Reads CloudWatch subscription payloads, which the subscription filter of a log group sends to a function. */
import { gunzipSync } from 'node:zlib';
import type { PayloadId } from './input.ts';

/** The log events of a payload, and the log stream that they come from. */
export interface Payload extends PayloadId {
  readonly messages: readonly string[];
  /** When each event was logged, in milliseconds since the epoch; 0 if unknown. */
  readonly timestamps: readonly number[];
  /** Size of the payload in bytes, decompressed. */
  readonly bytes: number;
}

/**
 * Largest payload that is accepted, decompressed. An asynchronous invocation carries at most 1 MB of base64, which is
 * gzip inside. Gzip seldom makes logs more than 20 times smaller, but makes a decompression bomb 1,000 times smaller.
 */
export const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;

/** The event is not a subscription payload: Lambda retries it, then keeps it at the on-failure destination. */
export class BadPayloadError extends Error {
  override readonly name = 'BadPayloadError';
}

/**
 * Reads an event `{ awslogs: { data } }`, whose data is gzipped JSON in base64. Returns undefined for a
 * CONTROL_MESSAGE, with which CloudWatch only tests that it can invoke the function.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
 *
 * @throws BadPayloadError with the field, what was expected and what was found
 */
export function readPayload(event: unknown): Payload | undefined {
  const data = field(field(event, 'awslogs', 'the event'), 'data', 'awslogs');
  if (typeof data !== 'string') throw bad('awslogs.data', 'base64 text', data);
  const json = inflate(data);
  const payload = parse(json);
  const type = field(payload, 'messageType', 'the payload');
  if (type === 'CONTROL_MESSAGE') return undefined;
  if (type !== 'DATA_MESSAGE') throw bad('messageType', 'DATA_MESSAGE or CONTROL_MESSAGE', type);
  const events = field(payload, 'logEvents', 'the payload');
  if (!Array.isArray(events)) throw bad('logEvents', 'a list', events);
  const filters = field(payload, 'subscriptionFilters', 'the payload');
  return {
    owner: string(payload, 'owner'),
    logGroup: string(payload, 'logGroup'),
    logStream: string(payload, 'logStream'),
    filter: Array.isArray(filters) ? filters.join(',') : '',
    firstEventId: events.length > 0 ? string(events[0], 'id') : '',
    lastEventId: events.length > 0 ? string(events.at(-1), 'id') : '',
    events: events.length,
    messages: events.map((each) => string(each, 'message')),
    timestamps: events.map((each) => Number(field(each, 'timestamp', 'logEvents')) || 0),
    bytes: json.length,
  };
}

function inflate(data: string): Buffer {
  try {
    return gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: MAX_PAYLOAD_BYTES });
  } catch (cause) {
    const { message } = cause as Error;
    throw new BadPayloadError(`awslogs.data: expected gzip of at most ${MAX_PAYLOAD_BYTES} bytes, got ${message}`, {
      cause,
    });
  }
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch (cause) {
    throw new BadPayloadError(`awslogs.data: expected JSON, got ${(cause as Error).message}`, { cause });
  }
}

function field(of: unknown, name: string, owner: string): unknown {
  if (typeof of !== 'object' || of === null) throw bad(owner, 'an object', of);
  return (of as Readonly<Record<string, unknown>>)[name];
}

function string(of: unknown, name: string): string {
  const value = field(of, name, 'logEvents');
  if (typeof value !== 'string') throw bad(name, 'text', value);
  return value;
}

function bad(name: string, expected: string, got: unknown): BadPayloadError {
  return new BadPayloadError(`${name}: expected ${expected}, got ${String(JSON.stringify(got)).slice(0, 100)}`);
}
