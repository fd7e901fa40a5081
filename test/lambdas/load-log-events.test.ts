import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { shownTime } from '../../lambdas/core/reading/times.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { sourceTable } from '../../lambdas/core/tables/table.ts';
import { passTime } from '../helpers/clock.ts';
import { compiled } from '../helpers/compiled.ts';
import { contextOf, subscriptionEvent, subscriptionPayload } from '../helpers/events.ts';
import { failure } from '../helpers/fake-service.ts';
import { capturePrinted } from '../helpers/printed.ts';
import { rowsByName } from '../helpers/rows.ts';
import { accepted, COLUMNS, type LoadingServices, openLoadingServices } from './loading-services.ts';

const PAYLOAD = subscriptionPayload();
const APP = {
  ...{ name: 'app', format: 'json', options: { columns: COLUMNS }, lane: 'events', keepRaw: 'on-error' },
  ...{ streams: ['app-1'], logGroups: [PAYLOAD.logGroup] },
};

let services: LoadingServices;
let handler: (event: unknown, context: Context) => Promise<void>;
const printed = capturePrinted();

beforeAll(async () => {
  services = await openLoadingServices([APP], 'duplicates-track');
  ({ handler } = await import('../../lambdas/load-log-events.ts'));
});
afterAll(() => services.close());
beforeEach(() => services.reset());
afterEach(() => {
  vi.useRealTimers();
});

let streams = 0;

/** A payload that none was like before. */
const newEvent = (over: Readonly<Record<string, unknown>> = {}) =>
  subscriptionEvent({ ...PAYLOAD, logStream: `stream-${streams++}`, ...over });

const table = sourceTable('app', '', compiled('json', APP.options).columns, 'events');
const rows = () => rowsByName(services.records('app-1'), table);
const loads = () => rowsByName(services.records('loads'), loadsTable);
const rejected = () => rowsByName(services.records('rejected'), rejectedTable);
const handedOn = () => services.asked('/functions/duplicates-track/invocations');

/** Source, metrics and reason of each line put. */
const put = () => printed.metrics.map(({ dimensions, metrics, rest }) => [dimensions.source, metrics, rest.reason]);

