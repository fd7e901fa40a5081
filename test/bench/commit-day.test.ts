import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../../bench/commit-day/clock.ts';
import { dollarsOf } from '../../bench/commit-day/dollars.ts';
import { type DayOptions, simulateDay } from '../../bench/commit-day/simulate.ts';

/** Some hours of a source whose rows are divided: each batch has rows of nearly all tables. */
const HOURS: DayOptions = { tables: 120, rows: 1e6, batchSeconds: 300, skew: 1, hours: 3, commitSeconds: 300 };

describe('a simulated day of commits', () => {
  test('has each table committed to once an hour, in time, by one run after the other', async () => {
    const day = await simulateDay(HOURS);
    expect(day).toMatchObject({ failed: 0, conflicts: 0, runsAtOnce: 1, runs: 180 });
    expect(day.files).toBeGreaterThan(0.9 * 120 * 36);
    expect(day.commits).toBeGreaterThan(2.5 * 120);
    expect(day.commits).toBeLessThan(3.1 * 120);
    expect(day.longestWaitMinutes).toBeLessThan(60 + 5 + 3);
    expect(day.waitedMinutes).toBeLessThan(35);
    // Those of the last hour.
    expect(day.batchesLeft).toBeLessThan(14);
    const { requests } = day;
    // Before the first commit to a table it is looked at once more.
    expect(requests.get('Glue load')).toBe(day.commits + HOURS.tables);
    expect(requests.get('Glue commit')).toBe(day.commits);
    expect(requests.get('S3 PUT manifest')).toBe(day.commits);
    expect(day.longestRunSeconds).toBeLessThan(20);
  });

  test('costs as much as its requests', async () => {
    const day = await simulateDay({ ...HOURS, hours: 1 });
    const { all, ...parts } = dollarsOf(day);
    expect(Object.values(parts).reduce((sum, usd) => sum + usd)).toBeCloseTo(all ?? 0, 9);
    expect(parts['files, S3 writes']).toBeCloseTo((day.files * 3 * 5) / 1e6, 9);
  });

  test('leaves files behind where Glue answers too few requests, and says so', async () => {
    const day = await simulateDay({ ...HOURS, services: { glueRequestsPerSecond: 0.05 } });
    expect(day.requests.get('Glue, refused as too many')).toBeGreaterThan(100);
    expect(day.longestWaitMinutes).toBeGreaterThan(75);
    expect(day.failed).toBeGreaterThan(0);
    expect(day.runsAtOnce).toBeGreaterThan(1);
  });
});

describe('the simulated clock', () => {
  test('does what waits in the order of its time, and at the same time in any', async () => {
    const clock = new SimulatedClock(1000);
    const seen: string[] = [];
    const at = async (ms: number, name: string) => {
      await clock.wait(ms);
      seen.push(`${name} at ${clock.now}`);
    };
    for (const [ms, name] of [
      [30, 'c'],
      [10, 'a'],
      [20, 'b'],
      [500, 'late'],
    ] as const)
      void at(ms, name);
    void at(5, 'first').then(() => at(10, 'then'));
    await clock.run(1100);
    expect(seen).toEqual(['first at 1005', 'a at 1010', 'then at 1015', 'b at 1020', 'c at 1030']);
    await clock.run();
    expect(seen.at(-1)).toBe('late at 1500');
  });

  test('stays in order for any number of waits', async () => {
    const clock = new SimulatedClock(0);
    const seen: number[] = [];
    const waits = Array.from({ length: 500 }, (_, index) => (index * 7919) % 997);
    for (const ms of waits) void clock.wait(ms).then(() => seen.push(ms));
    await clock.run();
    expect(seen).toEqual(waits.toSorted((a, b) => a - b));
  });
});
