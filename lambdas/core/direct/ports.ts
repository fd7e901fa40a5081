/** What the direct lane asks of the ledger, the lake bucket, the Iceberg tables and the queues. */
import type { IcebergTable } from '../iceberg/schema.ts';
import type { EntryPlaces } from '../loading/input.ts';
import type { Waited } from '../loading/unavailable.ts';
import type { LatestVersion, Version } from '../loading/versions.ts';
import type { Table } from '../tables/table.ts';
import type { BATCH, Batch, BatchState, Candidate, Kind, Sealed, UploadedFile, UploadedPart } from './batch.ts';

/** The ledger, as the direct lane uses it. Each write may be repeated if its answer was lost. */
export interface BatchLedger {
  /**
   * Makes an object wait, if the ledger has no entry of it, neither one of its own nor in the item of its key
   * (loading/versions.ts). If the entry says that the object was not loaded (`gone`,
   * `archived`, `replaced` or `failed`), it waits again, in a new round.
   */
  announce(announced: Announced): Promise<AnnounceResult>;
  /** Makes a member of a batch wait again, in a new round, unless that was done. */
  waitAgain(batch: string, member: Candidate, again: WaitAgain): Promise<void>;
  /** Notes in the entry of a member of a batch why the object was not loaded. */
  notLoaded(batch: string, member: Candidate, state: NotLoadedState): Promise<void>;
  /** Objects that wait, oldest first, as an index knows them: it may be stale in both directions. */
  waiting(source: string, kind: Kind, before: string, limit: number): Promise<readonly WaitingObject[]>;
  /**
   * Batches that are neither written nor given up, in the order in which they were planned, as an index knows them. A
   * table that takes no commits may have any number of them wait, so take as many as are needed.
   */
  unfinished(source: string, which?: Which): AsyncIterable<Batch>;
  /** Puts a planned batch, unless there is one of this id. */
  plan(batch: Pick<Batch, 'id' | 'source' | 'since' | 'from'>): Promise<void>;
  /** Claims a candidate for a batch if no other batch has it, or if `from` has it. */
  claim(batch: string, candidate: Candidate, from?: string): Promise<void>;
  read(batch: string): Promise<Batch | undefined>;
  /** Those of the candidates that the batch has claimed, in their order. */
  membersOf(batch: string, candidates: readonly Candidate[]): Promise<Candidate[]>;
  /**
   * Begins an attempt of an open batch, as it was read.
   *
   * @param attempt a name that no other attempt has
   * @returns false if the batch is not open, or another attempt has begun since it was read
   */
  beginAttempt(batch: Batch, attempt: string, now: string): Promise<boolean>;
  /** Has an attempt not count: a service failed it, and not the batch. */
  forgiveAttempt(batch: Batch, attempt: string): Promise<void>;
  /** Moves a batch from one state to the next. @returns false if it is in another state */
  advance(batch: string, from: BatchState, to: BatchState): Promise<boolean>;
  /**
   * Seals an open batch, as it was read, with an attempt.
   *
   * @param state what is to be done with the attempt's files
   * @param now ISO 8601
   * @returns the batch as it is then; its `attempt` says whom a seal names
   */
  seal(batch: Batch, attempt: string, state: Sealed, now: string): Promise<Batch | undefined>;
  /**
   * Notes that the attempt's files of Iceberg tables are completed: none of them is committed.
   *
   * @param tables how many tables have files
   * @returns false if that was done before
   */
  store(batch: string, attempt: string, tables: number, now: string): Promise<boolean>;
  /**
   * Notes that tables have got their files of a stored batch. Others may note other tables at the same time.
   *
   * @param attempt the list that has these files: the batch may have been written anew since
   * @returns the batch as it is then; undefined if it is not stored, or not with this attempt
   */
  committed(batch: string, attempt: string, tables: readonly number[]): Promise<Batch | undefined>;
  /**
   * Opens a batch again as if it had never been written: none of the rows of this attempt are in a table any more, or ever
   * will be. Its members, claims and candidates stay.
   *
   * @param from the state in which this holds: `stored` if its files still wait for their commit
   * @returns false if it is in another state, or has another attempt
   */
  writeAnew(batch: Pick<Batch, 'id' | 'source' | 'attempt'>, from: WrittenAnewFrom, now: string): Promise<boolean>;
  /**
   * Ends a batch as written if the seal names this attempt, and no table waits for files.
   *
   * @returns false if that was done before
   */
  written(batch: string, attempt: string): Promise<boolean>;
  /**
   * Opens a written batch again, as its next generation.
   *
   * @returns false if it is not written, was opened before, has files of Iceberg tables, or an operation was about to change
   * lines of it since it was read
   */
  reopen(batch: Batch, now: string): Promise<boolean>;
  /** Ends a reload without a result: the batch is written as the generation before wrote it. */
  giveUpReload(batch: Batch): Promise<void>;
  /**
   * The latest version of a key that the ledger remembers.
   *
   * @param id `keyItemId`
   */
  latestVersion(id: string): Promise<LatestVersion | undefined>;
  /** Remembers a version, as the ledger of the other lane does (loading/versions.ts). */
  remember(id: string, version: Version, keepDays: number, instead?: string): Promise<LatestVersion>;
}

