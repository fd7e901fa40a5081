/** What the batches of commits are told: that their files are in their tables, or that they never will be. */
import { eachOf } from './at-a-time.ts';
import { BATCH } from './batch.ts';
import type { CommitPorts, Performed } from './commit.ts';
import type { CommitList, CommittedBatch, TableRecord } from './table-commits.ts';

const BATCHES_AT_A_TIME = 32;

/** A commit that was performed. */
export interface Done extends Performed {
  readonly record: TableRecord;
  readonly list: CommitList;
}

/** Has the batches of some commits know. Each may be done again by anyone, until the record of the commit says that it is done. */
export async function noteCommits(all: readonly Done[], ports: CommitPorts): Promise<void> {
  await noteCommitted(all, ports);
  for (const done of all) await writeAnew(done, ports);
}

/** Tells each batch once of all its tables. Who has the last one committed has the batch published. */
async function noteCommitted(all: readonly Done[], { ledger, send }: CommitPorts): Promise<void> {
  const committed = new Map<string, CommittedBatch[]>();
  for (const { list, replaced } of all) {
    for (const each of list.batches) {
      if (replaced.includes(each)) continue;
      const known = committed.get(each.attempt);
      if (known) known.push(each);
      else committed.set(each.attempt, [each]);
    }
  }
  await eachOf(committed, BATCHES_AT_A_TIME, async ([attempt, of]) => {
    const [{ batch: id }] = of as [CommittedBatch];
    const tables = of.map(({ index }) => index);
    const batch = await ledger.committed(id, attempt, tables);
    // If the process dies before this, the planner sends the batch.
    if (batch?.state === BATCH.stored && !batch.uncommitted) await send(id);
  });
}

/**
 * Has batches written anew whose files the table never gets. If the process dies before this, the commit is still planned,
 * and the next run does it; one that was done, or committed to the table before this one, is in another state by then.
 */
async function writeAnew({ record, replaced }: Done, { ledger, send, now }: CommitPorts): Promise<void> {
  for (const { batch: id, attempt } of replaced) {
    const batch = { id, attempt, source: record.source };
    // If the process dies before it is sent, the planner sends it.
    if (await ledger.writeAnew(batch, BATCH.stored, now().toISOString())) await send(id);
  }
}
