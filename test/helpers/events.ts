/** Events of test/events, as the functions get them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Context, SQSEvent, SQSRecord } from 'aws-lambda';

const FOLDER = join(import.meta.dirname, '..', 'events');

/** A file's JSON text. */
export function eventText(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8');
}

/** The object that every notification of test/events announces. */
export const ANNOUNCED = {
  bucket: 'example-logs',
  key: 'web/café 1+1.json.gz',
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  size: 1024,
  sequencer: '0055AED6DCD90281E5',
};

/** What of a message a test tells. */
export interface Message {
  readonly body: string;
  readonly messageId?: string;
  readonly receives?: number;
}

/** An event of one or more messages; a receipt is `receipt of` the message's id. */
export function sqsEvent(...messages: readonly Message[]): SQSEvent {
  const { Records: [record] = [] } = JSON.parse(eventText('sqs-event.json')) as { Records: SQSRecord[] };
  if (!record) throw new Error('sqs-event.json: expected a record');
  return {
    Records: messages.map(({ body, messageId = 'message-1', receives = 1 }) => ({
      ...record,
      body,
      messageId,
      receiptHandle: `receipt of ${messageId}`,
      attributes: { ...record.attributes, ApproximateReceiveCount: String(receives) },
    })),
  };
}

/** A subscription payload as CloudWatch invokes a function with it: gzip, as base64. */
export function subscriptionEvent(payload: unknown): { readonly awslogs: { readonly data: string } } {
  return { awslogs: { data: gzipSync(JSON.stringify(payload)).toString('base64') } };
}

/** The payload of subscription-payload.json, for a test to change. */
export function subscriptionPayload(): Readonly<Record<string, unknown>> & {
  readonly logEvents: readonly { readonly id: string; readonly timestamp: number; readonly message: string }[];
} {
  return JSON.parse(eventText('subscription-payload.json'));
}

/** The context of an invocation that has so many milliseconds left, always. */
export function contextOf(remaining = 60_000, awsRequestId = 'request-1'): Context {
  return { awsRequestId, getRemainingTimeInMillis: () => remaining } as Context;
}
