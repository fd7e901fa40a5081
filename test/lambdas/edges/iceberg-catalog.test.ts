import { createHash, createHmac } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  ChangeDeniedError,
  CommitRefusedError,
  type LoadedTable,
  type TableChange,
} from '../../../lambdas/core/iceberg/ports.ts';
import { CatalogError } from '../../../lambdas/edges/iceberg-catalog.ts';
import { isServiceError } from '../../../lambdas/edges/service-error.ts';
import { CREDENTIALS } from '../../../local/credentials.ts';
import { openFakeService, type Reply, type ServedRequest } from '../../helpers/fake-service.ts';
import { catalogAt, DATABASE, LAKE, openLocalCatalog } from '../../helpers/local-catalog.ts';

const TABLE = {
  location: `s3://${LAKE}/iceberg/web`,
  fields: [{ id: 1, name: 'dt', required: false, type: 'string' }],
  partitionSpec: { 'spec-id': 0, fields: [] },
  properties: {},
};

const NAMED: TableChange = { requirements: [], updates: [{ action: 'set-properties', updates: { name: 'b' } }] };

/** A catalog that answers what a test says, once it was asked for its prefix. */
async function faked(reply: (request: ServedRequest, count: number) => Reply) {
  let count = 0;
  const service = await openFakeService((request) =>
    request.path.startsWith('/iceberg/v1/config')
      ? answer({ overrides: { prefix: 'catalogs/1' } })
      : reply(request, ++count),
  );
  onTestFinished(() => service.close());
  const asked = () => service.requests.filter(({ path }) => !path.includes('/config'));
  return { catalog: catalogAt(service.url), asked, service };
}

