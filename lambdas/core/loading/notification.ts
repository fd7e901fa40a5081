/** Reads the SQS messages that announce S3 objects, in each of the envelopes that AWS uses. */
import type { ObjectId } from './input.ts';
import type { Waited } from './unavailable.ts';

/** An object that was created, as its notification describes it. */
export interface CreatedObject extends ObjectId {
  /** Size in bytes, still compressed; 0 if the message does not state it. */
  readonly size: number;
  /** Hexadecimal number that orders the notifications of a key; undefined if the message does not state it. */
  readonly sequencer?: string;
  /**
   * Number of lines after which the invocation that sent this message got no further, although it had read them again;
   * undefined if it got further.
   */
  readonly stuckAt?: number;
  /**
   * When the message was sent whose invocation was the first that did not finish the object, in milliseconds since the
   * epoch; undefined if no invocation left it unfinished.
   */
  readonly unfinishedSince?: number;
  /** How often and how long the object was asked for in vain; undefined if it was not. */
  readonly waited?: Waited;
  /** When the object was created, ISO 8601 in UTC; undefined if the message does not state it. */
  readonly modified?: string;
  /** True if a backfill announces it, which may ask for objects that are older than the ledger's memory. */
  readonly backfill?: boolean;
}

/** The message has no known form: it is retried, then SQS moves it to the dead-letter queue. */
export class UnknownMessageError extends Error {
  override readonly name = 'UnknownMessageError';
}

/**
 * The objects that an SQS message announces. The message is an S3 event notification or an EventBridge event, either of
 * them possibly inside an SNS envelope. Two kinds of messages announce no objects: `s3:TestEvent`, which S3 sends when
 * notifications are configured, and events other than the creation of an object.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 *
 * @throws UnknownMessageError with what was expected and the beginning of the message
 */
export function createdObjects(body: string): CreatedObject[] {
  const message = parse(body);
  if (message.Type === 'Notification' && typeof message.Message === 'string') return createdObjects(message.Message);
  if (message.Event === 's3:TestEvent') return [];
  if (Array.isArray(message.Records)) return message.Records.flatMap((record) => fromS3(record, body));
  if (message.source === 'aws.s3') return fromEventBridge(message, body);
  throw unknownMessage(body);
}

function fromS3(record: unknown, body: string): CreatedObject[] {
  const { eventName, eventTime, s3 } = object(record);
  if (typeof eventName !== 'string') throw unknownMessage(body);
  if (!eventName.startsWith('ObjectCreated:')) return [];
  const { bucket, object: created } = object(s3);
  // S3 URL-encodes keys as HTML forms do, with a plus for a space. EventBridge does not encode them.
  const decode = (key: string) => decodeURIComponent(key.replaceAll('+', ' '));
  return [createdObject(object(bucket).name, created, { body, time: eventTime, decode })];
}

function fromEventBridge(message: Readonly<Record<string, unknown>>, body: string): CreatedObject[] {
  if (message['detail-type'] !== 'Object Created') return [];
  const { bucket, object: created } = object(message.detail);
  return [createdObject(object(bucket).name, created, { body, time: message.time, decode: (key) => key })];
}

/** The message that announces an object, the time that it states, and how keys are encoded in it. */
interface Announcement {
  readonly body: string;
  readonly time: unknown;
  readonly decode: (key: string) => string;
}

function createdObject(bucket: unknown, of: unknown, { body, time, decode }: Announcement): CreatedObject {
  const { key, eTag, etag = eTag, size, sequencer, stuckAt, unfinishedSince, waited } = object(of);
  const { modified = time, backfill } = object(of);
  if (typeof bucket !== 'string' || typeof key !== 'string' || typeof etag !== 'string') throw unknownMessage(body);
  try {
    return {
      ...{ bucket, key: decode(key), etag, size: typeof size === 'number' ? size : 0 },
      ...(typeof sequencer === 'string' && sequencer !== '' && { sequencer }),
      ...(typeof stuckAt === 'number' && { stuckAt }),
      ...(typeof unfinishedSince === 'number' && { unfinishedSince }),
      ...waitedOf(waited),
      ...(isTime(modified) && { modified: new Date(modified).toISOString() }),
      ...(backfill === true && { backfill }),
    };
  } catch {
    throw unknownMessage(body);
  }
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

/** Only messages of `continuation` have waits. */
function waitedOf(value: unknown): Pick<CreatedObject, 'waited'> {
  const { tries, seconds } = object(value);
  return typeof tries === 'number' && typeof seconds === 'number' ? { waited: { tries, seconds } } : {};
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    return object(JSON.parse(body));
  } catch {
    throw unknownMessage(body);
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function unknownMessage(body: string): UnknownMessageError {
  return new UnknownMessageError(
    `message: expected an S3 event notification, got ${JSON.stringify(body.slice(0, 200))}`,
  );
}

/**
 * A message that `createdObjects` reads as this one object. It is sent if an object is unfinished or unavailable, is to
 * be loaded again or was never announced.
 */
export function continuation({ bucket, key, ...object }: Omit<CreatedObject, 'size'>): string {
  const { etag, sequencer, stuckAt, unfinishedSince, waited, modified, backfill } = object;
  const detail = {
    bucket: { name: bucket },
    object: { key, etag, sequencer, stuckAt, unfinishedSince, waited, modified, backfill },
  };
  return JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Created', detail });
}
