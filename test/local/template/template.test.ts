import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Bucket, EventType } from 'aws-cdk-lib/aws-s3';
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { localNameOf, readStack } from '../../../local/template/template.ts';
import { type Assembly, resource, writeAssembly } from '../../helpers/assembly.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** A place Fn::Sub fills. */
const hole = (name: string): string => `\${${name}}`;

const urls = { sqs: 'http://127.0.0.1:1' };

function read(assembly: Assembly): ReturnType<typeof readStack> {
  return readStack({ directory: writeAssembly(temporaryFolder(), assembly), urls });
}

/** What an expression becomes as a property of a stack with a queue, a bucket and a condition. */
function resolved(expression: unknown): unknown {
  const { resources } = read({
    parameters: { Size: { Type: 'Number', Default: 7 } },
    conditions: { Yes: { 'Fn::Equals': ['a', 'a'] }, No: { 'Fn::Not': [{ Condition: 'Yes' }] } },
    resources: {
      Q: resource('AWS::SQS::Queue', 'Load/Queue/Resource'),
      B: resource('AWS::S3::Bucket', 'Landing/Resource', {
        BucketName: { 'Fn::Sub': `logs-${hole('AWS::AccountId')}` },
      }),
      Role: resource('AWS::IAM::Role', 'Load/Role/Resource'),
      T: resource('AWS::SNS::Topic', 'Topic/Resource', { value: expression }),
    },
  });
  return resources.find(({ logicalId }) => logicalId === 'T')?.properties.value;
}

describe('localNameOf', () => {
  test.each([
    ['Tributary/Landing/Resource', 'landing'],
    ['Tributary/LoadObjects/DeadLetters/Resource', 'load-objects-dead-letters'],
    ['Tributary/ALBLogs/Default', 'alb-logs'],
    ['Tributary/Streams/kong_app/Resource', 'streams-kong-app'],
    ['Tributary/Resource', 'resource'],
  ])('%s becomes %s', (path, name) => {
    expect(localNameOf(path)).toBe(name);
  });
});

describe('readStack', () => {
  test.each([
    ['Ref of a queue is its local URL', { Ref: 'Q' }, 'http://127.0.0.1:1/123456789012/load-queue'],
    ['Ref of a bucket is its given name', { Ref: 'B' }, 'logs-123456789012'],
    ['Fn::GetAtt gives an ARN', { 'Fn::GetAtt': ['Q', 'Arn'] }, 'arn:aws:sqs:us-east-1:123456789012:load-queue'],
    ['a role has an ARN', { 'Fn::GetAtt': ['Role', 'Arn'] }, 'arn:aws:iam::123456789012:role/load-role'],
    [
      'Fn::Sub takes resources, attributes and variables',
      { 'Fn::Sub': [`${hole('Q.QueueName')}/${hole('x')}/${hole('!y')}`, { x: 1 }] },
      `load-queue/1/${hole('y')}`,
    ],
    ['Fn::Join resolves its parts', { 'Fn::Join': [':', ['a', { Ref: 'AWS::Partition' }]] }, 'a:aws'],
    [
      'Fn::Select and Fn::Split go together',
      { 'Fn::Select': ['1', { 'Fn::Split': ['-', { Ref: 'B' }] }] },
      '123456789012',
    ],
    ['Fn::If takes the branch that holds', { 'Fn::If': ['No', { Ref: 'nowhere' }, 'else'] }, 'else'],
    ['a parameter is its default', { Ref: 'Size' }, 7],
    ['AWS::NoValue takes a property out', { a: 1, b: { 'Fn::If': ['Yes', { Ref: 'AWS::NoValue' }, 2] } }, { a: 1 }],
  ])('%s', (_name, expression, expected) => {
    expect(resolved(expression)).toEqual(expected);
  });

  test.each([
    ['an intrinsic it does not know', { 'Fn::ImportValue': 'x' }, 'resource T: Fn::ImportValue is not understood'],
    ['a resource that is not there', { Ref: 'Nobody' }, 'resource T: no resource or parameter Nobody'],
    ['an attribute it does not know', { 'Fn::GetAtt': ['Q', 'Colour'] }, 'Fn::GetAtt Q.Colour'],
  ])('refuses %s by name', (_name, expression, message) => {
    expect(() => resolved(expression)).toThrow(message);
  });

  test('refuses a resource type without a local behaviour by name', () => {
    const resources = { Lb: resource('AWS::EC2::Instance', 'Lb') };
    expect(() => read({ resources })).toThrow('resource Lb: type AWS::EC2::Instance has no local behaviour');
  });

  test('leaves resources out whose condition does not hold', () => {
    const { resources } = read({
      conditions: { No: { 'Fn::Equals': ['a', 'b'] } },
      resources: { Q: { ...Object(resource('AWS::SQS::Queue', 'Q')), Condition: 'No' } },
    });
    expect(resources).toEqual([]);
  });

  test('refuses two resources of one type and local name', () => {
    const resources = { A: resource('AWS::SQS::Queue', 'My/Queue'), B: resource('AWS::SQS::Queue', 'MyQueue') };
    expect(() => read({ resources })).toThrow('resources A and B: both are AWS::SQS::Queue my-queue');
  });

  test('finds the bundle of a function through its asset', () => {
    const directory = writeAssembly(temporaryFolder(), {
      bundles: { abc: '' },
      resources: { F: resource('AWS::Lambda::Function', 'F/Resource', { Code: { S3Key: 'abc.zip' } }) },
    });
    const stack = readStack({ directory, urls });
    expect(stack.resources.map(stack.bundle)).toEqual([join(directory, 'asset.abc')]);
  });

  test('says what is missing where there is no assembly', () => {
    const dir = temporaryFolder();
    expect(() => readStack({ directory: dir, urls })).toThrow(`${dir} is no cloud assembly: cannot read manifest.json`);
  });

  test('reads what CDK synthesizes, names from its metadata file included', { timeout: 60_000 }, () => {
    const outdir = temporaryFolder();
    const app = new App({ outdir, builtinCloudFormationValidation: false });
    const stack = new Stack(app, 'Tributary');
    const queue = new Queue(stack, 'LoadQueue');
    const bucket = Bucket.fromBucketName(stack, 'Existing', 'existing-logs');
    bucket.addEventNotification(EventType.OBJECT_CREATED, new SqsDestination(queue), { prefix: 'a/' });
    app.synth();
    const { name, resources } = readStack({ directory: outdir, urls });
    expect(name).toBe('Tributary');
    expect(resources.find(({ type }) => type === 'AWS::SQS::Queue')?.localName).toBe('load-queue');
    expect(resources.find(({ type }) => type === 'Custom::S3BucketNotifications')?.properties.BucketName).toBe(
      'existing-logs',
    );
  });
});
