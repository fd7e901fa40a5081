/**
 * Decompresses gzip and zstd piece by piece. Node's stream passes each piece to another thread and allocates new memory for all
 * output; waiting for the thread and collecting the garbage take as long again as inflating. The native function behind
 * gunzipSync works on this thread and into our own memory. It is not part of Node's public API, so the stream is used
 * where the function is not found.
 */
import {
  constants,
  createInflateRaw,
  createZstdDecompress,
  type InflateRaw,
  type ZlibReset,
  type ZstdDecompress,
} from 'node:zlib';
import type { Codec } from './content.ts';
import { GzipMembers } from './gzip-members.ts';
import { type Engine, engineOf } from './zlib-engine.ts';
import { ZstdFrames } from './zstd-frames.ts';

/** Decompressed bytes per chunk: small enough to stay in the processor's cache. */
const CHUNK_BYTES = 256 * 1024;

/** Decompressed bytes per chunk of the stream: large enough that waits for zlib are rare. */
const STREAM_CHUNK_BYTES = 512 * 1024;

/**
 * Compressed bytes given to zlib at a time. Deflate makes at most 1,032 bytes of one byte, so the output of a piece is
 * bounded (64.5 MiB) even for a decompression bomb; Node's stream would produce the output of a whole chunk at once.
 */
const PIECE_BYTES = 64 * 1024;

/** Node's stream holds the output of a piece. zstd makes 128 KiB of a block of four bytes, so that this is 64 MiB. */
const ZSTD_STREAM_PIECE_BYTES = 2 * 1024;

type Decompressor = InflateRaw | ZstdDecompress;

/** Of gzip, only the deflate in its members is left to zlib. */
const CREATE: Readonly<Record<Codec, (options?: { readonly chunkSize: number }) => Decompressor>> = {
  gzip: createInflateRaw,
  zstd: createZstdDecompress,
};

/** The result of a piece. */
export interface Inflated {
  /** Bytes of the piece that were read; the remaining bytes follow the end of the compressed data. */
  readonly taken: number;
  /** The compressed data has ended. */
  readonly ended: boolean;
}

/**
 * Is called when a gzip member or zstd frame has come to its end without an error, after everything that was
 * decompressed of it has been yielded and before anything of the next one is.
 *
 * @param checked its checksum was compared; frames of zstd may have none
 */
export type MemberEnded = (checked: boolean) => void;

/** Decompresses one gzip of any number of members, or one zstd of any number of frames. */
export interface Inflater {
  /** Most bytes to give at a time. */
  readonly pieceBytes: number;
  /**
   * Yields the decompressed bytes of the piece; a chunk is valid until the next one is requested.
   *
   * @throws Error of zlib if the data is damaged; nothing more can be decompressed then
   */
  write(piece: Uint8Array): AsyncGenerator<Uint8Array, Inflated>;
  /** Ends the compressed data: no more pieces follow. @throws Error of zlib if the data ends too early */
  end(): void;
  close(): void;
}

/** Opens an inflater that decompresses on this thread if that is possible. */
export function openInflater(codec: Codec = 'gzip', memberEnded: MemberEnded = () => {}): Inflater {
  const idle = spares.get(codec);
  spares.delete(codec);
  if (idle) return followed(codec, engineDecoder(idle), memberEnded);
  const stream = CREATE[codec]();
  const engine = engineOf(stream);
  if (!engine) return streamInflater(codec, memberEnded);
  return followed(codec, engineDecoder(newDecompressor(codec, stream, engine)), memberEnded);
}

/** An inflater based on Node's stream. */
export function streamInflater(codec: Codec = 'gzip', memberEnded: MemberEnded = () => {}): Inflater {
  return followed(codec, streamDecoder(codec), memberEnded);
}

/** Decompresses the deflate of one gzip member, or the frames of zstd. */
interface Decoder extends Pick<Inflater, 'pieceBytes' | 'write' | 'close'> {
  /** Begins the deflate of another member. */
  reset(): void;
}

function followed(codec: Codec, decoder: Decoder, memberEnded: MemberEnded): Inflater {
  return codec === 'gzip' ? byMembers(decoder, memberEnded) : byFrames(decoder, memberEnded);
}

/** Gives zlib the deflate of one gzip member after the other. */
function byMembers(decoder: Decoder, memberEnded: MemberEnded): Inflater {
  const members = new GzipMembers();
  return {
    ...decoder,
    async *write(piece) {
      let at = 0;
      // Zeros after a member are padding.
      while (at < piece.length && !(members.complete && piece[at] === 0)) {
        if (members.inDeflate) {
          const chunks = decoder.write(at === 0 ? piece : piece.subarray(at));
          let next = await chunks.next();
          for (; !next.done; next = await chunks.next()) {
            members.decompressed(next.value);
            yield next.value;
          }
          at += next.value.taken;
          if (next.value.ended) members.deflateEnded();
        } else if (members.readByte(piece[at++] as number)) {
          decoder.reset();
          memberEnded(true);
        }
      }
      return { taken: at, ended: at < piece.length };
    },
    end() {
      if (!members.complete) throw new Error('unexpected end of file');
    },
  };
}

