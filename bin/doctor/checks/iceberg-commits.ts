import type { Batch } from '../../../lambdas/core/direct/batch.ts';
import { QUIET_MS } from '../../../lambdas/core/direct/due.ts';
import { pendingBatches } from '../../../lambdas/core/direct/pending-batches.ts';
import type { TableRecord } from '../../../lambdas/core/direct/table-commits.ts';
import { dynamoCommits } from '../../../lambdas/edges/table-commits.ts';
import { namesOf } from '../../../lib/names.ts';
import { quantity } from '../../output/render.ts';
import { check, ok, problem } from '../check.ts';
import { type CommittedSource, committedSources } from '../examined.ts';

/** Beyond the time that files may wait: a commit may fail for some minutes, as long as a later run makes it. */
const LATE_MS = 600_000;
const MINUTE_MS = 60_000;

interface Answer {
  /** Batches that wait for commits. */
  readonly batches: readonly Batch[];
  /** Records of tables to which the last commit has failed. */
  readonly failing: readonly TableRecord[];
}

/** Whether files of Iceberg tables wait longer for their commits than they should. */
export const icebergCommits = check<CommittedSource, Answer>({
  name: 'Iceberg commits',
  actions: ['dynamodb:Query'],
  things: committedSources,
  about: ({ name }) => name,
  // Nothing is written, so the days of entries do not matter.
  async ask({ dynamodb }, { name, ledgerTable }) {
    const commits = dynamoCommits(dynamodb, { table: ledgerTable, entryDays: 0 });
    const batches = await pendingBatches(commits, name, Date.now());
    return { batches, failing: batches.length === 0 ? [] : await commits.failing(name) };
  },
  judge({ batches, failing }, { isIceberg, hasParts, commitSeconds }, { stack }) {
    const waiting = batches.map(({ storedAt = '' }) => storedAt).toSorted();
    // Of a source without Iceberg tables there is something to say only if files of before are left.
    if (!isIceberg && waiting.length === 0) return [];
    const mayWaitMs = commitSeconds * 1000 + (hasParts ? QUIET_MS : 0) + LATE_MS;
    const minutes = quantity(Math.round(mayWaitMs / MINUTE_MS), 'minute');
    const late = waiting.filter((storedAt) => Date.now() - Date.parse(storedAt) > mayWaitMs);
    if (late.length === 0) return [ok(`No rows have waited longer than ${minutes} for their commit.`)];
    return [
      problem(
        `The rows of ${quantity(late.length, 'batch', 'batches')} have waited longer than ${minutes} for their commit, the first ` +
          `since ${late[0]}: nobody can read them yet, and none is lost.${reasonsOf(failing)}`,
        `aws logs tail ${namesOf(stack?.name ?? '').logGroups}commit-tables --since 1h --filter-pattern '"not committed"', then ` +
          'docs/operations.md, "Alarm commits"',
      ),
    ];
  },
});

/** Why commits fail, and when they are tried again, of the first tables. */
function reasonsOf(failing: readonly TableRecord[]): string {
  const some = failing.slice(0, MAX_NAMED).map(({ table, failures = 0, failure, retryAt }) => {
    return ` ${table}: ${quantity(failures, 'failure')}, tried again at ${retryAt}: ${failure}.`;
  });
  return some.join('') + (failing.length > MAX_NAMED ? ` So do ${failing.length - MAX_NAMED} more tables.` : '');
}

const MAX_NAMED = 3;
