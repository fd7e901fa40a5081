import { gzipSync } from 'node:zlib';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createdObjects } from '../../lambdas/core/loading/notification.ts';
import { BILLING_STEP_BYTES } from '../../lambdas/core/loading/pack.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { sourceTable } from '../../lambdas/core/tables/table.ts';
import { passTime, stepClock } from '../helpers/clock.ts';
import { compiled } from '../helpers/compiled.ts';
import { ANNOUNCED, contextOf, eventText, sqsEvent } from '../helpers/events.ts';
import { failure, type Reply, type ServedRequest } from '../helpers/fake-service.ts';
import { capturePrinted } from '../helpers/printed.ts';
import { rowsByName } from '../helpers/rows.ts';
import { accepted, COLUMNS, type LoadingServices, openLoadingServices } from './loading-services.ts';

const WEB = { name: 'web', format: 'json', options: { columns: COLUMNS }, lane: 'objects', keepRaw: 'on-error' };
const SOURCES = [
  { ...WEB, streams: ['web-1'], bucket: 'example-logs', prefix: 'web/' },
  { ...WEB, name: 'alb', format: 'alb', options: {}, streams: ['alb-1'], bucket: 'example-logs', prefix: 'AWSLogs/' },
];

/** Two rows with an error and a key that is no column, a row of nothing, a blank line, and two lines that are no JSON. */
const LINES = [
  '{"at":"2026-01-05T10:00:00Z","request_id":"r-1","status":200}',
  '{"at":"2026-01-05T10:05:00Z","status":"OK","host":"192.0.2.10","port":443}',
  '{}',
  '',
  'prose',
  'more prose',
];
const OBJECT = `${LINES.join('\n')}\n`;

let services: LoadingServices;
let handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;
const printed = capturePrinted();

beforeAll(async () => {
  services = await openLoadingServices(SOURCES);
  ({ handler } = await import('../../lambdas/load-objects.ts'));
});
afterAll(() => services.close());
beforeEach(() => services.reset());
afterEach(() => {
  vi.useRealTimers();
});

/** S3 answers so; the others take everything. */
function serve(answer: Reply): void {
  services.service.reply = (request) => (isGet(request) ? answer : accepted(request));
}

const isGet = ({ method }: ServedRequest) => method === 'GET';
const gets = () => services.service.requests.filter(isGet).map(({ path }) => path.replace(/\?.*/, ''));

let objects = 0;

/** A message about an object that none was about before, as EventBridge announces it. */
function newObject(key = `web/${objects++}.json`): string {
  const { detail, ...event } = JSON.parse(eventText('eventbridge-object-created.json'));
  return JSON.stringify({ ...event, detail: { ...detail, object: { ...detail.object, key } } });
}

