import { createHash } from 'node:crypto';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { openEndpoint } from '../../../local/endpoint.ts';
import type { CreatedObject } from '../../../local/s3/object-store.ts';
import { openS3 } from '../../../local/s3/s3.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** The one bucket. */
export const Bucket = 'landing';

/** S3 in a folder, and a client of it. `onCreated` sees each event after `created`. */
export async function opened(dir = temporaryFolder(), onCreated = async (_object: CreatedObject) => {}) {
  const created: CreatedObject[] = [];
  const service = await openS3({
    dir,
    buckets: new Set([Bucket]),
    onCreated: async (object) => {
      created.push(object);
      await onCreated(object);
    },
  });
  const encodings: (string | undefined)[] = [];
  const endpoint = await openEndpoint({
    intercept: (_service, { headers }) => {
      encodings.push(headers['content-encoding']);
      return false;
    },
  });
  endpoint.serve(service);
  const s3 = new S3Client(clientOptions(endpoint.url));
  onTestFinished(async () => {
    s3.destroy();
    await endpoint.close();
  });
  const read = async (Key: string, more: object = {}): Promise<string> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
    return (await Body?.transformToString()) ?? '';
  };
  return { dir, created, s3, read, url: endpoint.url, objects: service.objects, encodings };
}

/** In hexadecimal digits. */
export const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('hex');
