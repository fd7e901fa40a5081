import { createHash } from 'node:crypto';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ENV } from '../../lambdas/core/settings.ts';
import { clientEnvironment } from '../helpers/client-options.ts';
import {
  ANNOUNCED,
  contextOf,
  eventText,
  type Message,
  sqsEvent,
  subscriptionEvent,
  subscriptionPayload,
} from '../helpers/events.ts';
import { type FakeService, failure, json, openFakeService } from '../helpers/fake-service.ts';
import { capturePrinted } from '../helpers/printed.ts';
import { openTable, TABLE } from './edges/duplicates-table.ts';

const SOURCES = [
  {
    name: 'web',
    format: 'json',
    options: { preset: 'server-logs' },
    lane: 'objects',
    bucket: 'example-logs',
    prefix: 'web/',
  },
  { name: 'app', format: 'json', options: { preset: 'server-logs' }, lane: 'events', logGroups: ['/example/app'] },
];

let service: FakeService;
let table: Awaited<ReturnType<typeof openTable>>;
let handler: (event: SQSEvent | object, context: Context) => Promise<SQSBatchResponse | undefined>;
const printed = capturePrinted();

beforeAll(async () => {
  service = await openFakeService();
  table = await openTable();
  const environment = {
    ...clientEnvironment(service.url, { DYNAMODB: table.url }),
    [ENV.queueUrl]: `${service.url}/123456789012/objects-to-check`,
    [ENV.duplicatesTable]: TABLE,
    [ENV.duplicatesSampleRate]: '1',
    [ENV.duplicatesWindowHours]: '72',
    [ENV.trackedSources]: JSON.stringify(SOURCES),
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  ({ handler } = await import('../../lambdas/track-duplicates.ts'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
  await table.close();
});
/** A table that nothing may be read from or written to; queues that take everything. */
beforeEach(() => {
  service.requests.length = 0;
  service.reply = () => json({});
  table.deny = true;
});

const message = (messageId: string, receives = 1, key = `web/${messageId}.json`) => ({
  body: eventText('eventbridge-object-created.json').replace(ANNOUNCED.key, key),
  ...{ messageId, receives },
});

async function failures(...messages: readonly Message[]): Promise<string[]> {
  const answer = await handler(sqsEvent(...messages), contextOf());
  return (answer?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier);
}

const asked = (operation: string) =>
  service.requests
    .filter((request) => request.operation === operation)
    .map(({ body }) => JSON.parse(body) as Record<string, unknown>);

describe('a batch of messages', () => {
  test.each([1, 2])('every message comes back when the table cannot be read, received %i times', async (receives) => {
    expect(await failures(message('one', receives), message('two'))).toEqual(['one', 'two']);
  });

  test('messages that fail together come back so far apart that they are mostly in batches of their own', async () => {
    await failures(message('one'), message('two'), message('three', 3));
    expect(asked('AmazonSQS.ChangeMessageVisibility')).toMatchObject([
      { ReceiptHandle: 'receipt of one', VisibilityTimeout: 10 },
      { ReceiptHandle: 'receipt of two', VisibilityTimeout: 10 + 120 },
      { ReceiptHandle: 'receipt of three', VisibilityTimeout: 40 + 240 },
    ]);
  });

  test('deletes a redelivered message that announces no object of a source', async () => {
    expect(await failures(message('other', 2, 'elsewhere/a.json'), message('object', 2))).toEqual(['object']);
    const [first] = service.requests;
    expect(first?.operation).toBe('AmazonSQS.DeleteMessage');
    expect(asked('AmazonSQS.DeleteMessage')).toMatchObject([{ ReceiptHandle: 'receipt of other' }]);
  });

  test('deletes no message of a batch that comes for the first time: Lambda does', async () => {
    expect(await failures(message('other', 1, 'elsewhere/a.json'), message('object'))).toEqual(['object']);
    expect(asked('AmazonSQS.DeleteMessage')).toEqual([]);
  });

  test('a message that nobody can read comes back alone', async () => {
    expect(await failures({ body: 'hello', messageId: 'unreadable' }, message('other', 1, 'elsewhere/a.json'))).toEqual(
      ['unreadable'],
    );
  });
});

describe('an object', () => {
  const line = (at: string, id: string) => `${JSON.stringify({ timestamp: at, request_id: id })}\n`;

  test('an object is checked once; its records outside the window are counted, and its further deliveries', async () => {
    table.deny = false;
    const [now, longAgo] = [new Date().toISOString(), '2020-01-05T10:00:00Z'];
    service.reply = ({ method }) =>
      method === 'GET' ? { body: line(now, 'r-1') + line(longAgo, 'r-2') + line(longAgo, 'r-3') } : json({});
    const { body } = message('checked');
    expect(await failures({ body, messageId: 'first' })).toEqual([]);
    expect(await failures({ body, messageId: 'another' })).toEqual([]);
    const label = 's3://example-logs/web/checked.json';
    expect(printed.metrics.map(({ dimensions, metrics, rest }) => [dimensions.source, metrics, rest.label])).toEqual([
      ['web', { RecordsOutsideWindow: [2, 'Count'] }, label],
      ['web', { InputsRedelivered: [1, 'Count'] }, label],
    ]);
  });

  test('an object that is gone is asked for three times over a quarter of an hour, and is then done', async () => {
    table.deny = false;
    service.reply = ({ method, body }) => {
      if (method === 'GET') return { status: 404 };
      const { MessageBody = '' } = JSON.parse(body) as { MessageBody?: string };
      return json({ MessageId: '1', MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') });
    };
    const delays: unknown[] = [];
    for (let next: Message | undefined = message('gone'); next; ) {
      service.requests.length = 0;
      expect(await failures(next)).toEqual([]);
      const [{ MessageBody, DelaySeconds } = {}] = asked('AmazonSQS.SendMessage');
      next = MessageBody === undefined ? undefined : { body: String(MessageBody), messageId: `after ${delays.length}` };
      if (next) delays.push(DelaySeconds);
    }
    expect(delays).toEqual([450, 450]);
    expect(printed.metrics).toEqual([]);
  });

  test('a message whose object is gone comes back if the queue takes no other', async () => {
    table.deny = false;
    service.reply = ({ method }) => (method === 'GET' ? { status: 404 } : failure('AccessDeniedException'));
    expect(await failures(message('gone'), message('also-gone'))).toEqual(['gone', 'also-gone']);
  });

  test('an object that another has taken the place of is done', async () => {
    table.deny = false;
    service.reply = ({ method }) => (method === 'GET' ? { status: 412 } : json({}));
    expect(await failures(message('replaced'))).toEqual([]);
    expect(printed.metrics).toEqual([]);
  });
});

describe('a payload', () => {
  test('a payload fails when the table cannot be read: Lambda invokes again', async () => {
    const event = subscriptionEvent(subscriptionPayload());
    await expect(handler(event, contextOf())).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  test('a payload of a group that no source has fails', async () => {
    const event = subscriptionEvent({ ...subscriptionPayload(), logGroup: '/example/other' });
    await expect(handler(event, contextOf())).rejects.toMatchObject({ name: 'SettingsError' });
  });

  test('a payload by which CloudWatch tests the function makes no request', async () => {
    const event = subscriptionEvent({ ...subscriptionPayload(), messageType: 'CONTROL_MESSAGE', logEvents: [] });
    expect(await handler(event, contextOf())).toBeUndefined();
    expect(service.requests).toEqual([]);
  });
});
