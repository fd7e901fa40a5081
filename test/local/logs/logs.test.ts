import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type LocalLogs, type LogEvent, logsOf } from '../../../local/logs/logs.ts';

const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:load-log-events';

function opened(FilterPattern = '', DestinationArn = FUNCTION) {
  const invoked: string[] = [];
  const properties = { LogGroupName: '/app', DestinationArn, FilterPattern };
  const logs: LocalLogs = logsOf({
    resources: [{ logicalId: 'F', type: 'AWS::Logs::SubscriptionFilter', localName: 'filter', properties }],
    invoke: async (arn, payload) => void invoked.push(`${arn} ${payload}`),
    putRecord: () => Promise.reject(new Error('there is no delivery stream')),
  });
  const payloads = () =>
    invoked.map((one) => {
      const { data } = JSON.parse(one.slice(FUNCTION.length)).awslogs;
      return JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString());
    });
  return { logs, invoked, payloads };
}

const event = (message: string, timestamp = 1_772_600_000_000): LogEvent => ({ timestamp, message });

describe('putting log events', () => {
  test('hands them on in a payload of CloudWatch’s form', async () => {
    const { logs, payloads } = opened();
    await logs.put('/app', 'stream-1', [event('one'), event('two \ud800')]);
    expect(payloads()).toEqual([
      {
        messageType: 'DATA_MESSAGE',
        owner: '123456789012',
        logGroup: '/app',
        logStream: 'stream-1',
        subscriptionFilters: ['filter'],
        logEvents: [
          { id: expect.stringMatching(/^\d{56}$/), timestamp: 1_772_600_000_000, message: 'one' },
          { id: expect.stringMatching(/^\d{56}$/), timestamp: 1_772_600_000_000, message: 'two \ud800' },
        ],
      },
    ]);
  });

  test('gives the same events the same ids, and different ones to equal messages', async () => {
    const [once, again] = [opened(), opened()];
    for (const { logs } of [once, again]) await logs.put('/app', 's', [event('x'), event('x')]);
    expect(once.invoked.length).toBe(1);
    expect(once.payloads()).toEqual(again.payloads());
    expect(new Set(once.payloads()[0].logEvents.map(({ id }: { id: string }) => id)).size).toBe(2);
  });

  test('splits by number of events', async () => {
    const { logs, payloads } = opened();
    const events = Array.from({ length: 10_001 }, (_, index) => event(String(index)));
    await logs.put('/app', 's', events);
    expect(payloads().map(({ logEvents }) => logEvents.length)).toEqual([10_000, 1]);
  });

  test('splits by size, so that Lambda takes every payload', async () => {
    const { logs, invoked, payloads } = opened();
    const messages = Array.from({ length: 40 }, () => randomBytes(60_000).toString('hex'));
    await logs.put(
      '/app',
      's',
      messages.map((message) => event(message)),
    );
    expect(invoked.length).toBeGreaterThan(2);
    for (const one of invoked) expect(one.length - FUNCTION.length - 1).toBeLessThanOrEqual(1_048_576);
    const handedOn = payloads().flatMap(({ logEvents }) => logEvents.map(({ message }: LogEvent) => message));
    expect(handedOn).toEqual(messages);
  });

  test('names the groups that have a filter when the one given has none', async () => {
    await expect(opened().logs.put('/other', 's', [event('x')])).rejects.toThrow(
      'log group /other has no subscription filter; groups that have one: /app',
    );
  });

  test('refuses an event greater than CloudWatch takes', async () => {
    await expect(opened().logs.put('/app', 's', [event('x'.repeat(1_048_577))])).rejects.toThrow('got 1048577');
  });
});

describe('filter patterns', () => {
  test.each([
    ['', ['GET 200', 'GET 500', 'POST 500']],
    ['GET', ['GET 200', 'GET 500']],
    ['GET 500', ['GET 500']],
    ['"GET 5"', ['GET 500']],
    ['GET -500', ['GET 200']],
    ['?POST ?200', ['GET 200', 'POST 500']],
  ])('%j takes %j', async (pattern, expected) => {
    const { logs, payloads } = opened(pattern);
    await logs.put('/app', 's', [event('GET 200'), event('GET 500'), event('POST 500')]);
    expect(payloads().flatMap(({ logEvents }) => logEvents.map(({ message }: LogEvent) => message))).toEqual(expected);
  });

  test.each(['{ $.level = "ERROR" }', '[ip, user]', '%4\\d\\d%'])('%s is refused by name', (pattern) => {
    expect(() => opened(pattern)).toThrow(
      `subscription filter filter: filter pattern ${pattern} has no local behaviour`,
    );
  });
});

describe('a filter into a delivery stream', () => {
  const STREAM = 'arn:aws:firehose:us-east-1:123456789012:deliverystream/app';
  const stream = { logicalId: 'S', type: 'AWS::KinesisFirehose::DeliveryStream', localName: 'app', properties: {} };

  function openedStream(more: object = { RoleArn: 'arn:aws:iam::123456789012:role/logs' }) {
    const records: Buffer[] = [];
    const properties = { LogGroupName: '/app', DestinationArn: STREAM, FilterPattern: '-DEBUG', ...more };
    const filter = { logicalId: 'F', type: 'AWS::Logs::SubscriptionFilter', localName: 'filter', properties };
    const logs = logsOf({
      resources: [filter, stream],
      invoke: () => Promise.reject(new Error('there is no function')),
      putRecord: async (name, record) => void records.push(...(name === 'app' ? [record] : [])),
    });
    return { logs, records };
  }

  test('puts each payload as one record, with the bytes that a function gets in base64', async () => {
    const { logs, records } = openedStream();
    expect(logs.targets).toEqual([]);
    await logs.put('/app', 's', [event('one'), event('DEBUG'), event('two')]);
    const { logs: toFunction, invoked } = opened('-DEBUG');
    await toFunction.put('/app', 's', [event('one'), event('DEBUG'), event('two')]);
    const { data } = JSON.parse(invoked[0]?.slice(FUNCTION.length) ?? '').awslogs;
    expect(records.map((record) => record.toString('base64'))).toEqual([data]);
  });

  test('splits by size, so that Firehose takes every record', async () => {
    const { logs, records } = openedStream();
    const messages = Array.from({ length: 40 }, () => randomBytes(60_000).toString('hex'));
    await logs.put(
      '/app',
      's',
      messages.map((message) => event(message)),
    );
    expect(records.length).toBeGreaterThan(2);
    for (const record of records) expect(record.length).toBeLessThanOrEqual(1000 * 1024);
    const payloads = records.map((record) => JSON.parse(gunzipSync(record).toString()));
    expect(payloads.flatMap(({ logEvents }) => logEvents.map(({ message }: LogEvent) => message))).toEqual(messages);
  });

  test('is refused without a role', () => {
    expect(() => openedStream({})).toThrow('subscription filter filter: expected a RoleArn');
  });
});

test.each([
  'arn:aws:firehose:us-east-1:123456789012:deliverystream/elsewhere',
  'arn:aws:kinesis:us-east-1:123456789012:stream/app',
])('a filter into %s, which is no function and no stream of the stack, is refused', (destination) => {
  expect(() => opened('', destination)).toThrow(`destination ${destination} is no function and no delivery stream`);
});
