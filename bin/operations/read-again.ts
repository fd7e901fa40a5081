/**
 * Has one batch written anew whose rows are in a table in whose place another one began without rows: its members are read again,
 * and their rows come into the new table.
 *
 *   batch: written ─► what it has in `loads` and `rejected_lines` is deleted ─► members that were not loaded: claimed again
 *     ─► batch: open, by one conditional update that names the attempt whose rows are gone ─► all else as at first
 *
 * Only a batch that is written is taken up. Of one whose files wait for a commit the committer knows that they never come into
 * the new table, and opens it again by itself (core/direct/commit-tables.ts). If the process dies:
 *
 *   before the update     the batch is still written; the same again does the rest, and deleting twice deletes once
 *   after it              the planner has the batch written
 *
 * Two at once do no harm: files of the new attempt have other names than those that are deleted, and one update opens the batch.
 */
import type { AttemptList } from '../../lambdas/core/direct/attempt-list.ts';
import { BATCH, type Batch, candidatesKey } from '../../lambdas/core/direct/batch.ts';
import type { BatchLedger, LakeFiles } from '../../lambdas/core/direct/ports.ts';

export interface ReadAgainPorts {
  readonly ledger: Pick<BatchLedger, 'read' | 'claim' | 'writeAnew'>;
  readonly lake: Pick<LakeFiles, 'keyOf' | 'putList' | 'remove'>;
  readonly now: () => Date;
}

/**
 * What became of a batch: `again` if it was opened; `waits` if it is not written yet, and must be looked at again; `other` if
 * none of its rows are in such a table.
 */
export type ReadAgain = 'again' | 'waits' | 'other';

/** @param replaced uuids of tables in whose place another one began without rows */
export async function readAgain(
  batch: Batch,
  list: AttemptList,
  replaced: ReadonlySet<string>,
  { ledger, lake, now }: ReadAgainPorts,
): Promise<ReadAgain> {
  if (!isReplaced(list, replaced)) return 'other';
  if (batch.state !== BATCH.written) return 'waits';
  for (const key of besideTables(list, lake)) await lake.remove(key);
  for (const { candidate, ended } of list.members) {
    // Its entry says so; once it is loaded, it must not be loaded by another batch, too, when it is announced.
    if (ended.outcome !== 'loaded') await ledger.claim(batch.id, candidate, batch.id);
  }
  // The list of candidates may be older, and about to expire.
  await lake.putList(
    candidatesKey(batch),
    list.members.map(({ candidate }) => candidate),
  );
  // If another one was first, the batch is open, or written by another attempt.
  return (await ledger.writeAnew(batch, BATCH.written, now().toISOString())) ? 'again' : 'waits';
}

/** Whether an attempt has rows for a table in whose place another one began without rows. */
export function isReplaced({ tables = [] }: AttemptList, replaced: ReadonlySet<string>): boolean {
  return tables.some(({ uuid }) => replaced.has(uuid));
}

/** Keys of an attempt's files that are of no Iceberg table. */
function besideTables({ files, tables = [] }: AttemptList, lake: ReadAgainPorts['lake']): string[] {
  const ofTables = new Set(tables.flatMap((table) => table.files.map(({ path }) => lake.keyOf(path))));
  return files.map(({ key }) => key).filter((key) => !ofTables.has(key));
}
