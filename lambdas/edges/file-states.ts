/** What became of files that the direct lane has uploaded, by what S3 says of them. */
import { HeadObjectCommand, ListPartsCommand, type S3Client } from '@aws-sdk/client-s3';
import type { UploadedFile } from '../core/direct/batch.ts';
import type { FileState } from '../core/direct/reconcile-files.ts';

/** @returns asks for one file at a time */
export function s3FileStates(client: S3Client, bucket: string): (file: UploadedFile) => Promise<FileState> {
  return async ({ key, uploadId, size, crc32 }) => {
    const head = new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' });
    const found = await client.send(head).catch(undefinedIf('NotFound', 'NoSuchKey'));
    if (found?.ContentLength === size && found.ChecksumCRC32 === crc32) return 'there';
    const parts = new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, MaxParts: 1 });
    return (await client.send(parts).catch(undefinedIf('NoSuchUpload'))) ? 'uploaded' : 'gone';
  };
}

function undefinedIf(...names: readonly string[]): (error: Error) => undefined {
  return (error) => {
    if (names.includes(error.name)) return undefined;
    throw error;
  };
}
