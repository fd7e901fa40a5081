import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InFlight } from '../../../../lambdas/core/loading/in-flight.ts';

describe('InFlight', () => {
  test('acknowledges in order without a gap, with no more than the limit under way, however long each takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 15 }),
        fc.integer({ min: 1, max: 4 }),
        async (delays, limit) => {
          let underWay = 0;
          const acknowledged: number[] = [];
          const sending = new InFlight<number>(
            limit,
            async (index) => {
              underWay++;
              expect(underWay).toBeLessThanOrEqual(limit);
              for (let turn = 0; turn < (delays[index] as number); turn++) await setImmediate();
              underWay--;
            },
            async (index) => void acknowledged.push(index),
          );
          for (const index of delays.keys()) await sending.add(index);
          await sending.done();
          expect(acknowledged).toEqual([...delays.keys()]);
        },
      ),
    );
  });

  test('throws the first failure, acknowledges nothing past it, and settles what is under way', async () => {
    const acknowledged: number[] = [];
    const finished: number[] = [];
    const sending = new InFlight<number>(
      3,
      async (index) => {
        await setImmediate();
        if (index === 1) throw new Error('throttled');
        for (let turn = 0; turn < 5; turn++) await setImmediate();
        finished.push(index);
      },
      async (index) => void acknowledged.push(index),
    );
    await sending.add(0);
    await sending.add(1);
    await expect(sending.add(2).then(() => sending.done())).rejects.toThrow('throttled');
    await sending.settle();
    expect(acknowledged).toEqual([0]);
    expect(finished).toEqual([0, 2]);
  });
});
