import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { troubles } from '../../bin/input/load-files.ts';
import { openStack } from '../../local/open-stack.ts';
import { importOf } from '../helpers/client-options.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assemblyOf } from '../helpers/loading-stack.ts';

type Properties = Record<string, unknown>;
type Resources = Record<string, { readonly Type: string; readonly Properties: Properties }>;

/** Opens a small stack whose policies allow everything, but for what is changed. */
async function openChanged(change: (resources: Resources) => void, code = 'export const handler = async () => {};') {
  const dir = temporaryFolder();
  const assembly = assemblyOf(dir, code);
  const file = join(assembly, 'Tributary.template.json');
  const template = JSON.parse(readFileSync(file, 'utf8')) as { Resources: Resources };
  change(template.Resources);
  writeFileSync(file, JSON.stringify(template));
  const lake = await openStack({ dir, assembly });
  onTestFinished(() => lake.close());
  return { dir, lake };
}

/** Denies the role of the function some actions. */
function denying(...actions: readonly string[]) {
  return ({ Everything }: Resources): void => {
    const Statement = [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: actions, Resource: '*' },
    ];
    Object.assign(Everything?.Properties ?? {}, { Policies: [{ PolicyDocument: { Statement } }] });
  };
}

function without(type: string) {
  return (resources: Resources): void => {
    for (const [id, { Type }] of Object.entries(resources)) if (Type === type) delete resources[id];
  };
}

test('what a function may not do fails, and is said in one line', { timeout: 60_000 }, async () => {
  const reads = `import { S3Client, GetObjectCommand } from ${importOf('client-s3')};
    const s3 = new S3Client({});
    export const handler = async () => { await s3.send(new GetObjectCommand({ Bucket: 'landing', Key: 'a/b' })); };`;
  const { dir, lake } = await openChanged(denying('s3:Get*'), reads);
  writeFileSync(join(dir, 'input'), 'hello');
  await lake.putObject('landing', 'a/b', join(dir, 'input'));
  const drained = await lake.drain();
  const error =
    'User: arn:aws:sts::123456789012:assumed-role/everything/load is not authorized to perform: s3:GetObject on resource: ' +
    '"arn:aws:s3:::landing/a/b" with an explicit deny in a policy';
  expect(drained.denied).toEqual([
    { who: 'load', action: 's3:GetObject', resource: 'arn:aws:s3:::landing/a/b', times: 3, error },
  ]);
  const [line, ...others] = troubles(drained, dir);
  expect(line).toContain('load: not allowed, 3 times: s3:GetObject on arn:aws:s3:::landing/a/b');
  expect(others).toEqual([expect.stringContaining(`AccessDenied: ${error}`)]);
});

describe('a stack does not open', () => {
  test.each<[string, (resources: Resources) => void, string]>([
    ['if S3 may not announce objects', without('AWS::SQS::QueuePolicy'), 'bucket landing: User: s3.amazonaws.com'],
    ['if nobody may invoke the function', without('AWS::Lambda::Permission'), 'subscription filter filter: User: logs'],
    ['if Lambda may not read the queue', denying('sqs:DeleteMessage'), 'resource Source: User: arn:aws:sts'],
    ['if the function may not write its log', denying('logs:PutLogEvents'), 'function load: User: arn:aws:sts'],
    ['if failed events may not be stored', denying('s3:ListBucket'), 'function load: User: arn:aws:sts'],
    [
      'if Lambda may not assume the role',
      ({ Everything }) => {
        const Principal = { Service: 'firehose.amazonaws.com' };
        const Statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal };
        Object.assign(Everything?.Properties ?? {}, { AssumeRolePolicyDocument: { Statement } });
      },
      'load: lambda.amazonaws.com may not assume the role everything: no policy allows it',
    ],
    [
      'if a function has a role that is not of the stack',
      ({ Load }) => void Object.assign(Load?.Properties ?? {}, { Role: 'arn:aws:iam::123456789012:role/other' }),
      'load: expected a role of the stack, got arn:aws:iam::123456789012:role/other',
    ],
    [
      'if a policy of AWS is not known',
      ({ Everything }) =>
        void Object.assign(Everything?.Properties ?? {}, { ManagedPolicyArns: ['arn:aws:iam::aws:policy/Other'] }),
      'resource Everything: the managed policy arn:aws:iam::aws:policy/Other is not known here',
    ],
  ])('%s', async (_, change, message) => {
    await expect(openChanged(change)).rejects.toThrow(message);
  });
});
