/** Which parts of the time of a log group are exported, one task each. Pure. */

/** A part, and what is known of its task. Times are in milliseconds since the epoch; the end is not included. */
export interface Part {
  readonly from: number;
  readonly to: number;
  /** Id of the task that exports it, if one was started. */
  readonly taskId?: string;
  readonly completed?: true;
}

const DAY_MS = 86_400_000;

/**
 * CloudWatch takes events that are up to this old. What is younger can still get company.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 */
export const LATE_DAYS = 14;

/**
 * The parts up to a time: those that have a task, and new ones for the rest of it.
 *
 * @param known of an earlier run, in their order and without gaps
 * @param createdAt when the log group was created
 * @param until end of the last part
 * @param days of a part; whole days of UTC
 */
export function partsUntil(known: readonly Part[], createdAt: number, until: number, days: number): Part[] {
  const kept = known.filter(({ taskId }) => taskId !== undefined);
  const start = startOfDay(createdAt - LATE_DAYS * DAY_MS);
  const parts = [...kept];
  for (let from = kept.at(-1)?.to ?? start; from < until; from += days * DAY_MS) {
    parts.push({ from, to: Math.min(from + days * DAY_MS, until) });
  }
  return parts;
}

/**
 * The end of the day on which events become older than some days: up to a day more than is asked for is exported, so that
 * the tasks have time to run before a retention of as many days deletes what comes after.
 */
export function endFor(now: number, olderThanDays: number): number {
  return startOfDay(now - olderThanDays * DAY_MS) + DAY_MS;
}

/** Events before this time are deleted by a retention of some days that is set now. */
export function deletedBefore(now: number, retentionDays: number): number {
  return now - retentionDays * DAY_MS;
}

export function daysAfter(time: number, days: number): number {
  return time + days * DAY_MS;
}

function startOfDay(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}

/** `2026-01-05` */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
