import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { ObjectId } from '../core/origin.ts';

/** The object's connection ended before all its bytes had come: read it again. */
export class CutShortError extends Error {
  override readonly name = 'CutShortError';
}

/**
 * Opens the very version a notification announced, as a stream. Undefined where another has taken its
 * place: that one has a notification of its own.
 *
 * @throws what S3 answers otherwise: a missing object or right is retried, then dead-lettered.
 */
export async function openObject(
  client: S3Client,
  { bucket, key, etag }: ObjectId,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  try {
    const { Body, ContentLength } = await client.send(
      new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: `"${etag.replaceAll('"', '')}"` }),
    );
    if (!Body) throw new CutShortError(`s3://${bucket}/${key}: expected a body, got none`);
    return whole(Body as AsyncIterable<Uint8Array>, ContentLength, `s3://${bucket}/${key}`);
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return undefined;
    throw error;
  }
}

/** Passes the body on and makes sure it came whole: a gzip cut by the network must not look like a damaged object. */
async function* whole(body: AsyncIterable<Uint8Array>, expected: number | undefined, url: string) {
  let got = 0;
  for await (const chunk of body) {
    got += chunk.length;
    yield chunk;
  }
  if (expected !== undefined && got !== expected) {
    throw new CutShortError(`${url}: expected ${expected} bytes, got ${got}`);
  }
}
