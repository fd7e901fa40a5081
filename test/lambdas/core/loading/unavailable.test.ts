import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ASK_AGAIN_SECONDS, askAgain, type Waited } from '../../../../lambdas/core/loading/unavailable.ts';

describe('askAgain', () => {
  test('gives an object up at the third try when they lie 15 minutes apart', () => {
    expect(askAgain()).toEqual({ tries: 1, seconds: 450 });
    expect(askAgain({ tries: 1, seconds: 450 })).toEqual({ tries: 2, seconds: 900 });
    expect(askAgain({ tries: 2, seconds: 900 })).toBeUndefined();
  });

  test('asks again whatever a message says, until both are true, and comes to an end', () => {
    fc.assert(
      fc.property(fc.nat(10), fc.nat(2000), (tries, seconds) => {
        let waited: Waited | undefined = { tries, seconds };
        let asked = 0;
        for (; waited; asked++) {
          const before: Waited = waited;
          waited = askAgain(before);
          expect(waited === undefined).toBe(before.tries >= 2 && before.seconds >= 900);
          if (waited) expect(waited.seconds - before.seconds).toBe(ASK_AGAIN_SECONDS);
        }
        expect(asked).toBeLessThanOrEqual(3);
      }),
    );
  });
});
