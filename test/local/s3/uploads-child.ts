import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { openEndpoint } from '../../../local/endpoint.ts';
import { openS3 } from '../../../local/s3/s3.ts';
import { clientOptions } from '../../helpers/client-options.ts';

// A process to be killed: uploads objects whose bytes are their keys, and prints a line for each answer.
const [dir = '', name = ''] = process.argv.slice(2);
const Bucket = 'landing';
const service = await openS3({
  dir,
  buckets: new Set([Bucket]),
  onCreated: async ({ key, by }) => appendFileSync(join(dir, 'events'), `${by} ${key}\n`),
});
const endpoint = await openEndpoint();
endpoint.serve(service);
const s3 = new S3Client(clientOptions(endpoint.url));
for (let count = 0; ; count++) {
  const Key = `${name}-${count}`;
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  process.stdout.write(`begun ${Key} ${UploadId}\n`);
  const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: Key }));
  process.stdout.write(`part ${Key}\n`);
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
  process.stdout.write(`completed ${Key}\n`);
}