const handled = async (event: SQSEvent, context = contextOf()) =>
  (await handler(event, context)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

const table = sourceTable('web', '', compiled('json', WEB.options).columns, 'objects');
const rows = () => rowsByName(services.records('web-1'), table);
const loads = () => rowsByName(services.records('loads'), loadsTable);

/** What was put of inputs left alone: source and reason. */
const skipped = () =>
  printed.metrics
    .filter(({ metrics }) => 'InputsSkipped' in metrics)
    .map(({ dimensions, metrics, rest }) => [dimensions.source, metrics.InputsSkipped, rest.reason]);

describe('an object that is announced', () => {
  test('an object is loaded: its rows, its rejected lines and its row of loads are sent to their streams', async () => {
    serve({ body: gzipSync(OBJECT) });
    expect(await handled(sqsEvent({ body: newObject() }))).toEqual([]);
    expect(rows().map(({ position, request_id, status }) => [position, request_id, status])).toEqual([
      [1, 'r-1', 200],
      [2, undefined, undefined],
      [3, undefined, undefined],
    ]);
    const rejected = rowsByName(services.records('rejected'), rejectedTable);
    expect(rejected.map(({ source, position, raw }) => [source, position, raw])).toEqual([
      ['web', 5, 'prose'],
      ['web', 6, 'more prose'],
    ]);
    const counts = { lines: 6, rows: 3, filtered: 1, rejected: 2, field_errors: 1, unknown_fields: 2 };
    expect(loads()).toMatchObject([{ source: 'web', kind: 'object', bytes: OBJECT.length, ...counts }]);
  });

  test('every metric of a load is put, by source, and none by origin or reason', async () => {
    serve({ body: OBJECT });
    const before = Date.now();
    await handled(sqsEvent({ body: newObject() }));
    const after = Date.now();
    const [line, ...more] = printed.metrics;
    expect(more).toEqual([]);
    expect(line).toMatchObject({ namespace: 'Tributary', dimensions: { service: 'tributary', source: 'web' } });
    const { NewestEventAgeSeconds, OldestEventAgeSeconds, ...counts } = line?.metrics ?? {};
    expect(counts).toEqual({
      BytesRead: [OBJECT.length, 'Bytes'],
      LinesRead: [6, 'Count'],
      RowsAcknowledged: [3, 'Count'],
      LinesFiltered: [1, 'Count'],
      LinesRejected: [2, 'Count'],
      FieldErrors: [1, 'Count'],
      UnknownFields: [2, 'Count'],
      EmptyRows: [1, 'Count'],
      EmptyObjects: [0, 'Count'],
      RejectedObjects: [0, 'Count'],
      // A record of rows, one of rejected lines and one of loads.
      BytesBilled: [3 * BILLING_STEP_BYTES, 'Bytes'],
    });
    for (const [metric, time] of [
      [NewestEventAgeSeconds, '2026-01-05T10:05:00Z'],
      [OldestEventAgeSeconds, '2026-01-05T10:00:00Z'],
    ] as const) {
      const [age = Number.NaN, unit] = metric ?? [];
      expect(unit).toBe('Seconds');
      expect(age).toBeGreaterThanOrEqual((before - Date.parse(time)) / 1000);
      expect(age).toBeLessThanOrEqual((after - Date.parse(time)) / 1000);
    }
    expect(line?.rest).toMatchObject({ origin: loads()[0]?.origin });
    expect(JSON.parse(String(line?.rest.reasons))).toMatchObject({ blank_line: 1 });
  });

  test.each([
    ['a row', '{}\n', 0, 0],
    ['a row and a rejected line', '{}\nprose\n', 0, 0],
    ['rejected lines alone', 'prose\nmore prose\n', 1, 1],
    ['blank lines alone', '\n\n', 1, 0],
  ])('whether an object of %s is empty, and whether it was rejected, is put', async (_, body, empty, rejected) => {
    serve({ body });
    await handled(sqsEvent({ body: newObject() }));
    expect(printed.metrics[0]?.metrics).toMatchObject({
      EmptyObjects: [empty, 'Count'],
      RejectedObjects: [rejected, 'Count'],
    });
  });

  test('no age is put when no row tells a time', async () => {
    serve({ body: '{"request_id":"r-1"}\n' });
    await handled(sqsEvent({ body: newObject() }));
    expect(Object.keys(printed.metrics[0]?.metrics ?? {}).filter((name) => name.includes('Age'))).toEqual([]);
    expect(printed.metrics[0]?.metrics).toMatchObject({ RowsAcknowledged: [1, 'Count'] });
  });

  const envelopes = ['s3-notification.json', 'sns-notification.json', 'eventbridge-object-created.json'];

  test.each(envelopes)('the object of %s is loaded', async (file) => {
    serve({ body: OBJECT });
    // A version of its own for each envelope.
    const body = eventText(file).replaceAll(ANNOUNCED.etag, `etag-${file}`);
    expect(await handled(sqsEvent({ body }))).toEqual([]);
    expect(gets()).toEqual(['/example-logs/web/caf%C3%A9%201%2B1.json.gz']);
    expect(loads()).toMatchObject([{ bucket: ANNOUNCED.bucket, object_key: ANNOUNCED.key, etag: `etag-${file}` }]);
  });

  test('an object is loaded once, in whatever envelopes it is announced', async () => {
    serve({ body: OBJECT });
    const messages = envelopes.map((file) => ({ body: eventText(file), messageId: file }));
    expect(await handled(sqsEvent(...messages))).toEqual([]);
    expect(loads()).toHaveLength(1);
    const alreadyLoaded = ['web', [1, 'Count'], 'already_loaded'];
    expect(skipped()).toEqual([alreadyLoaded, alreadyLoaded]);
  });

  test.each([
    ['no_source', 'elsewhere/a.json'],
    ['not_a_log', 'AWSLogs/123456789012/ELBAccessLogTestFile'],
  ])('an object is left alone and counted as %s when its key is %s', async (reason, key) => {
    expect(await handled(sqsEvent({ body: newObject(key) }))).toEqual([]);
    expect(services.service.requests).toEqual([]);
    expect(skipped()).toEqual([['none', [1, 'Count'], reason]]);
  });

  test('an object is left alone when another has taken its place', async () => {
    serve({ status: 412 });
    expect(await handled(sqsEvent({ body: newObject() }))).toEqual([]);
    expect(services.records('loads')).toEqual([]);
    expect(skipped()).toEqual([['web', [1, 'Count'], 'replaced']]);
  });

  test('an object is announced again at once when there was no time to read all of it, and goes on from there', async () => {
    const body = newObject();
    services.service.reply = (request) => {
      if (!isGet(request)) return accepted(request);
      // Of the minute that the invocation has, there is time left to send what has been read.
      passTime(50_000);
      return { body: OBJECT };
    };
    expect(await handled(sqsEvent({ body }))).toEqual([]);
    expect(loads()).toEqual([]);
    // For how long the object has been unfinished, and what was sent.
    expect(printed.metrics.flatMap(({ metrics }) => Object.keys(metrics))).toEqual([
      'UnfinishedSeconds',
      'BytesBilled',
    ]);
    const [{ MessageBody, DelaySeconds } = {}, ...more] = services.asked('SendMessage');
    expect([DelaySeconds, more]).toEqual([undefined, []]);
    const unfinishedSince = expect.any(Number);
    expect(createdObjects(String(MessageBody))).toEqual([{ ...createdObjects(body)[0], size: 0, unfinishedSince }]);

    serve({ body: OBJECT });
    expect(await handled(sqsEvent({ body: String(MessageBody), messageId: 'message-2' }))).toEqual([]);
    expect(rows().map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(loads()).toMatchObject([{ lines: 6, rows: 3 }]);
  });

  test.each([
    ['forward', 600_000],
    ['back', -600_000],
  ])(
    'an object is loaded whole when the clock is set %s while it is read, again and again',
    { timeout: 60_000 },
    async (_, step) => {
      const lines = 6000;
      const body = `${JSON.stringify({ request_id: 'r'.repeat(1000) })}\n`.repeat(lines);
      services.service.reply = (request) => {
        // Between the claim and the first bytes, and whenever Firehose answers.
        if (isGet(request) || request.operation.includes('Firehose')) stepClock(step);
        return isGet(request) ? { body: gzipSync(body) } : accepted(request);
      };
      let loaded = 0;
      for (let next: string | undefined = newObject(), at = 0; next !== undefined && at < 9; at++) {
        services.service.requests.length = 0;
        expect(await handled(sqsEvent({ body: next, messageId: `step-${step}-${at}` }))).toEqual([]);
        next = services.asked('SendMessage')[0]?.MessageBody as string | undefined;
        loaded += rows().length;
      }
      expect(loads()).toMatchObject([{ lines, rows: lines, rejected: 0 }]);
      expect(loaded).toBe(lines);
    },
  );

  test('an object that many invocations leave unfinished puts the time since the first message about it', async () => {
    const [{ detail, ...event }, unfinishedSince] = [JSON.parse(newObject()), Date.now() - 7_200_000];
    const body = JSON.stringify({ ...event, detail: { ...detail, object: { ...detail.object, unfinishedSince } } });
    services.service.reply = (request) => {
      if (!isGet(request)) return accepted(request);
      passTime(50_000);
      return { body: OBJECT };
    };
    await handled(sqsEvent({ body }));
    const [seconds = 0] = printed.metrics[0]?.metrics.UnfinishedSeconds ?? [];
    expect(seconds).toBeGreaterThanOrEqual(7200);
    expect(createdObjects(String(services.asked('SendMessage')[0]?.MessageBody))).toMatchObject([{ unfinishedSince }]);
  });

  test('an object that another message holds is announced again for when the lease is over', async () => {
    const body = newObject();
    serve({ status: 500 });
    expect(await handled(sqsEvent({ body, messageId: 'message-1' }))).toEqual(['message-1']);
    services.reset();
    vi.useFakeTimers({ toFake: ['Date'] });
    // A minute after this invocation must have ended.
    expect(await handled(sqsEvent({ body, messageId: 'message-2' }), contextOf(30_000))).toEqual([]);
    expect(gets()).toEqual([]);
    expect(services.asked('SendMessage')).toMatchObject([{ DelaySeconds: 90 }]);
    expect(skipped()).toEqual([['web', [1, 'Count'], 'held']]);
  });
});

const INVALID_STATE = '<Error><Code>InvalidObjectState</Code><Message>archived</Message></Error>';

describe.each([
  ['gone', { status: 404 }],
  ['archived', { status: 403, headers: { 'content-type': 'application/xml' }, body: INVALID_STATE }],
] as const)('an object that is %s', (reason, answer) => {
  /** Handles the message about the object, then each message that is sent in its place. @returns delays and what was put */
  async function untilGivenUp(body: string): Promise<{ delays: unknown[]; waits: unknown[] }> {
    const [delays, waits]: [unknown[], unknown[]] = [[], []];
    for (let next: string | undefined = body; next !== undefined; ) {
      services.service.requests.length = 0;
      expect(await handled(sqsEvent({ body: next, messageId: `message-${delays.length}` }))).toEqual([]);
      const [{ MessageBody, DelaySeconds } = {}, ...more] = services.asked('SendMessage');
      expect(more).toEqual([]);
      next = MessageBody as string | undefined;
      if (next === undefined) continue;
      delays.push(DelaySeconds);
      waits.push(createdObjects(next)[0]?.waited);
    }
    return { delays, waits };
  }

  test('is asked for three times over a quarter of an hour, then loads says why it was not loaded', async () => {
    serve(answer);
    const { delays, waits } = await untilGivenUp(newObject());
    expect(delays).toEqual([450, 450]);
    expect(waits).toEqual([
      { tries: 1, seconds: 450 },
      { tries: 2, seconds: 900 },
    ]);
    expect(loads()).toMatchObject([{ not_loaded: reason, lines: 0, rows: 0, filtered: 0, rejected: 0, bytes: 0 }]);
    expect(rows()).toEqual([]);
    expect(printed.metrics).toMatchObject([
      { dimensions: { source: 'web' }, metrics: { ObjectsNotLoaded: [1, 'Count'] }, rest: { reason } },
      { dimensions: { source: 'web' }, metrics: { BytesBilled: [BILLING_STEP_BYTES, 'Bytes'] } },
    ]);
  });

  test('is loaded when it is there again, whenever that is', async () => {
    const body = newObject();
    serve({ body: OBJECT });
    const [soon, late] = [newObject(), newObject()];
    serve(answer);
    await handled(sqsEvent({ body: soon }));
    const [{ MessageBody = '' } = {}] = services.asked('SendMessage');
    await untilGivenUp(late);
    serve({ body: OBJECT });
    for (const each of [body, String(MessageBody), late]) {
      services.service.requests.length = 0;
      expect(await handled(sqsEvent({ body: each, messageId: 'another' }))).toEqual([]);
      expect(loads()).toMatchObject([{ lines: 6, rows: 3 }]);
      expect(loads()[0]).not.toHaveProperty('not_loaded');
    }
  });

  test('after a part of it was loaded counts that part, and the rest is loaded when it is there again', async () => {
    const body = newObject();
    services.service.reply = (request) => {
      if (isGet(request)) passTime(50_000);
      return isGet(request) ? { body: OBJECT } : accepted(request);
    };
    await handled(sqsEvent({ body }));
    const [{ MessageBody = '' } = {}] = services.asked('SendMessage');
    serve(answer);
    await untilGivenUp(String(MessageBody));
    expect(loads()).toMatchObject([{ not_loaded: reason, lines: 6, rows: 3, rejected: 2, filtered: 1 }]);
    serve({ body: OBJECT });
    services.service.requests.length = 0;
    await handled(sqsEvent({ body, messageId: 'again' }));
    expect(rows()).toEqual([]);
    expect(loads()).toMatchObject([{ lines: 6, rows: 3 }]);
    expect(loads()[0]).not.toHaveProperty('not_loaded');
  });
});

describe('a message', () => {
  test.each([
    ['that S3 sends when notifications are configured', eventText('s3-test-event.json')],
    ['about a deletion', eventText('s3-notification.json').replace('ObjectCreated:Put', 'ObjectRemoved:Delete')],
  ])('a message %s is done without a request', async (_, body) => {
    expect(await handled(sqsEvent({ body }))).toEqual([]);
    expect(services.service.requests).toEqual([]);
    expect(printed.metrics).toEqual([]);
  });

  test('a message that cannot be loaded comes back, after a wait that grows with its receives; the others are done', async () => {
    services.service.reply = (request) =>
      isGet(request) ? (request.path.includes('forbidden') ? { status: 403 } : { body: OBJECT }) : accepted(request);
    const event = sqsEvent(
      { body: newObject('web/forbidden.json'), messageId: 'forbidden', receives: 3 },
      { body: newObject(), messageId: 'there' },
      { body: 'nothing anybody can read', messageId: 'unreadable' },
    );
    expect(await handled(event)).toEqual(['forbidden', 'unreadable']);
    expect(services.asked('ChangeMessageVisibility')).toMatchObject([
      { ReceiptHandle: 'receipt of forbidden', VisibilityTimeout: 40 },
      { ReceiptHandle: 'receipt of unreadable', VisibilityTimeout: 10 },
    ]);
    expect(printed.logs).toMatchObject([
      { level: 'ERROR', messageId: 'forbidden', error: { message: 'UnknownError' } },
      { level: 'ERROR', messageId: 'unreadable', error: { name: 'UnknownMessageError' } },
    ]);
    expect(loads()).toHaveLength(1);
  });

  test('a message whose rows Firehose does not take in time comes back', async () => {
    services.service.reply = (request) =>
      isGet(request)
        ? { body: OBJECT }
        : request.operation.includes('Firehose')
          ? failure('ServiceUnavailableException', 503)
          : accepted(request);
    expect(await handled(sqsEvent({ body: newObject() }), contextOf(0))).toEqual(['message-1']);
    expect(printed.logs).toMatchObject([{ level: 'ERROR', error: { name: 'DeliveryError' } }]);
  });

  test('a message that a later attempt has overtaken is not hurried back: it would overtake that one', async () => {
    const event = sqsEvent({ body: newObject() });
    let overtaking: Promise<string[]> | undefined;
    services.service.reply = async (request) => {
      if (isGet(request)) return { body: OBJECT };
      if (request.operation.includes('Firehose') && !overtaking) {
        overtaking = handled(event);
        await overtaking;
      }
      return accepted(request);
    };
    expect(await handled(event)).toEqual(['message-1']);
    expect(await overtaking).toEqual([]);
    expect(services.asked('ChangeMessageVisibility')).toEqual([]);
    expect(printed.logs).toMatchObject([{ level: 'ERROR', error: { name: 'FencedError' } }]);
  });
});
