import type { Context } from 'aws-lambda';
import type { Attempt } from '../core/loading/load.ts';

/** Share of an invocation's time, at its end, that is reserved for sending the packed records, and its upper limit. */
const SENDING_SHARE = 0.25;
const LONGEST_SENDING_MS = 15_000;

/** Share that is reserved after sending for the checkpoint, for the continuation or for reporting a failure. */
const MARGIN_SHARE = 0.1;
const LONGEST_MARGIN_MS = 3000;

/** A lease ends this long after the invocation, because the clocks of different invocations may differ. */
const CLOCK_SKEW_MS = 60_000;

/** Deadlines that follow from an invocation's timeout, in milliseconds since the epoch. */
export interface TimeLimits {
  /** After this time, reading stops and the rest is left to another invocation. */
  readonly stopReadingAt: number;
  /** After this time, records that are not acknowledged are not sent again. */
  readonly giveUpAt: number;
  /** After this time, the invocation has certainly ended. */
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

/** An attempt to load that keeps these deadlines. `holder` is the id of the SQS message or of the Lambda request. */
export function attemptOf(holder: string, { stopReadingAt, endedBy }: TimeLimits): Attempt {
  return { holder, leaseUntil: endedBy, outOfTime: () => Date.now() >= stopReadingAt };
}
