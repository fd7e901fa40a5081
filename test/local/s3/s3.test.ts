import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { signedHeaders } from '../../helpers/client-options.ts';
import { Bucket, md5, opened } from './s3-fixture.ts';

describe('PutObject and GetObject', () => {
  test('keep an object as the plain file of its key', async () => {
    const { dir, s3, read, created } = await opened();
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'a/b c+ä.log', Body: 'hello' }));
    expect(ETag).toBe(`"${md5('hello')}"`);
    expect(readFileSync(join(dir, 'buckets/landing/a/b c+ä.log'), 'utf8')).toBe('hello');
    expect(await read('a/b c+ä.log')).toBe('hello');
    expect(created).toMatchObject([{ bucket: Bucket, key: 'a/b c+ä.log', size: 5, etag: md5('hello') }]);
  });

  test('take a streamed upload, which comes in chunks with a checksum behind them', async () => {
    const { s3, objects, encodings } = await opened();
    const body = Buffer.alloc(3_000_000, 'log line\n');
    const Body = Readable.from([body.subarray(0, 1_000_001), body.subarray(1_000_001)]);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'big', Body, ContentLength: body.length }));
    expect(encodings).toEqual(['aws-chunked']);
    const stored = await objects.open(Bucket, 'big');
    expect(stored.object).toMatchObject({ size: body.length, etag: md5(body) });
    expect(body.equals(await buffer(stored.read(0, body.length - 1)))).toBe(true);
  });

  test('read a range, and only the version asked for', async () => {
    const { s3, read } = await opened();
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '0123456789' }));
    expect(await read('k', { Range: 'bytes=2-4' })).toBe('234');
    expect(await read('k', { Range: 'bytes=7-' })).toBe('789');
    expect(await read('k', { Range: 'bytes=-2' })).toBe('89');
    expect(await read('k', { IfMatch: ETag })).toBe('0123456789');
    await expect(read('k', { IfMatch: '"0"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(read('k', { Range: 'bytes=10-' })).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  test('store an empty object', async () => {
    const { s3, read } = await opened();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
    expect(await read('empty')).toBe('');
  });

  test('refuse a body whose checksum does not fit, and keep nothing of it', async () => {
    const { s3, read, created } = await opened();
    const put = s3.send(new PutObjectCommand({ Bucket, Key: 'bad', Body: 'hello', ChecksumCRC32: 'AAAAAA==' }));
    await expect(put).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(read('bad')).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(created).toEqual([]);
  });

  test('keep nothing of an upload that breaks off', async () => {
    const { dir, url, read } = await opened();
    const half = `${url}/landing/half`;
    const headers = await signedHeaders('s3', half, { method: 'PUT' });
    await new Promise<void>((resolve) => {
      const put = request(half, { method: 'PUT', headers: { ...headers, 'content-length': 100 } });
      put.on('error', () => resolve());
      put.write('half', () => put.destroy(new Error('cut')));
    });
    await expect.poll(() => readdirSync(join(dir, 'unfinished'))).toEqual([]);
    await expect(read('half')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('name what is not there', async () => {
    const { s3, read } = await opened();
    await expect(read('nothing')).rejects.toMatchObject({ name: 'NoSuchKey' });
    const elsewhere = s3.send(new PutObjectCommand({ Bucket: 'other', Key: 'k', Body: 'x' }));
    await expect(elsewhere).rejects.toMatchObject({
      name: 'NoSuchBucket',
      message: 'no bucket other; there are landing',
    });
  });
});

describe('If-None-Match: *', () => {
  test('puts an object only if there is none of its key', async () => {
    const { s3, read, created } = await opened();
    const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, IfNoneMatch: '*' }));
    await put('first');
    await expect(put('second')).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(await read('k')).toBe('first');
    expect(created).toHaveLength(1);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    await put('third');
    expect(await read('k')).toBe('third');
  });

  test('lets one of many puts at once through', async () => {
    const { s3, read, created } = await opened();
    const puts = Array.from({ length: 8 }, (_, index) =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: `${index}`, IfNoneMatch: '*' })).then(
        () => `${index}`,
        () => undefined,
      ),
    );
    expect((await Promise.all(puts)).filter((put) => put !== undefined)).toEqual([await read('k')]);
    expect(created).toHaveLength(1);
  });
});

describe('checksums', () => {
  test('are told of an object that was put with one, while its file is the same', async () => {
    const { dir, s3 } = await opened();
    const head = () => s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    const Body = Readable.from([Buffer.from('hel'), Buffer.from('lo')]);
    const { ChecksumCRC32 } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ContentLength: 5 }));
    expect(ChecksumCRC32).toBe('NhCmhg==');
    expect(await head()).toMatchObject({ ChecksumCRC32: 'NhCmhg==', ChecksumType: 'FULL_OBJECT' });
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).ChecksumCRC32).toBeUndefined();
    writeFileSync(join(dir, 'buckets/landing/k'), 'other');
    expect((await head()).ChecksumCRC32).toBeUndefined();
  });

  test('are not told of an object that was put without', async () => {
    const { s3, objects } = await opened();
    await objects.put(Bucket, 'k', 'hello');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    expect(head.ChecksumCRC32).toBeUndefined();
  });
});

