import { expect, test } from 'vitest';
import { BATCH, type Batch, candidatesKey } from '../../../../lambdas/core/direct/batch.ts';
import { renewLists, TURN_HOURS } from '../../../../lambdas/core/direct/renew-lists.ts';

const NOW = Date.UTC(2026, 10, 29);
const HOUR_MS = 3_600_000;

function batch(id: string, ageHours: number, more: Partial<Batch> = {}): Batch {
  const since = new Date(NOW - ageHours * HOUR_MS).toISOString();
  const attempt = `direct/web/${id}/attempt-1.json`;
  const waiting = { state: BATCH.stored, attempt, uncommitted: [0] };
  return { id, source: 'web', generation: 1, attempts: 1, since, ...waiting, ...more } as Batch;
}

/** Renews the lists of some batches where all lists are there but those that are missing. */
async function renewed(batches: readonly Batch[], missing: readonly string[] = []) {
  const keys: string[] = [];
  const sent: string[] = [];
  const ports = {
    ledger: {
      async *unfinished() {
        yield* batches;
      },
    },
    lake: {
      renewList: async (key: string) => {
        keys.push(key);
        return !missing.includes(key);
      },
    },
    send: async (id: string) => void sent.push(id),
    outOfTime: () => false,
  };
  const gone = await renewLists('web', ports, NOW);
  return { keys: keys.toSorted(), sent, gone };
}

test('a batch that waits for commits has its files and both of its lists renewed, as it may have to be written anew', async () => {
  const waiting = batch('one', 2 * TURN_HOURS);
  expect(await renewed([waiting, batch('two', 2 * TURN_HOURS + 1)])).toEqual({
    keys: ['direct/web/one/attempt-1.json', candidatesKey(waiting)].toSorted(),
    sent: ['one'],
    gone: [],
  });
});

test('lists that are gone are named, but for candidates that a batch may not have', async () => {
  const waiting = batch('one', TURN_HOURS);
  const attempt = 'direct/web/one/attempt-1.json';
  expect((await renewed([waiting], [candidatesKey(waiting)])).gone).toEqual([]);
  expect((await renewed([waiting], [candidatesKey(waiting), attempt])).gone).toEqual([attempt]);
  const { attempt: _, ...none } = batch('two', TURN_HOURS, { state: BATCH.open });
  const open = none as Batch;
  expect((await renewed([open], [candidatesKey(open)])).gone).toEqual([candidatesKey(open)]);
});
