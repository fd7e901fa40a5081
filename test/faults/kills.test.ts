import { describe, expect, test } from 'vitest';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';
import { MOST_REPEATED_PER_DEATH } from './balance.ts';
import { openKilling } from './killing.ts';
import { albObject, appEvents, type Logs } from './logs.ts';
import { random } from './random.ts';

/** Receives that a message has before it is a dead letter, less the last, which must succeed. */
const MOST_KILLS_PER_MESSAGE = 4;
/** Lambda invokes an event three times. */
const MOST_KILLS_PER_EVENT = 2;

/** Requests of an invocation that loads an object of three batches: claim, get, puts, checkpoints, finish. */
const REQUESTS = 11;

/** Lines of an object of between two and three batches. */
const LINES = 220;

/** Kills of the function that loads objects; of the other, a tenth: `FAULT_KILLS=2000 npm test -- test/faults/kills`. */
const KILLS = Number(process.env.FAULT_KILLS ?? 200);

describe('a function killed at a random point', { timeout: 900_000 }, () => {
  test('loses nothing of its objects, and repeats at most what was under way', async () => {
    const killed = { most: KILLS, mostPerMessage: MOST_KILLS_PER_MESSAGE, requests: REQUESTS };
    const { faulty, kills } = await openKilling(random(1), killed);
    const logs: Logs[] = [];
    while (kills() < killed.most) {
      const count = Math.ceil((killed.most - kills()) / MOST_KILLS_PER_MESSAGE);
      const more = Array.from({ length: count }, (_, index) => albObject(`object-${logs.length + index}`, LINES));
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual(NOTHING_FAILED);
    }
    const { repeated } = await faulty.expectBalanced('kill, objects', logs, kills());
    expect(repeated).toBeLessThanOrEqual(kills() * MOST_REPEATED_PER_DEATH);
  });

  test('loses nothing of log events, and repeats at most what was under way', async () => {
    const killed = { most: Math.ceil(KILLS / 10), mostPerMessage: MOST_KILLS_PER_EVENT, requests: REQUESTS };
    const { faulty, kills } = await openKilling(random(3), killed);
    const logs: Logs[] = [];
    while (kills() < killed.most) {
      const more = Array.from({ length: 3 }, (_, index) => appEvents(`stream-${logs.length + index}`, 150));
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual(NOTHING_FAILED);
    }
    const { repeated } = await faulty.expectBalanced('kill, log events', logs, kills());
    expect(repeated).toBeLessThanOrEqual(kills() * MOST_REPEATED_PER_DEATH);
  });
});
