/** What the services of this machine answer to those who may not do what they ask for. */
import { BatchGetItemCommand, DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { CreateTableOptimizerCommand, GetTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { iamArn, REGION } from '../../../local/account.ts';
import { temporaryCredentials } from '../../../local/credentials.ts';
import { openDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { openEndpoint } from '../../../local/endpoint.ts';
import { openFirehose } from '../../../local/firehose/firehose.ts';
import { openGlue } from '../../../local/glue/glue.ts';
import { Sessions } from '../../../local/iam/caller.ts';
import { Permissions } from '../../../local/iam/permissions.ts';
import { lambdaApi } from '../../../local/lambda/api.ts';
import { openSqs } from '../../../local/queues/sqs.ts';
import { openS3 } from '../../../local/s3/s3.ts';
import type { Resource, Service } from '../../../local/template/resource.ts';
import { newFolder, remove } from '../../helpers/folder.ts';
import { catalogAt } from '../../helpers/local-catalog.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';
const WHO = 'arn:aws:sts::123456789012:assumed-role/loader/load';
const dir = newFolder();
const sessions = new Sessions();
const urls = new Map<string, string>();
const closers: (() => Promise<void>)[] = [];
const invoked: string[] = [];

beforeAll(async () => {
  const keyed = { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] };
  const table = (localName: string, more: object = {}): Resource => ({
    ...{ logicalId: localName, type: 'AWS::DynamoDB::Table', localName },
    properties: { ...keyed, AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }], ...more },
  });
  const index = { IndexName: 'waiting', ...keyed, Projection: { ProjectionType: 'ALL' } };
  const tables = [
    table('ledger', { GlobalSecondaryIndexes: [index] }),
    table('other'),
    table('sealed', { SSESpecification: { KMSMasterKeyId: KEY } }),
  ];
  const s3 = await openS3({
    ...{ dir, buckets: new Set(['logs', 'lake']), keys: new Map([['lake', KEY]]), onCreated: async () => {} },
  });
  const sqsEndpoint = await openEndpoint({ sessions });
  const queues: Resource[] = [{ logicalId: 'Q', type: 'AWS::SQS::Queue', localName: 'queue', properties: {} }];
  const serve = async (service: Service, endpoint?: Awaited<ReturnType<typeof openEndpoint>>) => {
    const opened = endpoint ?? (await openEndpoint({ sessions }));
    opened.serve(service);
    urls.set(service.name, opened.url);
    closers.unshift(
      () => opened.close(),
      () => service.close(),
    );
  };
  await serve(s3);
  await serve(await openDynamoDb({ dir: `${dir}/dynamodb`, tables, durable: false }));
  await serve(await openSqs({ dir: `${dir}/queues`, queues, url: sqsEndpoint.url }), sqsEndpoint);
  await serve(await openFirehose({ dir, streams: [], tables: [], buckets: { put: async () => {} } }));
  await serve(await openGlue({ dir, databases: [{ name: 'db', location: 's3://lake/iceberg' }], objects: s3.objects }));
  await serve(lambdaApi(async (name) => void invoked.push(name)));
  await s3.objects.put('logs', 'there', 'text');
  await s3.objects.put('lake', 'there', 'text');
});
afterAll(async () => {
  for (const close of closers) await close();
  remove(dir);
});

let roles = 0;

/** A role with these permissions, as the function `load` has it: what its clients need, and what was denied to it. */
function role(...allowed: [string | string[], string | string[]][]) {
  const name = 'loader';
  const Statement = allowed.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }));
  const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } };
  const permissions = new Permissions([
    {
      ...{ logicalId: 'Role', type: 'AWS::IAM::Role', localName: name },
      properties: {
        AssumeRolePolicyDocument: { Statement: trust },
        Policies: [{ PolicyDocument: { Statement } }],
      },
    },
  ]);
  const credentials = temporaryCredentials(`${name} ${roles++}`);
  sessions.add({ credentials, caller: permissions.assumedBy('lambda.amazonaws.com', iamArn('role', name), 'load') });
  const options = (service: string) => ({
    endpoint: urls.get(service) ?? '',
    region: REGION,
    credentials,
    maxAttempts: 1,
  });
  return { options, credentials, permissions };
}

const s3Of = (...allowed: Parameters<typeof role>) => new S3Client(role(...allowed).options('S3'));
const dynamoOf = (...allowed: Parameters<typeof role>) => new DynamoDBClient(role(...allowed).options('DYNAMODB'));

