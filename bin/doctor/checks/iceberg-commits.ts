import type { Batch } from '../../../lambdas/core/direct/batch.ts';
import { QUIET_MS } from '../../../lambdas/core/direct/commit-tables.ts';
import { pendingBatches } from '../../../lambdas/core/direct/pending-batches.ts';
import { dynamoBatches } from '../../../lambdas/edges/batches.ts';
import { namesOf } from '../../../lib/names.ts';
import { quantity } from '../../output/render.ts';
import { check, ok, problem } from '../check.ts';
import { type CommittedSource, committedSources } from '../examined.ts';

/** Beyond the time that files may wait: a commit may fail for some minutes, as long as a later run makes it. */
const LATE_MS = 600_000;
const MINUTE_MS = 60_000;

/** Whether files of Iceberg tables wait longer for their commits than they should. */
export const icebergCommits = check<CommittedSource, readonly Batch[]>({
  name: 'Iceberg commits',
  actions: ['dynamodb:Query'],
  things: committedSources,
  about: ({ name }) => name,
  // Nothing is written, so the days of entries do not matter.
  ask: ({ dynamodb }, { name, ledgerTable }) =>
    pendingBatches(dynamoBatches(dynamodb, { table: ledgerTable, entryDays: 0 }), name, Date.now()),
  judge(batches, { isIceberg, hasParts, commitSeconds }, { stack }) {
    const waiting = batches.map(({ storedAt = '' }) => storedAt).toSorted();
    // Of a source without Iceberg tables there is something to say only if files of before are left.
    if (!isIceberg && waiting.length === 0) return [];
    const mayWaitMs = Math.max(commitSeconds * 1000, hasParts ? QUIET_MS : 0) + LATE_MS;
    const minutes = quantity(Math.round(mayWaitMs / MINUTE_MS), 'minute');
    const late = waiting.filter((storedAt) => Date.now() - Date.parse(storedAt) > mayWaitMs);
    if (late.length === 0) return [ok(`No rows have waited longer than ${minutes} for their commit.`)];
    return [
      problem(
        `The rows of ${quantity(late.length, 'batch', 'batches')} have waited longer than ${minutes} for their commit, the first ` +
          `since ${late[0]}: nobody can read them yet, and none is lost.`,
        `aws logs tail ${namesOf(stack?.name ?? '').logGroups}commit-tables --since 1h --filter-pattern '"not committed"', then ` +
          'docs/operations.md, "Alarm commits"',
      ),
    ];
  },
});
