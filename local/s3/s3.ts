import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AccessDenied } from '../iam/caller.ts';
import type { Service } from '../template/resource.ts';
import { type BucketKeys, type S3Caller, s3Caller } from './access.ts';
import { answerXml, refuse, S3Error } from './answers.ts';
import { CRC32_HEADER, UploadError } from './aws-chunked.ts';
import { deleteObjects } from './delete-objects.ts';
import { listing } from './listing.ts';
import { ObjectStoreError } from './object-files.ts';
import { ObjectStore, type ObjectStoreOptions } from './object-store.ts';
import { onlyIfNew, uploadedBody } from './request-body.ts';
import { Uploads } from './uploads.ts';
import { FULL_OBJECT, UPLOAD_ACTIONS } from './uploads-api.ts';

/**
 * S3 on this machine: GetObject, HeadObject, PutObject, DeleteObject, DeleteObjects, HeadBucket, ListObjectsV2 and
 * multipart uploads.
 */
export interface LocalS3 extends Service {
  readonly objects: ObjectStore;
}

export interface S3Options extends ObjectStoreOptions {
  /** @default none */
  readonly keys?: BucketKeys;
}

/** Opens the buckets. */
export async function openS3({ keys = new Map(), ...options }: S3Options): Promise<LocalS3> {
  const objects = await ObjectStore.open(options);
  const stores = { objects, uploads: await Uploads.open(options.dir, objects) };
  return {
    name: 'S3',
    objects,
    handle: (request, response, caller) => answer(request, response, s3Caller(caller, keys), stores),
    close: async () => {},
  };
}

interface Stores {
  readonly objects: ObjectStore;
  readonly uploads: Uploads;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  caller: S3Caller,
  stores: Stores,
): Promise<void> {
  try {
    await act(request, response, caller, stores);
  } catch (caught) {
    const error = caught instanceof AccessDenied ? new S3Error('AccessDenied', caught.message) : caught;
    const refusal = error instanceof S3Error || error instanceof ObjectStoreError || error instanceof UploadError;
    if (!refusal) throw error;
    if (!response.headersSent) refuse(request, response, error);
  }
}

async function act(
  request: IncomingMessage,
  response: ServerResponse,
  caller: S3Caller,
  { objects, uploads }: Stores,
): Promise<void> {
  const { bucket, key, query } = addressOf(request.url ?? '/');
  const selector = SELECTORS.find((name) => query.has(name));
  const action = `${request.method} ${key === '' ? 'bucket' : 'object'}${selector ? `?${selector}` : ''}`;
  response.setHeader('x-amz-request-id', randomUUID());
  refuseUnknownQuery(query, action);
  // Who asks for a bucket that is missing is told so.
  if (bucket !== '') objects.files.requireBucket(bucket);
  caller.require(action, bucket, key);
  switch (action) {
    case 'HEAD bucket':
      response.end();
      return;
    case 'GET bucket':
      answerXml(response, 'ListBucketResult', await listing(objects, bucket, query));
      return;
    case 'HEAD object':
    case 'GET object':
      return get(request, response, caller, objects, bucket, key);
    case 'PUT object': {
      const { bytes, hasCrc32 } = uploadedBody(request);
      const stored = await objects.put(bucket, key, bytes, { hasCrc32, onlyIfNew: onlyIfNew(request) });
      response.writeHead(200, { etag: `"${stored.etag}"`, ...checksumHeaders(stored) }).end();
      return;
    }
    case 'DELETE object':
      await objects.delete(bucket, key);
      response.writeHead(204).end();
      return;
    case 'POST bucket?delete':
      return deleteObjects(request, response, caller, objects, bucket);
    default: {
      const upload = UPLOAD_ACTIONS[action];
      if (!upload) throw new S3Error('NotImplemented', `${action} has no local behaviour`);
      await upload.act({ bucket, key, query, request, response }, uploads);
    }
  }
}

/** Bucket and key of a path-style request. Does not use URL, which would resolve `..` in a key. */
function addressOf(url: string): { bucket: string; key: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const slash = path.indexOf('/', 1);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  try {
    return {
      bucket: decodeURIComponent(path.slice(1, slash < 0 ? undefined : slash)),
      key: slash < 0 ? '' : decodeURIComponent(path.slice(slash + 1)),
      query,
    };
  } catch {
    throw new S3Error('InvalidURI', `expected a path in %-encoded UTF-8, got ${path.slice(0, 80)}`);
  }
}

/** Names of a query that select operations. */
const SELECTORS = ['uploads', 'uploadId', 'delete'];

/** What the queries of other operations may have. */
const QUERY: Readonly<Record<string, readonly string[]>> = {
  'GET bucket': ['list-type', 'prefix', 'delimiter', 'max-keys', 'continuation-token', 'start-after', 'encoding-type'],
};

/**
 * The query selects operations that are not emulated, such as tags and versions: refuse rather than misread them.
 */
function refuseUnknownQuery(query: URLSearchParams, action: string): void {
  const known = ['x-id', ...SELECTORS, ...(QUERY[action] ?? UPLOAD_ACTIONS[action]?.query ?? [])];
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new S3Error('NotImplemented', `${action} with ?${unknown} has no local behaviour`);
}

async function get(
  request: IncomingMessage,
  response: ServerResponse,
  caller: S3Caller,
  objects: ObjectStore,
  bucket: string,
  key: string,
): Promise<void> {
  const opened = await objects.open(bucket, key).catch((error: unknown) => {
    if (error instanceof ObjectStoreError && error.code === 'NoSuchKey') caller.requireMissing(bucket);
    throw error;
  });
  let reading = false;
  try {
    const wantsChecksum = request.headers['x-amz-checksum-mode'] === 'ENABLED';
    if (request.method === 'GET' || wantsChecksum) caller.requireDecrypt(bucket);
    const { size, etag, modified } = opened.object;
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== '*' && unquoted(wanted) !== etag) {
      throw new S3Error('PreconditionFailed', `If-Match: expected ${unquoted(wanted)}, the object is ${etag}`);
    }
    if (unquoted(request.headers['if-none-match'] ?? '') === etag) {
      response.writeHead(304, { etag: `"${etag}"` }).end();
      return;
    }
    const range = rangeOf(request.headers.range, size);
    const { start, end } = range ?? { start: 0, end: size - 1 };
    response.writeHead(range ? 206 : 200, {
      etag: `"${etag}"`,
      'last-modified': modified.toUTCString(),
      'accept-ranges': 'bytes',
      'content-type': 'binary/octet-stream',
      'content-length': end - start + 1,
      ...(range && { 'content-range': `bytes ${start}-${end}/${size}` }),
      ...(wantsChecksum && !range && checksumHeaders(opened.object)),
    });
    if (request.method === 'HEAD' || size === 0) {
      response.end();
      return;
    }
    const body = opened.read(start, end);
    reading = true;
    // If the reader has disconnected, the response fails before the file is read, and nothing else would close the
    // file.
    await pipeline(body, response).finally(() => body.destroy());
  } finally {
    if (!reading) opened.close();
  }
}

/** The checksum of an object that was uploaded with one. */
function checksumHeaders({ crc32 }: { readonly crc32?: string }): Record<string, string> {
  return crc32 === undefined ? {} : { [CRC32_HEADER]: crc32, 'x-amz-checksum-type': FULL_OBJECT };
}

function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

/** The bytes that a Range header requests, or undefined if it is absent or has a form that S3 ignores. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [whole, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (whole === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) throw new S3Error('InvalidRange', `${header} of an object of ${size} bytes`);
  return { start, end };
}
