/**
 * Decompresses the bytes of an S3 object, layer by layer: gzip and zstd, each recognized by its magic bytes. Anything
 * else is passed on as is if it can be lines of text.
 */
import { type Codec, contentOf, HEAD_BYTES } from './content.ts';
import { type Inflater, type MemberEnded, openInflater } from './inflate.ts';
import { UnreadableError } from './unreadable.ts';

/**
 * Up to FREE_BYTES decompressed bytes are accepted in any case. More are accepted only while they are at most MAX_RATIO
 * times the bytes of the object. Deflate exceeds 500 to 1 only if sixteen bytes or fewer repeat: no log line is that
 * short, and lines seldom compress more than twentyfold. Deflate's limit is 1,032 to 1. zstd's is 32,768 to 1, and two
 * layers multiply theirs: the output of each layer is therefore measured against the object itself, not against the
 * input of the layer.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5
 */
export const FREE_BYTES = 256 * 1024 * 1024;
export const MAX_RATIO = 500;

/**
 * A gzip member counts as so many decompressed bytes, besides its own, because to begin and end it takes as long as to
 * make them. A member has at least 20 bytes, so that members which are not themselves compressed never reach the ratio.
 */
export const MEMBER_BYTES = 8000;

/**
 * Layers of compression that are undone. Two are a mistake that happens; what has more contains itself.
 * https://research.swtch.com/zip
 */
export const MAX_LAYERS = 4;

/** Bytes of content without lines that are kept to show it. */
const SHOWN_BYTES = 16;

/** A layer of compression is damaged or ends too early. */
class BrokenLayerError extends UnreadableError {
  /** Counted from the outermost, which is 0. */
  readonly layer: number;
  /**
   * Offset of the piece of the layer's input in which its decompressor failed, or undefined if it has yielded all that
   * it could.
   */
  readonly piece: number | undefined;
  constructor(codec: Codec, layer: number, came: string, piece?: number, options?: ErrorOptions) {
    super(`broken_${codec}`, `expected ${codec} up to its end, got ${came}`, undefined, options);
    this.layer = layer;
    this.piece = piece;
  }
}

/** Opens the same bytes from their start once more; returns undefined if they are no longer available. */
export type Again = () => Promise<AsyncIterable<Uint8Array> | undefined>;

/**
 * Decompresses a stream of chunks. Several gzip members or zstd frames in a row are one stream; zeros after the last
 * gzip member are padding.
 *
 * If a call of a decompressor fails, all output of that call is lost. A broken object is therefore read `again`, with
 * the broken layer decompressed one byte at a time where it broke, to get the output before the break. That output may
 * be the input of a layer that breaks as well: the object is read at most once more for each layer.
 *
 * @param verified called between chunks: a checksum has proved right what the chunks since the last call, or at least a
 * part of them, were made of. Bytes of an object that breaks may be wrong since the last call.
 * @param inflater opens a decompressor; tests pass one that is based on Node's stream
 * @returns chunks, each valid until the next one is requested
 * @throws UnreadableError after the bytes before the break; errors of `body` pass unchanged
 */
export async function* decompress(
  body: AsyncIterable<Uint8Array>,
  again: Again,
  verified: () => void = () => {},
  inflater: (codec: Codec, memberEnded: MemberEnded) => Inflater = openInflater,
): AsyncGenerator<Uint8Array> {
  const carefulFrom = new Map<number, number>();
  let given = 0;
  let copy = body;
  for (;;) {
    try {
      let repeated = given;
      const ended = () => {
        // What is read again was reported before.
        if (repeated === 0) verified();
      };
      for await (const chunk of unwrap(copy, 0, { inflater, carefulFrom, verified: ended, objectBytes: 0 })) {
        const known = Math.min(repeated, chunk.length);
        repeated -= known;
        if (known === chunk.length) continue;
        given += chunk.length - known;
        yield chunk.subarray(known);
      }
      return;
    } catch (error) {
      if (!(error instanceof BrokenLayerError) || error.piece === undefined || carefulFrom.has(error.layer))
        throw error;
      const next = await again();
      if (!next) throw error;
      carefulFrom.set(error.layer, error.piece);
      copy = next;
    }
  }
}

/** One reading of an object. */
interface Reading {
  readonly inflater: (codec: Codec, memberEnded: MemberEnded) => Inflater;
  /** Is replaced while bytes are held back. */
  verified: () => void;
  /** By layer, the offset in its input from which its decompressor is given one byte at a time. */
  readonly carefulFrom: ReadonlyMap<number, number>;
  /** Bytes of the object that were taken so far. */
  objectBytes: number;
}

/** Undoes the layers around the lines. @param layer counts those undone already */
async function* unwrap(input: AsyncIterable<Uint8Array>, layer: number, reading: Reading): AsyncGenerator<Uint8Array> {
  const chunks = input[Symbol.asyncIterator]();
  try {
    const { head, rest, verifiedAt } = await headOf(chunks, reading);
    const content = contentOf(head);
    if (content.kind === 'foreign') throw foreign(content.name, head);
    if (content.kind === 'text') {
      let from = 0;
      for (const at of verifiedAt) {
        if (at > from) yield head.subarray(from, at);
        reading.verified();
        from = at;
      }
      if (head.length > from) yield head.subarray(from);
      yield* rest;
      return;
    }
    if (layer === MAX_LAYERS) {
      const got = `${content.codec} within them`;
      throw new UnreadableError(
        'decompression_bomb',
        `expected at most ${MAX_LAYERS} layers of compression, got ${got}`,
      );
    }
    yield* unwrap(undone(content.codec, head, rest, layer, reading), layer + 1, reading);
  } finally {
    // Nothing else closes the input if the lines are left before the head has been passed on.
    await chunks.return?.();
  }
}

