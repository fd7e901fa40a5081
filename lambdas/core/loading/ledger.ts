/**
 * The ledger records which inputs have been loaded, and how far. An input is an S3 object or a CloudWatch subscription
 * payload. S3, SQS, Lambda and CloudWatch each deliver at least once; because of the ledger, a repeated delivery either
 * skips the input or resumes it.
 *
 *   claim ─► send ─► acknowledged ─► checkpoint ─► … ─► loads row acknowledged ─► finish
 *   token n          (Firehose)      if token is n                                if token is n
 *
 * If a holder crashes, its entry stays open. The holder's message returns under the same id and claims the entry at
 * once with token n+1, even if the lease has not ended, and skips to the last checkpoint:
 *
 *   message A, 1st receipt  claim(1) ─ send ─ checkpoint ─ send ─ ✝
 *   message A, 2nd receipt                                          claim(2) ─ skip ─ send ─ … ─ finish
 *
 * Another message about the same object finds the entry held and looks again later. It may claim the entry only after
 * the lease has ended; by then, the invocation of message A must have ended. Message B must look again: message A may
 * never return, and message B may be the redrive of message A from the dead-letter queue:
 *
 *   message A  claim(1) ─ send ─ ✝ ······ (moved to the dead-letter queue)
 *   message B           held ─ later ····· B again, after the lease   claim(2) ─ skip ─ …
 *
 * An attempt that is overtaken while it still runs is fenced off: its next checkpoint has token 1 and is refused. The
 * records that the attempt had in flight are sent again by its successor, with the same origin and position.
 */
import type { Checkpoint } from './line-batcher.ts';
import type { UnavailableReason } from './unavailable.ts';
import type { LatestVersion, Version } from './versions.ts';

/** Attributes that the stack and the functions must agree on. */
export const LEDGER = {
  /** Partition key: `entryIdOf` in input.ts. */
  key: 'id',
  /** TTL attribute, epoch seconds. An entry counts until DynamoDB deletes it, which can be days after this time. */
  expiry: 'expires_at',
  /** Milliseconds since the epoch until which the holder may be running; absent once the entry is finished. */
  lease: 'lease',
  /**
   * Index of what waits on the direct lane and of batches that are not written (core/direct/batch.ts). Its keys are only
   * in such items, so that it has no others: what they belong to, and since when.
   */
  index: 'waiting',
  group: 'waiting',
  since: 'since',
  /** Only entries of the direct lane have rounds. */
  round: 'round',
  /** In the item of a key: the origin of the version for which it was made, and `STANDING`. */
  first: 'first',
  standing: 'standing',
} as const;

/**
 * What the item of a key knows of the version for which it was made, until it remembers one that was loaded (versions.ts).
 * The attribute is absent from then on.
 */
export const STANDING = {
  /** It is the only version; if its batch is sealed, it is the latest one that was loaded. */
  alone: 'alone',
  /** There is another version, so this one is remembered by a write of its own once it is loaded. */
  contested: 'contested',
} as const;

/** Days that the entry of a payload is kept: Lambda retries for hours, and a redrive may take days. */
export const PAYLOAD_ENTRY_DAYS = 7;

/** How far a load has come: Firehose has acknowledged all records of the first `counts.lines` lines. */
export interface Progress {
  readonly counts: Checkpoint;
}

/** The input that an entry is for. */
export interface LedgerEntry {
  readonly id: string;
  readonly source: string;
  /** Describes the input to people who read the table: `s3://bucket/key`, or the log group and stream. */
  readonly label: string;
  readonly keepDays: number;
}

