/**
 * The native function behind gunzipSync and zstdCompressSync, which works on this thread and with our own memory: see
 * processChunkSync in https://github.com/nodejs/node/blob/v24.x/lib/zlib.js. It is not part of Node's public API.
 */
export interface Engine {
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

/** The function of a stream of node:zlib; undefined if it is not found. */
export function engineOf(stream: object): Engine | undefined {
  const { _handle: handle, _writeState: left } = stream as {
    readonly _handle?: Engine | null;
    readonly _writeState?: unknown;
  };
  if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array) || left.length !== 2) return undefined;
  return { writeSync: handle.writeSync.bind(handle), left };
}
