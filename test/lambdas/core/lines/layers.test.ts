import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Codec, contentOf } from '../../../../lambdas/core/lines/content.ts';
import { decompress, FREE_BYTES, MAX_LAYERS } from '../../../../lambdas/core/lines/decompress.ts';
import { type Inflater, openInflater, streamInflater, usesEngine } from '../../../../lambdas/core/lines/inflate.ts';
import { UnreadableError } from '../../../../lambdas/core/lines/unreadable.ts';
import { chunked, codecOf, compress, LAYERS, type Layer, noise, skippable } from './layers.ts';

const INFLATERS = [
  ["zlib's engine", openInflater],
  ["Node's stream", streamInflater],
] as const;

const KINDS = Object.keys(LAYERS) as Layer[];

/** Every stack of so many layers, the outermost last. */
const stacksOf = (depth: number): Layer[][] =>
  depth === 0 ? [[]] : stacksOf(depth - 1).flatMap((below) => KINDS.map((kind) => [...below, kind]));

interface Decoded {
  readonly bytes: Buffer;
  readonly error?: unknown;
  /** How often the object was opened. */
  readonly opened: number;
}

async function decodedBy(
  inflater: (codec: Codec) => Inflater,
  stored: Buffer,
  sizes: readonly number[] = [65_536],
): Promise<Decoded> {
  const parts: Buffer[] = [];
  let opened = 1;
  const again = async () => {
    opened++;
    return chunked(stored, sizes);
  };
  try {
    for await (const chunk of decompress(chunked(stored, sizes), again, undefined, inflater))
      parts.push(Buffer.from(chunk));
    return { bytes: Buffer.concat(parts), opened };
  } catch (error) {
    return { bytes: Buffer.concat(parts), error, opened };
  }
}

const GARBAGE = Buffer.from('garbage');
const GARBAGE_CAME = 'bytes after the end of the compressed data';

test("Node lets its engine be used for zstd, which is no part of Node's interface", () => {
  expect(usesEngine('zstd')).toBe(true);
});

