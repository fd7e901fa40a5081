import { expect, test } from 'vitest';
import { SimulatedClock } from '../../../../bench/commit-day/clock.ts';
import { Pace } from '../../../../lambdas/core/iceberg/pace.ts';

class TooMuchError extends Error {}

/** A service that answers so many requests in each second, and what 16 clients that share a pace get of it. */
async function asked(perSecond: number, requests: number) {
  const clock = new SimulatedClock(0);
  const pace = new Pace({ now: () => clock.now, sleep: (ms) => clock.wait(ms) });
  const answered = new Map<number, number>();
  let refused = 0;
  const request = async () => {
    const second = Math.floor(clock.now / 1000);
    const before = answered.get(second) ?? 0;
    await clock.wait(10);
    if (before >= perSecond) throw new TooMuchError();
    answered.set(second, before + 1);
  };
  let left = requests;
  const client = async () => {
    while (left > 0) {
      left--;
      await pace
        .send(request, (error) => error instanceof TooMuchError)
        .catch(() => {
          refused++;
          left++;
        });
    }
  };
  const all = Promise.all(Array.from({ length: 16 }, client));
  await clock.run();
  await all;
  return { refused, seconds: clock.now / 1000 };
}

test('requests do not wait where none is refused', async () => {
  expect(await asked(100_000, 1600)).toEqual({ refused: 0, seconds: 1 });
});

test('requests are sent as fast as they are answered, and few are refused', async () => {
  const { refused, seconds } = await asked(10, 1000);
  expect(refused).toBeLessThan(400);
  expect(seconds).toBeLessThan(130);
});

test('other errors slow nothing down', async () => {
  const clock = new SimulatedClock(0);
  const pace = new Pace({ now: () => clock.now, sleep: (ms) => clock.wait(ms) });
  for (let times = 0; times < 10; times++) {
    await expect(
      pace.send(
        () => Promise.reject(new Error('no')),
        (error) => error instanceof TooMuchError,
      ),
    ).rejects.toThrow('no');
  }
  expect(clock.now).toBe(0);
});
