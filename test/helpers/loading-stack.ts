import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { LocalLake } from '../../local/local-lake.ts';
import { type LakeHooks, openStack } from '../../local/open-stack.ts';
import { permissive, resource, writeAssembly } from './assembly.ts';
import { temporaryFolder } from './folder.ts';

/**
 * A stack in small: landing bucket → queue with a dead-letter queue → function; log group → function
 * with an on-failure bucket. `code` is each function's; what it calls `report` appends to a file.
 */
export function assemblyOf(dir: string, code: string, lambda: object = {}, mapping: object = {}): string {
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
    resources: permissive({
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
    }),
  });
}

export interface Opened {
  readonly dir: string;
  readonly lake: LocalLake;
  /** Puts small objects of these keys. */
  put(...keys: string[]): Promise<void>;
  /** What the function reported. */
  reported(): unknown[];
}

export async function opened(
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

export interface Opening {
  readonly lambda?: object;
  readonly mapping?: object;
  readonly hooks?: LakeHooks;
  readonly dir?: string;
}

export function reportOf(dir: string): unknown[] {
  const file = join(dir, 'report');
  writeFileSync(file, '', { flag: 'a' });
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

export const KEYS = `const keysOf = (event) => event.Records.map((record) => JSON.parse(record.body).Records[0].s3.object.key);`;

export const LOADS_ALL = `${KEYS} export const handler = async (event) => { for (const key of keysOf(event)) report(key); };`;
