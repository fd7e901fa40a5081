import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import type { OpenUpload } from '../core/direct/missed-uploads.ts';
import { DATA_PREFIX, ICEBERG_PREFIX } from '../core/tables/table.ts';

/** Pages of a prefix, of up to a thousand uploads: a few requests, however many were left over. */
const MAX_PAGES = 20;

/** The uploads of files of tables that are not completed, in the order of their keys; the first 20,000 of each prefix. */
export async function* openUploads(client: S3Client, bucket: string): AsyncGenerator<OpenUpload> {
  for (const prefix of [DATA_PREFIX, ICEBERG_PREFIX]) {
    let after: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
    for (let page = 0; after && page < MAX_PAGES; page++) {
      const answer: ListMultipartUploadsCommandOutput = await client.send(
        new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...after }),
      );
      for (const { Key, UploadId, Initiated } of answer.Uploads ?? []) {
        if (Key && UploadId && Initiated) yield { key: Key, uploadId: UploadId, begunAt: Initiated.toISOString() };
      }
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = answer;
      after = IsTruncated ? { KeyMarker, UploadIdMarker } : undefined;
    }
  }
}
