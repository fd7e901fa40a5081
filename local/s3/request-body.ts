import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3Error } from './answers.ts';
import { AwsChunkedDecoder, ChecksumCheck, CRC32_HEADER } from './aws-chunked.ts';

/** The bytes of an upload without their framing; reading them fails if they do not match its headers or trailers. */
export interface UploadedBody {
  readonly bytes: Readable;
  /** Whether the sender has said the CRC-32 of the bytes; asked when all of them have come. */
  readonly hasCrc32: () => boolean;
}

/** The body of a PutObject or UploadPart. */
export function uploadedBody(request: IncomingMessage): UploadedBody {
  const { headers } = request;
  for (const name of ['x-amz-copy-source', 'if-match']) {
    if (headers[name] !== undefined) throw new S3Error('NotImplemented', `PUT with ${name} has no local behaviour`);
  }
  const chunked =
    headers['content-encoding']?.includes('aws-chunked') ||
    `${headers['x-amz-content-sha256']}`.startsWith('STREAMING-');
  if (chunked) return piped(request, new AwsChunkedDecoder(Number(headers['x-amz-decoded-content-length'])));
  const checksum = headers[CRC32_HEADER];
  if (typeof checksum === 'string') return piped(request, new ChecksumCheck(checksum));
  return { bytes: request, hasCrc32: () => false };
}

/** Pipes `source` through `through`, whose reader receives the errors of both. */
function piped(source: Readable, through: ChecksumCheck | AwsChunkedDecoder): UploadedBody {
  pipeline(source, through).catch(() => {
    // pipeline has destroyed `through` with the error, so its reader has received it.
  });
  return { bytes: through, hasCrc32: () => through.hasCrc32 };
}

/** Whether a request asks that there be no object of its key yet: `If-None-Match: *`, the only form S3 knows. */
export function onlyIfNew({ headers }: IncomingMessage): boolean {
  const condition = headers['if-none-match'];
  if (condition === undefined || condition === '*') return condition !== undefined;
  throw new S3Error('NotImplemented', `a write with If-None-Match: ${condition} has no local behaviour; expected *`);
}
