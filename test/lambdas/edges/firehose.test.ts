import { FirehoseClient } from '@aws-sdk/client-firehose';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeliveryError } from '../../../lambdas/core/loading/load.ts';
import { Deliveries, firehoseEncode } from '../../../lambdas/edges/firehose.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import {
  type FakeService,
  failure,
  json,
  openFakeService,
  type Reply,
  type ServedRequest,
} from '../../helpers/fake-service.ts';

/** What the endpoint does with one request: fail these entries, answer with an error, cut the connection, or say nothing. */
type Answer =
  | { readonly fail: readonly number[] }
  | { readonly error: string; readonly status: number }
  | 'cut'
  | 'accept-then-cut'
  | 'silence';

/** A Firehose that does as told, once per request, then accepts everything. */
class Endpoint {
  answers: Answer[] = [];
  accepted: string[] = [];
  requests: string[][] = [];
  streams: string[] = [];
  #service: FakeService | undefined;

  async start(): Promise<FirehoseClient> {
    this.#service = await openFakeService((request) => this.#reply(request));
    return new FirehoseClient({ ...clientOptions(this.#service.url), maxAttempts: 1 });
  }

  async stop(): Promise<void> {
    await this.#service?.close();
  }

  #reply({ body }: ServedRequest): Reply {
    const { DeliveryStreamName, Records } = JSON.parse(body) as {
      DeliveryStreamName: string;
      Records: { Data: string }[];
    };
    this.streams.push(DeliveryStreamName);
    const records = Records.map(({ Data }) => Buffer.from(Data, 'base64').toString());
    this.requests.push(records);
    const answer = this.answers.shift() ?? { fail: [] };
    if (answer === 'accept-then-cut') this.accepted.push(...records);
    if (typeof answer === 'string') return answer === 'silence' ? 'silence' : 'cut';
    if ('error' in answer) return failure(answer.error, answer.status);
    const RequestResponses = records.map((record, index) => {
      if (answer.fail.includes(index)) return { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'Slow down.' };
      this.accepted.push(record);
      return { RecordId: String(index) };
    });
    const FailedPutCount = answer.fail.filter((each) => each < records.length).length;
    return json({ FailedPutCount, RequestResponses });
  }

  reset(answers: readonly Answer[]): void {
    this.answers = [...answers];
    this.accepted = [];
    this.requests = [];
    this.streams = [];
  }
}

const endpoint = new Endpoint();
let client: FirehoseClient;
beforeAll(async () => {
  client = await endpoint.start();
});
afterAll(() => endpoint.stop());

const records = (count: number) => Array.from({ length: count }, (_, index) => Buffer.from(`record ${index}`));
const texts = (count: number) => records(count).map(String);
const send = (count: number, withinMs = 60_000) =>
  firehoseEncode(client, performance.now() + withinMs)(['stream'], records(count)).send();

describe('firehoseEncode', () => {
  test('sends again only the entries that failed, in their order', async () => {
    endpoint.reset([{ fail: [1, 3] }, { fail: [0] }]);
    await send(5);
    expect(endpoint.requests).toEqual([texts(5), ['record 1', 'record 3'], ['record 1']]);
  });

  test('delivers every record exactly once whatever entries fail', { timeout: 30_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.uniqueArray(fc.nat(5)), { maxLength: 3 }),
        async (count, fails) => {
          endpoint.reset(fails.map((fail) => ({ fail })));
          await send(count);
          expect([...endpoint.accepted].sort()).toEqual(texts(count).sort());
        },
      ),
      { numRuns: 20 },
    );
  });

  test.each([
    ['throttling', { error: 'ServiceUnavailableException', status: 503 }],
    ['an internal failure', { error: 'InternalFailure', status: 500 }],
    ['too many requests', { error: 'ThrottlingException', status: 400 }],
    ['a connection cut before the answer', 'cut'],
  ] as const)('sends the whole batch again after %s', async (_, answer) => {
    endpoint.reset([answer, answer]);
    await send(3);
    expect(endpoint.accepted).toEqual(texts(3));
  });

