/**
 * The direct lane's records: what the ledger and the lake bucket know of objects that wait and of batches. Objects are
 * announced, cut into batches, written as Parquet files that nobody sees yet, and published:
 *
 *   announce   message ─► the object's entry: waiting
 *   plan       waiting ─► candidates (object in S3) ─► batch: planned ─► entries claimed, one by one ─► batch: open
 *   write      open ─► members read ─► files uploaded, not completed ─► attempt's list (object in S3)
 *   seal       open ─► sealed, by one conditional update that names one attempt
 *   publish    sealed ─► the uploads that the seal names are completed, `loads` last ─► written
 *
 * A batch with files of Iceberg tables is sealed as storing, and takes two more steps before it is published:
 *
 *   store      storing ─► the uploads of these files are completed, which no reader looks for ─► stored
 *   commit     stored ─► each table gets its files by a commit (table-commits.ts) ─► stored, nothing uncommitted
 *
 * Two conditions make each object's rows come exactly once, and nothing else does: an entry is claimed by one batch
 * (`batch` is set where there is none), and a batch is sealed once. No lease, no clock, and no two attempts giving the
 * same bytes. A process may die anywhere, and any number of them may do the same step at the same time:
 *
 *   dies while announcing                          the message returns, or the entry waits
 *   between candidates, batch, claims and open     the next planner finds the batch in the index and claims on
 *   reading or uploading                           uploads that no seal names are never completed
 *   the seal's answer is lost                      the record says whom it names
 *   after the seal, before or between completions  whoever gets the batch next completes the same uploads
 *   after them, before the batch says written      HEAD shows each file with its size and checksum
 *
 * The queue is a hint: each minute the planner sends the batches again that are neither written nor given up. A batch
 * that three attempts did not end is closed as split, and its halves take its members; a member that fails alone becomes
 * a dead letter.
 *
 * A reload opens a written batch again, as its next generation: with the same members, the same keys of files, and a seal
 * of its own. Files of the generation before that the new one does not have are deleted when it is published. A reload
 * that fails leaves the batch as it was.
 *
 * A batch whose rows are in a table in whose place another one began without rows is open again, too, but as if it had never
 * been written (bin/operations/read-again.ts, and the committer for files that wait): the generation counts on, so that no
 * attempt of before is sealed, and the list of its attempt is forgotten.
 *
 * An operation that adds rows puts a batch as sealed, without members, or closes it as failed (edges/added-batches.ts).
 */
import type { Waited } from '../loading/unavailable.ts';

/** Live objects are written before those of a backfill. */
export const KINDS = ['live', 'backfill'] as const;
export type Kind = (typeof KINDS)[number];

/** An object that waits to be written. */
export interface Candidate {
  /** Id of its ledger entry. */
  readonly id: string;
  /** Counts how often the object was made to wait: a claim for an earlier round fails. */
  readonly round: number;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  /** Bytes as stored; 0 if unknown. */
  readonly size: number;
  /** When the object was created, ISO 8601 in UTC: its day is that of rows without a time. */
  readonly modified: string;
  readonly kind: Kind;
  readonly sequencer?: string;
  readonly waited?: Waited;
}

/** The states of a batch. `open` is the only one in which a batch can be sealed, split or given up. */
export const BATCH = {
  /** Its candidates are being claimed. */
  planned: 'planned',
  open: 'open',
  /** One attempt was named: its files are being completed. */
  sealed: 'sealed',
  /**
   * The same, of an attempt with files of Iceberg tables, which are completed first. It is a state of its own, so that a
   * function of an earlier version, which knows no commits, leaves the batch alone.
   */
  storing: 'storing',
  /** Its files of Iceberg tables are completed, and wait for their commits. */
  stored: 'stored',
  written: 'written',
  /** Its members go to two halves; `halved` when these are open. */
  split: 'split',
  halved: 'halved',
  /** Its only member becomes a dead letter; `failed` when it is one. */
  failing: 'failing',
  failed: 'failed',
} as const;
export type BatchState = (typeof BATCH)[keyof typeof BATCH];
/** The states that a seal gives. */
export type Sealed = typeof BATCH.sealed | typeof BATCH.storing;

/** A batch, as the ledger has it: less than 1 KiB, because each update is billed by the whole item. */
export interface Batch {
  readonly id: string;
  readonly source: string;
  readonly state: BatchState;
  /** ISO 8601, when it was planned. */
  readonly since: string;
  /** Attempts that began and did not say that a service failed them. */
  readonly attempts: number;
  /** ISO 8601, when the last attempt began; undefined before the first one. */
  readonly attemptedAt?: string;
  /** Key of the list of the attempt that the seal names. */
  readonly attempt?: string;
  /** How often the batch was written from its beginning: 1, and one more for each reload. */
  readonly generation: number;
  /** During a reload, key of the list of the attempt whose files are to be replaced. */
  readonly before?: string;
  /** ISO 8601, when the seal was set; undefined before it. */
  readonly sealedAt?: string;
  /** The batch whose members this one takes; undefined if its candidates wait. */
  readonly from?: string;
  /** Iceberg tables that have files of the batch; undefined if none has. */
  readonly tables?: number;
  /** ISO 8601, when these files were completed. */
  readonly storedAt?: string;
  /** Which of these tables have not got their files yet, by their places in the attempt's list. */
  readonly uncommitted?: readonly number[];
  /**
   * How often operations were about to change what became of its lines since it was written; undefined: never. Whoever opens the
   * batch again, to have it written anew, says how often that was when it looked for such changes.
   */
  readonly amendments?: number;
}

/** Whether all that is left of a batch is to publish it: nothing of it waits for a commit. */
export function isPublishable({ state, uncommitted }: Batch): boolean {
  return state === BATCH.sealed || (state === BATCH.stored && uncommitted === undefined);
}

/** Attempts after which a batch is split. */
export const MAX_ATTEMPTS = 3;

/** Prefix of the direct lane's lists in the lake bucket. */
export const LISTS_PREFIX = 'direct/';

/** Key of a batch's candidates: `Candidate[]` as JSON, never changed. */
export function candidatesKey({ source, id }: Pick<Batch, 'source' | 'id'>): string {
  return `${LISTS_PREFIX}${source}/${id}/candidates.json`;
}

/** Key of an attempt's list. */
export function attemptKey({ source, id }: Pick<Batch, 'source' | 'id'>, attempt: string): string {
  return `${LISTS_PREFIX}${source}/${id}/attempt-${attempt}.json`;
}

/** Ids of the halves of a batch: everybody who splits it makes the same ones. */
export function halvesOf(id: string): readonly [string, string] {
  return [`${id}a`, `${id}b`];
}

/** One file of an attempt: uploaded, and visible once it is completed. */
export interface UploadedFile {
  readonly key: string;
  readonly uploadId: string;
  readonly parts: readonly UploadedPart[];
  /** Bytes. */
  readonly size: number;
  /** CRC-32 of the whole file, as S3 gives it: base64 of four bytes. */
  readonly crc32: string;
  readonly rows: number;
}

export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}
