import { expect, test } from 'vitest';
import type { Batch } from '../../../../lambdas/core/direct/batch.ts';
import { pendingBatches } from '../../../../lambdas/core/direct/pending-batches.ts';
import type { BatchLedger } from '../../../../lambdas/core/direct/ports.ts';

const START = Date.parse('2026-11-01T00:00:00Z');
const MINUTE_MS = 60_000;

/** One batch each minute. */
function ledgerOf(count: number): Pick<BatchLedger, 'unfinished'> {
  const all = Array.from({ length: count }, (_, index): Batch => {
    const since = new Date(START + index * MINUTE_MS).toISOString();
    // Some of them wait for a writer, and for no commit.
    const state = index % 10 === 0 ? 'open' : 'stored';
    return { ...{ id: `b${index}`, source: 'app', since, attempts: 1, generation: 1 }, state, uncommitted: [0] };
  });
  return {
    async *unfinished(_source, { from = '', before = '9', newestFirst = false } = {}) {
      yield* (newestFirst ? all.toReversed() : all).filter(({ since }) => since >= from && since <= before);
    },
  };
}

test('all batches that wait for commits are looked at, oldest first, as long as they are not very many', async () => {
  const found = await pendingBatches(ledgerOf(3000), 'app', START);
  expect(found).toHaveLength(2700);
  expect(found.map(({ id }) => id).slice(0, 2)).toEqual(['b1', 'b2']);
});

test('of very many, the oldest and the newest are looked at in each run, and each of the others in some run', async () => {
  const ledger = ledgerOf(40_000);
  const seen = new Set<string>();
  for (let run = 0; run < 60; run++) {
    const found = (await pendingBatches(ledger, 'app', START + run * MINUTE_MS)).map(({ id }) => id);
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBeLessThanOrEqual(10_000);
    // Lists are read for a limited time, so both ends come first.
    expect(found.slice(0, 2)).toEqual(['b1', 'b39999']);
    for (const id of found) seen.add(id);
  }
  expect(seen.size).toBe(36_000);
});
