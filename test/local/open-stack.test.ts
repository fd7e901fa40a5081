import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LocalLake } from '../../local/local-lake.ts';
import { type LakeHooks, openStack } from '../../local/open-stack.ts';
import { resource, writeAssembly } from '../helpers/assembly.ts';
import { importOf } from '../helpers/client-options.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/**
 * A stack in small: landing bucket → queue with a dead-letter queue → function; log group → function
 * with an on-failure bucket. `code` is each function's; what it calls `report` appends to a file.
 */
function assemblyOf(dir: string, code: string, lambda: object = {}, mapping: object = {}): string {
  const report = `import { appendFileSync } from 'node:fs';
    const report = (value) => appendFileSync(process.env.REPORT, JSON.stringify(value) + '\\n');`;
  const properties = {
    Code: { S3Key: 'code.zip' },
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Timeout: 20,
    Environment: { Variables: { REPORT: join(dir, 'report'), QUEUE: { Ref: 'Queue' } } },
    ...lambda,
  };
  return writeAssembly(join(dir, 'stack'), {
    bundles: { code: `${report}\n${code}` },
    resources: {
      Dead: resource('AWS::SQS::Queue', 'Dead'),
      Queue: resource('AWS::SQS::Queue', 'Queue', {
        VisibilityTimeout: 120,
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 3 },
      }),
      Landing: resource('AWS::S3::Bucket', 'Landing', {
        NotificationConfiguration: {
          QueueConfigurations: [{ Event: 's3:ObjectCreated:*', Queue: { 'Fn::GetAtt': ['Queue', 'Arn'] } }],
        },
      }),
      Failed: resource('AWS::S3::Bucket', 'Failed'),
      Load: resource('AWS::Lambda::Function', 'Load', properties),
      Source: resource('AWS::Lambda::EventSourceMapping', 'Source', {
        EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        FunctionName: { Ref: 'Load' },
        BatchSize: 5,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ...mapping,
      }),
      Filter: resource('AWS::Logs::SubscriptionFilter', 'Filter', {
        LogGroupName: '/app',
        DestinationArn: { 'Fn::GetAtt': ['Load', 'Arn'] },
        FilterPattern: '',
      }),
      Retries: resource('AWS::Lambda::EventInvokeConfig', 'Retries', {
        FunctionName: { Ref: 'Load' },
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Failed', 'Arn'] } } },
      }),
    },
  });
}

interface Opened {
  readonly dir: string;
  readonly lake: LocalLake;
  /** Puts small objects of these keys. */
  put(...keys: string[]): Promise<void>;
  /** What the function reported. */
  reported(): unknown[];
}

async function opened(
  code: string,
  { lambda = {}, mapping = {}, hooks = {}, dir = temporaryFolder() }: Opening = {},
): Promise<Opened> {
  const lake = await openStack({ dir, assembly: assemblyOf(dir, code, lambda, mapping), hooks });
  onTestFinished(() => lake.close());
  const input = join(dir, 'input');
  writeFileSync(input, 'hello');
  return {
    dir,
    lake,
    put: async (...keys) => {
      for (const key of keys) await lake.putObject('landing', key, input);
    },
    reported: () => reportOf(dir),
  };
}

interface Opening {
  readonly lambda?: object;
  readonly mapping?: object;
  readonly hooks?: LakeHooks;
  readonly dir?: string;
}

