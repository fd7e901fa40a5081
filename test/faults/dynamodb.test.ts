import { describe, expect, test } from 'vitest';
import { MOST_REPEATED_PER_DEATH } from './balance.ts';
import type { Call } from './call.ts';
import { openFaultyLake } from './faulty-lake.ts';
import { albObject } from './logs.ts';
import { random } from './random.ts';

const LINES = 120;

interface LedgerFault {
  readonly name: string;
  /** How many may hit, where each fails a message: a fifth of one would make it a dead letter. */
  readonly most?: number;
  hit(call: Call): unknown;
}

const FAULTS: readonly LedgerFault[] = [
  { name: 'throttling', hit: (call) => call.refuse(400, 'ProvisionedThroughputExceededException') },
  { name: 'internal error', hit: (call) => call.refuse(500, 'InternalServerError') },
  { name: 'connection reset', hit: (call) => call.cut() },
  {
    name: 'done, then reset',
    hit: async (call) => {
      await call.forward();
      call.cut();
    },
  },
  // The condition does not hold any more, though nobody but the attempt itself has written.
  { name: 'condition failed', most: 4, hit: (call) => call.refuse(400, 'ConditionalCheckFailedException') },
];

describe('the ledger', { timeout: 120_000 }, () => {
  test.each(FAULTS)('with $name loses nothing', async ({ name, most = Number.POSITIVE_INFINITY, hit }) => {
    const draw = random(20);
    let faults = 0;
    const faulty = await openFaultyLake({
      fault: (call) => {
        if (call.service !== 'DYNAMODB' || faults === most || draw(5) > 0) return undefined;
        faults++;
        return Promise.resolve(hit(call));
      },
    });
    const logs = [1, 2, 3, 4, 5, 6].map((index) => albObject(`object-${index}`, LINES));
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    expect(faults).toBeGreaterThan(0);
    const { repeated } = await faulty.expectBalanced(`DynamoDB: ${name}`, logs, faults);
    expect(repeated).toBeLessThanOrEqual(faults * MOST_REPEATED_PER_DEATH);
  });

  test('unavailable for a while, has messages come back until it is there', async () => {
    let faults = 0;
    const faulty = await openFaultyLake({
      fault: (call) => {
        // Every request of some invocations, their retries included.
        if (call.service !== 'DYNAMODB' || faults === 12) return undefined;
        faults++;
        return Promise.resolve(call.refuse(500, 'InternalServerError'));
      },
    });
    const logs = [1, 2].map((index) => albObject(`object-${index}`, LINES));
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    const { repeated } = await faulty.expectBalanced('DynamoDB: unavailable', logs, faults);
    expect(repeated).toBe(0);
  });
});
