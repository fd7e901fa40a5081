import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { AccessDenied } from '../iam/caller.ts';
import type { S3Caller } from './access.ts';
import { answerXml, elementsOf, S3Error, tags } from './answers.ts';
import type { ObjectStore } from './object-store.ts';
import { uploadedBody } from './request-body.ts';

/** As many keys as one request may name. */
const MAX_KEYS = 1000;

/**
 * Deletes the objects that the body names; those that are missing count as deleted, and each that the caller may not delete
 * is an error of its own. If the process dies in between, some
 * are deleted, and the request may be repeated.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
export async function deleteObjects(
  request: IncomingMessage,
  response: ServerResponse,
  caller: S3Caller,
  objects: ObjectStore,
  bucket: string,
): Promise<void> {
  const xml = await text(uploadedBody(request).bytes);
  const keys = elementsOf(xml, 'Key');
  if (keys.length === 0 || keys.length > MAX_KEYS) {
    throw new S3Error('MalformedXML', `expected 1 to ${MAX_KEYS} keys to delete, got ${keys.length}`);
  }
  for (const condition of ['VersionId', 'ETag', 'Size', 'LastModifiedTime']) {
    if (elementsOf(xml, condition).length > 0) {
      throw new S3Error('NotImplemented', `POST bucket?delete with ${condition} has no local behaviour`);
    }
  }
  const isQuiet = elementsOf(xml, 'Quiet')[0] === 'true';
  const results: string[] = [];
  for (const key of keys) {
    try {
      caller.requireDelete(bucket, key);
      await objects.delete(bucket, key);
      if (!isQuiet) results.push(`<Deleted>${tags({ Key: key })}</Deleted>`);
    } catch (error) {
      if (!(error instanceof AccessDenied)) throw error;
      results.push(`<Error>${tags({ Key: key, Code: 'AccessDenied', Message: error.message })}</Error>`);
    }
  }
  answerXml(response, 'DeleteResult', results.join(''));
}
