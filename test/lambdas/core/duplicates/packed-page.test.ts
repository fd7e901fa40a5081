import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EMPTY_PAGE,
  mostPackedBytes,
  PackedPage,
  pack,
  packedBytes,
} from '../../../../lambdas/core/duplicates/packed-page.ts';
import { sorted } from '../../../../lambdas/core/duplicates/sort.ts';

const wordsOf = (hashes: readonly bigint[]) => new Uint32Array(BigUint64Array.from(hashes).sort().buffer);

function fingerprintsOf(bytes: Uint8Array): bigint[] {
  const fingerprints: bigint[] = [];
  for (const page = new PackedPage(bytes); page.passed < page.count; page.next()) {
    fingerprints.push((BigInt(page.upper) << 32n) | BigInt(page.lower));
  }
  return fingerprints;
}

const packedRandom = (count: number) => pack(sorted(randomFillSync(new Uint32Array(count * 2))));

const hash = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 2n ** 63n, max: 2n ** 63n + 2n ** 20n }),
  fc.constantFrom(0n, 254n << 48n, 255n << 48n, 256n << 48n, 510n << 48n, 2n ** 64n - 1n),
);

describe('a page', () => {
  test('gives back the upper 48 bits of each hash, in their order', () => {
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 500, size: 'max' }), (hashes) => {
        const words = wordsOf(hashes);
        const bytes = pack(words);
        expect(fingerprintsOf(bytes)).toEqual(hashes.map((each) => each >> 16n).sort((a, b) => Number(a - b)));
        expect(bytes.length).toBeLessThanOrEqual(mostPackedBytes(hashes.length));
      }),
    );
  });

  test('has the bytes that pages in tables have', () => {
    const upper = [0n, 0n, 254n, 509n, 765n, 1275n, 65_535n];
    const hashes = upper.map((each, index) => (each << 48n) | (BigInt(0xa0 + index) << 16n) | 0xffffn);
    const lower = upper.map((_, index) => `${(0xa0 + index).toString(16)}000000`).join('');
    const steps = ['00', '00', 'fe', 'ff00', 'ff01', 'ffff00', `${'ff'.repeat(252)}00`].join('');
    expect(Buffer.from(pack(wordsOf(hashes))).toString('hex')).toBe(`07000000${lower}${steps}`);
  });

  test('of a sample has fewer of its steps long', () => {
    const sample = () =>
      pack(sorted(randomFillSync(new Uint32Array(400)).map((word, at) => (at % 2 ? word / 10 : word))));
    const mean = Array.from({ length: 50 }, () => sample().length).reduce((sum, length) => sum + length, 0) / 50;
    expect(mean).toBeGreaterThan(packedBytes(200, 0.1) * 0.98);
    expect(mean).toBeLessThan(packedBytes(200, 0.1) * 1.02);
  });

  // Of one hash, the steps are anything from 0 to 256 bytes: more pages are needed for the mean to show.
  test.each([1, 40, 300, 2000, 37_500])('of %s hashes has the bytes that are planned with', (count) => {
    const pages = Array.from({ length: 4 + Math.ceil(2000 / count) }, () => packedRandom(count));
    const mean = pages.reduce((sum, { length }) => sum + length, 0) / pages.length;
    expect(mean).toBeGreaterThan(packedBytes(count) * 0.94);
    expect(mean).toBeLessThan(packedBytes(count) * 1.06);
  });

  test('may be empty', () => {
    expect(fingerprintsOf(pack(new Uint32Array(0)))).toEqual([]);
    expect(fingerprintsOf(EMPTY_PAGE)).toEqual([]);
    expect(packedBytes(0)).toBe(pack(new Uint32Array(0)).length);
  });

  test('that is cut short is none, and says so', () => {
    const bytes = pack(wordsOf([1n << 60n, 2n << 60n, 3n << 60n]));
    expect(() => fingerprintsOf(bytes.subarray(0, 18))).toThrow('page: expected 19 bytes at least, got 18');
    expect(() => fingerprintsOf(bytes.subarray(0, -1))).toThrow('page: expected 3 steps, got 2');
    const beyond = Buffer.concat([Buffer.from('0100000000000000', 'hex'), Buffer.alloc(258, 0xff), Buffer.alloc(1)]);
    expect(() => fingerprintsOf(beyond)).toThrow('page: expected upper bits below 65536, got 65790');
  });
});