/** How the SDK shows a refusal. */
async function refusal(sent: Promise<unknown>) {
  const error = await sent.then(
    () => new Error('expected a refusal'),
    (reason: unknown) => reason as Error & { $metadata?: { httpStatusCode?: number } },
  );
  const { name, message } = error;
  return { name, message, status: '$metadata' in error ? error.$metadata?.httpStatusCode : undefined };
}

const refused = (action: string, on: string) =>
  `User: ${WHO} is not authorized to perform: ${action} on resource: ${on} ` +
  `because no identity-based policy allows the ${action} action`;

describe('S3', () => {
  const get = (Key: string, Bucket = 'logs') => new GetObjectCommand({ Bucket, Key });

  test('names the action and the object that may not be read', async () => {
    expect(await refusal(s3Of(['s3:GetObject', 'arn:aws:s3:::logs/web/*']).send(get('there')))).toEqual({
      ...{ name: 'AccessDenied', status: 403 },
      message: refused('s3:GetObject', '"arn:aws:s3:::logs/there"'),
    });
  });

  test('gives an object to those who may read it', async () => {
    const { Body } = await s3Of(['s3:GetObject', 'arn:aws:s3:::logs/*']).send(get('there'));
    expect(await Body?.transformToString()).toBe('text');
  });

  test('says that an object is missing only to those who may list the bucket', async () => {
    const blind = s3Of(['s3:GetObject', 'arn:aws:s3:::logs/*']);
    expect(await refusal(blind.send(get('gone')))).toEqual({
      ...{ name: 'AccessDenied', status: 403 },
      message: refused('s3:ListBucket', '"arn:aws:s3:::logs"'),
    });
    const head = new HeadObjectCommand({ Bucket: 'logs', Key: 'gone' });
    expect(await refusal(blind.send(head))).toMatchObject({ status: 403 });
    const seeing = s3Of(['s3:GetObject', 'arn:aws:s3:::logs/*'], ['s3:ListBucket', 'arn:aws:s3:::logs']);
    expect(await refusal(seeing.send(get('gone')))).toMatchObject({ name: 'NoSuchKey', status: 404 });
    expect(await refusal(seeing.send(head))).toMatchObject({ name: 'NotFound', status: 404 });
  });

  test('refuses the operations that are not allowed, each by its own action', async () => {
    const s3 = s3Of(['s3:GetObject', '*']);
    const place = { Bucket: 'logs', Key: 'new' };
    const answers = [
      s3.send(new PutObjectCommand({ ...place, Body: 'x' })),
      s3.send(new CreateMultipartUploadCommand(place)),
      s3.send(new ListObjectsV2Command({ Bucket: 'logs' })),
      s3.send(new ListMultipartUploadsCommand({ Bucket: 'logs' })),
    ];
    const messages = (await Promise.all(answers.map(refusal))).map(({ message }) => message);
    expect(messages).toEqual([
      refused('s3:PutObject', '"arn:aws:s3:::logs/new"'),
      refused('s3:PutObject', '"arn:aws:s3:::logs/new"'),
      refused('s3:ListBucket', '"arn:aws:s3:::logs"'),
      refused('s3:ListBucketMultipartUploads', '"arn:aws:s3:::logs"'),
    ]);
  });

  test('refuses each object of a deletion for itself', async () => {
    const s3 = s3Of(['s3:DeleteObject', 'arn:aws:s3:::logs/web/*']);
    const Delete = { Objects: [{ Key: 'web/a' }, { Key: 'app/a' }] };
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket: 'logs', Delete }));
    expect(Deleted).toEqual([{ Key: 'web/a' }]);
    expect(Errors).toEqual([
      { Key: 'app/a', Code: 'AccessDenied', Message: refused('s3:DeleteObject', '"arn:aws:s3:::logs/app/a"') },
    ]);
  });

  test('asks for the use of the key that a bucket is encrypted with', async () => {
    const all: [string, string] = ['s3:*', '*'];
    expect((await refusal(s3Of(all).send(get('there', 'lake')))).message).toContain(refused('kms:Decrypt', KEY));
    const put = new PutObjectCommand({ Bucket: 'lake', Key: 'new', Body: 'x' });
    expect((await refusal(s3Of(all).send(put))).message).toContain(refused('kms:GenerateDataKey', KEY));
    const s3 = s3Of(all, [['kms:Decrypt', 'kms:GenerateDataKey'], KEY]);
    await s3.send(put);
    await s3.send(get('new', 'lake'));
  });
});

