import { Transform, type TransformCallback } from 'node:stream';
import { crc32 } from 'node:zlib';

/** An upload whose bytes do not match its headers or trailers; `code` is S3's own. */
export class UploadError extends Error {
  readonly code: 'IncompleteBody' | 'BadDigest' | 'InvalidRequest';
  constructor(code: UploadError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Header or trailer with the CRC-32 of the bytes without framing, in base64. */
export const CRC32_HEADER = 'x-amz-checksum-crc32';

/** The longest line between chunks: a size, an extension, or a trailer. */
const MAX_LINE_BYTES = 16_384;

/**
 * Removes the framing of an `aws-chunked` upload and checks its length and, if the trailer has one, its CRC-32.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export class AwsChunkedDecoder extends Transform {
  readonly #expectedLength: number;
  #length = 0;
  #crc = 0;
  #buffered: Buffer = Buffer.alloc(0);
  /** Remaining bytes of the current chunk. */
  #chunkLeft = 0;
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  #trailers = new Map<string, string>();

  /** @param expectedLength bytes without the framing */
  constructor(expectedLength: number) {
    super();
    this.#expectedLength = expectedLength;
  }

  /** Whether the trailer has a CRC-32; known when all of the body has come. */
  get hasCrc32(): boolean {
    return this.#trailers.has(CRC32_HEADER);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#buffered = this.#buffered.length > 0 ? Buffer.concat([this.#buffered, chunk]) : chunk;
      while (this.#step());
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _flush(done: TransformCallback): void {
    // Some senders omit the blank line after the last trailer.
    if (this.#state === 'size' || this.#state === 'data' || this.#length !== this.#expectedLength) {
      done(new UploadError('IncompleteBody', `expected ${this.#expectedLength} bytes, got ${this.#length}`));
      return;
    }
    const expected = this.#trailers.get(CRC32_HEADER);
    done(expected === undefined ? null : crcError(expected, this.#crc));
  }

  /** Processes one piece of the buffered bytes. Returns false if more bytes must come first. */
  #step(): boolean {
    if (this.#state === 'done') return false;
    if (this.#state === 'data') {
      const data = this.#buffered.subarray(0, this.#chunkLeft);
      if (data.length === 0) return false;
      this.#buffered = this.#buffered.subarray(data.length);
      this.#chunkLeft -= data.length;
      this.#length += data.length;
      this.#crc = crc32(data, this.#crc);
      this.push(data);
      if (this.#chunkLeft === 0) this.#state = 'data-end';
      return true;
    }
    const line = this.#line();
    if (line === undefined) return false;
    if (this.#state === 'data-end') this.#state = 'size';
    else if (this.#state === 'size') this.#size(line);
    else if (line === '') this.#state = 'done';
    else {
      const colon = line.indexOf(':');
      this.#trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    return true;
  }

  #size(line: string): void {
    const digits = line.split(';', 1)[0] ?? '';
    if (!/^[0-9a-fA-F]{1,8}$/.test(digits)) {
      throw new UploadError('InvalidRequest', `expected the size of a chunk, got ${JSON.stringify(line.slice(0, 40))}`);
    }
    this.#chunkLeft = Number.parseInt(digits, 16);
    this.#state = this.#chunkLeft > 0 ? 'data' : 'trailer';
  }

  #line(): string | undefined {
    const end = this.#buffered.indexOf('\r\n');
    if (end < 0) {
      if (this.#buffered.length > MAX_LINE_BYTES) throw new UploadError('InvalidRequest', 'expected a line end');
      return undefined;
    }
    const line = this.#buffered.toString('latin1', 0, end);
    this.#buffered = this.#buffered.subarray(end + 2);
    return line;
  }
}

/** Passes a plain upload through and checks its CRC-32 against the header's. */
export class ChecksumCheck extends Transform {
  readonly hasCrc32 = true;
  readonly #expected: string;
  #crc = 0;

  /** @param expected value of x-amz-checksum-crc32 */
  constructor(expected: string) {
    super();
    this.#expected = expected;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#crc = crc32(chunk, this.#crc);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    done(crcError(this.#expected, this.#crc));
  }
}

function crcError(expected: string, crc: number): UploadError | null {
  const got = crcText(crc);
  return got === expected ? null : new UploadError('BadDigest', `expected CRC-32 ${expected}, got ${got}`);
}

/** A CRC-32 as S3 writes it: big-endian, in base64. */
export function crcText(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}
