/**
 * What it takes that the rows of a source are divided among Iceberg tables: files, commits, requests and Glue's maintenance of
 * each. Pure arithmetic with averages; few values have most of the rows, as assumed.ts says.
 */
import { QUIET_BYTES, QUIET_MS } from '../../lambdas/core/direct/due.ts';
import { type Frequency, OFTEN, SELDOM } from '../../lambdas/core/iceberg/optimizers.ts';
import { ASSUMED } from './assumed.ts';

const DAY_SECONDS = 86_400;

/** The rows of a source, as its batches divide them. */
export interface Divided {
  /** 1: they are not divided. */
  readonly tables: number;
  readonly batchesPerDay: number;
  readonly linesPerBatch: number;
}

/** Files of a batch: one for each table that it has a row of. */
export function tablesOfBatch({ tables, linesPerBatch }: Pick<Divided, 'tables' | 'linesPerBatch'>): number {
  if (tables === 1) return 1;
  return sharesOf(tables).reduce((sum, share) => sum + 1 - Math.exp(-share * linesPerBatch), 0);
}

/** A day of one of the tables. */
export interface TableDay {
  readonly files: number;
  readonly bytes: number;
  readonly commits: number;
}

/**
 * A day of each table.
 *
 * @param bytesPerDay of all rows in files, without what a file takes besides its rows
 * @param filesPerBatch of each table in a batch, where they are not divided
 * @param commitSeconds after which files wait no longer for others
 */
export function tableDays(
  { tables, batchesPerDay, linesPerBatch }: Divided,
  bytesPerDay: number,
  filesPerBatch: number,
  commitSeconds: number,
): TableDay[] {
  const mostCommits = Math.min(batchesPerDay, DAY_SECONDS / commitSeconds);
  if (tables === 1) return [{ files: batchesPerDay * filesPerBatch, bytes: bytesPerDay, commits: mostCommits }];
  return sharesOf(tables).map((share) => {
    const files = batchesPerDay * (1 - Math.exp(-share * linesPerBatch));
    const bytes = bytesPerDay * share + files * ASSUMED.leastFileBytes;
    // A turn in each hour, or as soon as so much is there.
    const commits = Math.max(DAY_SECONDS / (QUIET_MS / 1000), Math.min(mostCommits, bytes / QUIET_BYTES));
    return { files, bytes, commits: Math.min(files, commits) };
  });
}

/** How often Glue maintains each of them. */
export function frequencyOf({ tables }: Pick<Divided, 'tables'>): Frequency {
  return tables === 1 ? OFTEN : SELDOM;
}

/** The share of each value, the most frequent one first. */
function sharesOf(tables: number): readonly number[] {
  const known = shares.get(tables);
  if (known) return known;
  const weights = Array.from({ length: tables }, (_, index) => (index + 1) ** -ASSUMED.fanOutSkew);
  const all = weights.reduce((sum, weight) => sum + weight);
  const found = weights.map((weight) => weight / all);
  shares.set(tables, found);
  return found;
}

/** Those of as many tables are the same: a plan asks for them for each part of a bill. */
const shares = new Map<number, readonly number[]>();