describe('a payload of a log group', () => {
  test('a payload is loaded, its metrics are put, and the event is handed on to the duplicate check as it came', async () => {
    const event = newEvent({ logStream: 'web/192.0.2.10' });
    await handler(event, contextOf());
    expect(
      rows().map((row) => [row.position, row.request_id, row.log_group, row.log_stream, shownTime(row.logged_at)]),
    ).toEqual([
      [1, 'r-1', '/example/app', 'web/192.0.2.10', '2026-01-05 10:05:00'],
      [2, 'r-2', '/example/app', 'web/192.0.2.10', '2026-01-05 10:05:01'],
    ]);
    expect(rejected().map((line) => [line.position, line.raw, shownTime(line.logged_at)])).toEqual([
      [3, 'Traceback (most recent call last):', '2026-01-05 10:05:01.5'],
    ]);
    const [first, , last] = PAYLOAD.logEvents;
    expect(loads()).toMatchObject([
      {
        source: 'app',
        kind: 'payload',
        lines: 3,
        rows: 2,
        rejected: 1,
        first_event_id: first?.id,
        last_event_id: last?.id,
      },
    ]);
    expect(printed.metrics).toHaveLength(1);
    expect(printed.metrics).toMatchObject([
      {
        namespace: 'Tributary',
        dimensions: { service: 'tributary', source: 'app' },
        metrics: {
          LinesRead: [3, 'Count'],
          RowsAcknowledged: [2, 'Count'],
          LinesRejected: [1, 'Count'],
          NewestEventAgeSeconds: [expect.any(Number), 'Seconds'],
          OldestEventAgeSeconds: [expect.any(Number), 'Seconds'],
        },
      },
    ]);
    expect(handedOn()).toEqual([event]);
  });

  test('the time of an event is that of its row where its message has none, and no line end ends a message early', async () => {
    const [timestamp, second] = [1767607500123, 1767607501000];
    const logEvents = [
      { id: '1', timestamp, message: '{"request_id":"a"}\n' },
      { id: '2', timestamp: second, message: '{"request_id":\n"b"}\r\n' },
      { id: '3', timestamp: second, message: '\n' },
      { id: '4', timestamp: 0, message: '{"request_id":"d"}' },
    ];
    await handler(newEvent({ logEvents }), contextOf());
    expect(rows().map((row) => [row.position, row.request_id, shownTime(row.logged_at)])).toEqual([
      [1, 'a', '2026-01-05 10:05:00.123'],
      [2, 'b', '2026-01-05 10:05:01'],
      [4, 'd', undefined],
    ]);
    const [load] = loads();
    expect([load?.lines, load?.rows, load?.filtered]).toEqual([4, 3, 1]);
    expect([load?.first_event_time, load?.last_event_time].map(shownTime)).toEqual([
      '2026-01-05 10:05:00.123',
      '2026-01-05 10:05:01',
    ]);
  });

  test('a payload that comes again is skipped, and handed on again: the first attempt may have ended before it could', async () => {
    const event = newEvent();
    await handler(event, contextOf());
    services.reset();
    await handler(event, contextOf(60_000, 'request-2'));
    expect(loads()).toEqual([]);
    expect(put().at(-1)).toEqual(['app', { InputsSkipped: [1, 'Count'] }, 'already_loaded']);
    expect(handedOn()).toEqual([event]);
  });

  test('a payload that cannot be handed on is loaded all the same, and counted', async () => {
    services.service.reply = (request) =>
      request.path.includes('/functions/') ? failure('AccessDeniedException', 403) : accepted(request);
    await handler(newEvent(), contextOf());
    expect(loads()).toHaveLength(1);
    expect(put().at(-1)).toEqual(['app', { PayloadsNotChecked: [1, 'Count'] }, undefined]);
  });

  test('an invocation fails, and hands nothing on, when Firehose does not take its payload in time: Lambda invokes again', async () => {
    services.service.reply = (request) =>
      request.operation.includes('Firehose') ? failure('ServiceUnavailableException', 503) : accepted(request);
    const event = newEvent();
    await expect(handler(event, contextOf(0))).rejects.toMatchObject({ name: 'DeliveryError' });
    expect([handedOn(), put()]).toEqual([[], []]);
    services.reset();
    await handler(event, contextOf());
    expect(rows().map(({ position }) => position)).toEqual([1, 2]);
  });

  test('an invocation fails when only part of its payload was taken in time, and the next goes on from there', async () => {
    const events = Array.from({ length: 1500 }, (_, index) => ({
      id: String(index),
      timestamp: 1,
      message: JSON.stringify({ request_id: `${index}-${'r'.repeat(8000)}` }),
    }));
    const event = newEvent({ logEvents: events });
    let isOver = false;
    services.service.reply = (request) => {
      if (!request.operation.includes('Firehose')) return accepted(request);
      // The time is over, and of several batches only the first is taken.
      if (!isOver) passTime(60_000);
      isOver = true;
      const {
        Records: [{ Data }],
      } = JSON.parse(request.body) as { Records: [{ Data: string }] };
      const isFirst = Buffer.from(Data, 'base64').includes('"0-r');
      return isFirst ? accepted(request) : failure('ServiceUnavailableException', 503);
    };
    await expect(handler(event, contextOf())).rejects.toThrow('part of a payload not acknowledged in time');
    expect(handedOn()).toEqual([]);
    expect(put()).toEqual([['app', { BytesBilled: [expect.any(Number), 'Bytes'] }, undefined]]);
    services.reset();
    await handler(event, contextOf());
    const positions = rows().map(({ position }) => Number(position));
    expect(Math.min(...positions)).toBeGreaterThan(1);
    expect(Math.max(...positions)).toBe(1500);
    expect(loads()).toMatchObject([{ lines: 1500, rows: 1500 }]);
  });

  test('an invocation fails when another request is loading its payload: that one may not come to the end', async () => {
    const event = newEvent();
    services.service.reply = () => failure('ServiceUnavailableException', 503);
    await expect(handler(event, contextOf(0, 'request-1'))).rejects.toThrow();
    services.reset();
    await expect(handler(event, contextOf(60_000, 'request-2'))).rejects.toThrow(
      'log group /example/app: another request is loading the payload',
    );
    expect([handedOn(), put(), rows()]).toEqual([[], [], []]);
  });
});

describe('an invocation', () => {
  test('an invocation by which CloudWatch tests the function does nothing', async () => {
    await handler(subscriptionEvent({ ...PAYLOAD, messageType: 'CONTROL_MESSAGE', logEvents: [] }), contextOf());
    expect([services.service.requests, printed.metrics]).toEqual([[], []]);
  });

  test('an invocation with events of a group that no source has fails: they must not vanish', async () => {
    await expect(handler(newEvent({ logGroup: '/example/other' }), contextOf())).rejects.toMatchObject({
      name: 'SettingsError',
      message: 'log group /example/other: no source has it',
    });
    expect(services.service.requests).toEqual([]);
  });

  test('an invocation that is no payload fails', async () => {
    await expect(handler({}, contextOf())).rejects.toMatchObject({ name: 'BadPayloadError' });
  });
});
