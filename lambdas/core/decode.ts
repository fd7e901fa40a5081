/** Bytes of an object, as S3 gives them, to decompressed bytes: gzip told by its magic bytes, else as they are. */
import { createGunzip, type Gunzip } from 'node:zlib';

/**
 * Compressed bytes given to zlib at a time. Deflate makes at most 1,032 bytes of one, so what stands
 * decompressed in memory is bounded (32 MiB) even for a decompression bomb.
 */
const PIECE_BYTES = 32 * 1024;

/** Decompressed bytes per chunk: large enough that lines seldom lie across two. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Decompressed bytes taken without asking where they came from, and how often as large as the compressed
 * ones those beyond them may be. Deflate gets past 500 to 1 only where sixteen bytes or fewer repeat: no
 * log line is that short, and lines seldom shrink more than twentyfold. The most it makes is 1,032 to 1.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5
 */
export const FREE_BYTES = 256 * 1024 * 1024;
export const MAX_RATIO = 500;

/** The object is no log but a few bytes repeated: everything before has been given. */
export class DecompressionBombError extends Error {
  override readonly name = 'DecompressionBombError';
}

/** The gzip stream is damaged or ends too early; everything before the break has been given. */
export class BrokenGzipError extends Error {
  override readonly name = 'BrokenGzipError';
}

/**
 * Decompresses as it reads. Several gzip members in a row are one stream.
 *
 * @throws BrokenGzipError after the bytes before the break; DecompressionBombError; errors of `body` pass unchanged.
 */
export async function* decode(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
    if (head.length >= 2) break;
  }
  const rest = { [Symbol.asyncIterator]: () => chunks };
  if (isGzip(head)) yield* gunzip(head, rest);
  else {
    if (head.length > 0) yield head;
    yield* rest;
  }
}

/** https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

async function* gunzip(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: CHUNK_BYTES });
  // Flowing mode: an error drops what a stream has buffered, but not what it has handed out.
  const out: Uint8Array[] = [];
  let [taken, made] = [0, 0];
  stream.on('data', (chunk: Uint8Array) => {
    made += chunk.length;
    out.push(chunk);
  });
  try {
    for await (const piece of pieces(head, rest)) {
      const broken = await settle(stream, () => stream.write(piece, () => stream.emit('written')), 'written');
      yield* out.splice(0);
      if (broken) throw broken;
      taken += piece.length;
      if (made > FREE_BYTES && made > taken * MAX_RATIO) {
        throw new DecompressionBombError(`${made} bytes from ${taken} of gzip`);
      }
    }
    const broken = await settle(stream, () => stream.end(), 'end');
    yield* out.splice(0);
    if (broken) throw broken;
  } finally {
    stream.destroy();
  }
}

async function* pieces(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* cut(head);
  for await (const chunk of rest) yield* cut(chunk);
}

function* cut(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
}

/** Starts a step and waits for its event or for the stream's error, which it gives back. */
function settle(stream: Gunzip, step: () => void, event: 'written' | 'end'): Promise<BrokenGzipError | undefined> {
  return new Promise((resolve) => {
    const settled = (error?: Error) => {
      stream.off(event, settled);
      stream.off('error', settled);
      resolve(error && new BrokenGzipError(error.message, { cause: error }));
    };
    stream.on(event, settled);
    stream.on('error', settled);
    step();
  });
}
