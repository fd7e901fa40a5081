import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { damageIn } from '../../../local/damage.ts';
import { crcText } from '../../../local/s3/aws-chunked.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { Bucket, md5, opened } from './s3-fixture.ts';

const MIN_PART = 5 * 1024 * 1024;
const LARGE = Buffer.alloc(MIN_PART, 'a line of a log\n');
const SMALL = Buffer.from('the last line');
const WHOLE = Buffer.concat([LARGE, SMALL]);

const crc = (bytes: Buffer): string => crcText(crc32(bytes));
const etagOf = (...parts: Buffer[]): string => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(createHash('md5').update(part).digest());
  return `"${hash.digest('hex')}-${parts.length}"`;
};

/** The usual steps of one upload. */
function uploading(s3: S3Client, Key = 'k') {
  const begin = async (): Promise<string> => {
    const input = { Bucket, Key, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
    const { UploadId = '' } = await s3.send(
      new CreateMultipartUploadCommand({ ...input, ContentType: 'application/x', Metadata: { a: 'b' } }),
    );
    return UploadId;
  };
  const part = async (UploadId: string, PartNumber: number, Body: Buffer, more: object = {}) => {
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }));
    return { PartNumber, ETag };
  };
  const complete = (
    UploadId: string,
    Parts: { PartNumber: number; ETag?: string | undefined }[],
    more: Partial<CompleteMultipartUploadCommandInput> = {},
  ) => s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
  const list = async (more: object = {}) => {
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket, ...more }));
    return Uploads.map((upload) => upload.UploadId);
  };
  return { begin, part, complete, list };
}

