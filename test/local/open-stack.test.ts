import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LocalLake } from '../../local/local-lake.ts';
import { openStack } from '../../local/open-stack.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assemblyOf, KEYS, LOADS_ALL, opened } from '../helpers/loading-stack.ts';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';

const REPORTS_BATCHES = `${KEYS} export const handler = async (event) => report(keysOf(event));`;

describe('objects that are gathered', { timeout: 30_000 }, () => {
  const mapping = { BatchSize: 3, MaximumBatchingWindowInSeconds: 300 };

  test('reach the function together: as many as it takes, and the rest when nothing else is to be waited for', async () => {
    const { lake, put, reported } = await opened(REPORTS_BATCHES, { mapping });
    for (const key of ['a', 'b', 'c', 'd', 'e']) await put(key);
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  test('reach it when the window is over', async () => {
    const { put, reported } = await opened(REPORTS_BATCHES, {
      mapping: { ...mapping, MaximumBatchingWindowInSeconds: 1 },
    });
    await put('a', 'b');
    await expect.poll(reported).toEqual([['a', 'b']]);
  });

  test('come back when the function fails at them, and are gathered again', async () => {
    const code = `${KEYS} let first = true; export const handler = async (event) => {
      report(keysOf(event));
      if (first) { first = false; throw new Error('failed'); }
    };`;
    const { lake, put, reported } = await opened(code, { mapping });
    await put('a', 'b');
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('are no more than ten without a window', async () => {
    await expect(opened(REPORTS_BATCHES, { mapping: { BatchSize: 11 } })).rejects.toThrow(
      'resource Source: a BatchSize of more than 10 needs a MaximumBatchingWindowInSeconds, got 11 without',
    );
  });
});

describe('an object put into a bucket', { timeout: 30_000 }, () => {
  test('is loaded by the function that listens', async () => {
    const { lake, put, reported } = await opened(LOADS_ALL);
    const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
    await put(...keys);
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported().sort()).toEqual(keys.sort());
  });

  test('is loaded in an environment like Lambda’s, which has nobody to call outside', async () => {
    const { lake, put, reported } = await opened(
      `export const handler = async (event, context) => {
        const { AWS_REGION, AWS_LAMBDA_FUNCTION_NAME, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, QUEUE, HOME, NODE_ENV } = process.env;
        report({ AWS_REGION, AWS_LAMBDA_FUNCTION_NAME, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, QUEUE, HOME, NODE_ENV });
        report({ left: context.getRemainingTimeInMillis(), name: context.functionName, arn: context.invokedFunctionArn });
      };`,
    );
    await put('k');
    await lake.drain();
    const [env, context] = reported();
    expect(env).toEqual({
      AWS_REGION: 'us-east-1',
      AWS_LAMBDA_FUNCTION_NAME: 'load',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_ENDPOINT_URL_S3: lake.endpoints.get('S3'),
      QUEUE: `${lake.endpoints.get('SQS')}/123456789012/queue`,
    });
    expect(context).toMatchObject({ name: 'load', arn: 'arn:aws:lambda:us-east-1:123456789012:function:load' });
    const { left } = Object(context);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(20_000);
  });

  test('comes back when the function reports it as failed, and no other of its batch does', async () => {
    const { lake, put, reported } = await opened(
      `${KEYS} export const handler = async (event) => {
        const [first, ...others] = keysOf(event);
        report({ keys: keysOf(event), counts: event.Records.map(({ attributes }) => attributes.ApproximateReceiveCount) });
        const again = event.Records.filter((r) => r.attributes.ApproximateReceiveCount === '1' && JSON.parse(r.body).Records[0].s3.object.key === 'b');
        return { batchItemFailures: again.map(({ messageId }) => ({ itemIdentifier: messageId })) };
      };`,
    );
    await put('a', 'b', 'c');
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    const keys = reported().flatMap((one) => Object(one).keys);
    expect(keys.sort()).toEqual(['a', 'b', 'b', 'c']);
    expect(reported().at(-1)).toEqual({ keys: ['b'], counts: ['2'] });
  });

  test('goes to the dead-letter queue with the error the function printed, and the others do not', async () => {
    const { lake, put } = await opened(
      `${KEYS} export const handler = async (event) => {
        const bad = event.Records.filter((r) => r.body.includes('poison'));
        for (const { messageId } of bad) console.error(JSON.stringify({ level: 'ERROR', message: 'not loaded', error: { message: 'it is poison' } }));
        return { batchItemFailures: bad.map(({ messageId }) => ({ itemIdentifier: messageId })) };
      };`,
    );
    await put('a', 'poison', 'b');
    const { deadLetters } = await lake.drain();
    expect(deadLetters).toEqual([
      { queue: 'dead', body: expect.stringContaining('poison'), error: 'not loaded: it is poison' },
    ]);
  });

  test.each([
    ['throws', `throw new TypeError('broken');`, 'TypeError: broken'],
    ['names an unknown message', `return { batchItemFailures: [{ itemIdentifier: 'x' }] };`, 'not in its batch: x'],
    ['answers in another shape', `return { batchItemFailures: [{ id: 'x' }] };`, 'expected { batchItemFailures }'],
    ['exits', `process.exit(3);`, 'Runtime exited with error: exit status 3'],
    ['kills itself', `process.kill(process.pid, 'SIGKILL');`, 'Runtime exited with error: signal: SIGKILL'],
  ])('fails as a whole when the function %s', async (_name, body, error) => {
    const { lake, put } = await opened(`export const handler = async () => { ${body} };`);
    await put('k');
    const { deadLetters } = await lake.drain();
    expect(deadLetters).toEqual([{ queue: 'dead', body: expect.any(String), error: expect.stringContaining(error) }]);
  });

  test('fails when the bundle cannot be loaded, with the reason', async () => {
    const { lake, put } = await opened(`throw new Error('no settings'); export const handler = 1;`);
    await put('k');
    expect((await lake.drain()).deadLetters).toMatchObject([{ error: 'Error: no settings' }]);
  });

  test('fails when the function takes longer than its Timeout; a new process takes the next', async () => {
    const { lake, put, reported } = await opened(
      `${KEYS} export const handler = async (event) => {
        const [key] = keysOf(event);
        if (key === 'slow') await new Promise((resolve) => setTimeout(resolve, 60_000));
        report(key);
      };`,
      { lambda: { Timeout: 1 } },
    );
    await put('slow');
    const { deadLetters } = await lake.drain();
    expect(deadLetters[0]?.error).toMatch(/Sandbox\.Timedout.*Task timed out after 1\.00 seconds/);
    await put('good');
    await lake.drain();
    expect(reported()).toEqual(['good']);
  });

  test('fails when the function takes more memory than its MemorySize', async () => {
    const { lake, put, dir } = await opened(
      `export const handler = async () => { for (const hoard = []; ; ) hoard.push(new Array(1e6).fill(Math.random())); };`,
      { lambda: { MemorySize: 128 } },
    );
    await put('k');
    expect((await lake.drain()).deadLetters[0]?.error).toContain('Runtime exited with error');
    expect(readFileSync(join(dir, 'logs/load.log'), 'utf8')).toContain('heap out of memory');
  });
});

describe('a stack that could not run', () => {
  const dirOf = (
    change: (template: { Resources: Record<string, { Properties: Record<string, unknown> }> }) => void,
  ): string => {
    const dir = temporaryFolder();
    const file = join(assemblyOf(dir, LOADS_ALL), 'Tributary.template.json');
    const template = JSON.parse(readFileSync(file, 'utf8'));
    change(template);
    writeFileSync(file, JSON.stringify(template));
    return dir;
  };
  const open = (dir: string): Promise<LocalLake> => openStack({ dir, assembly: join(dir, 'stack') });

  test('is refused when its queue hides messages for less than the function may take', async () => {
    const dir = dirOf(({ Resources }) => Object.assign(Resources.Queue?.Properties ?? {}, { VisibilityTimeout: 10 }));
    await expect(open(dir)).rejects.toThrow('must be at least the Timeout of load, got 10 s and 20 s');
  });

  test('is refused when its queue has no dead-letter queue', async () => {
    const dir = dirOf(({ Resources }) => delete Resources.Queue?.Properties.RedrivePolicy);
    await expect(open(dir)).rejects.toThrow('resource Source: the queue has no RedrivePolicy');
  });

  test('is refused when its function is of another runtime', async () => {
    const dir = dirOf(({ Resources }) => Object.assign(Resources.Load?.Properties ?? {}, { Runtime: 'python3.13' }));
    await expect(open(dir)).rejects.toThrow('resource Load (AWS::Lambda::Function): Runtime: expected nodejs');
  });
});