describe('keys', () => {
  test.each([
    '../../escape',
    '..',
    '.',
    'a/../b',
    '/absolute',
    'a//b',
    'folder/',
    '100%',
    '%2E%2E/x',
    'a\\b',
    'tab\there',
  ])('the key %j stays in its bucket and comes back as it was', async (key) => {
    const { dir, objects } = await opened();
    await objects.put(Bucket, key, 'x');
    expect(await objects.keys(Bucket, '')).toEqual([key]);
    expect((await objects.head(Bucket, key)).size).toBe(1);
    expect(readdirSync(dir).sort()).toEqual(['buckets', 'objects', 'unfinished', 'uploads']);
    expect(readdirSync(join(dir, 'buckets'))).toEqual([Bucket]);
  });

  test('a request path with .. reaches no file outside the bucket', async () => {
    const { dir, url } = await opened();
    writeFileSync(join(dir, 'secret'), 'secret');
    // A URL would lose the dots.
    const path = '/landing/../../secret';
    const headers = await signedHeaders('s3', url, { path });
    const status = await new Promise((resolve) => {
      request(url, { path, headers }, (response) => resolve(response.statusCode)).end();
    });
    expect(status).toBe(404);
  });

  test('a key longer than file names can be is refused', async () => {
    const { objects } = await opened();
    await expect(objects.put(Bucket, 'x'.repeat(300), 'x')).rejects.toMatchObject({ code: 'KeyTooLongError' });
  });

  test('an object named like a folder is refused with the reason', async () => {
    const { objects } = await opened();
    await objects.put(Bucket, 'a/b', 'x');
    await expect(objects.put(Bucket, 'a', 'x')).rejects.toThrow('an object and a folder of the same name');
    await expect(objects.put(Bucket, 'a/b/c', 'x')).rejects.toThrow('an object and a folder of the same name');
  });
});

describe('ETags', () => {
  test('follow a file that was changed by hand', async () => {
    const { dir, s3 } = await opened();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'one' }));
    writeFileSync(join(dir, 'buckets/landing/k'), 'other');
    const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }));
    expect(ETag).toBe(`"${md5('other')}"`);
  });
});

describe('DeleteObject', () => {
  test('takes the object and its empty folders away, and may be repeated', async () => {
    const { dir, s3 } = await opened();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a/b/c', Body: 'x' }));
    for (let again = 0; again < 2; again++) await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a/b/c' }));
    expect(readdirSync(join(dir, 'buckets/landing'))).toEqual([]);
  });
});

describe('DeleteObjects', () => {
  test('takes several objects away, whether they are there or not', async () => {
    const { s3, objects } = await opened();
    const keys = ['a', 'b & <c>', 'd"e\'f', 'kept'];
    for (const key of keys) await objects.put(Bucket, key, 'x');
    const Objects = ['missing', ...keys.slice(0, 3)].map((Key) => ({ Key }));
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect({ Deleted, Errors }).toEqual({ Deleted: Objects, Errors: undefined });
    expect(await objects.keys(Bucket, '')).toEqual(['kept']);
    const quietly = { Objects: [{ Key: 'kept' }], Quiet: true };
    expect((await s3.send(new DeleteObjectsCommand({ Bucket, Delete: quietly }))).Deleted).toBeUndefined();
    expect(await objects.keys(Bucket, '')).toEqual([]);
  });

  test('refuses what the local S3 has not, and deletes nothing then', async () => {
    const { s3, objects } = await opened();
    await objects.put(Bucket, 'kept', 'x');
    const Objects = [{ Key: 'kept', VersionId: '1' }];
    await expect(s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).rejects.toMatchObject({
      name: 'NotImplemented',
    });
    expect(await objects.keys(Bucket, '')).toEqual(['kept']);
  });
});

describe('ListObjectsV2', () => {
  test('pages through the keys in the order of their bytes', async () => {
    const { s3, objects } = await opened();
    const keys = ['b', 'a/2', 'a/1', 'a-', 'ä', 'Z'];
    for (const key of keys) await objects.put(Bucket, key, key);
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken }));
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      for (const { Key } of page.Contents ?? []) seen.push(Key);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(seen).toEqual(['Z', 'a-', 'a/1', 'a/2', 'b', 'ä']);
  });

  test('keeps to a prefix and folds at a delimiter', async () => {
    const { s3, objects } = await opened();
    for (const key of ['a/x/1', 'a/x/2', 'a/y', 'b']) await objects.put(Bucket, key, 'abc');
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a/', Delimiter: '/' }));
    expect(listed.CommonPrefixes).toEqual([{ Prefix: 'a/x/' }]);
    expect(listed.Contents).toMatchObject([{ Key: 'a/y', Size: 3, ETag: `"${md5('abc')}"` }]);
    const after = await s3.send(new ListObjectsV2Command({ Bucket, StartAfter: 'a/x/2' }));
    expect(after.Contents?.map(({ Key }) => Key)).toEqual(['a/y', 'b']);
  });

  test('shows files put into the folder by hand', async () => {
    const { dir, s3 } = await opened();
    mkdirSync(join(dir, 'buckets/landing/by'), { recursive: true });
    writeFileSync(join(dir, 'buckets/landing/by/hand'), 'x');
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents).toMatchObject([{ Key: 'by/hand', Size: 1 }]);
  });
});
