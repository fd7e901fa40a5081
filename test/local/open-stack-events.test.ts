import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openStack } from '../../local/open-stack.ts';
import { EVERYTHING, resource } from '../helpers/assembly.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assemblyOf, LOADS_ALL, opened, reportOf } from '../helpers/loading-stack.ts';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';

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
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
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
        RoleARN: EVERYTHING,
        BucketARN: { 'Fn::GetAtt': ['Landing', 'Arn'] },
        BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
        Prefix: 'groups/app/',
        ErrorOutputPrefix: 'errors/',
      },
    });
    Object.assign(template.Resources.Filter.Properties, {
      DestinationArn: { 'Fn::GetAtt': ['Raw', 'Arn'] },
      RoleArn: EVERYTHING,
    });
    writeFileSync(file, JSON.stringify(template));
    const lake = await openStack({ dir, assembly: join(dir, 'stack') });
    onTestFinished(() => lake.close());
    for (const stream of ['s', 't']) await lake.putLogEvents('/app', stream, [{ timestamp: 1, message: stream }]);
    expect(await lake.drain()).toEqual(NOTHING_FAILED);
    const [key, ...more] = reportOf(dir) as string[];
    expect(more).toEqual([]);
    expect(key).toMatch(/^groups\/app\/\d{4}\/\d\d\/\d\d\/\d\d\/raw-1-/);
    const bytes = gunzipSync(readFileSync(join(dir, 'buckets/landing', key ?? '')));
    const payloads = JSON.parse(`[${bytes.toString().replaceAll('}{', '},{')}]`) as { logStream: string }[];
    expect(payloads.map(({ logStream }) => logStream)).toEqual(['s', 't']);
  });
});
