/** The metrics of the duplicate check, by name and unit. The dashboard and the alarm take the names from here. */
import type { Counted } from './count.ts';

/**
 * Metrics of a minute of event time, stamped with that minute. They are put when the minute is counted, and again for
 * each change by pages that come later.
 */
export const COUNT_METRICS = {
  RecordsChecked: 'Count',
  DuplicatesWithinObject: 'Count',
  DuplicatesAcrossObjects: 'Count',
} as const;

/** Metrics of inputs (S3 objects and CloudWatch subscription payloads), put as they are checked. */
export const TRACK_METRICS = {
  /** Deliveries of an input that had already been checked. */
  InputsRedelivered: 'Count',
  /** Records outside the time window, before or after it: they are not checked. */
  RecordsOutsideWindow: 'Count',
} as const;

/** Payloads that could not be handed on to the check; they are loaded nevertheless. */
export const HANDING_ON_METRIC = 'PayloadsNotChecked';

export type CountMetric = keyof typeof COUNT_METRICS;
export type TrackMetric = keyof typeof TRACK_METRICS;

/** The values that one count puts. */
export function countMetrics({ checked, withinObject, acrossObjects }: Counted): [CountMetric, number][] {
  return [
    ['RecordsChecked', checked],
    ['DuplicatesWithinObject', withinObject],
    ['DuplicatesAcrossObjects', acrossObjects],
  ];
}
