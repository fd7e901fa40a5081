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

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const LONGEST_INVOCATION_MS = 900_000;

/**
 * Deadlines that follow from an invocation's timeout. Those within the invocation are milliseconds of performance.now(),
 * which counts on evenly when the clock is set: a step of the clock must neither end an object nor keep an invocation
 * working until Lambda ends it.
 */
export interface TimeLimits {
  /** After this time, reading stops and the rest is left to another invocation. */
  readonly stopReadingAt: number;
  /** After this time, records that are not acknowledged are not sent again. */
  readonly giveUpAt: number;
  /**
   * After this time, the invocation has certainly ended. In milliseconds since the epoch, because other invocations
   * compare it with their clocks. If one of the clocks is wrong, a lease seems to end too early or too late: a holder
   * that is overtaken is fenced off, and an input that seems held is looked at again.
   */
  readonly endedBy: number;
}

export function timeLimits(context: Context): TimeLimits {
  // Lambda computes the remaining time from a time of day and the clock: a clock that is wrong must not make it longer
  // than any invocation.
  const left = Math.min(LONGEST_INVOCATION_MS, Math.max(0, context.getRemainingTimeInMillis()));
  const giveUpAt = performance.now() + left - Math.min(LONGEST_MARGIN_MS, left * MARGIN_SHARE);
  return {
    stopReadingAt: giveUpAt - Math.min(LONGEST_SENDING_MS, left * SENDING_SHARE),
    giveUpAt,
    endedBy: Date.now() + left + CLOCK_SKEW_MS,
  };
}

/** True from the given time on, in milliseconds of performance.now(). */
export function isPast(time: number): boolean {
  return performance.now() >= time;
}

/** An attempt to load that keeps these deadlines. `holder` is the id of the SQS message or of the Lambda request. */
export function attemptOf(holder: string, { stopReadingAt, endedBy }: TimeLimits): Attempt {
  return { holder, leaseUntil: endedBy, outOfTime: () => isPast(stopReadingAt) };
}
