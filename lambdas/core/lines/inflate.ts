/**
 * gzip, piece by piece. Node's stream hands each piece to another thread and makes new memory for all that comes
 * out; to wait for the one and to collect the other takes as long again as inflating. What gunzipSync calls for
 * a whole buffer does it on this thread, into memory of ours: it is no part of Node's interface, so where it is
 * not found the stream is used.
 */
import { constants, createGunzip, type Gunzip, type ZlibReset } from 'node:zlib';

/** Decompressed bytes per chunk: small enough to be read from a processor's own memory. */
const CHUNK_BYTES = 256 * 1024;

/** The same from the stream: large enough that zlib is seldom waited for. */
const STREAM_CHUNK_BYTES = 512 * 1024;

/** What became of a piece. */
export interface Inflated {
  /** Bytes of the piece that were taken; the rest stands behind the compressed data. */
  readonly taken: number;
  /** The compressed data is at its end. */
  readonly ended: boolean;
}

/** Decompresses one gzip of any number of members. */
export interface Inflater {
  /**
   * Gives what the piece decompresses to; a chunk is valid until the next is asked for.
   *
   * @throws Error of zlib: the data is damaged; nothing more can be had
   */
  write(piece: Uint8Array): AsyncGenerator<Uint8Array, Inflated>;
  /** There are no more pieces. @throws Error of zlib: the data ends too early */
  end(): AsyncGenerator<Uint8Array, Inflated>;
  close(): void;
}

export function openInflater(): Inflater {
  const idle = spare;
  spare = undefined;
  if (idle) return engineInflater(idle);
  const stream = createGunzip();
  const engine = engineOf(stream);
  return engine ? engineInflater(newGunzip(stream, engine)) : streamInflater();
}

/** Is what gunzipSync calls to be had? */
export function usesEngine(): boolean {
  return engineOf(createGunzip()) !== undefined;
}

/** What gunzipSync calls: see processChunkSync in https://github.com/nodejs/node/blob/v24.x/lib/zlib.js */
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
  /** After a call: bytes left of the output, and of the input. */
  readonly left: Uint32Array;
}

function engineOf(stream: Gunzip): Engine | undefined {
  const { _handle: handle, _writeState: left } = stream as unknown as {
    readonly _handle?: Engine | null;
    readonly _writeState?: unknown;
  };
  if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array) || left.length !== 2) return undefined;
  return { writeSync: handle.writeSync.bind(handle), left };
}

/** What inflates on this thread, and its memory for chunks. */
interface EngineGunzip {
  readonly stream: Gunzip;
  readonly engine: Engine;
  readonly output: Buffer;
  /** Why it has failed. */
  readonly failure: () => Error | undefined;
}

/** One that is done with its object, for the next: one object is mostly read after the other. */
let spare: EngineGunzip | undefined;

function newGunzip(stream: Gunzip, engine: Engine): EngineGunzip {
  let failure: Error | undefined;
  // Errors come as an event when the engine returns, and once more by themselves.
  stream.on('error', (error) => {
    failure = error;
  });
  const output = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  return { stream, engine, output, failure: () => failure ?? stream.errored ?? undefined };
}

function engineInflater(gunzip: EngineGunzip): Inflater {
  const { stream, engine, output, failure } = gunzip;
  let closed = false;
  async function* inflate(piece: Uint8Array, flush: number): AsyncGenerator<Uint8Array, Inflated> {
    // The engine may be another's by now.
    if (closed) throw new Error('the inflater is closed');
    let taken = 0;
    for (;;) {
      engine.writeSync(flush, piece, taken, piece.length - taken, output, 0, CHUNK_BYTES);
      const error = failure();
      if (error) throw error;
      const [outputLeft = 0, inputLeft = 0] = engine.left;
      taken = piece.length - inputLeft;
      if (outputLeft < CHUNK_BYTES) yield output.subarray(0, CHUNK_BYTES - outputLeft);
      // Output that is not full means that there is no more to come of this piece.
      if (outputLeft > 0) return { taken, ended: inputLeft > 0 };
    }
  }
  return {
    write: (piece) => inflate(piece, constants.Z_NO_FLUSH),
    end: () => inflate(Buffer.alloc(0), constants.Z_FINISH),
    close: () => {
      if (closed) return;
      closed = true;
      if (spare || failure()) stream.destroy();
      else {
        // Node's types know this of some of its streams only.
        (stream as Gunzip & ZlibReset).reset();
        spare = gunzip;
      }
    },
  };
}

/** By Node's stream. */
export function streamInflater(): Inflater {
  const stream = createGunzip({ chunkSize: STREAM_CHUNK_BYTES });
  // Flowing mode: an error drops what a stream has buffered, but not what it has handed out.
  const out: Uint8Array[] = [];
  stream.on('data', (chunk: Uint8Array) => out.push(chunk));
  async function* step(start: () => void): AsyncGenerator<Uint8Array, Inflated> {
    const before = stream.bytesWritten;
    const how = await settle(stream, start);
    yield* out.splice(0);
    if (how instanceof Error) throw how;
    return { taken: stream.bytesWritten - before, ended: how === 'end' };
  }
  return {
    write: (piece) => step(() => stream.write(piece, () => stream.emit('written'))),
    end: () => step(() => stream.end()),
    close: () => stream.destroy(),
  };
}

/** Starts a step and waits until it is done, the stream at its end or broken; tells which came. */
function settle(stream: Gunzip, step: () => void): Promise<'written' | 'end' | Error> {
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
