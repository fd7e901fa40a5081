import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { ObjectId } from '../core/loading/input.ts';

/** Longest wait for the next bytes of a body; S3 answers in milliseconds. */
const STALL_MS = 20_000;

/** The object's bytes ended, or stopped coming, before all were there: read it again. */
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
    return whole(Body as Readable, ContentLength, `s3://${bucket}/${key}`);
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return undefined;
    throw error;
  }
}

/**
 * Passes the body on and makes sure it comes whole: a gzip cut by the network must not look like a
 * damaged object. Only waiting for S3 is timed, not the time its reader takes: a throttled stream may
 * hold the reader up for long.
 */
async function* whole(body: Readable, expected: number | undefined, url: string): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let got = 0;
  try {
    for (;;) {
      const { done, value } = await within(STALL_MS, chunks.next(), url);
      if (done) break;
      got += value.length;
      yield value;
    }
  } finally {
    // Not by the iterator: it would wait for the bytes that do not come.
    body.destroy();
  }
  if (expected !== undefined && got !== expected) {
    throw new CutShortError(`${url}: expected ${expected} bytes, got ${got}`);
  }
}

async function within<T>(milliseconds: number, step: Promise<T>, url: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CutShortError(`${url}: no bytes for ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([step, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
