/** Messages that announce S3 objects, in every envelope they come in. */
import type { ObjectId } from './input.ts';

/** An object that has been created, as its notification names it. */
export interface CreatedObject extends ObjectId {
  /** Compressed size in bytes, as announced. */
  readonly size: number;
}

/** A message nobody here can read: it is retried, then goes to the dead-letter queue. */
export class UnknownMessageError extends Error {
  override readonly name = 'UnknownMessageError';
}

/**
 * The objects a queue's message announces: an S3 event notification, an EventBridge event, either of
 * them inside an SNS envelope. `s3:TestEvent`, which S3 sends when notifications are configured, and
 * events other than creation announce none.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 *
 * @throws UnknownMessageError saying what was expected and how the message begins.
 */
export function createdObjects(body: string): CreatedObject[] {
  const message = parse(body);
  if (message.Type === 'Notification' && typeof message.Message === 'string') return createdObjects(message.Message);
  if (message.Event === 's3:TestEvent') return [];
  if (Array.isArray(message.Records)) return message.Records.flatMap((record) => fromS3(record, body));
  if (message.source === 'aws.s3') return fromEventBridge(message, body);
  throw unknown(body);
}

function fromS3(record: unknown, body: string): CreatedObject[] {
  const { eventName, s3 } = object(record);
  if (typeof eventName !== 'string') throw unknown(body);
  if (!eventName.startsWith('ObjectCreated:')) return [];
  const { bucket, object: created } = object(s3);
  // Keys are URL-encoded as in a form: a space is a plus.
  return [announced(object(bucket).name, created, body, (key) => decodeURIComponent(key.replaceAll('+', ' ')))];
}

function fromEventBridge(message: Readonly<Record<string, unknown>>, body: string): CreatedObject[] {
  if (message['detail-type'] !== 'Object Created') return [];
  const { bucket, object: created } = object(message.detail);
  return [announced(object(bucket).name, created, body, (key) => key)];
}

function announced(bucket: unknown, of: unknown, body: string, decode: (key: string) => string): CreatedObject {
  const { key, eTag, etag = eTag, size } = object(of);
  if (typeof bucket !== 'string' || typeof key !== 'string' || typeof etag !== 'string') throw unknown(body);
  try {
    return { bucket, key: decode(key), etag, size: typeof size === 'number' ? size : 0 };
  } catch {
    throw unknown(body);
  }
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    return object(JSON.parse(body));
  } catch {
    throw unknown(body);
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function unknown(body: string): UnknownMessageError {
  return new UnknownMessageError(
    `message: expected an S3 event notification, got ${JSON.stringify(body.slice(0, 200))}`,
  );
}

/** A message that `createdObjects` reads as this one object: for what goes on, is loaded again or was never announced. */
export function continuation({ bucket, key, etag }: ObjectId): string {
  const detail = { bucket: { name: bucket }, object: { key, etag } };
  return JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Created', detail });
}
