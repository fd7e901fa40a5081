import { describe, expect, test } from 'vitest';
import { originOf } from '../../../../lambdas/core/loading/input.ts';
import { firstTurn, inTurn } from '../../../../lambdas/core/loading/spread.ts';

describe('inTurn', () => {
  test('begins with the stream of the turn and offers each of them once', () => {
    expect([0, 1, 2, 3].map((turn) => inTurn(['a', 'b', 'c'], turn).join(''))).toEqual(['abc', 'bca', 'cab', 'abc']);
    expect(inTurn(['only'], 4_294_967_295)).toEqual(['only']);
  });
});

describe('firstTurn', () => {
  test('spreads objects evenly whatever the number of streams', () => {
    const origins = Array.from({ length: 10_000 }, (_, index) => originOf(['alb', 'logs', `object-${index}`, 'etag']));
    for (const streams of [2, 3, 7, 50]) {
      const objects = Array.from({ length: streams }, () => 0);
      for (const origin of origins)
        objects[firstTurn(origin) % streams] = (objects[firstTurn(origin) % streams] ?? 0) + 1;
      const expected = origins.length / streams;
      // Five standard deviations of a fair draw.
      for (const count of objects) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  // Literal, not computed: attempts of two versions of the function must begin with the same stream.
  test.each([
    ['AAAAAAAAAAAA', 0],
    ['AAAAAQAAAAAA', 1],
    ['umrvM3mA3I9u', 3_127_570_227],
    ['____________', 4_294_967_295],
  ])('takes the turn from the first four bytes of the origin: %s begins with turn %i', (origin, turn) => {
    expect(firstTurn(origin)).toBe(turn);
  });
});
