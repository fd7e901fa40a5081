import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ZstdFrames } from '../../../../lambdas/core/lines/zstd-frames.ts';
import { noise, skippable } from './layers.ts';

const CHECKSUM = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

/** Frames with headers of all kinds: with and without the content's size, a checksum, content that repeats. */
const FRAMES: readonly Buffer[] = [
  zstdCompressSync(''),
  zstdCompressSync('one line\n'),
  zstdCompressSync('one line\n', CHECKSUM),
  zstdCompressSync(Buffer.alloc(1_000_000, 'x')),
  zstdCompressSync(noise(300_000), CHECKSUM),
  zstdCompressSync(noise(70_000), { pledgedSrcSize: 70_000 }),
];

function segmentsOf(bytes: Buffer, size: number) {
  const frames = new ZstdFrames();
  const segments: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const segment of frames.segments(bytes.subarray(at, at + size))) segments.push(Buffer.from(segment));
  }
  return { segments, complete: frames.complete };
}

describe('ZstdFrames', () => {
  test.each([1, 2, 3, 5, 1000, 10_000_000])(
    'leaves out skippable frames and nothing else, over chunks of %i',
    (size) => {
      const bytes = Buffer.concat([
        skippable(0),
        ...FRAMES.flatMap((frame, index) => [frame, skippable(index * 1000)]),
        skippable(7),
      ]);
      const { segments, complete } = segmentsOf(bytes, size);
      expect(Buffer.concat(segments).equals(Buffer.concat(FRAMES))).toBe(true);
      expect(complete).toBe(true);
    },
  );

  test('never yields bytes of two frames at once', () => {
    const ends = new Set<number>();
    let end = 0;
    for (const frame of FRAMES) {
      end += frame.length;
      ends.add(end);
    }
    let [at, begun] = [0, 0];
    for (const segment of segmentsOf(Buffer.concat(FRAMES), 100_000).segments) {
      for (const place of ends) expect(place <= at || place >= at + segment.length).toBe(true);
      if (ends.has(at) || at === 0) begun++;
      at += segment.length;
    }
    expect(begun).toBe(FRAMES.length);
  });

  test('is complete nowhere but between frames', () => {
    const bytes = Buffer.concat([FRAMES[2] as Buffer, skippable(3), FRAMES[1] as Buffer]);
    const complete = Array.from({ length: bytes.length + 1 }, (_, cut) => cut).filter(
      (cut) => segmentsOf(bytes.subarray(0, cut), 4).complete,
    );
    const first = (FRAMES[2] as Buffer).length;
    expect(complete).toEqual([0, first, first + 11, bytes.length]);
  });

  test('throws if a frame is followed by anything else', () => {
    const bytes = Buffer.concat([FRAMES[1] as Buffer, Buffer.from('garbage')]);
    expect(() => segmentsOf(bytes, 1000)).toThrow('bytes after the end of the compressed data');
  });
});