describe('DynamoDB', () => {
  const table = 'arn:aws:dynamodb:us-east-1:123456789012:table';
  const id = { id: { S: 'a' } };

  test('names the action and the table', async () => {
    const client = dynamoOf(['dynamodb:PutItem', '*'], ['dynamodb:GetItem', `${table}/other`]);
    expect(await refusal(client.send(new GetItemCommand({ TableName: 'ledger', Key: id })))).toEqual({
      ...{ name: 'AccessDeniedException', status: 400 },
      message: refused('dynamodb:GetItem', `${table}/ledger`),
    });
    await client.send(new GetItemCommand({ TableName: 'other', Key: id }));
  });

  test('asks for a permission on the index that is asked, and not on its table', async () => {
    const query = (IndexName?: string) =>
      new QueryCommand({
        ...{ TableName: 'ledger', IndexName, KeyConditionExpression: '#id = :a' },
        ...{ ExpressionAttributeNames: { '#id': 'id' }, ExpressionAttributeValues: { ':a': { S: 'a' } } },
      });
    const client = dynamoOf(['dynamodb:Query', `${table}/ledger/index/waiting`]);
    await client.send(query('waiting'));
    expect((await refusal(client.send(query()))).message).toBe(refused('dynamodb:Query', `${table}/ledger`));
  });

  test('asks for a permission on each table of a batch', async () => {
    const client = dynamoOf(['dynamodb:BatchGetItem', `${table}/ledger`]);
    const RequestItems = { ledger: { Keys: [id] }, other: { Keys: [id] } };
    const { message } = await refusal(client.send(new BatchGetItemCommand({ RequestItems })));
    expect(message).toBe(refused('dynamodb:BatchGetItem', `${table}/other`));
  });

  test('asks for the use of the key that a table is encrypted with', async () => {
    const get = new GetItemCommand({ TableName: 'sealed', Key: id });
    const client = dynamoOf(['dynamodb:GetItem', '*']);
    expect((await refusal(client.send(get))).message).toBe(refused('kms:Encrypt', KEY));
    await dynamoOf(['dynamodb:GetItem', '*'], ['kms:*', KEY]).send(get);
  });
});

describe('SQS', () => {
  const client = (...allowed: Parameters<typeof role>) => new SQSClient(role(...allowed).options('SQS'));
  const queue = 'arn:aws:sqs:us-east-1:123456789012:queue';
  const place = () => ({ QueueUrl: `${urls.get('SQS')}/123456789012/queue` });

  test('names the action, in lower case, and the queue', async () => {
    const sqs = client(['sqs:SendMessage', queue]);
    await sqs.send(new SendMessageCommand({ ...place(), MessageBody: 'x' }));
    expect(await refusal(sqs.send(new ReceiveMessageCommand(place())))).toMatchObject({
      ...{ name: 'AccessDenied', status: 400 },
      message: refused('sqs:receivemessage', queue),
    });
  });

  test('asks for the permission for one message if there are several', async () => {
    const batch = () => new SendMessageBatchCommand({ ...place(), Entries: [{ Id: '0', MessageBody: 'x' }] });
    await client(['sqs:SendMessage', queue]).send(batch());
    expect((await refusal(client().send(batch()))).message).toBe(refused('sqs:sendmessage', queue));
  });
});

test('Firehose names the action and the stream', async () => {
  const client = new FirehoseClient(role(['firehose:PutRecord', '*']).options('FIREHOSE'));
  const command = new PutRecordBatchCommand({ DeliveryStreamName: 'web', Records: [{ Data: Buffer.from('x') }] });
  expect(await refusal(client.send(command))).toMatchObject({
    ...{ name: 'AccessDeniedException', status: 400 },
    message: refused('firehose:PutRecordBatch', 'arn:aws:firehose:us-east-1:123456789012:deliverystream/web'),
  });
});

test('Lambda names the action and the function, which is not invoked', async () => {
  const target = 'arn:aws:lambda:us-east-1:123456789012:function:track';
  const command = new InvokeCommand({ FunctionName: 'track', InvocationType: 'Event', Payload: '{}' });
  expect(await refusal(new LambdaClient(role().options('LAMBDA')).send(command))).toMatchObject({
    ...{ name: 'AccessDeniedException', status: 403 },
    message: refused('lambda:InvokeFunction', target),
  });
  expect(invoked).toEqual([]);
  await new LambdaClient(role(['lambda:InvokeFunction', target]).options('LAMBDA')).send(command);
  expect(invoked).toEqual(['track']);
});

