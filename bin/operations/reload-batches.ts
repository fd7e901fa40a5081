/** Has batches of the direct lane written anew, with all of their members. */
import { type AttemptList, loadedIn, without } from '../../lambdas/core/direct/attempt-list.ts';
import { BATCH, type Candidate, candidatesKey } from '../../lambdas/core/direct/batch.ts';
import type { BatchLedger, LakeFiles } from '../../lambdas/core/direct/ports.ts';
import { objectInputKey, originOf } from '../../lambdas/core/loading/input.ts';
import { dynamoBatches } from '../../lambdas/edges/batches.ts';
import { s3LakeFiles } from '../../lambdas/edges/lake-files.ts';
import { anyAmended } from './amendment-notes.ts';
import type { LakeHandle } from './lake-handle.ts';
import type { Entry } from './ledger-entries.ts';
import { isThere, nothingIfMissing } from './objects.ts';

/** Why an object of the direct lane cannot be loaded again. */
export const REFUSED = {
  unknown: 'the ledger has no entry of them, so nobody knows which files have their rows: leave out --reload',
  firehose: 'their rows came through Firehose, which puts them into files with the rows of others',
  waiting: 'they are not written yet, or another command changes lines of their batch at the moment',
  iceberg:
    'their rows are in an Iceberg table, where a reload would add them a second time: `lake rebuild TABLE --from landing` reads all of a table again',
  list: 'the list of their batch has expired (after landingRetentionDays, and at least 30 days)',
  members: 'other objects of their batch are gone, whose rows would be lost',
  notLoaded: 'other objects of their batch were not loaded with them: load these first, without --reload',
  amended:
    'rejected lines of their batch became rows by lake replay-rejected, in a file of their own: they would be there twice',
} as const;
export type Refusal = keyof typeof REFUSED;

/**
 * Opens the batches of objects again, each once: the planner then has them written. If the process dies, batches that are
 * open are written, and the same command again opens the others: a batch that was opened is not written, or is of the
 * next generation, and writing it once more gives the same rows.
 */
export class BatchReloader {
  readonly #lake: LakeHandle;
  readonly #ledger: BatchLedger;
  readonly #files: LakeFiles;
  readonly #dryRun: boolean;
  /** What came of each batch. */
  readonly #batches = new Map<string, Refusal | 'reloaded'>();

  constructor(lake: LakeHandle, dryRun: boolean) {
    this.#lake = lake;
    this.#dryRun = dryRun;
    this.#ledger = dynamoBatches(lake.dynamodb, { table: lake.ledgerTable, entryDays: lake.ledgerDays });
    this.#files = s3LakeFiles(lake.s3, lake.lakeBucket);
  }

  /** Reloads the batch of an object, unless that was done or cannot be done. */
  async reload(entry: Entry | undefined): Promise<Refusal | 'reloaded'> {
    if (!entry) return 'unknown';
    if (!entry.isDirect) return 'firehose';
    if (entry.batch === undefined) return 'waiting';
    const result = this.#batches.get(entry.batch) ?? (await this.#reloadBatch(entry.batch));
    this.#batches.set(entry.batch, result);
    return result;
  }

  async #reloadBatch(id: string): Promise<Refusal | 'reloaded'> {
    const batch = await this.#ledger.read(id);
    if (batch?.state !== BATCH.written || batch.attempt === undefined) return 'waiting';
    if (batch.tables !== undefined) return 'iceberg';
    const candidates = await this.#files.getList<Candidate[]>(candidatesKey(batch)).catch(nothingIfMissing);
    const list = await this.#files.findList<AttemptList>(batch.attempt);
    if (!candidates || !list) return 'list';
    const members = await this.#ledger.membersOf(id, candidates);
    if (without(members, loadedIn(list)).length > 0) return 'notLoaded';
    for (const member of members) if (!(await isThere(this.#lake, member))) return 'members';
    const origins = members.map((member) => originOf(objectInputKey(batch.source, member)));
    if (await anyAmended(this.#lake, origins)) return 'amended';
    if (this.#dryRun || (await this.#ledger.reopen(batch, new Date().toISOString()))) return 'reloaded';
    return 'waiting';
  }
}
