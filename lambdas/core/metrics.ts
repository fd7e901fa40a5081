/** The metrics of a load, by name and unit; dashboards and alarms take the names from here. */
import type { Loaded } from './loading/load.ts';

/** Of all metrics: one series per source, and nothing finer, so that their number stays what a person can read. */
export const SOURCE_DIMENSION = 'source';

/** Value of the dimension `service`, which Powertools puts on every metric. */
export const SERVICE = 'tributary';

/** Metric names with the CloudWatch unit each is put in. */
export const LOAD_METRICS = {
  BytesRead: 'Bytes',
  LinesRead: 'Count',
  RowsDelivered: 'Count',
  LinesFiltered: 'Count',
  LinesRejected: 'Count',
  FieldErrors: 'Count',
  UnknownFields: 'Count',
  EmptyRows: 'Count',
  /** Age of the newest and of the oldest event delivered, at the time of its acknowledgement. */
  EventAgeSeconds: 'Seconds',
} as const;

/** Objects and messages that were left alone, by reason. */
export const SKIP_METRIC = 'ObjectsSkipped';

export type LoadMetric = keyof typeof LOAD_METRICS;

/** The values one load puts, in order. A metric may have several. */
export function loadMetrics({ counts }: Loaded, now: Date): [LoadMetric, number][] {
  const ages = [counts.lastEventTime, counts.firstEventTime]
    .filter((time) => time !== undefined)
    .map((time): [LoadMetric, number] => ['EventAgeSeconds', Math.max(0, (now.getTime() - time) / 1000)]);
  return [
    ['BytesRead', counts.bytes],
    ['LinesRead', counts.lines],
    ['RowsDelivered', counts.rows],
    ['LinesFiltered', counts.filtered],
    ['LinesRejected', counts.rejected],
    ['FieldErrors', counts.fieldErrors],
    ['UnknownFields', counts.unknownFields],
    ['EmptyRows', counts.emptyRows],
    ...ages,
  ];
}
