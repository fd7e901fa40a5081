import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LocalLake } from '../../../local/local-lake.ts';
import { openStack } from '../../../local/open-stack.ts';
import { resource, writeAssembly } from '../../helpers/assembly.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

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
    resources: {
      Timed: resource('AWS::Lambda::Function', 'Timed', { ...properties, ...variables({ OTHER: { Ref: 'Other' } }) }),
      Other: resource('AWS::Lambda::Function', 'Other', { ...properties, ...variables({}) }),
      Schedule: resource('AWS::Events::Rule', 'Schedule', {
        ScheduleExpression: 'rate(1 minute)',
        Targets: [{ Id: 'Target0', Arn: { 'Fn::GetAtt': ['Timed', 'Arn'] } }],
        ...rule,
      }),
    },
  });
  const lake = await openStack({ dir, assembly });
  onTestFinished(() => lake.close());
  const lines = () => readFileSync(report, 'utf8').split('\n').filter(Boolean);
  return { lake, reported: () => lines().map((line) => JSON.parse(line)) };
}

const nothing = { deadLetters: [], failedEvents: [], conversionFailures: [], damaged: [] };

describe('a function on a schedule', { timeout: 30_000 }, () => {
  test('runs when nothing else is left to do, as if time had passed', async () => {
    const { lake, reported } = await opened('export const handler = async (event) => report(event);');
    const before = Date.now();
    expect(await lake.drain()).toEqual(nothing);
    const [event, ...more] = reported() as [{ source: string; time: string }];
    expect(more).toEqual([]);
    expect(event.source).toBe('aws.events');
    expect(Date.parse(event.time)).toBeGreaterThan(before + 3_600_000);
  });

  test('runs again while it leaves less and less', async () => {
    const { lake, reported } = await opened(
      'export const handler = async () => { report("run"); return { left: Math.max(0, 8 - runs()) }; };',
    );
    expect(await lake.drain()).toEqual(nothing);
    expect(reported()).toHaveLength(8);
  });

  test.each([
    ['fails', 'throw new Error("broken");', 'Error: broken'],
    ['leaves the same again and again', 'return { left: 3 };', 'expected nothing left for later runs, got 3'],
  ])('is given up when it %s', async (_, code, error) => {
    const { lake } = await opened(`export const handler = async () => { ${code} };`);
    expect(await lake.drain()).toEqual({ ...nothing, failedEvents: [{ functionName: 'timed', error }] });
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

describe('a function that invokes another', { timeout: 30_000 }, () => {
  const invoke = (type: string) => `
    export const handler = async (event) => {
      if (!process.env.OTHER) return report(event);
      const url = process.env.AWS_ENDPOINT_URL_LAMBDA + '/2015-03-31/functions/' + process.env.OTHER + '/invocations';
      const headers = { 'x-amz-invocation-type': '${type}', authorization: 'AWS4-HMAC-SHA256 Credential=' + process.env.AWS_ACCESS_KEY_ID + '/' };
      const answer = await fetch(url, { method: 'POST', headers, body: '{"n":1}' });
      report(answer.status);
    };`;

  test('has it invoked in its time', async () => {
    const { lake, reported } = await opened(invoke('Event'));
    await lake.drain();
    expect(reported()[0]).toBe(202);
    await lake.drain();
    expect(reported()).toContainEqual({ n: 1 });
  });

  test('cannot wait for its answer here', async () => {
    const { lake, reported } = await opened(invoke('RequestResponse'));
    await lake.drain();
    expect(reported()).toEqual([400]);
  });
});
