import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MOST_REPEATED_PER_DEATH } from './balance.ts';
import type { Call } from './call.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { albObject, type Logs } from './logs.ts';

const LINES = 220;

const byKey = (a: { object_key: string }, b: { object_key: string }): number => (a.object_key < b.object_key ? -1 : 1);

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

  test('that may not be read is a dead letter with its reason, and the others are loaded', async () => {
    const faulty = await openFaultyLake({
      fault: (call) =>
        isGet(call) && call.url.includes('forbidden') ? Promise.resolve(call.refuse(403, 'AccessDenied')) : undefined,
    });
    const others = [1, 2].map((index) => albObject(`object-${index}`, 50));
    await faulty.put(albObject('forbidden', 50), ...others);
    const { deadLetters } = await faulty.drain();
    expect(deadLetters).toEqual([expect.objectContaining({ error: expect.stringContaining('AccessDenied') })]);
    await faulty.expectBalanced('S3: forbidden', others, 5);
  });

  /** Requests of the three tries at an object that cannot be had: four each. */
  const REQUESTS = 12;

  test.each([
    ['gone', 404, 'NoSuchKey'],
    ['archived', 403, 'InvalidObjectState'],
  ])(
    'that is %s is no dead letter, wherever the function dies, and loads when it is there again',
    async (reason, status, code) => {
      const requests = new Map<string, number>();
      let current = { key: '', pid: 0 };
      let deaths = 0;
      let thereAgain = false;
      const faulty = await openFaultyLake({
        changes: { concurrency: 1 },
        onInvocation: ({ payload, pid }) => {
          current = { key: /(before|after)-\d+/.exec(payload)?.[0] ?? '', pid };
        },
        fault: (call) => {
          const { key, pid } = current;
          if (key === '' || thereAgain) return undefined;
          const [moment, at] = key.split('-');
          const request = (requests.get(key) ?? 0) + 1;
          requests.set(key, request);
          const refuse = isGet(call) ? () => call.refuse(status, code) : undefined;
          if (request !== Number(at)) return refuse && Promise.resolve(refuse());
          deaths++;
          const die = () => {
            process.kill(pid, 'SIGKILL');
            call.cut();
          };
          return moment === 'before' || refuse ? Promise.resolve(die()) : call.forward().then(die);
        },
      });
      const logs = Array.from({ length: REQUESTS }, (_, index) =>
        ['before', 'after'].map((moment) => albObject(`${moment}-${index + 1}`, 20, 10)),
      ).flat();
      await faulty.put(...logs);
      expect((await faulty.drain()).deadLetters).toEqual([]);
      expect(deaths).toBe(logs.length);
      const said = await faulty.select(
        `SELECT object_key, not_loaded, lines, "rows" FROM loads_once ORDER BY object_key`,
      );
      expect(said).toEqual(
        logs.map(({ name }) => ({ object_key: name, not_loaded: reason, lines: 0, rows: 0 })).toSorted(byKey),
      );
      expect(await faulty.select('SELECT origin FROM alb')).toEqual([]);
      thereAgain = true;
      await faulty.put(...logs);
      expect((await faulty.drain()).deadLetters).toEqual([]);
      const loaded = await faulty.select(`SELECT object_key, not_loaded, lines FROM loads_once ORDER BY object_key`);
      expect(loaded).toEqual(
        logs.map(({ name }) => ({ object_key: name, not_loaded: null, lines: 20 })).toSorted(byKey),
      );
      const rowsOfOne = logs[0]?.rows.length ?? 0;
      expect(await faulty.select('SELECT count(*) AS n FROM alb')).toEqual([{ n: rowsOfOne * logs.length }]);
    },
  );

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
