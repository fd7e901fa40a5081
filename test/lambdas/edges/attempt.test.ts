import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attemptOf, timeLimits } from '../../../lambdas/edges/attempt.ts';

const NOW = Date.parse('2026-01-05T10:00:00Z');
const RUNNING = 5000;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date', 'performance'] });
  // A process that has run for a while.
  vi.advanceTimersByTime(RUNNING);
  vi.setSystemTime(NOW);
});
afterEach(() => {
  vi.useRealTimers();
});

const limitsAt = (remaining: number) =>
  timeLimits({ getRemainingTimeInMillis: () => remaining } as Pick<Context, 'getRemainingTimeInMillis'> as Context);

describe('timeLimits', () => {
  // Milliseconds from now.
  test.each([
    { remaining: 900_000, stopReadingAt: 882_000, giveUpAt: 897_000, endedBy: 960_000 },
    { remaining: 60_000, stopReadingAt: 42_000, giveUpAt: 57_000, endedBy: 120_000 },
    { remaining: 30_000, stopReadingAt: 19_500, giveUpAt: 27_000, endedBy: 90_000 },
    { remaining: 10_000, stopReadingAt: 6500, giveUpAt: 9000, endedBy: 70_000 },
    { remaining: 1000, stopReadingAt: 650, giveUpAt: 900, endedBy: 61_000 },
    { remaining: 0, stopReadingAt: 0, giveUpAt: 0, endedBy: 60_000 },
    // As the clock has it after a step of an hour, back or forward.
    { remaining: 3_660_000, stopReadingAt: 882_000, giveUpAt: 897_000, endedBy: 960_000 },
    { remaining: -3_540_000, stopReadingAt: 0, giveUpAt: 0, endedBy: 60_000 },
  ])(
    'stops reading $stopReadingAt ms and gives up $giveUpAt ms from now when $remaining ms remain, and leases to a minute after the end',
    ({ remaining, stopReadingAt, giveUpAt, endedBy }) => {
      expect(limitsAt(remaining)).toEqual({
        stopReadingAt: RUNNING + stopReadingAt,
        giveUpAt: RUNNING + giveUpAt,
        endedBy: NOW + endedBy,
      });
    },
  );
});

describe('attemptOf', () => {
  test('an attempt holds its entry until its invocation has certainly ended', () => {
    expect(attemptOf('message-a', limitsAt(60_000))).toMatchObject({ holder: 'message-a', leaseUntil: NOW + 120_000 });
  });

  test('an attempt is out of time from the moment on at which reading stops', () => {
    const { outOfTime } = attemptOf('message-a', limitsAt(60_000));
    const outAfter = (milliseconds: number) => {
      vi.advanceTimersByTime(milliseconds);
      return outOfTime();
    };
    expect([outAfter(0), outAfter(41_999), outAfter(1), outAfter(18_000)]).toEqual([false, false, true, true]);
  });

  test.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('an attempt has its time and no more when the clock is set %s', (_, step) => {
    const { outOfTime } = attemptOf('message-a', limitsAt(60_000));
    vi.setSystemTime(NOW + step);
    expect(outOfTime()).toBe(false);
    vi.advanceTimersByTime(42_000);
    expect(outOfTime()).toBe(true);
  });
});
