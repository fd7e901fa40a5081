/**
 * Decompresses gzip and zstd piece by piece. Node's stream passes each piece to another thread and allocates new memory for all
 * output; waiting for the thread and collecting the garbage take as long again as inflating. The native function behind
 * gunzipSync works on this thread and into our own memory. It is not part of Node's public API, so the stream is used
 * where the function is not found.
 */
import {
  constants,
  createGunzip,
  createZstdDecompress,
  type Gunzip,
  type ZlibReset,
  type ZstdDecompress,
} from 'node:zlib';
import type { Codec } from './content.ts';
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

type Decompressor = Gunzip | ZstdDecompress;

const CREATE: Readonly<Record<Codec, (options?: { readonly chunkSize: number }) => Decompressor>> = {
  gzip: createGunzip,
  zstd: createZstdDecompress,
};

/** The result of a piece. */
export interface Inflated {
  /** Bytes of the piece that were read; the remaining bytes follow the end of the compressed data. */
  readonly taken: number;
  /** The compressed data has ended. */
  readonly ended: boolean;
}

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
  end(): AsyncGenerator<Uint8Array, Inflated>;
  close(): void;
}

export function openInflater(codec: Codec = 'gzip'): Inflater {
  const idle = spares.get(codec);
  spares.delete(codec);
  if (idle) return byFrames(codec, engineInflater(idle));
  const stream = CREATE[codec]();
  const engine = engineOf(stream);
  return engine ? byFrames(codec, engineInflater(newDecompressor(codec, stream, engine))) : streamInflater(codec);
}

/** True if the native function behind gunzipSync was found. */
export function usesEngine(codec: Codec = 'gzip'): boolean {
  return engineOf(CREATE[codec]()) !== undefined;
}

/**
 * The native function behind gunzipSync: see processChunkSync in https://github.com/nodejs/node/blob/v24.x/lib/zlib.js
 */
interface Engine {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
  /** After a call: free bytes left in the output, and unread bytes left in the input. */
  readonly left: Uint32Array;
}

function engineOf(stream: Decompressor): Engine | undefined {
  const { _handle: handle, _writeState: left } = stream as unknown as {
    readonly _handle?: Engine | null;
    readonly _writeState?: unknown;
  };
  if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array) || left.length !== 2) return undefined;
  return { writeSync: handle.writeSync.bind(handle), left };
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

function engineInflater(decompressor: EngineDecompressor): Inflater {
  const { codec, stream, engine, output, failure } = decompressor;
  let closed = false;
  async function* inflate(piece: Uint8Array, flush: number): AsyncGenerator<Uint8Array, Inflated> {
    // The decompressor may already be in use for another object.
    if (closed) throw new Error('the inflater is closed');
    let taken = 0;
    for (;;) {
      engine.writeSync(flush, piece, taken, piece.length - taken, output, 0, CHUNK_BYTES);
      const error = failure();
      if (error) throw error;
      const [outputLeft = 0, inputLeft = 0] = engine.left;
      taken = piece.length - inputLeft;
      if (outputLeft < CHUNK_BYTES) yield output.subarray(0, CHUNK_BYTES - outputLeft);
      // If the output is not full, nothing more comes of this piece.
      if (outputLeft > 0) return { taken, ended: inputLeft > 0 };
    }
  }
  return {
    pieceBytes: PIECE_BYTES,
    write: (piece) => inflate(piece, constants.Z_NO_FLUSH),
    end: () => inflate(Buffer.alloc(0), constants.Z_FINISH),
    close: () => {
      if (closed) return;
      closed = true;
      if (spares.has(codec) || failure()) stream.destroy();
      else {
        // Node's type declarations have `reset` only for some of the streams.
        (stream as Decompressor & ZlibReset).reset();
        spares.set(codec, decompressor);
      }
    },
  };
}

/** An inflater based on Node's stream. */
export function streamInflater(codec: Codec = 'gzip'): Inflater {
  const stream = CREATE[codec]({ chunkSize: STREAM_CHUNK_BYTES });
  // Flowing mode: an error drops the chunks that a stream has buffered, but not those that it has emitted.
  const out: Uint8Array[] = [];
  stream.on('data', (chunk: Uint8Array) => out.push(chunk));
  async function* step(start: () => void): AsyncGenerator<Uint8Array, Inflated> {
    const before = stream.bytesWritten;
    const how = await settle(stream, start);
    yield* out.splice(0);
    if (how instanceof Error) throw how;
    return { taken: stream.bytesWritten - before, ended: how === 'end' };
  }
  return byFrames(codec, {
    pieceBytes: codec === 'zstd' ? ZSTD_STREAM_PIECE_BYTES : PIECE_BYTES,
    write: (piece) => step(() => stream.write(piece, () => stream.emit('written'))),
    end: () => step(() => stream.end()),
    close: () => stream.destroy(),
  });
}

/**
 * Gives zstd to its decompressor frame by frame, and never ends the decompressor. That of gzip finds the ends of members
 * by itself.
 */
function byFrames(codec: Codec, inflater: Inflater): Inflater {
  if (codec === 'gzip') return inflater;
  const frames = new ZstdFrames();
  return {
    ...inflater,
    async *write(piece) {
      for (const segment of frames.segments(piece)) {
        const { taken } = yield* inflater.write(segment);
        if (taken < segment.length) throw new Error('a frame that ends before its last block');
      }
      return { taken: piece.length, ended: false };
    },
    // biome-ignore lint/correctness/useYield: all output of a frame comes with its last byte
    async *end() {
      if (!frames.complete) throw new Error('unexpected end of file');
      return { taken: 0, ended: true };
    },
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
