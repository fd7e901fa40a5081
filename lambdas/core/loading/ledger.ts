/**
 * The ledger: which object or payload has been loaded, and how far. S3, SQS, Lambda and CloudWatch
 * each deliver at least once; the ledger makes every repeat a skip or a resumption.
 *
 *   claim ─► send ─► acknowledged ─► checkpoint ─► … ─► loads row acknowledged ─► finish
 *   token n          (Firehose)      if token is n                                if token is n
 *
 * A holder that dies leaves its entry open. Its message returns under the same id and takes over at
 * once with token n+1, whatever the lease says, and skips to the last checkpoint:
 *
 *   message A, 1st receipt  claim(1) ─ send ─ checkpoint ─ send ─ ✝
 *   message A, 2nd receipt                                          claim(2) ─ skip ─ send ─ … ─ finish
 *
 * Another message about the same object finds the entry held and looks again later. Only when the
 * lease is over, which is after A's invocation must have ended, may it take the entry. It must look
 * again: A may be dead for good, and this message what was redriven of it:
 *
 *   message A  claim(1) ─ send ─ ✝ ······ (gone to the dead-letter queue)
 *   message B           held ─ later ····· B again, after the lease   claim(2) ─ skip ─ …
 *
 * An attempt that was overtaken while it still ran is fenced off: its next checkpoint carries token 1
 * and is refused. What it had in flight repeats, with the same origin and position.
 */
import type { Counts } from './line-batcher.ts';

/** Attributes the stack and the functions agree on. */
export const LEDGER = {
  /** Partition key: `entryIdOf` in origin.ts. */
  key: 'id',
  /** TTL attribute, epoch seconds. An entry past it still counts: DynamoDB deletes it in its own time. */
  expiry: 'expires_at',
  /** Until when its holder may be at work, milliseconds since the epoch; none once it is done. */
  lease: 'lease',
} as const;

/** Days an entry of a payload is kept: Lambda retries for hours, a redrive may take days. */
export const PAYLOAD_ENTRY_DAYS = 7;

/** How far a load has come: everything before is acknowledged by Firehose. `counts.lines` is the position. */
export interface Progress {
  readonly counts: Counts;
}

/** What is loaded, for the entry: its identity, and a text for people who look into the table. */
export interface LedgerEntry {
  readonly id: string;
  readonly source: string;
  /** `s3://bucket/key`, or the log group and stream. */
  readonly label: string;
  readonly keepDays: number;
}

/** The right to load an object or payload, until somebody else takes it. */
export interface Claim {
  /** Where an earlier attempt came to; undefined at the first. */
  readonly resume: Progress | undefined;
  /** @throws FencedError when another attempt has taken over. */
  checkpoint(progress: Progress): Promise<void>;
  /** Checkpoints and lets go in one write, for whoever goes on. @throws FencedError */
  release(progress: Progress): Promise<void>;
  /** Everything is acknowledged, the loads row too. @throws FencedError */
  finish(outcome: Outcome): Promise<void>;
}

/** How an entry ended: loaded, or its object had been replaced by another before it could be read. */
export type Outcome = 'loaded' | 'replaced';

export interface Ledger {
  /**
   * Claims an entry for `holder`: the SQS message's id, or Lambda's request id.
   *
   * @param leaseUntil milliseconds since the epoch; later than the end of this invocation
   */
  claim(entry: LedgerEntry, holder: string, leaseUntil: number): Promise<ClaimResult>;
}

/** The ledger's answer to a claim. */
export type ClaimResult =
  | { readonly outcome: 'claimed'; readonly claim: Claim }
  /** An earlier delivery has loaded the input: skip it. */
  | { readonly outcome: 'already_loaded' }
  /** Another holder's lease has not ended: look again when it has. */
  | { readonly outcome: 'held' };

/** Another attempt has taken this one's entry: stop; what is left is the other's. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

/** States of an entry. */
export const STATE = { loading: 'loading', loaded: 'loaded', replaced: 'replaced' } as const;

const isNew = 'attribute_not_exists(#id)';
/** The bytes may be put back under the same key: their notification must be able to load them. */
const wasReplaced = '#state = :replaced';
const isOpen = '#state = :loading';
const isMine = '#holder = :me';
const isReleased = 'attribute_not_exists(#holder)';
const leaseIsOver = '#lease < :now';
const tokenIsMine = '#token = :token';

/** DynamoDB conditions of the writes. */
export const CONDITION = {
  claim: `${isNew} OR ${wasReplaced} OR (${isOpen} AND (${isMine} OR ${isReleased} OR ${leaseIsOver}))`,
  /** The token alone: a write whose answer was lost is made again and must pass again. */
  write: tokenIsMine,
} as const;
