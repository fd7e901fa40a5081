/** Files of Iceberg tables in S3. */
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { TableFiles } from '../core/iceberg/ports.ts';

export function s3TableFiles(client: S3Client): TableFiles {
  return {
    async get(uri) {
      const { Body } = await client.send(new GetObjectCommand(placeOf(uri)));
      if (!Body) throw new Error(`${uri}: expected a body, got none`);
      return Body.transformToByteArray();
    },
    // Nobody knows the name before the file is there, so that putting it again changes nothing.
    async put(uri, bytes) {
      await client.send(new PutObjectCommand({ ...placeOf(uri), Body: bytes }));
    },
  };
}

/** Bucket and key of a URI. Spark and others write s3a:// and s3n:// for the same. */
export function placeOf(uri: string): { readonly Bucket: string; readonly Key: string } {
  const [, Bucket, Key] = /^s3[an]?:\/\/([^/]+)\/(.+)$/s.exec(uri) ?? [];
  if (Bucket !== undefined && Key !== undefined) return { Bucket, Key };
  throw new Error(`a file of a table: expected s3://bucket/key, got ${uri.slice(0, 200)}`);
}