/** The right to load an input, until another attempt claims the entry. */
export interface Claim {
  /** No attempt was made before this one. */
  readonly isFirst: boolean;
  /** The last checkpoint of an earlier attempt, or undefined if there is none. */
  readonly resume: Progress | undefined;
  /** Stores how far the load has come. @throws FencedError if another attempt has claimed the entry */
  checkpoint(progress: Progress): Promise<void>;
  /**
   * Checkpoints and gives up the claim in one write, so that another invocation can go on at once. Without progress, the
   * last checkpoint stays as it is. @throws FencedError
   */
  release(progress?: Progress): Promise<void>;
  /** Ends the entry; call it once Firehose has acknowledged all records and the loads row. @throws FencedError */
  finish(outcome: Outcome): Promise<void>;
}

/**
 * How an entry ended: its input was loaded, or its object was overwritten, deleted or archived before it was read to its
 * end.
 */
export type Outcome = 'loaded' | 'replaced' | UnavailableReason;

export interface Ledger {
  /**
   * Claims an entry for `holder`: the id of the SQS message, or the request id of the Lambda invocation.
   *
   * @param leaseUntil milliseconds since the epoch; it must be after the end of this invocation
   */
  claim(entry: LedgerEntry, holder: string, leaseUntil: number): Promise<ClaimResult>;
  /**
   * Makes the item of the version's key, unless there is one, so that the direct lane does not begin the version there.
   *
   * @param id `keyItemId`
   * @returns `on_direct_lane` if the direct lane has begun it there
   */
  reserve(id: string, version: Version, keepDays: number): Promise<'free' | 'on_direct_lane'>;
  /**
   * Remembers the version of an object as the latest of its key, as `RememberVersion` says (versions.ts).
   *
   * @param id `keyItemId`
   */
  remember(id: string, version: Version, keepDays: number, instead?: string): Promise<LatestVersion>;
}

/** The ledger's answer to a claim. */
export type ClaimResult =
  | { readonly outcome: 'claimed'; readonly claim: Claim }
  /** An earlier delivery has loaded the input: skip it. */
  | { readonly outcome: 'already_loaded' }
  /** Another holder's lease has not ended: look again after it has. */
  | { readonly outcome: 'held' }
  /** The direct lane has begun the entry, and must end it. */
  | { readonly outcome: 'on_direct_lane' };

/** Another attempt has claimed the entry: this attempt must stop, because the other one loads the rest. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

/** States of an entry. */
export const STATE = {
  loading: 'loading',
  loaded: 'loaded',
  replaced: 'replaced',
  gone: 'gone',
  archived: 'archived',
  /** On the direct lane only: it waits for a batch, is in one, or failed alone. */
  waiting: 'waiting',
  batched: 'batched',
  failed: 'failed',
} as const;

/** States of entries whose objects were not loaded: whichever lane they are announced to may begin them again. */
export const NOT_LOADED: readonly string[] = [STATE.gone, STATE.archived, STATE.replaced, STATE.failed];

const isNew = 'attribute_not_exists(#id)';
/**
 * An object that could not be had may be there again: restored, or the same bytes written again under the same key. The
 * message that announces it must then be able to load it.
 */
const isNotLoaded = '#state <> :loaded';
/** An entry is ended by the lane that began it, and is free then if its object was not loaded. */
const isOfThisLane = `(attribute_not_exists(#round) OR #state IN (${NOT_LOADED.map((state) => `:${state}`).join(', ')}))`;
const isMine = '#holder = :me';
const isReleased = 'attribute_not_exists(#holder)';
const leaseIsOver = '#lease < :now';
const tokenIsMine = '#token = :token';
/** The version for which the item of a key was made does not hold it if it was not loaded. */
const isFree = '#standing = :contested';

/** DynamoDB conditions of the writes. */
export const CONDITION = {
  claim: `${isNew} OR (${isOfThisLane} AND ${isNotLoaded} AND (${isMine} OR ${isReleased} OR ${leaseIsOver}))`,
  /** Checks the token alone: a write whose answer was lost is repeated, and the repeated write must succeed too. */
  write: tokenIsMine,
  remember: `${isNew} OR #origin IN (:origin, :instead)`,
  /** Of an item that was made for another version, which was not loaded when it was looked at. */
  takeOver: `#origin = :seen AND ${isFree}`,
} as const;