function reportOf(dir: string): unknown[] {
  const file = join(dir, 'report');
  writeFileSync(file, '', { flag: 'a' });
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const KEYS = `const keysOf = (event) => event.Records.map((record) => JSON.parse(record.body).Records[0].s3.object.key);`;

const LOADS_ALL = `${KEYS} export const handler = async (event) => { for (const key of keysOf(event)) report(key); };`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const nothing = { deadLetters: [], failedEvents: [], conversionFailures: [], damaged: [] };

const REPORTS_BATCHES = `${KEYS} export const handler = async (event) => report(keysOf(event));`;

describe('objects that are gathered', { timeout: 30_000 }, () => {
  const mapping = { BatchSize: 3, MaximumBatchingWindowInSeconds: 300 };

  test('reach the function together: as many as it takes, and the rest when nothing else is to be waited for', async () => {
    const { lake, put, reported } = await opened(REPORTS_BATCHES, { mapping });
    for (const key of ['a', 'b', 'c', 'd', 'e']) await put(key);
    expect(await lake.drain()).toEqual(nothing);
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
    expect(await lake.drain()).toEqual(nothing);
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
    expect(await lake.drain()).toEqual(nothing);
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
    expect(await lake.drain()).toEqual(nothing);
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

describe('log events', { timeout: 30_000 }, () => {
  const events = [{ timestamp: 1_772_600_000_000, message: 'hello' }];

  test('reach the function, again with the same request id when it fails', async () => {
    const { lake, reported } = await opened(
      `let calls = 0;
      export const handler = async (event, { awsRequestId }) => {
        report({ awsRequestId, data: event.awslogs.data });
        if (calls++ === 0) throw new Error('not yet');
      };`,
    );
    await lake.putLogEvents('/app', 's', events);
    expect(await lake.drain()).toEqual(nothing);
    const [first, second, ...more] = reported();
    expect(more).toEqual([]);
    expect(second).toEqual(first);
  });

  test('end in the on-failure bucket, as Lambda records them, after the last retry', async () => {
    const { dir, lake } = await opened(`export const handler = async () => { throw new Error('never'); };`);
    await lake.putLogEvents('/app', 's', events);
    expect((await lake.drain()).failedEvents).toEqual([{ functionName: 'load', error: 'Error: never' }]);
    const folder = join(dir, 'buckets/failed/aws/lambda/async/load');
    const [file = ''] = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      version: '1.0',
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { awslogs: { data: expect.any(String) } },
      responsePayload: { errorType: 'Error', errorMessage: 'never' },
    });
    expect(readdirSync(join(dir, 'invocations/load'))).toEqual([]);
  });
});

describe('log events of a delivery stream', { timeout: 30_000 }, () => {
  test('are an object of the landing bucket, which the function that listens gets', async () => {
    const dir = temporaryFolder();
    const file = join(assemblyOf(dir, LOADS_ALL), 'Tributary.template.json');
    const template = JSON.parse(readFileSync(file, 'utf8'));
    template.Resources.Raw = resource('AWS::KinesisFirehose::DeliveryStream', 'Raw', {
      ExtendedS3DestinationConfiguration: {
        BucketARN: { 'Fn::GetAtt': ['Landing', 'Arn'] },
        BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
        Prefix: 'groups/app/',
        ErrorOutputPrefix: 'errors/',
      },
    });
    Object.assign(template.Resources.Filter.Properties, {
      DestinationArn: { 'Fn::GetAtt': ['Raw', 'Arn'] },
      RoleArn: 'arn:aws:iam::123456789012:role/logs',
    });
    writeFileSync(file, JSON.stringify(template));
    const lake = await openStack({ dir, assembly: join(dir, 'stack') });
    onTestFinished(() => lake.close());
    for (const stream of ['s', 't']) await lake.putLogEvents('/app', stream, [{ timestamp: 1, message: stream }]);
    expect(await lake.drain()).toEqual(nothing);
    const [key, ...more] = reportOf(dir) as string[];
    expect(more).toEqual([]);
    expect(key).toMatch(/^groups\/app\/\d{4}\/\d\d\/\d\d\/\d\d\/raw-1-/);
    const bytes = gunzipSync(readFileSync(join(dir, 'buckets/landing', key ?? '')));
    const payloads = JSON.parse(`[${bytes.toString().replaceAll('}{', '},{')}]`) as { logStream: string }[];
    expect(payloads.map(({ logStream }) => logStream)).toEqual(['s', 't']);
  });
});

describe('a lake closed in the middle of its work', { timeout: 30_000 }, () => {
  test('goes on with it when opened again', async () => {
    const dir = temporaryFolder();
    let started = (): void => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const hanging = `export const handler = () => new Promise(() => setInterval(() => {}, 1000));`;
    const first = await opened(hanging, { dir, hooks: { onInvocation: () => started() } });
    await first.put('a', 'b');
    await first.lake.putLogEvents('/app', 's', [{ timestamp: 1, message: 'x' }]);
    await running;
    await first.lake.close();
    const second = await opened(
      `export const handler = async (event) => { for (const record of event.Records ?? ['event']) report(record.attributes?.ApproximateReceiveCount ?? record); };`,
      { dir },
    );
    expect(await second.lake.drain()).toEqual(nothing);
    expect(second.reported().sort()).toEqual(['1', '1', 'event']);
  });
});

describe('a lake killed in the middle of its work', { timeout: 30_000 }, () => {
  test('leaves no process behind, and goes on with it when opened again', async () => {
    const dir = temporaryFolder();
    const assembly = assemblyOf(dir, `export const handler = () => new Promise(() => setInterval(() => {}, 1000));`);
    writeFileSync(join(dir, 'input'), 'hello');
    const script = `
      const { openStack } = await import(${JSON.stringify(new URL('../../local/open-stack.ts', import.meta.url).href)});
      const hooks = { onInvocation: ({ pid }) => console.log(pid) };
      const lake = await openStack({ dir: ${JSON.stringify(dir)}, assembly: ${JSON.stringify(assembly)}, hooks });
      await lake.putObject('landing', 'k', ${JSON.stringify(join(dir, 'input'))});`;
    const lake = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void lake.kill('SIGKILL'));
    const pid = Number(await new Promise((resolve) => lake.stdout.once('data', resolve)));
    expect(isRunning(pid)).toBe(true);
    lake.kill('SIGKILL');
    await expect.poll(() => isRunning(pid)).toBe(false);
    const { lake: again, reported } = await opened(LOADS_ALL, { dir });
    expect(await again.drain()).toEqual(nothing);
    expect(reported()).toEqual(['k']);
  });
});

describe('hooks', { timeout: 30_000 }, () => {
  test('tell the process of each invocation, and see each request before the service', async () => {
    const seen: string[] = [];
    let kills = 0;
    const { lake, put, reported } = await opened(
      `import s3 from ${importOf('client-s3')};
      ${KEYS} export const handler = async (event) => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const get = new s3.GetObjectCommand({ Bucket: 'landing', Key: keysOf(event)[0] });
        const error = await new s3.S3Client({ maxAttempts: 1 }).send(get).catch((error) => error);
        report(error.$metadata.httpStatusCode);
      };`,
      {
        hooks: {
          onInvocation: ({ pid }) => {
            if (kills++ === 0) process.kill(pid, 'SIGKILL');
          },
          intercept: (service, request, response) => {
            seen.push(`${service} ${request.method} ${request.url}`);
            response.writeHead(503).end();
            return true;
          },
        },
      },
    );
    await put('k');
    expect(await lake.drain()).toEqual(nothing);
    expect(kills).toBe(2);
    expect(reported()).toEqual([503]);
    expect(seen).toEqual(['S3 GET /landing/k?x-id=GetObject']);
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
