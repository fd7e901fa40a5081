/** Minutes of event time; fingerprints are grouped by them. */

export const MINUTE_MS = 60_000;
export const MINUTES_PER_HOUR = 60;

/** The minute since the epoch that contains a time in milliseconds since the epoch. */
export function minuteOf(millis: number): number {
  return Math.floor(millis / MINUTE_MS);
}