describe.each(INFLATERS)('layers of compression, undone by %s', (_, inflater) => {
  const decoded = (stored: Buffer, sizes?: readonly number[]) => decodedBy(inflater, stored, sizes);

  test('any content under any stack of layers gives its bytes back over any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.array(fc.constantFrom(...KINDS), { maxLength: MAX_LAYERS }),
        fc.array(fc.integer({ min: 1, max: 1500 }), { maxLength: 5 }),
        async (content, layers, sizes) => {
          fc.pre(contentOf(content).kind === 'text');
          const { bytes, error } = await decoded(compress(Buffer.from(content), layers), sizes);
          expect(error).toBeUndefined();
          expect(bytes.equals(content)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('large content under any two layers gives its bytes back', async () => {
    const content = Buffer.concat([noise(400_000), Buffer.alloc(1_000_000, 'lines that are all alike\n')]);
    for (const layers of stacksOf(2)) {
      const { bytes, error } = await decoded(compress(content, layers), [70_000]);
      expect([layers, error, bytes.equals(content)]).toEqual([layers, undefined, true]);
    }
  });

  test('gives what comes before the cut of an object that ends too early at any layer, and names the layer', async () => {
    const content = noise(300_000);
    for (const layers of [...stacksOf(1), ...stacksOf(2), ...stacksOf(3).filter((_, index) => index % 7 === 0)]) {
      for (let cut = 1; cut <= layers.length; cut++) {
        const whole = compress(content, layers.slice(0, cut));
        const stored = compress(whole.subarray(0, (whole.length * 3) >> 2), layers.slice(cut));
        const { bytes, error } = await decoded(stored);
        const codec = codecOf(layers[cut - 1] as Layer);
        expect(error, `${layers} cut at ${cut}`).toMatchObject({
          reason: `broken_${codec}`,
          message: `expected ${codec} up to its end, got unexpected end of file`,
        });
        // zstd gives whole blocks of 128 KiB only.
        expect(bytes.length).toBeGreaterThan(130_000);
        expect(content.subarray(0, bytes.length).equals(bytes)).toBe(true);
      }
    }
  });

  test('gives all content if the compressed data of any layer is followed by garbage', async () => {
    const content = Buffer.from('a line that compresses well\n'.repeat(400));
    for (const layers of [...stacksOf(1), ...stacksOf(2)]) {
      for (let broken = 1; broken <= layers.length; broken++) {
        const stored = compress(
          Buffer.concat([compress(content, layers.slice(0, broken)), GARBAGE]),
          layers.slice(broken),
        );
        for (const sizes of [[65_536], [7]]) {
          const { bytes, error } = await decoded(stored, sizes);
          expect(error).toMatchObject({ reason: `broken_${codecOf(layers[broken - 1] as Layer)}` });
          expect(bytes.equals(content), `${layers} broken at ${broken}`).toBe(true);
        }
      }
    }
  });

  test('gives all content if every layer is broken, and opens the object at most once more for each', async () => {
    const content = Buffer.from('a line that compresses well\n'.repeat(400));
    for (const layers of stacksOf(3)) {
      const stored = layers.reduce((bytes, layer) => Buffer.concat([LAYERS[layer](bytes), GARBAGE]), content);
      const { bytes, error, opened } = await decoded(stored);
      expect(error).toBeInstanceOf(UnreadableError);
      expect((error as Error).message).toContain('got ');
      expect(bytes.equals(content), `${layers}`).toBe(true);
      expect(opened).toBeLessThanOrEqual(1 + layers.length);
    }
  });

  test('gives the content before the checksum of a zstd that is wrong', async () => {
    const content = Buffer.from('a line that compresses well\n'.repeat(400));
    const stored = LAYERS.zstd(content);
    stored.writeUInt8(stored.readUInt8(stored.length - 1) ^ 1, stored.length - 1);
    const { bytes, error } = await decoded(stored);
    expect(error).toMatchObject({
      reason: 'broken_zstd',
      message: expect.stringMatching(/^expected zstd up to its end, got .*checksum/),
    });
    expect(bytes.equals(content)).toBe(true);
  });

  test('takes a zstd that demands more memory than zstd allows unasked for a break', async () => {
    /** A frame of one letter that demands a window of so many MiB. */
    const windowOf = (mib: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, Math.log2(mib) * 8 + 80, 9, 0, 0, 0x61]);
    expect(await decoded(windowOf(128))).toEqual({ bytes: Buffer.from('a'), opened: 1 });
    expect((await decoded(windowOf(256))).error).toMatchObject({
      reason: 'broken_zstd',
      message: expect.stringContaining('too much memory'),
    });
  });

  test('takes bytes after a zstd for a break, be they zeros', async () => {
    for (const after of [GARBAGE, Buffer.alloc(512)]) {
      const { bytes, error } = await decoded(Buffer.concat([zstdCompressSync('a line\n'), after]));
      expect(error).toMatchObject({
        reason: 'broken_zstd',
        message: `expected zstd up to its end, got ${GARBAGE_CAME}`,
      });
      expect(bytes.toString()).toBe('a line\n');
    }
  });

  test('gives nothing for layers around nothing, and for a skippable frame alone', async () => {
    for (const layers of [...stacksOf(1), ...stacksOf(2)]) {
      expect(await decoded(compress(Buffer.alloc(0), layers))).toEqual({ bytes: Buffer.alloc(0), opened: 1 });
    }
    expect(await decoded(skippable(1000), [9])).toEqual({ bytes: Buffer.alloc(0), opened: 1 });
  });

  test('ends content that is not lines of text under any layers, with its first bytes', async () => {
    const archive = Buffer.concat([Buffer.from('PK\x03\x04'), noise(100_000)]);
    for (const layers of [...stacksOf(0), ...stacksOf(1), ...stacksOf(2)]) {
      for (const sizes of [[65_536], [1000]]) {
        const { bytes, error, opened } = await decoded(compress(archive, layers), sizes);
        expect(error).toMatchObject({
          reason: 'unreadable_content',
          message: 'expected lines of text, gzip or zstd, got a zip archive',
          raw: archive.toString('hex', 0, 16).replaceAll(/(..)(?!$)/g, '$1 '),
        });
        expect([bytes.length, opened]).toEqual([0, 1]);
      }
    }
  });

  test('gives up on more layers than any mistake makes, as an object that contains itself has', async () => {
    for (const kind of KINDS) {
      const layers: Layer[] = Array.from({ length: 100 }, () => kind);
      const { bytes, error } = await decoded(compress(Buffer.from('a line\n'), layers));
      expect(error).toMatchObject({
        reason: 'decompression_bomb',
        message: `expected at most 4 layers of compression, got ${codecOf(kind)} within them`,
      });
      expect(bytes.length).toBe(0);
    }
  });

  test('leaves nothing open if it is left early, wherever that is', { timeout: 60_000 }, async () => {
    const content = noise(2_000_000);
    for (const layers of [...stacksOf(0), ...stacksOf(1), ...stacksOf(2)]) {
      const stored = compress(content, layers);
      for (const chunks of [1, 2, 3]) {
        let open = 0;
        const body = async function* () {
          open++;
          try {
            yield* chunked(stored, [300_000]);
          } finally {
            open--;
          }
        };
        const counted = (codec: Codec) => {
          const opened = inflater(codec);
          open++;
          return {
            ...opened,
            close: () => {
              open--;
              opened.close();
            },
          };
        };
        let left = chunks;
        for await (const _ of decompress(body(), async () => undefined, undefined, counted)) if (--left === 0) break;
        expect([layers, chunks, left, open]).toEqual([layers, chunks, 0, 0]);
      }
    }
  });

  test('passes on an error of the body as it is under any layers', async () => {
    const failure = new Error('socket hang up');
    for (const layers of [...stacksOf(0), ...stacksOf(1), ...stacksOf(2)]) {
      const stored = compress(noise(200_000), layers);
      for (const at of [1, 50_000]) {
        const body = async function* () {
          yield stored.subarray(0, at);
          throw failure;
        };
        const read = Array.fromAsync(decompress(body(), async () => undefined, undefined, inflater));
        await expect(read).rejects.toBe(failure);
      }
    }
  });
});

/** What comes out before the end, in bytes; nothing of it is kept. */
async function ended(stored: Buffer, inflater: (codec: Codec) => Inflater) {
  let bytes = 0;
  try {
    for await (const chunk of decompress(chunked(stored, [65_536]), async () => undefined, undefined, inflater)) {
      bytes += chunk.length;
    }
    return { bytes, error: undefined };
  } catch (error) {
    return { bytes, error };
  }
}

const ZEROS = Buffer.alloc(64 * 1024 * 1024);

/** Compressed zeros, twice as many as are free. */
const zeros = (compressed: Buffer) =>
  Buffer.concat(Array.from({ length: (2 * FREE_BYTES) / ZEROS.length }, () => compressed));

describe.each(INFLATERS)('a bomb, by %s', (_, inflater) => {
  test('of zstd is given up when it has made what is free', async () => {
    const { bytes, error } = await ended(zeros(zstdCompressSync(ZEROS)), inflater);
    expect(error).toMatchObject({
      reason: 'decompression_bomb',
      message: expect.stringMatching(
        /^expected at most 500 decompressed bytes for each byte of the object, got \d+ from \d+$/,
      ),
    });
    expect(bytes).toBeLessThan(1.5 * FREE_BYTES);
  });

  test.each([
    ['gzip within gzip', () => gzipSync(zeros(gzipSync(ZEROS)))],
    ['gzip within zstd', () => zstdCompressSync(zeros(gzipSync(ZEROS)))],
    ['zstd within gzip', () => gzipSync(zeros(zstdCompressSync(ZEROS)))],
  ])('of %s is measured against the object, not against the layer around it', async (_, bomb) => {
    const { bytes, error } = await ended(bomb(), inflater);
    expect(error).toMatchObject({ reason: 'decompression_bomb' });
    expect(bytes).toBeLessThan(1.5 * FREE_BYTES);
  });

  // Node's stream needs another stream for each of the members, which takes half a minute.
  test.skipIf(inflater === streamInflater)('of a layer that has nothing in it is given up as well', async () => {
    const nothing = Buffer.alloc(ZEROS.length, gzipSync(''));
    const whole = nothing.subarray(0, nothing.length - (nothing.length % gzipSync('').length));
    const stored = zeros(zstdCompressSync(whole));
    const { bytes, error } = await ended(stored, inflater);
    expect(error).toMatchObject({ reason: 'decompression_bomb' });
    expect(bytes).toBe(0);
  });
});
