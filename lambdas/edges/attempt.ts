import type { Context } from 'aws-lambda';
import type { Attempt } from '../core/loading/load.ts';

/** Part of an invocation's time kept at its end to send what is packed; at most so many milliseconds. */
const SENDING_SHARE = 0.25;
const LONGEST_SENDING_MS = 15_000;

/** Time kept after that to checkpoint, to hand on the rest, or to report a failure. */
const MARGIN_SHARE = 0.1;
const LONGEST_MARGIN_MS = 3000;

/** The lease outlives the invocation by so much: clocks differ. */
const CLOCK_SKEW_MS = 60_000;

/** What an invocation's own time limit means for its work; times in milliseconds since the epoch. */
export interface TimeLimits {
  /** After this, reading stops and the rest is left to another invocation. */
  readonly stopReadingAt: number;
  /** After this, records not acknowledged are given up. */
  readonly giveUpAt: number;
  /** After this, the invocation has certainly ended. */
  readonly endedBy: number;
}

export function timeLimits(context: Context): TimeLimits {
  const left = context.getRemainingTimeInMillis();
  const end = Date.now() + left;
  const giveUpAt = end - Math.min(LONGEST_MARGIN_MS, left * MARGIN_SHARE);
  return {
    stopReadingAt: giveUpAt - Math.min(LONGEST_SENDING_MS, left * SENDING_SHARE),
    giveUpAt,
    endedBy: end + CLOCK_SKEW_MS,
  };
}

export function attemptOf(holder: string, { stopReadingAt, endedBy }: TimeLimits): Attempt {
  return { holder, leaseUntil: endedBy, outOfTime: () => Date.now() >= stopReadingAt };
}
