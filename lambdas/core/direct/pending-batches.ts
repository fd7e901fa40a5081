/** Which batches a committer looks at: those with files that are not committed, and of very many only some. */
import { BATCH, type Batch } from './batch.ts';
import { inTurn } from './in-turn.ts';
import type { BatchLedger } from './ports.ts';

/**
 * Batches of a source that a run looks at. A table that takes no commits may have any number of batches wait, which must
 * not hide the batches of the source's other tables.
 */
const MAX_OLDEST = 4_000;
const MAX_NEWEST = 4_000;
const MAX_BETWEEN = 2_000;

/** Times of runs times this number have fractional parts that are spread evenly, whatever the interval of the runs. */
const GOLDEN_RATIO = 0.618_033_988_749_895;
const MINUTE_MS = 60_000;

export function isPending({ state, uncommitted }: Batch): boolean {
  return state === BATCH.stored && uncommitted !== undefined;
}

/**
 * The batches of a source that wait for commits, as an index knows them: all of them, or if they are very many, the oldest,
 * the newest and those from some time in between, which is another one in each run, so that each batch has its turn.
 */
export async function pendingBatches(
  ledger: Pick<BatchLedger, 'unfinished'>,
  source: string,
  runAt: number,
): Promise<Batch[]> {
  const oldest = await firstPending(ledger.unfinished(source), MAX_OLDEST);
  // Some of the oldest are among those in between, so that none is left out at the border.
  const first = oldest.at(-MAX_BETWEEN);
  if (oldest.length < MAX_OLDEST || !first) return oldest;
  const newest = await firstPending(ledger.unfinished(source, { newestFirst: true }), MAX_NEWEST);
  const [start, end] = [Date.parse(first.since), Date.parse(newest.at(-1)?.since ?? first.since)];
  const from = start + Math.max(0, end - start) * (((runAt / MINUTE_MS) * GOLDEN_RATIO) % 1);
  const between = await firstPending(ledger.unfinished(source, { from: new Date(from).toISOString() }), MAX_BETWEEN);
  // Lists are read for a limited time, in this order.
  const all = inTurn([oldest, newest, between]);
  return [...new Map(all.map((batch) => [batch.id, batch])).values()];
}

async function firstPending(batches: AsyncIterable<Batch>, limit: number): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of batches) {
    if (isPending(batch)) found.push(batch);
    if (found.length === limit) break;
  }
  return found;
}
