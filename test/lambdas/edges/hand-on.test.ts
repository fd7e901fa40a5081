import type { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { handOn, handOnClient } from '../../../lambdas/edges/hand-on.ts';
import { clientEnvironment } from '../../helpers/client-options.ts';
import { type FakeService, failure, openFakeService } from '../../helpers/fake-service.ts';
import { capturePrinted } from '../../helpers/printed.ts';

const EVENT = { awslogs: { data: 'H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==' } };

let lambda: FakeService;
let client: LambdaClient;
const printed = capturePrinted();

beforeAll(async () => {
  lambda = await openFakeService();
  for (const [name, value] of Object.entries(clientEnvironment(lambda.url))) vi.stubEnv(name, value);
  client = handOnClient();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  client.destroy();
  await lambda.close();
});
beforeEach(() => {
  lambda.requests.length = 0;
  lambda.reply = () => ({ status: 202 });
});
afterEach(() => {
  vi.useRealTimers();
});

const handedOn = () => handOn(client, 'duplicates-track', EVENT, 'app');

const NOT_CHECKED = [
  {
    namespace: 'Tributary',
    dimensions: { service: 'tributary', source: 'app' },
    metrics: { PayloadsNotChecked: [1, 'Count'] },
  },
];

describe('handOn', () => {
  test('invokes the function with the event as it came, and waits for no result', async () => {
    await handedOn();
    expect(lambda.requests).toMatchObject([
      {
        method: 'POST',
        path: '/2015-03-31/functions/duplicates-track/invocations',
        headers: { 'x-amz-invocation-type': 'Event' },
        body: JSON.stringify(EVENT),
      },
    ]);
    expect(printed.metrics).toEqual([]);
  });

  test('tries once more what fails in passing', async () => {
    lambda.reply = () => (lambda.requests.length === 1 ? failure('ServiceException', 500) : { status: 202 });
    await handedOn();
    expect(lambda.requests).toHaveLength(2);
    expect(printed.metrics).toEqual([]);
  });

  test.each([
    ['is missing a right', () => failure('AccessDeniedException', 403), 1],
    ['finds the service failing twice', () => failure('ServiceException', 500), 2],
    ['has the connection cut twice', () => 'cut' as const, 2],
  ])('counts the payload as not checked, and does not fail, when it %s', async (_, reply, requests) => {
    lambda.reply = reply;
    await handedOn();
    expect(lambda.requests).toHaveLength(requests);
    expect(printed.metrics).toMatchObject(NOT_CHECKED);
    expect(printed.logs).toMatchObject([{ level: 'WARN', source: 'app' }]);
  });

  test('gives up on a service that does not answer, after 5 s at each of two tries', async () => {
    lambda.reply = () => 'silence';
    vi.useFakeTimers({ now: 0, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const tries: number[] = [];
    const noted = { step: 'finalizeRequest', priority: 'low', name: 'noted' } as const;
    client.middlewareStack.add(
      (next) => (args) => {
        tries.push(Date.now());
        return next(args);
      },
      noted,
    );
    const handing = handedOn();
    await vi.waitFor(() => expect(lambda.requests).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(20_000);
    await handing;
    client.middlewareStack.remove(noted.name);
    const [first = Number.NaN, second = Number.NaN] = tries;
    expect(tries).toHaveLength(2);
    // And what the client waits between two tries, at random.
    expect(second - first).toBeGreaterThanOrEqual(5000);
    expect(second - first).toBeLessThan(6000);
    expect(printed.metrics).toMatchObject(NOT_CHECKED);
  });
});
