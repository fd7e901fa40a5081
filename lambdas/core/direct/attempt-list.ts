/** What an attempt has done: its list in S3, which the seal names. */
import type { UnknownKeys } from '../evolution/unknown-keys.ts';
import type { DataFile } from '../iceberg/data-file.ts';
import type { LoadsRow } from '../loading/lake-rows.ts';
import type { Counts } from '../loading/line-batcher.ts';
import type { UnavailableReason, Waited } from '../loading/unavailable.ts';
import type { Version } from '../loading/versions.ts';
import { BATCH, type Candidate, type Sealed, type UploadedFile } from './batch.ts';

/** Everything that publishing a batch needs. After the seal nothing is read, encoded or decided again. */
export interface AttemptList {
  /** In the order in which they are completed: those with the rows of `loads` last. */
  readonly files: readonly UploadedFile[];
  readonly members: readonly MemberResult[];
  /** Day of the rows of `loads`. */
  readonly day: string;
  /** What the lines had that is no column, if the source's schema may evolve. */
  readonly unknown?: UnknownKeys;
  /** Of rows that an operation has added: what the ledger is to note of their origins, also after it was set back. */
  readonly amendments?: readonly ListedAmendment[];
  /** Iceberg tables that are to get files; none if undefined. */
  readonly tables?: readonly BatchTable[];
}

/** What became of lines of an origin after its load, as operations note it (bin/operations/amendment-notes.ts). */
export interface ListedAmendment {
  readonly origin: string;
  readonly source: string;
  /** When that load finished, as `loads` says it. */
  readonly of: string;
  /** As JSON. */
  readonly amendment: string;
}

/** The state that a batch gets when an attempt is sealed. */
export function sealedAs({ tables }: Pick<AttemptList, 'tables'>): Sealed {
  return tables ? BATCH.storing : BATCH.sealed;
}

/** What an Iceberg table is to get of a batch. The uploads of its files are among those of the list. */
export interface BatchTable {
  readonly name: string;
  readonly uuid: string;
  /** The schema whose ids the files have. */
  readonly schemaId: number;
  readonly files: readonly DataFile[];
}

/** What came of one member. */
export interface MemberResult {
  readonly candidate: Candidate;
  readonly origin: string;
  readonly ended: MemberEnd;
}

export type MemberEnd =
  /** Its rows are in the files, and its row of `loads`. */
  | {
      readonly outcome: 'loaded';
      readonly counts: Counts;
      readonly reasons: Readonly<Record<string, number>>;
      readonly version: Version;
      /** Its row of `loads`, with what it says of other versions of the object. */
      readonly row: LoadsRow;
    }
  /** S3 did not give it; it waits to be asked for again. */
  | { readonly outcome: 'unavailable'; readonly waited: Waited }
  /** It was given up; its row of `loads` says why. */
  | { readonly outcome: 'not_loaded'; readonly reason: UnavailableReason }
  /** S3 refused to give it again and again; it becomes a dead letter. */
  | { readonly outcome: 'refused'; readonly detail: string }
  /** Another object was written under its key, which has a notification of its own. */
  | { readonly outcome: 'replaced' };

/** The members whose rows an attempt has. */
export function loadedIn({ members }: Pick<AttemptList, 'members'>): Candidate[] {
  return members.filter(({ ended }) => ended.outcome === 'loaded').map(({ candidate }) => candidate);
}

/** Those of some members that are not among others. */
export function without(members: readonly Candidate[], others: readonly Candidate[]): Candidate[] {
  const ids = new Set(others.map(({ id }) => id));
  return members.filter(({ id }) => !ids.has(id));
}