/** Gives zstd to its decompressor frame by frame, and never ends the decompressor. */
function byFrames(decoder: Decoder, memberEnded: MemberEnded): Inflater {
  const frames = new ZstdFrames(memberEnded);
  return {
    ...decoder,
    async *write(piece) {
      for (const segment of frames.segments(piece)) {
        const { taken } = yield* decoder.write(segment);
        if (taken < segment.length) throw new Error('a frame that ends before its last block');
      }
      return { taken: piece.length, ended: false };
    },
    end() {
      if (!frames.complete) throw new Error('unexpected end of file');
    },
  };
}

/** True if the native function behind gunzipSync was found. */
export function usesEngine(codec: Codec = 'gzip'): boolean {
  return engineOf(CREATE[codec]()) !== undefined;
}

/** A decompressor on this thread, and its memory for chunks. */
interface EngineDecompressor {
  readonly codec: Codec;
  readonly stream: Decompressor;
  readonly engine: Engine;
  readonly output: Buffer;
  /** The error with which it failed, if any. */
  readonly failure: () => Error | undefined;
}

/** An idle decompressor for the next object: mostly one object is read after the other. */
const spares = new Map<Codec, EngineDecompressor>();

function newDecompressor(codec: Codec, stream: Decompressor, engine: Engine): EngineDecompressor {
  let failure: Error | undefined;
  // zlib's errors come as an event after the call has returned, and are also in `errored`.
  stream.on('error', (error) => {
    failure = error;
  });
  const output = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  return { codec, stream, engine, output, failure: () => failure ?? stream.errored ?? undefined };
}

function engineDecoder(decompressor: EngineDecompressor): Decoder {
  const { codec, stream, engine, output, failure } = decompressor;
  // Node's type declarations have `reset` only for some of the streams.
  const reset = () => (stream as Decompressor & ZlibReset).reset();
  let closed = false;
  return {
    pieceBytes: PIECE_BYTES,
    async *write(piece) {
      // The decompressor may already be in use for another object.
      if (closed) throw new Error('the inflater is closed');
      let taken = 0;
      for (;;) {
        engine.writeSync(constants.Z_NO_FLUSH, piece, taken, piece.length - taken, output, 0, CHUNK_BYTES);
        const error = failure();
        if (error) throw error;
        const [outputLeft = 0, inputLeft = 0] = engine.left;
        taken = piece.length - inputLeft;
        if (outputLeft < CHUNK_BYTES) yield output.subarray(0, CHUNK_BYTES - outputLeft);
        // If the output is not full, nothing more comes of this piece.
        if (outputLeft > 0) return { taken, ended: inputLeft > 0 };
      }
    },
    reset,
    close: () => {
      if (closed) return;
      closed = true;
      if (spares.has(codec) || failure()) stream.destroy();
      else {
        reset();
        spares.set(codec, decompressor);
      }
    },
  };
}

function streamDecoder(codec: Codec): Decoder {
  // Flowing mode: an error drops the chunks that a stream has buffered, but not those that it has emitted.
  const out: Uint8Array[] = [];
  const opened = () =>
    CREATE[codec]({ chunkSize: STREAM_CHUNK_BYTES }).on('data', (chunk: Uint8Array) => out.push(chunk));
  let stream = opened();
  return {
    pieceBytes: codec === 'zstd' ? ZSTD_STREAM_PIECE_BYTES : PIECE_BYTES,
    async *write(piece) {
      const before = stream.bytesWritten;
      const how = await settle(stream, () => stream.write(piece, () => stream.emit('written')));
      yield* out.splice(0);
      if (how instanceof Error) throw how;
      return { taken: stream.bytesWritten - before, ended: how === 'end' };
    },
    reset: () => {
      stream.destroy();
      stream = opened();
    },
    close: () => stream.destroy(),
  };
}

/** Starts a step and resolves when it is written, the stream has ended, or the stream has failed. */
function settle(stream: Decompressor, step: () => void): Promise<'written' | 'end' | Error> {
  return new Promise((resolve) => {
    const settled = (how: 'written' | 'end' | Error) => {
      stream.off('written', written);
      stream.off('end', end);
      stream.off('error', settled);
      resolve(how);
    };
    const written = () => settled('written');
    const end = () => settled('end');
    stream.on('written', written);
    stream.on('end', end);
    stream.on('error', settled);
    step();
  });
}
