/** The metrics of the duplicate check, by name and unit; the dashboard and the alarm take the names from here. */
import type { Counted } from './count.ts';

/** Of a minute of event time, and stamped with it: put when the minute is counted, and again for what late pages change. */
export const COUNT_METRICS = {
  RecordsChecked: 'Count',
  DuplicatesWithinObject: 'Count',
  DuplicatesAcrossObjects: 'Count',
} as const;

/** Of objects and payloads as they come. */
export const TRACK_METRICS = {
  /** Deliveries of an object that had been checked. */
  InputsRedelivered: 'Count',
  /** Records further away in time than the window: they are not checked. */
  RecordsOutsideWindow: 'Count',
} as const;

/** Payloads that could not be handed on to the check; they are loaded all the same. */
export const HANDING_ON_METRIC = 'PayloadsNotChecked';

export type CountMetric = keyof typeof COUNT_METRICS;
export type TrackMetric = keyof typeof TRACK_METRICS;

/** The values one count puts. */
export function countMetrics({ checked, withinObject, acrossObjects }: Counted): [CountMetric, number][] {
  return [
    ['RecordsChecked', checked],
    ['DuplicatesWithinObject', withinObject],
    ['DuplicatesAcrossObjects', acrossObjects],
  ];
}
