import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { REGION } from '../../local/account.ts';
import { CREDENTIALS } from '../../local/credentials.ts';
import { openDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { bodyOf, type EndpointOptions, openEndpoint } from '../../local/endpoint.ts';
import { clientOptions, type SignedFor, signedHeaders } from '../helpers/client-options.ts';
import { temporaryFolder } from '../helpers/folder.ts';

interface Served {
  readonly url: string;
  /** Paths of the requests that the service has seen. */
  readonly seen: string[];
}

async function served(options: EndpointOptions = {}, name = 'SQS'): Promise<Served> {
  const seen: string[] = [];
  const endpoint = await openEndpoint(options);
  onTestFinished(() => endpoint.close());
  endpoint.serve({
    name,
    handle: async (request, response) => {
      seen.push(`${request.url} ${await bodyOf(request)}`);
      response.end('done');
    },
    close: async () => {},
  });
  return { url: endpoint.url, seen };
}

/** Status and text of the answer to a request with exactly these headers, and the host of the URL unless another is given. */
function answered(url: string, headers: Readonly<Record<string, string>>, method = 'POST'): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve([response.statusCode ?? 0, text]));
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? '{}' : undefined);
  });
}

/** What `answered` sends. */
const ASKED = { method: 'POST', body: '{}' };

describe('an endpoint', () => {
  test.each([
    ['its body’s hash in a header', {}],
    ['its body alone', { 'x-amz-content-sha256': 'bm90IGhleGFkZWNpbWFs' }],
  ])('passes a request that is signed with the key of this process, with %s', async (_name, headers) => {
    const { url, seen } = await served();
    const signed = await signedHeaders('sqs', `${url}/path`, { ...ASKED, headers });
    expect(await answered(`${url}/path`, signed)).toEqual([200, 'done']);
    expect(seen).toEqual(['/path {}']);
  });

  test.each<[string, (headers: Readonly<Record<string, string>>, key: string) => Record<string, string>]>([
    ['without a key', () => ({})],
    ['with an empty key', (signed, key) => ({ ...signed, authorization: `${signed.authorization}`.replace(key, '') })],
    [
      'with another key',
      (signed, key) => ({ ...signed, authorization: `${signed.authorization}`.replace(key, 'local') }),
    ],
    [
      'with more than the key',
      (signed, key) => ({ ...signed, authorization: `${signed.authorization}`.replace(key, `${key}0`) }),
    ],
    ['with another kind of authorization', (signed) => ({ ...signed, authorization: 'Basic bG9jYWw6bG9jYWw=' })],
    [
      'with another signature',
      (signed) => ({ ...signed, authorization: `${signed.authorization}`.replace(/[0-9a-f]{64}$/, '0'.repeat(64)) }),
    ],
    [
      'signed for another time',
      (signed) => ({ ...signed, 'x-amz-date': `${signed['x-amz-date']}`.replace(/.Z$/, 'xZ') }),
    ],
    ['signed for another body', (signed) => ({ ...signed, 'x-amz-content-sha256': '0'.repeat(64) })],
    ['with a header of AWS that is not signed', (signed) => ({ ...signed, 'x-amz-target': 'AmazonSQS.DeleteQueue' })],
    ['of a web page', (signed) => ({ ...signed, origin: 'https://www.example.com' })],
    ['of a web page without an origin', (signed) => ({ ...signed, origin: 'null' })],
    ['for another host', (signed) => ({ ...signed, host: 'rebound.example.com' })],
    ['for another name of this machine', (signed) => ({ ...signed, host: 'localhost' })],
    ['for another port', (signed) => ({ ...signed, host: '127.0.0.1:1' })],
    [
      'asking whether a web page may',
      () => ({ origin: 'https://www.example.com', 'access-control-request-method': 'PUT' }),
    ],
  ])('refuses a request %s, before the service or a hook sees it', async (_name, changed) => {
    const hooked: string[] = [];
    const { url, seen } = await served({ intercept: (service) => hooked.push(service) > 0 });
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const signed = await signedHeaders('sqs', url, { method, body: method === 'POST' ? '{}' : undefined });
      const [status, text] = await answered(url, changed(signed, clientOptions(url).credentials.accessKeyId), method);
      expect([status, text]).toEqual([403, expect.stringMatching(/expected|refused/)]);
    }
    expect([seen, hooked]).toEqual([[], []]);
  });

  test.each<[string, string, SignedFor, string]>([
    ['for another service', 'sns', {}, 'expected a signature for \\d{8}/us-east-1/sqs/aws4_request'],
    ['for another Region', 'sqs', { region: 'eu-central-1' }, 'expected a signature for \\d{8}/us-east-1/sqs'],
    ['with another secret', 'sqs', { credentials: { ...CREDENTIALS, secretAccessKey: 'local' } }, 'the secret key'],
  ])('refuses a request that is signed %s', async (_name, service, as, reason) => {
    const { url, seen } = await served();
    const [status, text] = await answered(url, await signedHeaders(service, url, ASKED, as));
    expect([status, text]).toEqual([403, expect.stringMatching(reason)]);
    expect(seen).toEqual([]);
  });

  test('whose paths are secret takes a request without a key, and none of a web page', async () => {
    const { url } = await served({ signed: false });
    expect(await answered(url, {})).toEqual([200, 'done']);
    expect((await answered(url, { origin: 'https://www.example.com' }))[0]).toBe(403);
  });

  test.each(['plain', 'a b', 'a+b', 'a%20b', 'ünï/cödé 😀', "(a)*!'~-._", '/a//b/../c/', 'a=b&c?d#e'])(
    'takes requests of S3 for the key %s, and a body that is not signed',
    async (Key) => {
      const { url, seen } = await served({}, 'S3');
      const client = new S3Client(clientOptions(url));
      onTestFinished(() => client.destroy());
      await client.send(new UploadPartCommand({ Bucket: 'lake', Key, UploadId: Key, PartNumber: 1, Body: 'x' }));
      const Body = Readable.from(['x']);
      await client.send(new PutObjectCommand({ Bucket: 'lake', Key, Body, ContentLength: 1 }));
      expect(seen).toHaveLength(2);
    },
  );

  test('refuses the SDK with other credentials', async () => {
    const { url } = await served();
    const client = new DynamoDBClient({
      ...{ endpoint: url, region: REGION, maxAttempts: 1 },
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    onTestFinished(() => client.destroy());
    await expect(client.send(new ListTablesCommand())).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  });

  test('is the only way to DynamoDB', async () => {
    const dynamoDb = await openDynamoDb({ dir: join(temporaryFolder(), 'dynamodb'), tables: [] });
    onTestFinished(() => dynamoDb.close());
    const client = new DynamoDBClient(clientOptions(dynamoDb.url));
    onTestFinished(() => client.destroy());
    expect((await client.send(new ListTablesCommand())).TableNames).toEqual([]);
    expect((await answered(dynamoDb.url, {}))[0]).toBe(403);
  });
});
