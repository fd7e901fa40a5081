import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { openEndpoint } from '../../local/endpoint.ts';
import { openS3 } from '../../local/s3/s3.ts';
import { type Fault, intercepting } from '../faults/call.ts';
import { clientOptions } from './client-options.ts';
import { temporaryFolder } from './folder.ts';
import {
  failWithin200,
  forbidMissing,
  loseAnswer,
  refuse,
  repeatingCompletions,
  type S3Operation,
  s3Operation,
} from './s3-faults.ts';

const Bucket = 'landing';
const Key = 'a/k';

/** An S3 with faults, and one upload with a part. */
async function opened(...faults: Fault[]) {
  const service = await openS3({ dir: temporaryFolder(), buckets: new Set([Bucket]), onCreated: async () => {} });
  const endpoint = await openEndpoint({ intercept: intercepting(...faults) });
  endpoint.serve(service);
  const s3 = new S3Client({ ...clientOptions(endpoint.url), maxAttempts: 1 });
  onTestFinished(async () => {
    s3.destroy();
    await endpoint.close();
  });
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const complete = () => s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
  const isThere = () =>
    service.objects.head(Bucket, Key).then(
      () => true,
      () => false,
    );
  return { s3, UploadId, complete, isThere };
}

const at =
  (operation: S3Operation, fault: Fault, times = 1): Fault =>
  (call) =>
    s3Operation(call) === operation && times-- > 0 ? fault(call) : undefined;

test('operations have the names of S3’s', async () => {
  const seen: (string | undefined)[] = [];
  const { s3, UploadId, complete } = await opened((call) => void seen.push(s3Operation(call)));
  await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
  await complete();
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => {});
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  await s3.send(new GetObjectCommand({ Bucket, Key }));
  await s3.send(new HeadObjectCommand({ Bucket, Key }));
  await s3.send(new ListObjectsV2Command({ Bucket }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  expect(seen).toEqual([
    'CreateMultipartUpload',
    'UploadPart',
    'ListMultipartUploads',
    'ListParts',
    'CompleteMultipartUpload',
    'AbortMultipartUpload',
    'PutObject',
    'GetObject',
    'HeadObject',
    'ListObjectsV2',
    'DeleteObject',
  ]);
});

test.each<[string, Fault, { there: boolean; error: object }]>([
  ['whose answer is lost', loseAnswer, { there: true, error: { code: 'ECONNRESET' } }],
  [
    'done, that says 200 and an error',
    (call) => failWithin200(call, { done: true }),
    { there: true, error: { name: 'InternalError' } },
  ],
  [
    'not done, that says 200 and an error',
    (call) => failWithin200(call, { done: false }),
    { there: false, error: { name: 'InternalError' } },
  ],
  [
    'that meets another write',
    (call) => refuse(call, 'ConditionalRequestConflict'),
    { there: false, error: { name: 'ConditionalRequestConflict', $metadata: { httpStatusCode: 409 } } },
  ],
  [
    'that is too fast',
    (call) => refuse(call, 'SlowDown'),
    { there: false, error: { name: 'SlowDown', $metadata: { httpStatusCode: 503 } } },
  ],
])('a completion %s fails, and can be repeated', async (_name, fault, { there, error }) => {
  const { complete, isThere } = await opened(at('CompleteMultipartUpload', fault));
  await expect(complete()).rejects.toMatchObject(error);
  expect(await isThere()).toBe(there);
  if (there) await expect(complete()).rejects.toMatchObject({ name: 'NoSuchUpload' });
  else await complete();
  expect(await isThere()).toBe(true);
});

test('completions that are repeated get the first answer, if S3 still knows it', async () => {
  const { complete } = await opened(at('CompleteMultipartUpload', loseAnswer), repeatingCompletions());
  await expect(complete()).rejects.toMatchObject({ code: 'ECONNRESET' });
  const second = await complete();
  expect(second.ETag).toMatch(/-1"$/);
  expect((await complete()).ETag).toBe(second.ETag);
});

test('what is missing is forbidden to those who may not list', async () => {
  const { s3, complete } = await opened((call) => (call.service === 'S3' ? forbidMissing(call) : undefined));
  const get = () => s3.send(new GetObjectCommand({ Bucket, Key }));
  await expect(get()).rejects.toMatchObject({ name: 'AccessDenied' });
  const head = s3.send(new HeadObjectCommand({ Bucket, Key }));
  await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  await complete();
  await get();
  // An upload that is gone is no object that is missing.
  await expect(complete()).rejects.toMatchObject({ name: 'NoSuchUpload' });
});