function answer(value: unknown, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

const THROTTLED: Reply = {
  status: 400,
  headers: { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' },
  body: '{"message":"Rate exceeded"}',
};

const loaded = answer({
  'metadata-location': 's3://lake/m.json',
  metadata: { 'table-uuid': 'u', 'current-snapshot-id': -1 },
});

describe('with a catalog', () => {
  test('a table is made, loaded and changed', async () => {
    const { catalog } = await openLocalCatalog();
    expect(await catalog.load('web')).toBeUndefined();
    const made = await catalog.create('web', TABLE);
    expect(await catalog.load('web')).toEqual(made);
    const changed = await catalog.commit('web', NAMED);
    expect(changed.metadata.properties).toEqual({ name: 'b' });
    expect(await catalog.load('web')).toEqual(changed);
  });

  test('a table that is there is not made again', async () => {
    const { catalog } = await openLocalCatalog();
    await catalog.create('web', TABLE);
    expect(await catalog.create('web', TABLE)).toBeUndefined();
  });

  test('a change whose requirement does not hold is refused', async () => {
    const { catalog } = await openLocalCatalog();
    await catalog.create('web', TABLE);
    const requirements = [{ type: 'assert-table-uuid', uuid: 'another' }] as const;
    const refused = catalog.commit('web', { ...NAMED, requirements });
    await expect(refused).rejects.toThrow(CommitRefusedError);
    await expect(refused).rejects.toThrow('Requirement failed: UUID has changed');
  });

  test('ids of snapshots have all of their digits', async () => {
    const { catalog } = await openLocalCatalog();
    const id = 9_223_372_036_854_775_807n;
    await catalog.create('web', TABLE);
    const snapshot = {
      ...{
        'snapshot-id': id,
        'sequence-number': 1,
        'timestamp-ms': Date.now(),
        'manifest-list': `s3://${LAKE}/list.avro`,
      },
      summary: { operation: 'append' },
    };
    await catalog.commit('web', {
      requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }],
      updates: [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      ],
    });
    const { metadata } = (await catalog.load('web')) as LoadedTable;
    expect(metadata['current-snapshot-id']).toBe(id);
    expect(metadata.snapshots).toEqual([snapshot]);
  });

  test.each([
    ['another service', { signingName: 's3tables' }],
    ['another Region', { region: 'eu-west-1' }],
    ['another key', { credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' } }],
  ])('a signature for %s is refused at once', async (_name, changed) => {
    const { url } = await openLocalCatalog();
    await expect(catalogAt(url, changed).load('web')).rejects.toMatchObject({ name: 'CatalogError', status: 403 });
  });
});

describe('a request', () => {
  test('has the signature of its method, path, query, headers and body', async () => {
    const { catalog, service } = await faked(() => loaded);
    await catalog.commit('web', NAMED);
    expect(service.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /iceberg/v1/config?warehouse=123456789012',
      `POST /iceberg/v1/catalogs/1/namespaces/${DATABASE}/tables/web`,
    ]);
    for (const request of service.requests) expect(request.headers.authorization).toContain(signatureOf(request));
  });

  test('has the token of temporary credentials, signed', async () => {
    const { service } = await faked(() => loaded);
    await catalogAt(service.url, { credentials: async () => ({ ...CREDENTIALS, sessionToken: 'token' }) }).load('web');
    const [request] = service.requests as [ServedRequest];
    expect(request.headers['x-amz-security-token']).toBe('token');
    expect(request.headers.authorization).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
    expect(request.headers.authorization).toContain(signatureOf(request));
  });

  test('asks for the prefix once, and again if it was not to be had', async () => {
    let refused = true;
    const { catalog, service } = await faked(() => loaded);
    const reply = service.reply;
    service.reply = (request) => (refused ? answer({ message: 'no' }, 403) : reply(request));
    await expect(catalog.load('web')).rejects.toThrow('403 no');
    refused = false;
    for (const _ of ['first', 'again']) await catalog.load('web');
    expect(service.requests.filter(({ path }) => path.includes('/config'))).toHaveLength(2);
  });
});

const FAULTS: readonly (readonly [string, Reply])[] = [
  ['a throttle with the status 400', THROTTLED],
  ['a throttle with the status 429', answer({}, 429)],
  ['an error of the service', answer({ error: { message: 'oops', type: 'InternalServerError', code: 500 } }, 500)],
  ['a connection that is cut', 'cut'],
  ['an answer that is no JSON', { status: 200, body: '{"metadata":' }],
];

describe.each(FAULTS)('after %s', (name, fault) => {
  test('loading and making a table are repeated', async () => {
    const { catalog, asked } = await faked((_request, count) => (count % 3 === 0 ? loaded : fault));
    expect(await catalog.load('web')).toMatchObject({ metadata: { 'current-snapshot-id': null } });
    expect(await catalog.create('web', TABLE)).toMatchObject({ metadataLocation: 's3://lake/m.json' });
    expect(asked()).toHaveLength(6);
  });

  test('a change is repeated only if it was refused unread, and the error is one of a service', async () => {
    const { catalog, asked } = await faked(() => fault);
    const error = await catalog.commit('web', NAMED).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CatalogError);
    expect(isServiceError(error)).toBe(true);
    expect(asked()).toHaveLength(name.startsWith('a throttle') ? 6 : 1);
    expect(new Set(asked().map(({ body }) => body)).size).toBe(1);
  });

  test.each([
    [400, 'BadRequestException', ChangeDeniedError],
    [403, 'AccessDeniedException', ChangeDeniedError],
    [400, 'ThrottlingException', CatalogError],
    [404, 'NoSuchTableException', CatalogError],
    [408, 'RequestTimeout', CatalogError],
    [429, 'TooManyRequestsException', CatalogError],
    [503, 'ServiceUnavailableException', CatalogError],
  ])(
    'a change that is answered by %i %s may help later, or only once something was mended',
    async (status, type, kind) => {
      const { catalog } = await faked(() => answer({ error: { message: 'no', type } }, status));
      const error = await catalog.commit('web', NAMED).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(kind);
      expect(isServiceError(error)).toBe(true);
    },
  );

  test('loading is given up in the end', async () => {
    const { catalog, asked } = await faked(() => fault);
    await expect(catalog.load('web')).rejects.toThrow(CatalogError);
    expect(asked()).toHaveLength(6);
  });
});

test('a change is not sent to where an answer redirects it', async () => {
  const { catalog, asked } = await faked(() => ({ status: 307, headers: { location: '/elsewhere' } }));
  await expect(catalog.commit('web', NAMED)).rejects.toThrow(CatalogError);
  expect(asked()).toHaveLength(1);
});

test('a request that cannot be meant is not repeated', async () => {
  const { catalog, asked } = await faked(() =>
    answer({ error: { message: 'no such', type: 'BadRequestException' } }, 400),
  );
  await expect(catalog.load('web')).rejects.toThrow('tables/web: 400 BadRequestException no such');
  expect(asked()).toHaveLength(1);
});

/**
 * The signature that AWS expects, made without the SDK.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
function signatureOf({ method, path, headers, body }: ServedRequest): string {
  const [uri = '', query = ''] = path.split('?');
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+),/.exec(headers.authorization ?? '') ?? [];
  const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const twice = uri.split('/').map(encodeURIComponent).join('/');
  const canonical = [method, twice, query, signed.join(''), names, sha256(body)].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (before, part) => createHmac('sha256', before).update(part).digest(),
      `AWS4${CREDENTIALS.secretAccessKey}`,
    );
  return `Signature=${createHmac('sha256', key).update(text).digest('hex')}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
