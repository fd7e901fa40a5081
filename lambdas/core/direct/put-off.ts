/** When a commit that has failed is tried again. */
import { ChangeDeniedError } from '../iceberg/ports.ts';
import { TableReplacedError } from './commit.ts';
import { LedgerSetBackError } from './set-back.ts';
import type { PutOff, TableRecord } from './table-commits.ts';

const MINUTE_MS = 60_000;
/** A denial ends when somebody has mended something, which takes its time; other failures end by themselves. */
const LONGEST_DENIED_MS = 30 * MINUTE_MS;
const LONGEST_MS = 5 * MINUTE_MS;
const REASON_LENGTH = 500;

/**
 * How long a table is left alone after a commit to it has failed. Each try may leave files that no snapshot names, so the
 * waits double with each failure, from the second on. Nothing is put for a table that is not the one it should be: what is
 * wrong with it is looked at in each run, and files are committed as soon as it is mended.
 */
export function putOffAfter(error: unknown, { failures = 0 }: TableRecord, now: Date): PutOff {
  const longest = error instanceof ChangeDeniedError ? LONGEST_DENIED_MS : LONGEST_MS;
  const isLookedAt = error instanceof TableReplacedError || error instanceof LedgerSetBackError;
  const waits = isLookedAt || failures === 0 ? 0 : Math.min(longest, MINUTE_MS * 2 ** failures);
  return {
    failures: failures + 1,
    failure: (error instanceof Error ? error.message : String(error)).slice(0, REASON_LENGTH),
    retryAt: new Date(now.getTime() + waits).toISOString(),
  };
}