function foreign(name: string, head: Uint8Array): UnreadableError {
  const shown = Array.from(head.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, '0'));
  const message = `expected lines of text, gzip or zstd, got ${name}`;
  return new UnreadableError('unreadable_content', message, shown.join(' '));
}

interface Head {
  readonly head: Uint8Array;
  /** What follows the head. */
  readonly rest: AsyncIterable<Uint8Array>;
  /** Lengths that the head had when a checksum proved it right so far. */
  readonly verifiedAt: readonly number[];
}

/** Reads until there is enough to recognize the content. */
async function headOf(chunks: AsyncIterator<Uint8Array>, reading: Reading): Promise<Head> {
  let rest = chunks;
  let head: Uint8Array = new Uint8Array(0);
  const { verified } = reading;
  const verifiedAt: number[] = [];
  reading.verified = () => void verifiedAt.push(head.length);
  try {
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      if (head.length === 0 && next.value.length >= HEAD_BYTES) {
        head = next.value;
        break;
      }
      // A copy, because a chunk is valid only until the next one is requested.
      head = Buffer.concat([head, next.value]);
      if (head.length >= HEAD_BYTES) break;
    }
  } catch (error) {
    // What comes before the break in an outer layer is read first.
    if (!(error instanceof UnreadableError)) throw error;
    rest = { next: () => Promise.reject(error) };
  } finally {
    reading.verified = verified;
  }
  return { head, rest: { [Symbol.asyncIterator]: () => rest }, verifiedAt };
}

/** Undoes one layer. */
async function* undone(
  codec: Codec,
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  layer: number,
  reading: Reading,
): AsyncGenerator<Uint8Array> {
  let [taken, made, ended] = [0, 0, false];
  // A frame of zstd may have no checksum. If it is within another layer, that one may still prove it wrong.
  const inflater = reading.inflater(codec, (checked) => {
    if (checked || layer === 0) reading.verified();
    if (codec === 'gzip') made += MEMBER_BYTES;
  });
  try {
    for await (const piece of pieces(head, rest, inflater.pieceBytes, reading.carefulFrom.get(layer))) {
      if (layer === 0) reading.objectBytes += piece.length;
      if (ended) requirePadding(piece);
      else {
        const done = yield* counted(asBroken(inflater.write(piece), taken));
        ended = done.ended;
        if (ended) requirePadding(piece.subarray(done.taken));
      }
      taken += piece.length;
      requireNoBomb();
    }
    if (!ended) requireEnd();
  } finally {
    inflater.close();
  }

  async function* counted<Done>(chunks: AsyncGenerator<Uint8Array, Done>): AsyncGenerator<Uint8Array, Done> {
    for (;;) {
      const next = await chunks.next();
      if (next.done) return next.value;
      made += next.value.length;
      yield next.value;
      requireNoBomb();
    }
  }

  function requireNoBomb(): void {
    if (made > FREE_BYTES && made > reading.objectBytes * MAX_RATIO) throw bomb(made, reading.objectBytes);
  }

  /** Turns the decompressor's failures into BrokenLayerErrors with the offset of the piece in which it failed. */
  async function* asBroken<Done>(
    chunks: AsyncGenerator<Uint8Array, Done>,
    piece?: number,
  ): AsyncGenerator<Uint8Array, Done> {
    try {
      return yield* chunks;
    } catch (error) {
      throw new BrokenLayerError(codec, layer, (error as Error).message, piece, { cause: error });
    }
  }

  function requireEnd(): void {
    try {
      inflater.end();
    } catch (error) {
      throw new BrokenLayerError(codec, layer, (error as Error).message, undefined, { cause: error });
    }
  }

  /** An inflater of gzip ends at a zero after a member. Further zeros are padding; any other byte would be lost. */
  function requirePadding(bytes: Uint8Array): void {
    if (bytes.some((byte) => byte !== 0)) {
      throw new BrokenLayerError(codec, layer, 'bytes after the end of the compressed data');
    }
  }
}

function bomb(made: number, objectBytes: number): UnreadableError {
  const expected = `expected at most ${MAX_RATIO} decompressed bytes for each byte of the object`;
  return new UnreadableError('decompression_bomb', `${expected}, got ${made} from ${objectBytes}`);
}

/** @param carefulFrom offset from which a piece has one byte */
async function* pieces(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  pieceBytes: number,
  carefulFrom = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  const cut = function* (chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length; ) {
      const before = carefulFrom - offset;
      const length = before > 0 ? Math.min(pieceBytes, before, chunk.length - at) : 1;
      yield chunk.subarray(at, at + length);
      at += length;
      offset += length;
    }
  };
  yield* cut(head);
  for await (const chunk of rest) yield* cut(chunk);
}
