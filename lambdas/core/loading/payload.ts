/** Reads CloudWatch subscription payloads, which the subscription filter of a log group sends to a function. */
import { gunzipSync } from 'node:zlib';
import { BadPayloadError, bad, field, type PayloadJson, payloadOf } from '../reading/payload-json.ts';

/** The log events of a payload, and the log stream that they come from. */
export type Payload = PayloadJson;

/**
 * Largest payload that is accepted, decompressed. An asynchronous invocation carries at most 1 MB of base64, which is
 * gzip inside. Gzip seldom makes logs more than 20 times smaller, but makes a decompression bomb 1,000 times smaller.
 */
export const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;

/**
 * Reads an event `{ awslogs: { data } }`, whose data is gzipped JSON in base64. Returns undefined for a
 * CONTROL_MESSAGE, with which CloudWatch only tests that it can invoke the function.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
 *
 * @throws BadPayloadError with the field, what was expected and what was found: Lambda then retries the event, and keeps
 * it at the on-failure destination
 */
export function readPayload(event: unknown): Payload | undefined {
  const data = field(field(event, 'awslogs', 'the event'), 'data', 'awslogs');
  if (typeof data !== 'string') throw bad('awslogs.data', 'base64 text', data);
  return payloadOf(inflate(data));
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
