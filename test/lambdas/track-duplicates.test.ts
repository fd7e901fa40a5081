import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ENV } from '../../lambdas/core/settings.ts';

/** Requests in the order in which they came: operation and body. */
const asked: { readonly operation: string; readonly body: string }[] = [];
let server: Server;
let handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | undefined>;

/** A table that nothing may be read from or written to; queues that take everything. */
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const operation = String(request.headers['x-amz-target']);
    asked.push({ operation, body });
    const denied = operation.startsWith('DynamoDB');
    response.writeHead(denied ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(denied ? '{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}' : '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source = { name: 'alb', format: 'alb', lane: 'objects', bucket: 'logs', prefix: '' };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    [ENV.queueUrl]: `${url}/queue`,
    [ENV.duplicatesTable]: 'duplicates',
    [ENV.duplicatesSampleRate]: '1',
    [ENV.duplicatesWindowHours]: '72',
    [ENV.trackedSources]: JSON.stringify([source]),
  });
  ({ handler } = (await import('../../lambdas/track-duplicates.ts')) as never);
});

afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => asked.splice(0));

function message(messageId: string, key: string, receives: number) {
  const s3 = { bucket: { name: 'logs' }, object: { key, size: 10, eTag: 'e', sequencer: '1' } };
  const created = { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 };
  const attributes = { SentTimestamp: String(Date.now()), ApproximateReceiveCount: String(receives) };
  return { messageId, receiptHandle: messageId, body: JSON.stringify({ Records: [created] }), attributes };
}

async function failures(...records: ReturnType<typeof message>[]): Promise<string[]> {
  const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'request' };
  const answer = await handler({ Records: records } as never, context as never);
  return (answer?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier);
}

describe('a batch of messages', () => {
  test('comes back whole when the table cannot be read, for the first time and again', async () => {
    const batch = (receives: number) => [message('one', 'one.log.gz', receives), message('two', 'two.log.gz', 1)];
    expect(await failures(...batch(1))).toEqual(['one', 'two']);
    expect(await failures(...batch(2))).toEqual(['one', 'two']);
  });

  test('that comes again is rid at once of what announces no object of a source', async () => {
    expect(await failures(message('folder', 'folder/', 2), message('object', 'one.log.gz', 2))).toEqual(['object']);
    expect(asked[0]).toEqual({
      operation: 'AmazonSQS.DeleteMessage',
      body: expect.stringContaining('"ReceiptHandle":"folder"'),
    });
  });
});
