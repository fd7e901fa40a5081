/** Minutes of event time, by which fingerprints are grouped. */

export const MINUTE_MS = 60_000;
export const MINUTES_PER_HOUR = 60;

/** The minute since the epoch that a time in milliseconds since the epoch lies in. */
export function minuteOf(millis: number): number {
  return Math.floor(millis / MINUTE_MS);
}
