/** Bytes of an object, as S3 gives them, to decompressed bytes: gzip told by its magic bytes, else as they are. */
import { type Inflater, openInflater } from './inflate.ts';

/**
 * Compressed bytes given to zlib at a time. Deflate makes at most 1,032 bytes of one, so what comes of them is
 * bounded (64.5 MiB) even for a decompression bomb, where Node's stream gives all of it at once.
 */
const PIECE_BYTES = 64 * 1024;

/**
 * Decompressed bytes taken without asking where they came from, and how often as large as the compressed
 * ones those beyond them may be. Deflate gets past 500 to 1 only where sixteen bytes or fewer repeat: no
 * log line is that short, and lines seldom shrink more than twentyfold. The most it makes is 1,032 to 1.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5
 */
export const FREE_BYTES = 256 * 1024 * 1024;
export const MAX_RATIO = 500;

/** The gzip stream is damaged or ends too early; everything before the break has been given. */
export class BrokenGzipError extends Error {
  override readonly name: string = 'BrokenGzipError';
  /** Where the piece of compressed bytes begins in which zlib failed; undefined where it gave all it had. */
  readonly piece: number | undefined;
  constructor(message: string, piece?: number, options?: ErrorOptions) {
    super(message, options);
    this.piece = piece;
  }
}

/** The object is no log but a few bytes repeated: everything before has been given. */
export class DecompressionBombError extends BrokenGzipError {
  override readonly name = 'DecompressionBombError';
}

/** Gives the same bytes from their start, once more; undefined where they are not to be had again. */
export type Again = () => Promise<AsyncIterable<Uint8Array> | undefined>;

/**
 * Decompresses as it reads. Several gzip members in a row are one stream; zeros after the last are
 * padding.
 *
 * zlib gives nothing of the call in which it fails. A gzip that breaks is therefore read `again`, byte
 * by byte where it broke, for what stands before the break.
 *
 * @param inflater opens what decompresses: the stream of Node where it need not be fast
 * @returns chunks, each valid until the next is asked for
 * @throws BrokenGzipError after the bytes before the break, DecompressionBombError among them; errors of `body` pass unchanged.
 */
export async function* decompress(
  body: AsyncIterable<Uint8Array>,
  again: Again,
  inflater: () => Inflater = openInflater,
): AsyncGenerator<Uint8Array> {
  let given = 0;
  try {
    for await (const chunk of decodeOnce(body, inflater)) {
      given += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof BrokenGzipError) || error.piece === undefined) throw error;
    const copy = await again();
    if (!copy) throw error;
    for await (const chunk of decodeOnce(copy, inflater, error.piece)) {
      const known = Math.min(given, chunk.length);
      given -= known;
      if (known < chunk.length) yield chunk.subarray(known);
    }
  }
}

/** @param carefulFrom offset of the compressed bytes from which zlib is given one at a time */
async function* decodeOnce(
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
        const done = yield* counted(broken(inflater.write(piece), taken));
        ended = done.ended;
        if (ended) requirePadding(piece.subarray(done.taken));
      }
      taken += piece.length;
      if (made > FREE_BYTES && made > taken * MAX_RATIO) {
        throw new DecompressionBombError(`${made} bytes from ${taken} of gzip, more than any log shrinks`);
      }
    }
    if (!ended) yield* counted(broken(inflater.end()));
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

/** Failures of zlib, with the place of the piece in which it failed. */
async function* broken<Done>(
  chunks: AsyncGenerator<Uint8Array, Done>,
  piece?: number,
): AsyncGenerator<Uint8Array, Done> {
  try {
    return yield* chunks;
  } catch (error) {
    throw new BrokenGzipError((error as Error).message, piece, { cause: error });
  }
}

/** zlib ends its stream at a zero after a member. More zeros are padding; anything else would be lost. */
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