  test('repeats a batch whose acceptance never reached it: the only way a record comes twice', async () => {
    endpoint.reset(['accept-then-cut']);
    await send(2);
    expect(endpoint.accepted).toEqual([...texts(2), ...texts(2)]);
  });

  test.each([
    ['a stream that does not exist', { error: 'ResourceNotFoundException', status: 400 }, 'ResourceNotFoundException'],
    ['a right that is missing', { error: 'AccessDeniedException', status: 400 }, 'AccessDeniedException'],
  ] as const)('gives up at once on %s', async (_, answer, name) => {
    endpoint.reset([answer]);
    await expect(send(1)).rejects.toMatchObject({ name });
    expect(endpoint.requests).toHaveLength(1);
  });

  test('waits for no answer past the time limit, but for a second', async () => {
    endpoint.reset(['silence']);
    await expect(send(2, 0.5)).rejects.toBeInstanceOf(DeliveryError);
    expect(endpoint.requests).toHaveLength(1);
  });

  test('gives up when the time is over, saying how many records of which stream are left', async () => {
    endpoint.reset(Array.from({ length: 50 }, () => ({ fail: [0] })));
    const failure = await send(3, 0).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DeliveryError);
    expect(String(failure)).toContain(
      'stream stream: 1 of 3 records not acknowledged in time, last answer ServiceUnavailableException',
    );
  });

  test('counts what is billed once for each record, however often it was sent, and the longest wait of a batch', async () => {
    const deliveries = new Deliveries();
    const encode = firehoseEncode(client, performance.now() + 60_000, deliveries);
    endpoint.reset([]);
    await encode(['stream'], records(2)).send();
    expect(deliveries.longestWait).toBe(0);
    endpoint.reset([{ fail: [0] }]);
    await encode(['stream'], [Buffer.alloc(5121), Buffer.alloc(1)]).send();
    expect(deliveries.longestWait).toBeGreaterThan(0);
    expect([deliveries.takeBilled(), deliveries.takeBilled()]).toEqual([(2 + 2 + 1) * 5120, 0]);
  });

  test('offers what a stream does not take to the next, round', async () => {
    endpoint.reset([{ fail: [1, 2] }, { error: 'ServiceUnavailableException', status: 503 }, { fail: [0] }]);
    await firehoseEncode(client, performance.now() + 60_000)(['a', 'b', 'c'], records(3)).send();
    expect(endpoint.streams).toEqual(['a', 'b', 'c', 'a']);
    expect([...endpoint.accepted].sort()).toEqual(texts(3));
  });

  test('an encoded batch holds none of the memory of its records, which may be written to before it is sent', async () => {
    endpoint.reset([{ fail: [1] }, 'cut', { fail: [0] }]);
    const given = records(3);
    const batch = firehoseEncode(client, performance.now() + 60_000)(['a', 'longer name'], given);
    for (const record of given) record.fill('x');
    await batch.send();
    expect(endpoint.requests).toEqual([texts(3), ['record 1'], ['record 1'], ['record 1']]);
  });

  test('sends records of any length as they are', async () => {
    // About the pieces that base64 is made of.
    const lengths = [0, 1, 2, 3, 24_575, 24_576, 24_577, 49_151, 49_152, 49_153, 517_120];
    const given = lengths.map((length) => Buffer.from(Array.from({ length }, (_, at) => 33 + (at % 89))));
    endpoint.reset([]);
    await firehoseEncode(client, performance.now() + 60_000)(['stream'], given).send();
    expect(endpoint.accepted).toEqual(given.map(String));
  });

  test('makes no request for no records', async () => {
    endpoint.reset([]);
    await send(0);
    expect(endpoint.requests).toEqual([]);
  });
});
