import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { zstd } from '../../../../lambdas/core/parquet/zstd.ts';

const PAGES = {
  'no bytes': Buffer.alloc(0),
  'one byte': Buffer.of(7),
  'bytes that cannot be compressed': randomBytes(3_000_000),
  'bytes that compress well': Buffer.alloc(20_000_000, 'abc'),
};

test.each(Object.entries(PAGES))('a page of %s is compressed as by zstdCompressSync at level 1', (_, page) => {
  const compressed = zstd(page);
  expect(zstdDecompressSync(compressed).equals(page)).toBe(true);
  const { length } = zstdCompressSync(page, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  expect(compressed.length).toBeLessThanOrEqual(length);
});

test('a page is not changed by the pages after it', () => {
  const first = zstd(Buffer.from('first'));
  zstd(Buffer.from('second'));
  expect(zstdDecompressSync(first).toString()).toBe('first');
});