describe('a multipart upload', () => {
  test('becomes an object when it is completed, with the ETag of its parts, a checksum of all bytes and an event', async () => {
    const { s3, read, created } = await opened();
    const { begin, part, complete, list } = uploading(s3);
    const UploadId = await begin();
    // In any order, and again: the last part of a number counts.
    const parts = [await part(UploadId, 7, SMALL), await part(UploadId, 1, SMALL), await part(UploadId, 1, LARGE)];
    expect(await list()).toEqual([UploadId]);
    expect(created).toEqual([]);
    const sum = { ChecksumCRC32: crc(WHOLE), ChecksumType: 'FULL_OBJECT' } as const;
    const completed = await complete(UploadId, [parts[2], parts[0]] as never, { ...sum, MpuObjectSize: WHOLE.length });
    expect(completed).toMatchObject({ Bucket, Key: 'k', ETag: etagOf(LARGE, SMALL), ...sum });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ ETag: etagOf(LARGE, SMALL), ContentLength: WHOLE.length, ...sum });
    expect(md5(await read('k'))).toBe(md5(WHOLE));
    expect(created).toMatchObject([
      { key: 'k', size: WHOLE.length, by: 'CompleteMultipartUpload', etag: etagOf(LARGE, SMALL).slice(1, -1) },
    ]);
    expect(await list()).toEqual([]);
  });

  test('is not seen before, and what was there is', async () => {
    const { s3, read } = await opened();
    const { begin, part, complete } = uploading(s3);
    const UploadId = await begin();
    const parts = [await part(UploadId, 1, SMALL)];
    await expect(read('k')).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'before' }));
    expect(await read('k')).toBe('before');
    await complete(UploadId, parts);
    expect(await read('k')).toBe(SMALL.toString());
  });

  test('takes parts in chunks with a checksum behind them', async () => {
    const { s3, read, encodings } = await opened();
    const { begin, complete } = uploading(s3);
    const UploadId = await begin();
    const Body = Readable.from([LARGE.subarray(0, 1000), LARGE.subarray(1000)]);
    const input = { Bucket, Key: 'k', UploadId, PartNumber: 1, Body, ContentLength: LARGE.length };
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand(input));
    expect(encodings).toContain('aws-chunked');
    expect(ChecksumCRC32).toBe(crc(LARGE));
    await complete(UploadId, [{ PartNumber: 1, ETag, ChecksumCRC32 } as never]);
    expect(md5(await read('k'))).toBe(md5(LARGE));
  });

  test('refuses a part whose checksum does not fit', async () => {
    const { s3 } = await opened();
    const { begin, part } = uploading(s3);
    const UploadId = await begin();
    await expect(part(UploadId, 1, SMALL, { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(part(UploadId, 10_001, SMALL)).rejects.toMatchObject({ name: 'InvalidArgument' });
    const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket, Key: 'k', UploadId }));
    expect(Parts).toEqual([]);
  });

  test('that is aborted is gone, and what was there stays', async () => {
    const { s3, dir } = await opened();
    const { begin, part, complete, list } = uploading(s3);
    const UploadId = await begin();
    const parts = [await part(UploadId, 1, SMALL)];
    const abort = () => s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'k', UploadId }));
    expect((await abort()).$metadata.httpStatusCode).toBe(204);
    for (const again of [abort, () => complete(UploadId, parts), () => part(UploadId, 1, SMALL)]) {
      await expect(again()).rejects.toMatchObject({ name: 'NoSuchUpload', $metadata: { httpStatusCode: 404 } });
    }
    expect(await list()).toEqual([]);
    expect([...readdirSync(join(dir, 'uploads')), ...readdirSync(join(dir, 'unfinished'))]).toEqual([]);
  });

  test('that is completed is no upload any more', async () => {
    const { s3, created } = await opened();
    const { begin, part, complete } = uploading(s3);
    const UploadId = await begin();
    const parts = [await part(UploadId, 1, SMALL)];
    const both = await Promise.allSettled([complete(UploadId, parts), complete(UploadId, parts)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(complete(UploadId, parts)).rejects.toMatchObject({ name: 'NoSuchUpload' });
    expect(created).toHaveLength(1);
  });

  test('lists its parts, and pages', async () => {
    const { s3 } = await opened();
    const { begin, part } = uploading(s3);
    const UploadId = await begin();
    for (const number of [3, 1]) await part(UploadId, number, SMALL);
    const list = (more: object) => s3.send(new ListPartsCommand({ Bucket, Key: 'k', UploadId, ...more }));
    const { Parts, NextPartNumberMarker } = await list({ MaxParts: 1 });
    expect(Parts).toMatchObject([{ PartNumber: 1, ETag: `"${md5(SMALL)}"`, Size: SMALL.length }]);
    const rest = await list({ PartNumberMarker: NextPartNumberMarker });
    expect(rest).toMatchObject({ Parts: [{ PartNumber: 3 }], IsTruncated: false });
  });

  test('is listed by key and beginning, page by page', async () => {
    const { s3 } = await opened();
    const begun: { Key: string; UploadId: string }[] = [];
    for (const Key of ['b', 'a/ä b', 'b', 'c']) begun.push({ Key, UploadId: await uploading(s3, Key).begin() });
    const seen: { Key?: string; UploadId?: string }[] = [];
    let KeyMarker: string | undefined;
    let UploadIdMarker: string | undefined;
    do {
      const input = { Bucket, MaxUploads: 1, KeyMarker, UploadIdMarker };
      const page: ListMultipartUploadsCommandOutput = await s3.send(new ListMultipartUploadsCommand(input));
      for (const { Key, UploadId } of page.Uploads ?? []) seen.push({ Key, UploadId });
      KeyMarker = page.NextKeyMarker;
      UploadIdMarker = page.NextUploadIdMarker;
    } while (KeyMarker !== undefined);
    expect(seen).toEqual([begun[1], begun[0], begun[2], begun[3]]);
    const { list } = uploading(s3);
    expect(await list({ Prefix: 'b' })).toEqual([begun[0]?.UploadId, begun[2]?.UploadId]);
    expect(await list({ KeyMarker: 'b' })).toEqual([begun[3]?.UploadId]);
  });
});

