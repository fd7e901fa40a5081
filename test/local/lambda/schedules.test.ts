import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LocalLake } from '../../../local/local-lake.ts';
import { openStack } from '../../../local/open-stack.ts';
import { permissive, resource, writeAssembly } from '../../helpers/assembly.ts';
import { importOf } from '../../helpers/client-options.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { NOTHING_FAILED } from '../../helpers/nothing-failed.ts';

const REPORT = `import { appendFileSync, readFileSync } from 'node:fs';
  const report = (value) => appendFileSync(process.env.REPORT, JSON.stringify(value) + '\\n');
  const runs = () => readFileSync(process.env.REPORT, 'utf8').split('\\n').filter(Boolean).length;`;

/** A function on a schedule, and one that invokes another. `code` is each function's. */
async function opened(code: string, rule: object = {}): Promise<{ lake: LocalLake; reported: () => unknown[] }> {
  const dir = temporaryFolder();
  const report = join(dir, 'report');
  writeFileSync(report, '');
  const properties = { Code: { S3Key: 'code.zip' }, Runtime: 'nodejs24.x', Handler: 'index.handler', Timeout: 20 };
  const variables = (more: object) => ({ Environment: { Variables: { REPORT: report, ...more } } });
  const assembly = writeAssembly(join(dir, 'stack'), {
    bundles: { code: `${REPORT}\n${code}` },
    resources: permissive({
      Timed: resource('AWS::Lambda::Function', 'Timed', { ...properties, ...variables({ OTHER: { Ref: 'Other' } }) }),
      Other: resource('AWS::Lambda::Function', 'Other', { ...properties, ...variables({}) }),
      Schedule: resource('AWS::Events::Rule', 'Schedule', {
        ScheduleExpression: 'rate(1 minute)',
        Targets: [{ Id: 'Target0', Arn: { 'Fn::GetAtt': ['Timed', 'Arn'] } }],
        ...rule,
      }),
    }),
  });
  const lake = await openStack({ dir, assembly });
  onTestFinished(() => lake.close());
  const lines = () => readFileSync(report, 'utf8').split('\n').filter(Boolean);
  return { lake, reported: () => lines().map((line) => JSON.parse(line)) };
}

describe('a function on a schedule', { timeout: 30_000 }, () => {
  test('runs when nothing else is left to do, as if time had passed', async () => {
    const { lake, reported } = await opened('export const handler = async (event) => report(event);');
    const before = Date.now();
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    const [event, ...more] = reported() as [{ source: string; time: string }];
    expect(more).toEqual([]);
    expect(event.source).toBe('aws.events');
    expect(Date.parse(event.time)).toBeGreaterThan(before + 3_600_000);
  });

  test('runs again while it leaves less and less', async () => {
    const { lake, reported } = await opened(
      'export const handler = async () => { report("run"); return { left: Math.max(0, 8 - runs()) }; };',
    );
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toHaveLength(8);
  });

  test.each([
    ['fails', 'throw new Error("broken");', 'Error: broken'],
    ['leaves the same again and again', 'return { left: 3 };', 'expected nothing left for later runs, got 3'],
  ])('is given up when it %s', async (_, code, error) => {
    const { lake } = await opened(`export const handler = async () => { ${code} };`);
    expect(await lake.drain()).toEqual({ ...NOTHING_FAILED, failedEvents: [{ functionName: 'timed', error }] });
  });

  test('runs on while it leaves more for a time, as something new has come', async () => {
    const { lake, reported } = await opened(
      'export const handler = async () => { report("run"); return { left: [2, 1, 9, 9, 9, 8, 8, 8, 8, 0][runs() - 1] }; };',
    );
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toHaveLength(10);
  });

  test('does not run when the rule is switched off', async () => {
    const { lake, reported } = await opened('export const handler = async () => report("run");', { State: 'DISABLED' });
    await lake.drain();
    expect(reported()).toEqual([]);
  });

  test('of another kind of target has no behaviour here', async () => {
    const Targets = [{ Id: 'Target0', Arn: 'arn:aws:sns:us-east-1:123456789012:topic' }];
    await expect(opened('export const handler = async () => {};', { Targets })).rejects.toThrow(
      'rule schedule: target arn:aws:sns:us-east-1:123456789012:topic is no function',
    );
  });
});