describe('Glue', () => {
  const arn = (place: string) => `arn:aws:glue:us-east-1:123456789012:${place}`;
  const ofTable = [arn('catalog'), arn('database/db'), arn('table/db/web')];

  test('asks for a permission on the catalog, the database and the table', async () => {
    const get = new GetTableCommand({ DatabaseName: 'db', Name: 'web' });
    for (const missing of ofTable) {
      const others = ofTable.filter((one) => one !== missing);
      const client = new GlueClient(role(['glue:GetTable', others]).options('GLUE'));
      expect(await refusal(client.send(get))).toMatchObject({
        ...{ name: 'AccessDeniedException', status: 400 },
        message: refused('glue:GetTable', missing),
      });
    }
  });

  test('lets only those name a role to it who may', async () => {
    const command = (roleArn: string) =>
      new CreateTableOptimizerCommand({
        ...{ CatalogId: '123456789012', DatabaseName: 'db', TableName: 'web', Type: 'compaction' },
        TableOptimizerConfiguration: { roleArn, enabled: true },
      });
    const mine = iamArn('role', 'optimizing');
    const allowed = role(['glue:CreateTableOptimizer', ofTable], ['iam:PassRole', mine]);
    const client = new GlueClient(allowed.options('GLUE'));
    const other = iamArn('role', 'other');
    expect((await refusal(client.send(command(other)))).message).toBe(refused('iam:PassRole', other));
    // There is no such table.
    expect((await refusal(client.send(command(mine)))).name).toBe('EntityNotFoundException');
  });

  const fields = [{ id: 1, name: 'a', type: 'string', required: false, doc: 'A.' }];
  const table = {
    location: 's3://lake/iceberg/web',
    fields,
    partitionSpec: { 'spec-id': 0, fields: [] },
    properties: {},
  };
  const catalog = (...allowed: Parameters<typeof role>) =>
    catalogAt(urls.get('GLUE') ?? '', { database: 'db', credentials: role(...allowed).credentials });
  const actions = ['glue:GetCatalog', 'glue:GetTable', 'glue:CreateTable'];
  const files = 'arn:aws:s3:::lake/iceberg/*';

  test('answers in the form of Iceberg’s protocol there', async () => {
    const { message } = await refusal(catalog(['glue:GetTable', ofTable]).load('web'));
    expect(message).toContain('403 AccessDeniedException');
    expect(message).toContain(refused('glue:GetCatalog', arn('catalog')));
  });

  test('reads and writes the metadata of a table with the permissions of whoever asks', async () => {
    const blind = catalog([actions, ofTable], ['s3:GetObject', files]);
    expect((await refusal(blind.create('web', table))).message).toContain('s3:PutObject');
    await catalog([actions, ofTable], [['s3:GetObject', 's3:PutObject'], files]).create('web', table);
    const { message } = await refusal(catalog([actions, ofTable], ['s3:PutObject', files]).load('web'));
    expect(message).toContain(
      'is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::lake/iceberg/web/',
    );
  });
});

describe('temporary credentials', () => {
  test('count only with their session token', async () => {
    const { credentials, options } = role(['s3:*', '*']);
    const { sessionToken: _, ...without } = credentials;
    const get = new GetObjectCommand({ Bucket: 'logs', Key: 'there' });
    for (const given of [without, { ...credentials, sessionToken: 'another' }]) {
      const s3 = new S3Client({ ...options('S3'), credentials: given });
      expect(await refusal(s3.send(get))).toMatchObject({ status: 403 });
    }
    await new S3Client(options('S3')).send(get);
  });

  test('have an access key in the form of AWS, which is the same for the same role and function', () => {
    const [one, other] = [temporaryCredentials('a'), temporaryCredentials('a')];
    expect(one.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(other.accessKeyId).toBe(one.accessKeyId);
    expect(temporaryCredentials('b').accessKeyId).not.toBe(one.accessKeyId);
    expect(other.secretAccessKey).not.toBe(one.secretAccessKey);
  });
});

test('what was denied is noted, with how often', async () => {
  const { options, permissions } = role();
  const s3 = new S3Client(options('S3'));
  for (const Key of ['a', 'b', 'a']) await refusal(s3.send(new GetObjectCommand({ Bucket: 'logs', Key })));
  const noted = permissions.denied.map(({ who, action, resource, times }) => [who, action, resource, times]);
  expect(noted).toEqual([
    ['load', 's3:GetObject', 'arn:aws:s3:::logs/a', 2],
    ['load', 's3:GetObject', 'arn:aws:s3:::logs/b', 1],
  ]);
});
