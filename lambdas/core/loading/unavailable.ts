/**
 * Objects that were announced and that S3 does not give: they were deleted, or moved to a storage class that has to
 * restore them first. Such an object is asked for again before it is given up. The message that announces it again says
 * how often and how long it was asked for in vain. The queue itself delays that message, so no clock can shorten the
 * wait, and a message that was redriven from a dead-letter queue still knows its waits.
 */

/** Why S3 does not give an object. */
export type UnavailableReason =
  /** S3 has no object of this key, or no such bucket. */
  | 'gone'
  /** The object is archived and not restored. */
  | 'archived';

/** S3 does not give the object. It may be there later: if it is restored, or uploaded again. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
  readonly reason: UnavailableReason;
  constructor(reason: UnavailableReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** How often and how long an object was asked for in vain. */
export interface Waited {
  readonly tries: number;
  /** Seconds between the first and the last try, at least. */
  readonly seconds: number;
}

/** An object is given up after this many tries, if they lie at least this far apart. */
const LEAST_TRIES = 3;
const LEAST_SECONDS = 15 * 60;

/** Delay of the message that announces an object again. SQS delays a message by at most 900 seconds. */
export const ASK_AGAIN_SECONDS = LEAST_SECONDS / (LEAST_TRIES - 1);

/**
 * Decides after a try in vain.
 *
 * @param before what the message says that led to this try; undefined if it was the first one
 * @returns what the next message must say; undefined if the object is to be given up
 */
export function askAgain(before: Waited = { tries: 0, seconds: 0 }): Waited | undefined {
  const tries = before.tries + 1;
  if (tries >= LEAST_TRIES && before.seconds >= LEAST_SECONDS) return undefined;
  return { tries, seconds: before.seconds + ASK_AGAIN_SECONDS };
}
