/**
 * Decompresses the bytes of an S3 object: gzip, which is recognized by its magic bytes. Any other object is passed on
 * as is.
 */
import { type Inflater, openInflater } from './inflate.ts';

/**
 * Compressed bytes given to zlib at a time. Deflate makes at most 1,032 bytes of one byte, so the output of a piece is
 * bounded (64.5 MiB) even for a decompression bomb; Node's stream would produce the output of a whole chunk at once.
 */
const PIECE_BYTES = 64 * 1024;

/**
 * Up to FREE_BYTES decompressed bytes are accepted in any case. More are accepted only while they are at most MAX_RATIO
 * times the compressed bytes. Deflate exceeds 500 to 1 only if sixteen bytes or fewer repeat: no log line is that
 * short, and lines seldom compress more than twentyfold. Deflate's limit is 1,032 to 1.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5
 */
export const FREE_BYTES = 256 * 1024 * 1024;
export const MAX_RATIO = 500;

/** The gzip stream is damaged or ends too early. All bytes before the break have been yielded. */
export class BrokenGzipError extends Error {
  override readonly name: string = 'BrokenGzipError';
  /**
   * Offset of the piece of compressed bytes in which zlib failed, or undefined if zlib has yielded all that it could.
   */
  readonly piece: number | undefined;
  constructor(message: string, piece?: number, options?: ErrorOptions) {
    super(message, options);
    this.piece = piece;
  }
}

/** The object is not a log but a few bytes that repeat. All bytes before the limit have been yielded. */
export class DecompressionBombError extends BrokenGzipError {
  override readonly name = 'DecompressionBombError';
}

/** Opens the same bytes from their start once more; returns undefined if they are no longer available. */
export type Again = () => Promise<AsyncIterable<Uint8Array> | undefined>;

/**
 * Decompresses a stream of chunks. Several gzip members in a row are one stream; zeros after the last member are
 * padding.
 *
 * If a call of zlib fails, all output of that call is lost. A broken gzip is therefore read `again`, one byte at a time
 * where it broke, to get the output before the break.
 *
 * @param inflater opens the decompressor; tests pass one that is based on Node's stream
 * @returns chunks, each valid until the next one is requested
 * @throws BrokenGzipError after the bytes before the break, or its subclass DecompressionBombError; errors of `body`
 * pass unchanged
 */
export async function* decompress(
  body: AsyncIterable<Uint8Array>,
  again: Again,
  inflater: () => Inflater = openInflater,
): AsyncGenerator<Uint8Array> {
  let given = 0;
  try {
    for await (const chunk of decompressOnce(body, inflater)) {
      given += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof BrokenGzipError) || error.piece === undefined) throw error;
    const copy = await again();
    if (!copy) throw error;
    for await (const chunk of decompressOnce(copy, inflater, error.piece)) {
      const repeated = Math.min(given, chunk.length);
      given -= repeated;
      if (repeated < chunk.length) yield chunk.subarray(repeated);
    }
  }
}

/** @param carefulFrom offset from which zlib is given one compressed byte at a time */
async function* decompressOnce(
  body: AsyncIterable<Uint8Array>,
  inflater: () => Inflater,
  carefulFrom = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
    if (head.length >= 2) break;
  }
  const rest = { [Symbol.asyncIterator]: () => chunks };
  if (isGzip(head)) yield* gunzip(pieces(head, rest, carefulFrom), inflater());
  else {
    if (head.length > 0) yield head;
    yield* rest;
  }
}

/** https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

async function* gunzip(compressed: AsyncIterable<Uint8Array>, inflater: Inflater): AsyncGenerator<Uint8Array> {
  let [taken, made, ended] = [0, 0, false];
  try {
    for await (const piece of compressed) {
      if (ended) requirePadding(piece);
      else {
        const done = yield* counted(asBrokenGzip(inflater.write(piece), taken));
        ended = done.ended;
        if (ended) requirePadding(piece.subarray(done.taken));
      }
      taken += piece.length;
      if (made > FREE_BYTES && made > taken * MAX_RATIO) {
        throw new DecompressionBombError(`${made} bytes from ${taken} of gzip, more than any log shrinks`);
      }
    }
    if (!ended) yield* counted(asBrokenGzip(inflater.end()));
  } finally {
    inflater.close();
  }

  async function* counted<Done>(chunks: AsyncGenerator<Uint8Array, Done>): AsyncGenerator<Uint8Array, Done> {
    for (;;) {
      const next = await chunks.next();
      if (next.done) return next.value;
      made += next.value.length;
      yield next.value;
    }
  }
}

/** Turns zlib's failures into BrokenGzipErrors with the offset of the piece in which zlib failed. */
async function* asBrokenGzip<Done>(
  chunks: AsyncGenerator<Uint8Array, Done>,
  piece?: number,
): AsyncGenerator<Uint8Array, Done> {
  try {
    return yield* chunks;
  } catch (error) {
    throw new BrokenGzipError((error as Error).message, piece, { cause: error });
  }
}

/** zlib ends its stream at a zero after a member. Further zeros are padding; any other byte would be lost. */
function requirePadding(bytes: Uint8Array): void {
  if (bytes.some((byte) => byte !== 0)) throw new BrokenGzipError('bytes after the end of the compressed data');
}

async function* pieces(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  carefulFrom: number,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  const cut = function* (chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length; ) {
      const before = carefulFrom - offset;
      const length = before > 0 ? Math.min(PIECE_BYTES, before, chunk.length - at) : 1;
      yield chunk.subarray(at, at + length);
      at += length;
      offset += length;
    }
  };
  yield* cut(head);
  for await (const chunk of rest) yield* cut(chunk);
}
