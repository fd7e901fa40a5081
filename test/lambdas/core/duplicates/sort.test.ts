import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sorted } from '../../../../lambdas/core/duplicates/sort.ts';

const wordsOf = (numbers: readonly bigint[]) => new Uint32Array(BigUint64Array.from(numbers).buffer);

/** What the engine's own sort makes of them. */
const expectedOf = (numbers: readonly bigint[]) => wordsOf([...BigUint64Array.from(numbers).sort()]);

const MANY = 2000;

/** Hashes as they come; those of a sample; and what somebody made so that they come to one place, or are one. */
const fingerprint = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 58n }),
  fc.bigInt({ min: 2n ** 63n, max: 2n ** 63n + 2n ** 20n }),
  fc.constantFrom(0n, 7n, 2n ** 32n, 2n ** 64n - 1n),
);

describe('fingerprints', () => {
  test('are sorted by their 64 bits, however they are spread', () => {
    const size = { minLength: 0, maxLength: MANY, size: 'max' } as const;
    const alike = fc.oneof(
      fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), size),
      fc.array(fc.bigInt({ min: 0n, max: 2n ** 61n }), size),
      fc.array(fingerprint, size),
    );
    fc.assert(
      fc.property(alike, (numbers) => {
        expect(sorted(wordsOf(numbers))).toEqual(expectedOf(numbers));
      }),
      { numRuns: 200 },
    );
  });

  test('are sorted where thousands share their first bits or are the same', () => {
    const crowded = Array.from({ length: MANY }, (_, index) => 2n ** 60n + BigInt((index * 7919) % 97));
    expect(sorted(wordsOf(crowded))).toEqual(expectedOf(crowded));
  });

  test('stay as they were given; the sorted ones are a copy', () => {
    const given = wordsOf([3n, 1n, 2n]);
    expect(sorted(given)).not.toBe(given);
    expect(given).toEqual(wordsOf([3n, 1n, 2n]));
  });
});
