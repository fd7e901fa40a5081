import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CutShortError, openObject, s3Client } from '../../../lambdas/edges/s3.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type FakeService, openFakeService } from '../../helpers/fake-service.ts';

const OBJECT = { bucket: 'logs', key: 'web/a b+c.log.gz', etag: 'd41d8cd98f00b204e9800998ecf8427e' };

let s3: FakeService;
let client: S3Client;

beforeAll(async () => {
  s3 = await openFakeService();
  client = s3Client({ ...clientOptions(s3.url), maxAttempts: 1 });
});
afterAll(() => s3.close());
beforeEach(() => {
  s3.requests.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const error = (status: number, code: string) => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`,
});

/** An object of ten bytes, of which the first four come; the response is what the test goes on with. */
function openBegun(): { opened: Promise<AsyncIterator<Uint8Array>>; response: Promise<ServerResponse> } {
  const response = new Promise<ServerResponse>((resolve) => {
    s3.reply = () => (begun) => {
      begun.writeHead(200, { 'content-length': '10' }).write('0123');
      resolve(begun);
    };
  });
  const opened = openObject(client, OBJECT).then((body) => present(body)[Symbol.asyncIterator]());
  return { opened, response };
}

function present(body: AsyncIterable<Uint8Array> | undefined): AsyncIterable<Uint8Array> {
  if (!body) throw new Error('expected a body, got none');
  return body;
}

const textOf = async (body: AsyncIterable<Uint8Array> | undefined) => (await buffer(present(body))).toString();

describe('openObject', () => {
  test('reads the bytes of the object', async () => {
    s3.reply = () => ({ body: '0123456789' });
    expect(await textOf(await openObject(client, OBJECT))).toBe('0123456789');
    expect(s3.requests.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`)).toEqual([
      'GET /logs/web/a%20b%2Bc.log.gz',
    ]);
  });

  test.each([
    ['as EventBridge has it', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['in quotes, as a listing has it', '"d41d8cd98f00b204e9800998ecf8427e"'],
  ])('asks for the very version that was announced, its etag %s', async (_, etag) => {
    s3.reply = () => ({ body: '' });
    await openObject(client, { ...OBJECT, etag });
    expect(s3.requests.map(({ headers }) => headers['if-match'])).toEqual(['"d41d8cd98f00b204e9800998ecf8427e"']);
  });

  test('gives nothing when another object has taken its place', async () => {
    s3.reply = () => error(412, 'PreconditionFailed');
    expect(await openObject(client, OBJECT)).toBeUndefined();
  });

  test.each([
    [404, 'NoSuchKey', 'gone'],
    [404, 'NoSuchBucket', 'gone'],
    [403, 'InvalidObjectState', 'archived'],
  ])('says that the object cannot be had when S3 answers %i %s: it is %s', async (status, code, reason) => {
    s3.reply = () => error(status, code);
    await expect(openObject(client, OBJECT)).rejects.toMatchObject({ name: 'UnavailableError', reason });
  });

  test.each([
    [403, 'AccessDenied'],
    [503, 'SlowDown'],
  ])('fails with what S3 answers: %i %s', async (status, name) => {
    s3.reply = () => error(status, name);
    await expect(openObject(client, OBJECT)).rejects.toMatchObject({ name });
  });

  test('fails when the connection is cut in the middle of the body', async () => {
    const { opened, response } = openBegun();
    const body = await opened;
    expect(String((await body.next()).value)).toBe('0123');
    (await response).destroy();
    await expect(body.next()).rejects.toThrow();
  });

  test.each([
    ['4', '0123', undefined],
    ['10', '0123', 's3://logs/web/a b+c.log.gz: expected 10 bytes, got 4'],
    ['10', '', 's3://logs/web/a b+c.log.gz: expected 10 bytes, got 0'],
    [undefined, '0123', undefined],
  ])('takes a body announced as %s bytes, of which "%s" came, for whole or fails', async (length, text, message) => {
    const headers = length === undefined ? {} : { 'content-length': length };
    const ended = new S3Client({
      ...clientOptions(s3.url),
      requestHandler: {
        handle: async () => ({ response: { statusCode: 200, headers, body: Readable.from([Buffer.from(text)]) } }),
      },
    });
    const read = openObject(ended, OBJECT).then(textOf);
    if (message === undefined) expect(await read).toBe(text);
    else await expect(read).rejects.toThrow(new CutShortError(message));
  });

  test('fails when no byte has come for 20 s, and lets go of the connection', async () => {
    const { opened, response } = openBegun();
    const body = await opened;
    await body.next();
    const closed = once(await response, 'close');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const next = body.next();
    let failed: unknown;
    next.catch((reason: unknown) => {
      failed = reason;
    });
    await vi.advanceTimersByTimeAsync(19_999);
    expect(failed).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await expect(next).rejects.toThrow(new CutShortError('s3://logs/web/a b+c.log.gz: no bytes for 20000 ms'));
    await closed;
  });

  test('waits as long as its reader takes: only S3 is timed', async () => {
    const { opened, response } = openBegun();
    const body = await opened;
    await body.next();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await vi.advanceTimersByTimeAsync(600_000);
    (await response).end('456789');
    expect(String((await body.next()).value)).toBe('456789');
    expect(await body.next()).toMatchObject({ done: true });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('lets go of the connection when its reader stops', async () => {
    const { opened, response } = openBegun();
    const body = await opened;
    await body.next();
    const closed = once(await response, 'close');
    await body.return?.();
    await closed;
  });
});

test('an object of a bucket in another Region is read there', async () => {
  const { status, headers, body: xml } = error(301, 'PermanentRedirect');
  s3.reply = () =>
    s3.requests.length === 1
      ? { status, headers: { ...headers, 'x-amz-bucket-region': 'eu-south-2' }, body: xml }
      : { body: 'line' };
  const body = present(await openObject(client, OBJECT));
  expect((await buffer(Readable.from(body))).toString()).toBe('line');
  expect(s3.requests.map(({ headers }) => /\/([a-z0-9-]+)\/s3\//.exec(String(headers.authorization))?.[1])).toEqual([
    'us-east-1',
    'eu-south-2',
  ]);
});
