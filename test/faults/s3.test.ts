import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MOST_REPEATED_PER_DEATH } from './balance.ts';
import type { Call } from './call.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { albObject, type Logs } from './logs.ts';

const LINES = 220;

const isGet = (call: Call): boolean => call.service === 'S3' && call.operation === 'GET';

describe('an object', { timeout: 120_000 }, () => {
  test('whose body breaks off midway is read again', async () => {
    let faults = 0;
    const faulty = await openFaultyLake({
      fault: (call) => {
        if (!isGet(call) || ++faults > 8) return undefined;
        return call
          .forward()
          .then((answer) => call.answerSlowly(answer, 4, async (part) => (part === 2 ? call.cut() : undefined)));
      },
    });
    const logs = [1, 2, 3, 4].map((index) => albObject(`object-${index}`, LINES));
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    const { repeated } = await faulty.expectBalanced('S3: body breaks off', logs, Math.min(faults, 8));
    expect(repeated).toBeLessThanOrEqual(8 * MOST_REPEATED_PER_DEATH);
  });

  test('whose body comes slowly is loaded', async () => {
    let faults = 0;
    const faulty = await openFaultyLake({
      fault: (call) => {
        if (!isGet(call)) return undefined;
        faults++;
        return call.forward().then((answer) => call.answerSlowly(answer, 20, () => sleep(100)));
      },
    });
    const logs = [albObject('slow', LINES)];
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    const { repeated } = await faulty.expectBalanced('S3: slow body', logs, faults);
    expect(repeated).toBe(0);
  });

  test('that is not there yet is loaded when it is', async () => {
    let faults = 0;
    const faulty = await openFaultyLake({
      fault: (call) => (isGet(call) && ++faults <= 2 ? Promise.resolve(call.refuse(404, 'NoSuchKey')) : undefined),
    });
    const logs = [albObject('late', 50)];
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    await faulty.expectBalanced('S3: not there yet', logs, 2);
  });

  test('that is gone is a dead letter with its reason, and the others are loaded', async () => {
    const faulty = await openFaultyLake({
      fault: (call) =>
        isGet(call) && call.url.includes('gone') ? Promise.resolve(call.refuse(404, 'NoSuchKey')) : undefined,
    });
    const others = [1, 2].map((index) => albObject(`object-${index}`, 50));
    await faulty.put(albObject('gone', 50), ...others);
    const { deadLetters } = await faulty.drain();
    expect(deadLetters).toEqual([expect.objectContaining({ error: expect.stringContaining('NoSuchKey') })]);
    await faulty.expectBalanced('S3: gone', others, 5);
  });

  test.each([
    ['between its event and its first byte', 1],
    ['between two attempts at it', 2],
  ])('replaced %s is loaded as what it has become', async (_when, replacedAt) => {
    const [old, young]: readonly [Logs, Logs] = [albObject('replaced', 30), albObject('replaced', LINES)];
    let gets = 0;
    const faulty: FaultyLake = await openFaultyLake({
      changes: { concurrency: 1 },
      fault: (call) => {
        if (!isGet(call)) return undefined;
        gets++;
        if (gets < replacedAt) return Promise.resolve(call.cut());
        return gets === replacedAt ? faulty.put(young) : undefined;
      },
    });
    await faulty.put(old);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    const { repeated } = await faulty.expectBalanced(`S3: replaced ${replacedAt}`, [young], 1);
    expect(repeated).toBe(0);
  });
});
