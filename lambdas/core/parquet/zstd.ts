/** Compresses pages, which are many and small: zstdCompressSync makes a new compressor and new memory for each. */
import { constants, createZstdCompress, type ZstdCompress, zstdCompressSync } from 'node:zlib';
import { type Engine, engineOf } from '../lines/zlib-engine.ts';

/** Level 1 is the best trade of time for size on the columns of logs, most of which have a dictionary. */
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** A page as a zstd frame. */
export function zstd(page: Uint8Array): Uint8Array {
  compressor ??= openCompressor();
  return compressor === 'missing' ? zstdCompressSync(page, OPTIONS) : compressed(compressor, page);
}

interface Compressor {
  readonly stream: ZstdCompress;
  readonly engine: Engine;
  failure: Error | undefined;
}

let compressor: Compressor | 'missing' | undefined;
let output = Buffer.alloc(0);

function openCompressor(): Compressor | 'missing' {
  const stream = createZstdCompress(OPTIONS);
  const engine = engineOf(stream);
  if (!engine) return 'missing';
  const opened: Compressor = { stream, engine, failure: undefined };
  // An error comes as an event after the call has returned, and is also in `errored`.
  stream.on('error', (error) => {
    opened.failure = error;
  });
  return opened;
}

/** The end of a frame is the beginning of the next one, with the same options. */
function compressed({ stream, engine, failure }: Compressor, page: Uint8Array): Uint8Array {
  const most = mostBytes(page.length);
  if (output.length < most) output = Buffer.allocUnsafeSlow(2 * most);
  engine.writeSync(constants.ZSTD_e_end, page, 0, page.length, output, 0, output.length);
  const [outputLeft = 0, inputLeft = 0] = engine.left;
  const error = failure ?? stream.errored;
  if (error || inputLeft > 0 || outputLeft === 0) {
    compressor = undefined;
    throw error ?? new Error(`zstd: a page of ${page.length} bytes takes more than ${output.length} bytes`);
  }
  return Buffer.from(output.subarray(0, output.length - outputLeft));
}

/**
 * Most bytes of a frame, as ZSTD_COMPRESSBOUND says, and some to spare.
 * https://github.com/facebook/zstd/blob/dev/lib/zstd.h
 */
function mostBytes(length: number): number {
  return length + (length >> 8) + 1024;
}