describe('completing', () => {
  const two = (ETag?: string) => ({ PartNumber: 2, ETag: ETag ?? `"${md5(SMALL)}"` });
  const one = { PartNumber: 1, ETag: `"${md5(LARGE)}"` };
  const three = { PartNumber: 3, ETag: `"${md5(SMALL)}"` };
  const sum = { ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT' } as const;

  test.each<[string, string, { PartNumber: number; ETag?: string }[], Partial<CompleteMultipartUploadCommandInput>]>([
    ['parts out of order', 'InvalidPartOrder', [two(), one], {}],
    ['a part twice', 'InvalidPartOrder', [one, one], {}],
    ['a part that is not there', 'InvalidPart', [one, { ...one, PartNumber: 4 }], {}],
    ['a part with another ETag', 'InvalidPart', [one, two('"0"')], {}],
    ['a part with another checksum', 'InvalidPart', [{ ...one, ChecksumCRC32: 'AAAAAA==' } as never], {}],
    ['a small part before the last', 'EntityTooSmall', [two(), three], {}],
    ['no part', 'MalformedXML', [], {}],
    ['another checksum', 'BadDigest', [one, two()], sum],
    ['another size', 'InvalidRequest', [one, two()], { MpuObjectSize: 3 }],
    ['an object of its key there', 'PreconditionFailed', [one, two()], { IfNoneMatch: '*' }],
  ])('with %s is refused as %s, and the upload stays', async (_name, name, named, more) => {
    const { s3, read, created, dir } = await opened();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'before' }));
    const { begin, part, complete, list } = uploading(s3);
    const UploadId = await begin();
    for (const [number, body] of [LARGE, SMALL, SMALL].entries()) await part(UploadId, number + 1, body);
    await expect(complete(UploadId, named, more)).rejects.toMatchObject({ name });
    expect(await read('k')).toBe('before');
    expect(await list()).toEqual([UploadId]);
    expect(readdirSync(join(dir, 'unfinished'))).toEqual([]);
    await complete(UploadId, [one, two()]);
    expect(created).toHaveLength(2);
  });

  test('only if there is no object lets one of two uploads through', async () => {
    const { s3 } = await opened();
    const { begin, part, complete, list } = uploading(s3);
    const uploads = [await begin(), await begin()];
    const parts = await Promise.all(uploads.map((id) => part(id, 1, SMALL)));
    const both = uploads.map((id, index) => complete(id, [parts[index] as never], { IfNoneMatch: '*' }));
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await list()).toHaveLength(1);
  });

  test('under a key that is a folder here is refused, also after the next opening', async () => {
    const { dir, s3, objects } = await opened();
    const { begin, part, complete, list } = uploading(s3);
    const UploadId = await begin();
    const parts = [await part(UploadId, 1, SMALL)];
    await objects.put(Bucket, 'k/below', 'x');
    await expect(complete(UploadId, parts)).rejects.toMatchObject({ name: 'InvalidArgument' });
    expect(await list()).toEqual([UploadId]);
    const again = await opened(dir);
    await again.objects.delete(Bucket, 'k/below');
    await uploading(again.s3).complete(UploadId, parts);
    expect(await again.read('k')).toBe(SMALL.toString());
  });

  test('another kind of upload has no local behaviour', async () => {
    const { s3 } = await opened();
    const begun = s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k', ChecksumAlgorithm: 'SHA256' }));
    await expect(begun).rejects.toMatchObject({ name: 'NotImplemented' });
  });

  test('that could not send its event is done by a repetition, or by the next opening', async () => {
    let broken = true;
    const { url, dir, created } = await opened(temporaryFolder(), async () => {
      if (broken) throw new Error('nobody listens');
    });
    const s3 = new S3Client({ ...clientOptions(url), maxAttempts: 1 });
    onTestFinished(() => s3.destroy());
    const { begin, part, complete, list } = uploading(s3);
    const uploads = [await begin(), await begin()];
    const parts = [await part(uploads[0] ?? '', 1, SMALL), await part(uploads[1] ?? '', 1, LARGE)];
    for (const [index, id] of uploads.entries()) {
      await expect(complete(id, [parts[index] as never])).rejects.toThrow();
    }
    expect(await list()).toEqual([]);
    broken = false;
    const { ETag } = await complete(uploads[0] ?? '', [parts[0] as never]);
    expect(ETag).toBe(etagOf(SMALL));
    expect(created.at(-1)?.etag).toBe(etagOf(SMALL).slice(1, -1));
    const again = await opened(dir);
    expect(again.created.map(({ etag }) => etag)).toEqual([etagOf(LARGE).slice(1, -1)]);
    await expect(complete(uploads[1] ?? '', [parts[1] as never])).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });
});

test('an upload whose file is damaged is set aside, and the others open', async () => {
  const { dir, s3 } = await opened();
  const { begin, list } = uploading(s3);
  const [damaged, other] = [await begin(), await begin()];
  writeFileSync(join(dir, 'uploads', damaged, 'upload.json'), '{"bucket":');
  await opened(dir);
  expect(await list()).toEqual([other]);
  const file = `uploads/${damaged}/upload.json.damaged`;
  expect(damageIn(dir)).toEqual([{ file, what: `multipart upload ${damaged}` }]);
});
