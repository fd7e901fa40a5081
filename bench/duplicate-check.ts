/** Runs the deployed duplicate check with the batches of a busy queue, and counts its DynamoDB units. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Counted, countDue, QUIET_MS } from '../lambdas/core/duplicates/count.ts';
import type { InputToCheck } from '../lambdas/core/duplicates/input-to-check.ts';
import type { CountStore, TrackStore } from '../lambdas/core/duplicates/store.ts';
import { track } from '../lambdas/core/duplicates/track.ts';
import { TRACK_BATCH } from '../lambdas/core/settings.ts';

/** `duplicates.windowHours`: records older than this are not checked. */
export const WINDOW_HOURS = 72;

/**
 * Checks objects, then counts until nothing is left, and once more, because a run that finds nothing also costs units.
 *
 * @param records number of records in all inputs
 * @param now when the objects arrive, which is close to the time of their records
 * @throws Error if an object is not checked, or not all records are counted
 */
export async function checkAndCount(
  inputs: readonly InputToCheck[],
  records: number,
  store: TrackStore & CountStore,
  now: Date,
): Promise<void> {
  const ports = { store, now: () => now, outOfTime: () => false, sampleRate: 1, windowHours: WINDOW_HOURS };
  for (let at = 0; at < inputs.length; at += TRACK_BATCH.messages) {
    for (const { input, outcome, error } of await track(inputs.slice(at, at + TRACK_BATCH.messages), ports)) {
      if (outcome !== 'checked')
        throw new Error(`${input.label}: expected it to be checked, got ${outcome}`, { cause: error });
    }
  }
  let checked = 0;
  const emit = (counted: Counted) => {
    checked += counted.checked;
  };
  const counting = { store, now: new Date(Date.now() + QUIET_MS), outOfTime: () => false, emit };
  for (let left = 1; left > 0; ) ({ left } = await countDue(counting));
  await countDue(counting);
  if (checked !== records) throw new Error(`expected ${records} records to be counted, got ${checked}`);
}

/** Requests and the units that DynamoDB reports for them, reads and writes separately. */
export interface Meter {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

/** Counts the requests of a client, and the units they consume, from now on. */
export function meterOf(client: DynamoDBClient): Meter {
  const meter: Meter = { requests: 0, readUnits: 0, writeUnits: 0 };
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
        const { ConsumedCapacity: consumed } = result.output as { ConsumedCapacity?: unknown };
        const units = [consumed].flat().reduce<number>((sum, each) => sum + Number(Object(each).CapacityUnits ?? 0), 0);
        meter.requests++;
        if (/Get|Query/.test(commandName)) meter.readUnits += units;
        else meter.writeUnits += units;
        return result;
      },
    { step: 'initialize' },
  );
  return meter;
}
