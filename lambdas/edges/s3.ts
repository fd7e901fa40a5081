import type { Readable } from 'node:stream';
import { GetObjectCommand, S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3';
import { RefusedError } from '../core/direct/ports.ts';
import type { ObjectId } from '../core/loading/input.ts';
import { UnavailableError, type UnavailableReason } from '../core/loading/unavailable.ts';

/** Longest wait for the next bytes of a body, which normally arrive within milliseconds. */
const STALL_MS = 20_000;

/** The object's bytes ended or stalled before all of them had arrived: the object must be read again. */
export class CutShortError extends Error {
  override readonly name = 'CutShortError';
}

/** A client that also reads buckets of other Regions, with a second request for each object there. */
export function s3Client(options: S3ClientConfig = {}): S3Client {
  return new S3Client({ followRegionRedirects: true, ...options });
}

/**
 * Opens the version of an object that its notification announced, as a stream. Returns undefined if another object has
 * been written under the key: that object has a notification of its own.
 *
 * @throws UnavailableError if the object is gone or archived; other errors of S3, such as a missing permission: the
 * message is retried, then moved to the dead-letter queue
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
    const reason = unavailableReason(error);
    if (!reason) throw error;
    const message = `s3://${bucket}/${key}: expected the object, got ${(error as Error).name}`;
    throw new UnavailableError(reason, message, { cause: error });
  }
}

/**
 * Opens a member of a batch as `openObject` does.
 *
 * @throws RefusedError if S3 refuses to give this one object; what `openObject` throws
 */
export async function openMember(client: S3Client, object: ObjectId): Promise<AsyncIterable<Uint8Array> | undefined> {
  try {
    return await openObject(client, object);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const message = `s3://${object.bucket}/${object.key}: S3 refuses it: ${error.name}: ${error.message}`;
    throw new RefusedError(message, { cause: error });
  }
}

/** S3 passes on the errors of a key as `KMS.DisabledException` and the like. */
function isRefusal(error: unknown): error is S3ServiceException {
  return error instanceof S3ServiceException && (error.name === 'AccessDenied' || error.name.startsWith('KMS.'));
}

/**
 * An archived object is refused with the status of a missing permission, and told apart by its code.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors
 */
function unavailableReason(error: unknown): UnavailableReason | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  if (error.name === 'InvalidObjectState') return 'archived';
  return error.$metadata.httpStatusCode === 404 ? 'gone' : undefined;
}

/**
 * Passes the body on and checks that it arrives completely: a gzip that was cut by the network must not look like a
 * damaged object. Only the wait for S3 is limited, not the time that the caller needs for a chunk: a throttled Firehose
 * stream may delay the caller for long.
 *
 * @throws CutShortError if the body stalls or has another length than expected
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
    // The iterator's own `return` would wait for bytes that may never arrive.
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