/** Which batches are wanted, by when they were planned, ISO 8601. */
export interface Which {
  readonly from?: string;
  readonly before?: string;
  /** @default - oldest first */
  readonly newestFirst?: boolean;
}

/** An object to make wait. */
export interface Announced extends Omit<Candidate, 'id' | 'round'>, EntryPlaces {
  readonly source: string;
  /** ISO 8601: when it begins to wait. */
  readonly since: string;
}

export type WrittenAnewFrom = typeof BATCH.stored | typeof BATCH.written;

export type AnnounceResult =
  | 'waiting'
  /** It waits, is in a batch or was written. */
  | 'known'
  /** The Firehose lane has loaded it, or is loading it and must end that. */
  | 'loaded_by_firehose'
  | 'loading_by_firehose';

export interface WaitAgain {
  readonly source: string;
  /** ISO 8601: from when on it may be planned. */
  readonly since: string;
  readonly waited?: Waited;
}

export type NotLoadedState = 'gone' | 'archived' | 'replaced' | 'failed';

export interface WaitingObject {
  readonly candidate: Candidate;
  /** ISO 8601. */
  readonly since: string;
}

/** Which tables are Iceberg tables. */
export interface IcebergTables {
  /**
   * The Iceberg table of a table, made if it was missing. It may be asked for each table of a batch, of which there may be
   * hundreds.
   *
   * @param isAskedAnew whether what is known from before does not do, because another table may be in its place. @default false
   * @returns undefined if rows of the table lie in files of Hive
   * @throws if the catalog cannot be asked, or the table cannot have these columns
   */
  of(table: Table, isAskedAnew?: boolean): Promise<IcebergTable | undefined>;
}

/** Objects of the lake bucket. */
export interface LakeFiles {
  /** The key of a file, which is given by its URI. @throws if it is not in the lake bucket */
  keyOf(uri: string): string;
  putList(key: string, list: unknown): Promise<void>;
  /** @throws if there is none */
  getList<List>(key: string): Promise<List>;
  /** @returns undefined if there is none */
  findList<List>(key: string): Promise<List | undefined>;
  /** Puts a list again as it is, so that it is as if it were new. @returns false if it is not there */
  renewList(key: string): Promise<boolean>;
  /** Puts a small file, which is visible at once. */
  putFile(key: string, bytes: Uint8Array): Promise<void>;
  /** @throws if there is none */
  readFile(key: string): AsyncIterable<Uint8Array>;
  /** Begins an upload that is invisible until it is completed. @returns its id */
  begin(key: string): Promise<string>;
  uploadPart(key: string, uploadId: string, number: number, bytes: Uint8Array): Promise<UploadedPart>;
  /** Completes an upload, or finds that it was completed. @throws OtherBytesError if the key has other bytes */
  complete(file: UploadedFile): Promise<void>;
  abort(key: string, uploadId: string): Promise<void>;
  /** Deletes a file; a file that is not there counts as deleted. */
  remove(key: string): Promise<void>;
}

/** Rows kept on the function's disk until the file that they belong to is written. */
export interface Spill {
  append(name: string, rows: Uint8Array): Promise<void>;
  /** Gives back what was appended, piece by piece, and deletes it. */
  take(name: string): AsyncIterable<Uint8Array>;
}

/** S3 refuses to give an object, such as one that may not be read or whose key may not be used. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** A key of a batch has bytes that the batch did not write. */
export class OtherBytesError extends Error {
  override readonly name = 'OtherBytesError';
}
