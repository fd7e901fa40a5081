import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Service } from '../template/resource.ts';
import { AwsChunkedDecoder, ChecksumCheck, UploadError } from './aws-chunked.ts';
import { ObjectStore, ObjectStoreError, type ObjectStoreOptions, type StoredObject } from './object-store.ts';

/** S3 on this machine: GetObject, HeadObject, PutObject, DeleteObject, HeadBucket and ListObjectsV2. */
export interface LocalS3 extends Service {
  readonly objects: ObjectStore;
}

/** Opens the buckets. */
export async function openS3(options: ObjectStoreOptions): Promise<LocalS3> {
  const objects = await ObjectStore.open(options);
  return {
    name: 'S3',
    objects,
    handle: (request, response) => answer(request, response, objects),
    close: async () => {},
  };
}

const STATUS: Readonly<Record<string, number>> = {
  NoSuchBucket: 404,
  NoSuchKey: 404,
  PreconditionFailed: 412,
  InvalidRange: 416,
  NotImplemented: 501,
};

class S3Error extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, objects: ObjectStore): Promise<void> {
  try {
    await act(request, response, objects);
  } catch (error) {
    if (error instanceof S3Error || error instanceof ObjectStoreError || error instanceof UploadError) {
      if (!response.headersSent) refuse(request, response, error);
    } else if (!request.destroyed && !response.destroyed) throw error;
  }
}

async function act(request: IncomingMessage, response: ServerResponse, objects: ObjectStore): Promise<void> {
  const { bucket, key, query } = addressOf(request.url ?? '/');
  const action = `${request.method} ${key === '' ? 'bucket' : 'object'}`;
  response.setHeader('x-amz-request-id', randomUUID());
  refuseUnknownQuery(query, action);
  switch (action) {
    case 'HEAD bucket':
      objects.requireBucket(bucket);
      response.end();
      return;
    case 'GET bucket':
      response.setHeader('content-type', 'application/xml');
      response.end(await listing(objects, bucket, query));
      return;
    case 'HEAD object':
    case 'GET object':
      return get(request, response, objects, bucket, key);
    case 'PUT object': {
      const stored = await objects.put(bucket, key, uploaded(request));
      response.setHeader('etag', `"${stored.etag}"`);
      response.end();
      return;
    }
    case 'DELETE object':
      await objects.delete(bucket, key);
      response.writeHead(204).end();
      return;
    default:
      throw new S3Error('NotImplemented', `${action} has no local behaviour`);
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

const QUERY: Readonly<Record<string, readonly string[]>> = {
  'GET bucket': ['list-type', 'prefix', 'delimiter', 'max-keys', 'continuation-token', 'start-after', 'encoding-type'],
};

/**
 * The query selects operations that are not emulated, such as multipart uploads, tags and versions: refuse rather than
 * misread them.
 */
function refuseUnknownQuery(query: URLSearchParams, action: string): void {
  const known = ['x-id', ...(QUERY[action] ?? [])];
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new S3Error('NotImplemented', `${action} with ?${unknown} has no local behaviour`);
}

function uploaded(request: IncomingMessage): Readable {
  const { headers } = request;
  for (const name of ['x-amz-copy-source', 'if-match', 'if-none-match']) {
    if (headers[name] !== undefined) throw new S3Error('NotImplemented', `PUT with ${name} has no local behaviour`);
  }
  const chunked =
    headers['content-encoding']?.includes('aws-chunked') ||
    `${headers['x-amz-content-sha256']}`.startsWith('STREAMING-');
  if (chunked) {
    return piped(request, new AwsChunkedDecoder(Number(headers['x-amz-decoded-content-length'])));
  }
  const checksum = headers['x-amz-checksum-crc32'];
  return typeof checksum === 'string' ? piped(request, new ChecksumCheck(checksum)) : request;
}

/** Pipes `source` through `through`, whose reader receives the errors of both. */
function piped(source: Readable, through: ChecksumCheck | AwsChunkedDecoder): Readable {
  pipeline(source, through).catch(() => {
    // pipeline has destroyed `through` with the error, so its reader has received it.
  });
  return through;
}

async function get(
  request: IncomingMessage,
  response: ServerResponse,
  objects: ObjectStore,
  bucket: string,
  key: string,
): Promise<void> {
  const opened = await objects.open(bucket, key);
  let reading = false;
  try {
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

/** One page of a bucket's keys and common prefixes, in order. */
async function listing(objects: ObjectStore, bucket: string, query: URLSearchParams): Promise<string> {
  if (query.get('list-type') !== '2') throw new S3Error('NotImplemented', 'only ListObjectsV2 has a local behaviour');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();

  const all = entriesOf(await objects.keys(bucket, prefix), prefix, delimiter);
  const rest = all.filter(({ name }) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0);
  const page = rest.slice(0, maxKeys);
  const truncated = rest.length > page.length;
  const text = query.get('encoding-type') === 'url' ? encodeURIComponent : escapeXml;
  const lines = [`<Name>${escapeXml(bucket)}</Name><Prefix>${text(prefix)}</Prefix><MaxKeys>${maxKeys}</MaxKeys>`];
  lines.push(`<KeyCount>${page.length}</KeyCount><IsTruncated>${truncated}</IsTruncated>`);
  if (delimiter) lines.push(`<Delimiter>${text(delimiter)}</Delimiter>`);
  if (query.has('encoding-type')) lines.push('<EncodingType>url</EncodingType>');
  if (truncated) {
    const next = Buffer.from(page.at(-1)?.name ?? after).toString('base64url');
    lines.push(`<NextContinuationToken>${next}</NextContinuationToken>`);
  }
  for (const { name, common } of page) {
    if (common) lines.push(`<CommonPrefixes><Prefix>${text(name)}</Prefix></CommonPrefixes>`);
    else lines.push(await objects.head(bucket, name).then((object) => contents(object, text), goneMeanwhile));
  }
  return `${XML}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${lines.join('')}</ListBucketResult>`;
}

function entriesOf(keys: readonly string[], prefix: string, delimiter: string): { name: string; common: boolean }[] {
  const entries = new Map<string, { name: string; common: boolean }>();
  for (const key of keys) {
    const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    const name = at < 0 ? key : key.slice(0, at + delimiter.length);
    entries.set(name, { name, common: at >= 0 });
  }
  return [...entries.values()];
}

function contents({ key, size, etag, modified }: StoredObject, text: (value: string) => string): string {
  const dated = `<Key>${text(key)}</Key><LastModified>${modified.toISOString()}</LastModified>`;
  return `<Contents>${dated}<ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
}

/** An object that was deleted during the listing is left out. */
function goneMeanwhile(error: unknown): string {
  if (error instanceof ObjectStoreError && error.code === 'NoSuchKey') return '';
  throw error;
}

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';

function refuse(request: IncomingMessage, response: ServerResponse, error: { code: string; message: string }): void {
  // The rest of a refused upload would be read as the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(STATUS[error.code] ?? 400, { 'content-type': 'application/xml' });
  const { code, message } = error;
  response.end(
    request.method === 'HEAD'
      ? undefined
      : `${XML}<Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`,
  );
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"'\u0000-\u001f]/g, (char) => `&#${char.charCodeAt(0)};`);
}
