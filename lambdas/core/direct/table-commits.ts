/**
 * Commits to Iceberg tables: the records of what is being committed. A stored batch's files are there, and no reader sees
 * them before a commit adds them to their table. A commit adds those of many batches, and is numbered:
 *
 *   record: number 7, nothing planned ─► list of commit 8 (object in S3) ─► record: 8, planned, by one conditional update
 *     ─► table: a snapshot with the files, and 8 as a property, in one request ─► batches: committed ─► record: 8, done
 *
 * From the plan on, what commit 8 adds is fixed, and whoever finds it planned performs it. The property says that it was
 * made: it outlives the snapshot, which expires or is merged into others. What the catalog answers is never believed,
 * except that it has done what was asked: after all else the table is loaded again, and its property is looked at. So each
 * step can be repeated, by anyone, at any time, and two committers at once cost work and no more:
 *
 *   dies before the plan                  nobody reads the list
 *   two plan at once                      one of them has the number; the other leaves the table to the next run
 *   dies before the request               the next run finds the commit planned, and performs it
 *   the answer is lost, or says nothing   the property says whether it was done; if not, a new snapshot is made of the table
 *                                         as it is now, with files of new names, and nothing is deleted: the first request
 *                                         may come late, and is refused then, as it names the snapshot that it follows
 *   dies before the batches know          the next run finds the property, and tells them
 *   dies before the record is done        the same
 *
 * A record is read before the batches are: whatever commit came in between, its number is taken, and the plan is refused.
 * The property's name has the random name of the record, so that a record that was lost begins with a property of its own.
 * A ledger that was set back to an earlier time is noticed by it, also to a time before the record: nothing is committed then
 * until the ledger was told again what the table has (set-back.ts, reconcile.ts).
 */
import { COMMIT } from '../iceberg/properties.ts';
import type { BatchLedger } from './ports.ts';

/** What the ledger knows of the commits to a table. */
export interface TableRecord {
  readonly table: string;
  /** The source whose rows it has, or a part of them. */
  readonly source: string;
  /** Random, made with the record. */
  readonly committer: string;
  /** Of the last commit that was planned; 0 if there is none. */
  readonly number: number;
  /** Key of this commit's list, until the commit is done. */
  readonly list?: string;
  /** Key of the list of the last commit that is done; undefined if there is none, or a former version has done it. */
  readonly last?: string;
  /** Commits up to this number are not those that this ledger had planned: it was set back, and follows the table since. */
  readonly adopted?: number;
  /** What is known of the tries of this commit that have failed, until it is done. */
  readonly failures?: number;
  readonly failure?: string;
  /** ISO 8601: not before this time is it tried again. */
  readonly retryAt?: string;
}

/** What a record says of a commit that has failed. */
export type PutOff = Required<Pick<TableRecord, 'failures' | 'failure' | 'retryAt'>>;

/** What a commit is to do; never changed. */
export interface CommitList {
  readonly table: string;
  /** Batches whose files it adds. */
  readonly batches: readonly CommittedBatch[];
  /** Key of the list of the commit before it: what a ledger was told that was set back to an earlier time can be told again. */
  readonly after?: string;
}

/** The files of one table in a batch. */
export interface CommittedBatch {
  readonly batch: string;
  /** Key of the list of the sealed attempt, and the table's place in it. */
  readonly attempt: string;
  readonly index: number;
}

/** The ledger, as commits use it. Each write may be repeated if its answer was lost. */
export interface CommitLedger extends Pick<BatchLedger, 'unfinished' | 'read' | 'committed' | 'writeAnew'> {
  /** The record of a table, which is made if there is none. */
  recordOf(table: string, source: string): Promise<TableRecord>;
  /** Records of tables of which old days are to be removed by now, as an index knows them. */
  expiring(now: string): Promise<readonly TableRecord[]>;
  /** Records of tables of a source to which the last commit has failed, as an index knows them. */
  failing(source: string): Promise<readonly TableRecord[]>;
  /** Plans the next commit, if nothing was planned since the record was read. @returns the record as it is then */
  planCommit(record: TableRecord, list: string): Promise<TableRecord | undefined>;
  /** Has nobody try the planned commit for a while. It is only advice: who has not read it tries. */
  putOff(record: TableRecord, until: PutOff): Promise<void>;
  /** Notes that the planned commit is done. */
  endCommit(record: TableRecord): Promise<void>;
  /** Notes when old days are to be removed again. @param at ISO 8601 */
  expireAgain(table: string, at: string): Promise<void>;
}

/** Prefix in the lake bucket of the lists of commits, a folder for each table. */
export const COMMITS_PREFIX = 'direct/commits/';

/** Key of a commit's list. @param name a name that no other list has */
export function commitKey({ table, number }: TableRecord, name: string): string {
  return `${COMMITS_PREFIX}${table}/${number + 1}-${name}.json`;
}

/**
 * What a table says of commits that is put in the place of another one: all that were done were made. One that is planned is
 * made to it, so that nothing need be known of what the former table had.
 */
export function endedCommits(record: TableRecord): Readonly<Record<string, string>> {
  const { number, list, last } = record;
  const ended = list === undefined ? number : number - 1;
  return { [commitProperty(record)]: last === undefined ? String(ended) : `${ended} ${last}` };
}

/** The property of a table that says which commit of a record was made last. */
export function commitProperty({ committer }: TableRecord): string {
  return `${COMMIT}${committer}`;
}
