/** Compressed content of all kinds, for tests. */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';

/** Ways to compress, as objects are. */
export const LAYERS = {
  gzip: (bytes: Buffer) => gzipSync(bytes),
  'gzip of two members': (bytes: Buffer) => Buffer.concat(halves(bytes).map((half) => gzipSync(half))),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  'zstd of two frames': (bytes: Buffer) =>
    Buffer.concat([skippable(5), ...halves(bytes).flatMap((half) => [zstdCompressSync(half), skippable(0)])]),
} as const;

export type Layer = keyof typeof LAYERS;

/** @param layers the outermost last */
export function compress(content: Buffer, layers: readonly Layer[]): Buffer {
  return layers.reduce((bytes, layer) => LAYERS[layer](bytes), content);
}

export const codecOf = (layer: Layer) => (layer.startsWith('gzip') ? 'gzip' : 'zstd');

/** A skippable frame of zstd with so many bytes of content. */
export function skippable(length: number): Buffer {
  const header = Buffer.from('502a4d1800000000', 'hex');
  header.writeUInt32LE(length, 4);
  return Buffer.concat([header, Buffer.alloc(length, '(')]);
}

function halves(bytes: Buffer): Buffer[] {
  const middle = bytes.length >> 1;
  return [bytes.subarray(0, middle), bytes.subarray(middle)];
}

/** Cuts bytes at the given places, as a network does. */
export async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes.length > 0 ? Math.max(1, sizes[turn % sizes.length] as number) : bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Text that cannot be made small, so that a break lies deep in it. */
export function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = 33 + ((state >>> 16) % 90);
  }
  return bytes;
}
