/** The lake bucket in S3, as the direct lane uses it. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { UploadedFile } from '../core/direct/batch.ts';
import { type LakeFiles, OtherBytesError } from '../core/direct/ports.ts';

const PARQUET = 'application/vnd.apache.parquet';

/**
 * Files are uploaded with a checksum of the whole, by which a file that was completed before is recognised: its ETag is
 * no hash of its bytes.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function s3LakeFiles(client: S3Client, bucket: string): LakeFiles {
  return {
    keyOf(uri) {
      const start = `s3://${bucket}/`;
      if (uri.startsWith(start)) return uri.slice(start.length);
      throw new Error(`expected a file in the lake bucket, below ${start}, got ${uri}`);
    },

    async putList(key, list) {
      const Body = JSON.stringify(list);
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentType: 'application/json' }));
    },

    async getList<List>(key: string): Promise<List> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
        // The service names neither, and a list may have expired.
        if (error instanceof NoSuchKey)
          error.message = `s3://${bucket}/${key}: expected a list of the direct lane, got none`;
        throw error;
      });
      return JSON.parse((await Body?.transformToString()) ?? '') as List;
    },

    async findList<List>(key: string): Promise<List | undefined> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
        if (error instanceof NoSuchKey) return { Body: undefined };
        throw error;
      });
      return Body && (JSON.parse(await Body.transformToString()) as List);
    },

    async renewList(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        const bytes = await Body?.transformToByteArray();
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: 'application/json' }),
        );
        return true;
      } catch (error) {
        if (error instanceof NoSuchKey) return false;
        throw error;
      }
    },

    async putFile(key, bytes) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: PARQUET }));
    },

    async *readFile(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      yield* Body as AsyncIterable<Uint8Array>;
    },

    async begin(key) {
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          ...{ Bucket: bucket, Key: key, ContentType: PARQUET },
          ...{ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' },
        }),
      );
      if (!UploadId) throw new Error(`s3://${bucket}/${key}: expected the id of an upload, got none`);
      return UploadId;
    },

    async uploadPart(key, uploadId, number, bytes) {
      const { ETag } = await client.send(
        new UploadPartCommand({
          ...{ Bucket: bucket, Key: key, UploadId: uploadId, PartNumber: number, Body: bytes },
          ChecksumAlgorithm: 'CRC32',
        }),
      );
      if (!ETag) throw new Error(`s3://${bucket}/${key}: expected the ETag of part ${number}, got none`);
      return { number, etag: ETag };
    },

    async complete(file) {
      const { key, uploadId, parts, crc32 } = file;
      try {
        await client.send(
          new CompleteMultipartUploadCommand({
            ...{ Bucket: bucket, Key: key, UploadId: uploadId },
            MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
            ...{ ChecksumCRC32: crc32, ChecksumType: 'FULL_OBJECT' },
          }),
        );
      } catch (error) {
        // It was completed before, or the answer was lost; or nobody has it, which the next call says.
        if ((error as Error).name !== 'NoSuchUpload') throw error;
        await requireSame(file);
      }
    },

    async remove(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },

    async abort(key, uploadId) {
      await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }));
    },
  };

  async function requireSame({ key, size, crc32 }: UploadedFile): Promise<void> {
    const { ContentLength, ChecksumCRC32 } = await client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }),
    );
    if (ContentLength === size && ChecksumCRC32 === crc32) return;
    throw new OtherBytesError(
      `s3://${bucket}/${key}: expected ${size} bytes with CRC-32 ${crc32}, got ${ContentLength} with ${ChecksumCRC32}`,
    );
  }
}
