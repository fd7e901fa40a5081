/** The Parquet files of a table. */
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { PARTITION } from '../../lambdas/core/tables/table.ts';
import type { LakeHandle } from '../operations/lake-handle.ts';
import { listObjects } from '../operations/objects.ts';

/** How the newest file of a table is encrypted. */
export interface Encryption {
  /** `s3://bucket/key`; undefined if the table has no file of these days. */
  readonly file: string | undefined;
  /** As S3 names it: AES256 or aws:kms; undefined if S3 names none. */
  readonly algorithm: string | undefined;
}

/** Asks S3 for a file in the folders of these days, YYYY-MM-DD, that was written since a time. */
export async function encryptionOf(
  lake: LakeHandle,
  folder: string,
  days: readonly string[],
  since: Date,
): Promise<Encryption> {
  for (const day of days) {
    const prefix = `${folder}${PARTITION.name}=${day}/`;
    for await (const page of listObjects(lake, { bucket: lake.lakeBucket, prefix })) {
      const found = page.find(({ lastModified }) => lastModified >= since);
      if (!found) continue;
      const { bucket, key } = found;
      const { ServerSideEncryption } = await lake.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return { file: `s3://${bucket}/${key}`, algorithm: ServerSideEncryption };
    }
  }
  return { file: undefined, algorithm: undefined };
}
