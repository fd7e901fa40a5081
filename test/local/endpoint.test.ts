import { request } from 'node:http';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { REGION } from '../../local/account.ts';
import { openDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { type EndpointOptions, openEndpoint } from '../../local/endpoint.ts';
import { clientOptions, SIGNED } from '../helpers/client-options.ts';
import { temporaryFolder } from '../helpers/folder.ts';

interface Served {
  readonly url: string;
  /** Paths of the requests that the service has seen. */
  readonly seen: string[];
}

async function served(options: EndpointOptions = {}): Promise<Served> {
  const seen: string[] = [];
  const endpoint = await openEndpoint(options);
  onTestFinished(() => endpoint.close());
  endpoint.serve({
    name: 'ANY',
    handle: async ({ url }, response) => {
      seen.push(url ?? '');
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

describe('an endpoint', () => {
  test('passes a request that is signed with the key of this process', async () => {
    const { url, seen } = await served();
    expect(await answered(`${url}/path`, SIGNED)).toEqual([200, 'done']);
    expect(seen).toEqual(['/path']);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['without a key', {}],
    ['with an empty key', { authorization: 'AWS4-HMAC-SHA256 Credential=/20260105' }],
    ['with another key', { authorization: 'AWS4-HMAC-SHA256 Credential=local/20260105' }],
    ['with more than the key', { authorization: SIGNED.authorization.replace('/', '0/') }],
    ['with a part of the key', { authorization: SIGNED.authorization.replace(/.\//, '/') }],
    ['with another kind of authorization', { authorization: 'Basic bG9jYWw6bG9jYWw=' }],
    ['of a web page', { ...SIGNED, origin: 'https://www.example.com' }],
    ['of a web page without an origin', { ...SIGNED, origin: 'null' }],
    ['for another host', { ...SIGNED, host: 'rebound.example.com' }],
    ['for another name of this machine', { ...SIGNED, host: 'localhost' }],
    ['for another port', { ...SIGNED, host: '127.0.0.1:1' }],
    ['asking whether a web page may', { origin: 'https://www.example.com', 'access-control-request-method': 'PUT' }],
  ])('refuses a request %s, before the service or a hook sees it', async (_name, headers) => {
    const hooked: string[] = [];
    const { url, seen } = await served({ intercept: (service) => hooked.push(service) > 0 });
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const [status, text] = await answered(url, headers, method);
      expect([status, text]).toEqual([403, expect.stringMatching(/expected|refused/)]);
    }
    expect([seen, hooked]).toEqual([[], []]);
  });

  test('whose paths are secret takes a request without a key, and none of a web page', async () => {
    const { url } = await served({ accessKeyId: false });
    expect(await answered(url, {})).toEqual([200, 'done']);
    expect((await answered(url, { origin: 'https://www.example.com' }))[0]).toBe(403);
  });

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
