import { createHash } from 'node:crypto';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createdObjects } from '../../../lambdas/core/loading/notification.ts';
import { continueLater, deleteNow, lookAgainLater, returnLater } from '../../../lambdas/edges/queue.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type FakeService, failure, json, openFakeService } from '../../helpers/fake-service.ts';
import { capturePrinted } from '../../helpers/printed.ts';

const NOW = Date.parse('2026-01-05T10:00:00Z');
const OBJECT = { bucket: 'logs', key: 'web/a b+c.log.gz', etag: 'd41d8cd98f00b204e9800998ecf8427e' };

let sqs: FakeService;
let client: SQSClient;
let queueUrl: string;
const printed = capturePrinted();

beforeAll(async () => {
  sqs = await openFakeService();
  client = new SQSClient(clientOptions(sqs.url));
  queueUrl = `${sqs.url}/123456789012/objects`;
});
afterAll(() => sqs.close());

beforeEach(() => {
  sqs.requests.length = 0;
  // The client checks that the queue has got the body that it sent.
  sqs.reply = ({ body }) => {
    const { MessageBody = '' } = JSON.parse(body) as { MessageBody?: string };
    return json({ MessageId: '1', MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') });
  };
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Operation and input of each request. */
const asked = () =>
  sqs.requests.map(({ operation, body }) => [operation, JSON.parse(body) as Record<string, unknown>] as const);

function record(receives: string): SQSRecord {
  const attributes = { ApproximateReceiveCount: receives } as SQSRecord['attributes'];
  return { messageId: 'message-a', receiptHandle: 'receipt-a', attributes } as SQSRecord;
}

describe('continueLater', () => {
  test('announces the object at once in a message that is read as that object', async () => {
    await continueLater(client, queueUrl, { ...OBJECT, stuckAt: 3, waited: { tries: 1, seconds: 450 } }, undefined);
    const [[operation, { MessageBody, ...rest }] = ['', {}]] = asked();
    expect([operation, rest]).toEqual(['AmazonSQS.SendMessage', { QueueUrl: queueUrl }]);
    expect(createdObjects(String(MessageBody))).toEqual([{ ...OBJECT, size: 0 }]);
    await continueLater(client, queueUrl, OBJECT, 7);
    expect(createdObjects(String(asked()[1]?.[1].MessageBody))).toEqual([{ ...OBJECT, size: 0, stuckAt: 7 }]);
  });

  test('fails when the queue does not take the message: the object would be forgotten', async () => {
    sqs.reply = () => failure('AccessDeniedException');
    await expect(continueLater(client, queueUrl, OBJECT, undefined)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});

describe('lookAgainLater', () => {
  test.each([
    { lease: 60_000, seconds: 60 },
    { lease: 60_001, seconds: 61 },
    { lease: 899_999, seconds: 900 },
    { lease: 960_000, seconds: 900 },
  ])('announces the object after $seconds s when the lease is over in $lease ms', async ({ lease, seconds }) => {
    await lookAgainLater(client, queueUrl, OBJECT, NOW + lease);
    const [[operation, { MessageBody, ...rest }] = ['', {}]] = asked();
    expect([operation, rest]).toEqual(['AmazonSQS.SendMessage', { QueueUrl: queueUrl, DelaySeconds: seconds }]);
    expect(createdObjects(String(MessageBody))).toEqual([{ ...OBJECT, size: 0 }]);
  });
});

describe('returnLater', () => {
  test.each([
    ['1', 10],
    ['2', 20],
    ['3', 40],
    ['7', 640],
    ['8', 900],
    ['1000', 900],
    ['no number', 10],
  ])('has a message that was received %s times return after %i s', async (receives, seconds) => {
    await returnLater(client, queueUrl, record(receives));
    expect(asked()).toEqual([
      [
        'AmazonSQS.ChangeMessageVisibility',
        { QueueUrl: queueUrl, ReceiptHandle: 'receipt-a', VisibilityTimeout: seconds },
      ],
    ]);
  });

  test('adds to the wait what it is asked to, to the longest too', async () => {
    await returnLater(client, queueUrl, record('1'), 120);
    await returnLater(client, queueUrl, record('9'), 240);
    expect(asked().map(([, { VisibilityTimeout }]) => VisibilityTimeout)).toEqual([130, 1140]);
  });

  test('only warns when the queue refuses: the message returns by itself, later', async () => {
    sqs.reply = () => failure('AccessDeniedException');
    await returnLater(client, queueUrl, record('1'));
    expect(printed.logs).toMatchObject([
      { level: 'WARN', messageId: 'message-a', error: { name: 'AccessDeniedException' } },
    ]);
  });
});

describe('deleteNow', () => {
  test('deletes the message by its receipt', async () => {
    await deleteNow(client, queueUrl, record('1'));
    expect(asked()).toEqual([['AmazonSQS.DeleteMessage', { QueueUrl: queueUrl, ReceiptHandle: 'receipt-a' }]]);
  });

  test('only warns when the queue refuses: Lambda deletes the message at the end', async () => {
    sqs.reply = () => failure('AccessDeniedException');
    await deleteNow(client, queueUrl, record('1'));
    expect(printed.logs).toMatchObject([
      { level: 'WARN', messageId: 'message-a', error: { name: 'AccessDeniedException' } },
    ]);
  });
});
