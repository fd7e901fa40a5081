import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { answerXml, keyText, S3Error, tags } from './answers.ts';
import { CRC32_HEADER } from './aws-chunked.ts';
import { onlyIfNew, uploadedBody } from './request-body.ts';
import type { NamedPart } from './upload-parts.ts';
import type { UploadAddress, Uploads } from './uploads.ts';

/** A request about uploads. */
export interface UploadRequest {
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const TYPE_HEADER = 'x-amz-checksum-type';
const ALGORITHM_HEADER = 'x-amz-checksum-algorithm';
/** The only kind of checksum that an upload can have here: that of all bytes, which a reader can compare. */
export const FULL_OBJECT = 'FULL_OBJECT';

/** The operations by method, what the path names, and the query that selects them; with the other names of the query. */
export const UPLOAD_ACTIONS: Readonly<
  Record<string, { readonly query: readonly string[]; act(call: UploadRequest, uploads: Uploads): Promise<void> }>
> = {
  'POST object?uploads': { query: [], act: begin },
  'PUT object?uploadId': { query: ['partNumber'], act: putPart },
  'POST object?uploadId': { query: [], act: complete },
  'DELETE object?uploadId': { query: [], act: abort },
  'GET object?uploadId': { query: ['max-parts', 'part-number-marker'], act: listParts },
  'GET bucket?uploads': {
    query: ['prefix', 'key-marker', 'upload-id-marker', 'max-uploads', 'encoding-type'],
    act: listUploads,
  },
};

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
async function begin({ bucket, key, request, response }: UploadRequest, uploads: Uploads): Promise<void> {
  const { [ALGORITHM_HEADER]: algorithm, [TYPE_HEADER]: type } = request.headers;
  const crc32 = algorithm === 'CRC32' && type === FULL_OBJECT;
  if ((algorithm !== undefined || type !== undefined) && !crc32) {
    const got = `${ALGORITHM_HEADER} ${algorithm ?? 'missing'} with ${TYPE_HEADER} ${type ?? 'missing'}`;
    throw new S3Error(
      'NotImplemented',
      `${got} has no local behaviour; expected CRC32 with ${FULL_OBJECT}, or neither`,
    );
  }
  const { uploadId } = await uploads.begin(bucket, key, { crc32 });
  if (crc32) response.setHeader(ALGORITHM_HEADER, 'CRC32').setHeader(TYPE_HEADER, FULL_OBJECT);
  answerXml(response, 'InitiateMultipartUploadResult', tags({ Bucket: bucket, Key: key, UploadId: uploadId }));
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
async function putPart(call: UploadRequest, uploads: Uploads): Promise<void> {
  const { query, request, response } = call;
  const number = Number(query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > 10_000) {
    throw new S3Error('InvalidArgument', `expected a part number from 1 to 10000, got ${query.get('partNumber')}`);
  }
  const { bytes, hasCrc32 } = uploadedBody(request);
  const { etag, crc32 } = await uploads.putPart(addressOf(call), number, bytes);
  if (hasCrc32()) response.setHeader(CRC32_HEADER, crc32);
  response.setHeader('etag', `"${etag}"`).end();
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
async function complete(call: UploadRequest, uploads: Uploads): Promise<void> {
  const { bucket, key, request, response } = call;
  const { [CRC32_HEADER]: crc32, [TYPE_HEADER]: type = FULL_OBJECT, 'x-amz-mp-object-size': size } = request.headers;
  if (type !== FULL_OBJECT) throw new S3Error('NotImplemented', `${TYPE_HEADER} ${type} has no local behaviour`);
  const completed = await uploads.complete(addressOf(call), partsIn(await text(request)), {
    onlyIfNew: onlyIfNew(request),
    crc32: crc32 === undefined ? undefined : String(crc32),
    size: size === undefined ? undefined : Number(size),
  });
  const { etag, crc32: whole } = completed;
  const checksum = { ChecksumCRC32: whole, ChecksumType: whole === undefined ? undefined : FULL_OBJECT };
  const Location = `http://${request.headers.host}${call.request.url?.split('?', 1)[0]}`;
  const fields = tags({ Location, Bucket: bucket, Key: key, ETag: `"${etag}"`, ...checksum });
  answerXml(response, 'CompleteMultipartUploadResult', fields);
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
async function abort(call: UploadRequest, uploads: Uploads): Promise<void> {
  await uploads.abort(addressOf(call));
  call.response.writeHead(204).end();
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
async function listParts(call: UploadRequest, uploads: Uploads): Promise<void> {
  const { bucket, key, query, response } = call;
  const marker = Number(query.get('part-number-marker') ?? 0);
  const max = Math.min(Number(query.get('max-parts') ?? 1000), 1000);
  const address = addressOf(call);
  const rest = (await uploads.parts(address)).filter(({ number }) => number > marker);
  const page = rest.slice(0, max);
  const truncated = rest.length > page.length;
  const head = tags({
    Bucket: bucket,
    Key: key,
    UploadId: address.uploadId,
    MaxParts: max,
    IsTruncated: truncated,
    NextPartNumberMarker: truncated ? page.at(-1)?.number : undefined,
  });
  const parts = page.map(({ number, etag, size, modified }) => {
    const fields = tags({ PartNumber: number, LastModified: modified.toISOString(), ETag: `"${etag}"`, Size: size });
    return `<Part>${fields}</Part>`;
  });
  answerXml(response, 'ListPartsResult', head + parts.join(''));
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
async function listUploads({ bucket, query, response }: UploadRequest, uploads: Uploads): Promise<void> {
  const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
  const max = Math.min(Number(query.get('max-uploads') ?? 1000), 1000);
  const all = await uploads.list(bucket, query.get('prefix') ?? '');
  const start = all.findIndex(({ key, uploadId }) => {
    const order = Buffer.compare(Buffer.from(key), Buffer.from(keyMarker));
    return order > 0 || (order === 0 && idMarker !== '' && uploadId > idMarker);
  });
  const rest = start < 0 ? [] : all.slice(start);
  const page = rest.slice(0, max);
  const truncated = rest.length > page.length;
  const [last, written] = [page.at(-1), keyText(query)];
  const head = tags({
    Bucket: bucket,
    MaxUploads: max,
    IsTruncated: truncated,
    EncodingType: query.has('encoding-type') ? 'url' : undefined,
    NextKeyMarker: truncated && last ? written(last.key) : undefined,
    NextUploadIdMarker: truncated ? last?.uploadId : undefined,
  });
  const found = page.map(({ key, uploadId, initiated }) => {
    const fields = tags({ Key: written(key), UploadId: uploadId, Initiated: new Date(initiated).toISOString() });
    return `<Upload>${fields}</Upload>`;
  });
  answerXml(response, 'ListMultipartUploadsResult', head + found.join(''));
}

function addressOf({ bucket, key, query }: UploadRequest): UploadAddress {
  return { bucket, key, uploadId: query.get('uploadId') ?? '' };
}

/** The parts that the body of CompleteMultipartUpload names. */
function partsIn(xml: string): NamedPart[] {
  return xml
    .split('<Part>')
    .slice(1)
    .map((part) => {
      const field = (name: string): string | undefined => {
        const [, rest] = part.split(`<${name}>`, 2);
        return rest?.split('<', 1)[0]?.replace(/&quot;|&#34;|"/g, '');
      };
      const [number, etag] = [Number(field('PartNumber')), field('ETag')];
      if (!Number.isInteger(number) || etag === undefined) {
        throw new S3Error('MalformedXML', `expected a part with a PartNumber and an ETag, got ${part.slice(0, 80)}`);
      }
      return { number, etag, crc32: field('ChecksumCRC32') };
    });
}