/** A planner puts objects that wait into a queue; the writer takes them from there. Each object is a file of a bucket. */
describe('a function on a schedule that makes work for others', { timeout: 30_000 }, () => {
  /** \`plan\` is the planner's code for an array \`waiting\` of keys, and \`send(key)\`. */
  async function openedLane(plan: string, write = 'report(key); rmSync(file(key));') {
    const dir = temporaryFolder();
    const [report, waiting] = [join(dir, 'report'), join(dir, 'waiting')];
    writeFileSync(report, '');
    mkdirSync(waiting);
    for (const key of ['a', 'b', 'c']) writeFileSync(join(waiting, key), '');
    const environment = { Variables: { REPORT: report, WAITING: waiting, QUEUE: { Ref: 'Queue' } } };
    const properties = { Code: { S3Key: 'code.zip' }, Runtime: 'nodejs24.x', Timeout: 20, Environment: environment };
    const lane = `
      import { readdirSync, rmSync, existsSync, writeFileSync } from 'node:fs';
      const file = (key) => process.env.WAITING + '/' + key;
      import sqs from ${importOf('client-sqs')};
      const send = (key) =>
        new sqs.SQSClient({}).send(new sqs.SendMessageCommand({ QueueUrl: process.env.QUEUE, MessageBody: key }));
      export const plan = async () => { const waiting = readdirSync(process.env.WAITING).sort(); ${plan} };
      export const write = async ({ Records }) => { for (const { body: key } of Records) { ${write} } };`;
    const assembly = writeAssembly(join(dir, 'stack'), {
      bundles: { code: `${REPORT}\n${lane}` },
      resources: permissive({
        Dead: resource('AWS::SQS::Queue', 'Dead'),
        Queue: resource('AWS::SQS::Queue', 'Queue', {
          VisibilityTimeout: 120,
          RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 2 },
        }),
        Plan: resource('AWS::Lambda::Function', 'Plan', { ...properties, Handler: 'index.plan' }),
        Write: resource('AWS::Lambda::Function', 'Write', { ...properties, Handler: 'index.write' }),
        Source: resource('AWS::Lambda::EventSourceMapping', 'Source', {
          EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
          FunctionName: { Ref: 'Write' },
        }),
        Schedule: resource('AWS::Events::Rule', 'Schedule', {
          ScheduleExpression: 'rate(1 minute)',
          Targets: [{ Id: 'Target0', Arn: { 'Fn::GetAtt': ['Plan', 'Arn'] } }],
        }),
      }),
    });
    const lake = await openStack({ dir, assembly });
    onTestFinished(() => lake.close());
    const lines = () => readFileSync(report, 'utf8').split('\n').filter(Boolean);
    return { lake, reported: () => lines().map((line) => JSON.parse(line)) };
  }

  test('runs again when they have done it, until nothing waits', async () => {
    const { lake, reported } = await openedLane(
      'report("plan " + waiting.length); if (waiting[0]) await send(waiting[0]); return { left: waiting.length };',
    );
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toEqual(['plan 3', 'a', 'plan 2', 'b', 'plan 1', 'c', 'plan 0']);
  });

  test('runs again when they have made something new after it said that nothing is left', async () => {
    const { lake, reported } = await openedLane(
      'report("plan " + waiting.length); if (waiting[0]) await send(waiting[0]); return { left: 0 };',
    );
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toEqual(['plan 3', 'a', 'plan 2', 'b', 'plan 1', 'c', 'plan 0']);
  });

  test('is given up, with what it leaves, when they do nothing about it', async () => {
    const { lake } = await openedLane(
      'if (!existsSync(file("sent"))) { await send("sent"); } return { left: 7 };',
      'writeFileSync(file("sent"), "");',
    );
    const error = 'expected nothing left for later runs, got 7';
    expect(await lake.drain()).toEqual({ ...NOTHING_FAILED, failedEvents: [{ functionName: 'plan', error }] });
  });
});

describe('a function that invokes another', { timeout: 30_000 }, () => {
  const invoke = (type: string, first = '') => `
    import lambda from ${importOf('client-lambda')};
    export const handler = async (event) => {
      if (!process.env.OTHER) return report(event);
      ${first}
      const other = { FunctionName: process.env.OTHER, InvocationType: '${type}', Payload: '{"n":1}' };
      const answer = await new lambda.LambdaClient({}).send(new lambda.InvokeCommand(other)).catch((error) => error);
      report(answer.$metadata.httpStatusCode);
    };`;

  test('has it invoked before the drain ends, and runs again after it', async () => {
    const { lake, reported } = await opened(invoke('Event', 'if (runs() >= 2) return report("again");'));
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    expect(reported()).toEqual([202, { n: 1 }, 'again']);
  });

  test('is a fault if it never ends to invoke it', async () => {
    const { lake } = await opened(invoke('Event'));
    await expect(lake.drain()).rejects.toThrow('made new work in each of 20 rounds');
  });

  test('cannot wait for its answer here', async () => {
    const { lake, reported } = await opened(invoke('RequestResponse'));
    await lake.drain();
    expect(reported()).toEqual([400]);
  });
});
