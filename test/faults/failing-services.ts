/** A lake of which all services fail, one request in five. */
import { expect } from 'vitest';
import { NOTHING_FAILED } from '../helpers/nothing-failed.ts';
import type { FunctionChanges } from './assembly.ts';
import type { Call } from './call.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import type { Logs } from './logs.ts';
import { random } from './random.ts';

/** How a service fails. */
export interface Failing {
  readonly name: string;
  hit(call: Call): unknown;
}

export const FAILING: readonly Failing[] = [
  { name: 'answers 503', hit: (call) => call.refuse(503, 'SlowDown') },
  { name: 'cuts connections', hit: (call) => call.cut() },
  {
    name: 'does what it is asked and cuts the connection',
    hit: async (call) => {
      await call.forward();
      call.cut();
    },
  },
];

/**
 * Puts logs into a lake of which every service fails so, and waits until nothing is left to do. Queues do not fail: they
 * deliver again by themselves.
 *
 * @param seed of which requests fail
 * @returns the lake, and how many requests failed
 */
export async function loadAmidFailures(
  { hit }: Failing,
  { changes, seed, logs }: { readonly changes: FunctionChanges; readonly seed: number; readonly logs: readonly Logs[] },
): Promise<{ readonly faulty: FaultyLake; readonly faults: number }> {
  const draw = random(seed);
  let faults = 0;
  const faulty = await openFaultyLake({
    changes,
    fault: (call) => {
      if (call.service === 'SQS' || draw(5) > 0) return undefined;
      faults++;
      return Promise.resolve(hit(call));
    },
  });
  await faulty.put(...logs);
  expect(await faulty.drain()).toEqual(NOTHING_FAILED);
  expect(faults).toBeGreaterThan(0);
  return { faulty, faults };
}
