import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { answerXml, elementsOf, S3Error, tags } from './answers.ts';
import type { ObjectStore } from './object-store.ts';
import { uploadedBody } from './request-body.ts';

/** As many keys as one request may name. */
const MAX_KEYS = 1000;

/**
 * Deletes the objects that the body names; those that are missing count as deleted. If the process dies in between, some
 * are deleted, and the request may be repeated.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
export async function deleteObjects(
  request: IncomingMessage,
  response: ServerResponse,
  objects: ObjectStore,
  bucket: string,
): Promise<void> {
  objects.files.requireBucket(bucket);
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
  for (const key of keys) await objects.delete(bucket, key);
  const isQuiet = elementsOf(xml, 'Quiet')[0] === 'true';
  const deleted = isQuiet ? [] : keys.map((key) => `<Deleted>${tags({ Key: key })}</Deleted>`);
  answerXml(response, 'DeleteResult', deleted.join(''));
}
