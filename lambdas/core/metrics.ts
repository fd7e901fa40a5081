/** The metrics of a load, by name and unit: what the functions put, and what `lake plan` counts and prices. */
import type { Loaded } from './loading/load.ts';

/** Of all metrics: one series per source, and nothing finer, so that their number stays what a person can read. */
export const SOURCE_DIMENSION = 'source';

/** Value of the dimension `service`, which Powertools puts on every metric. */
export const SERVICE = 'tributary';

/** Metric names with the CloudWatch unit each is put in. */
export const LOAD_METRICS = {
  BytesRead: 'Bytes',
  LinesRead: 'Count',
  RowsAcknowledged: 'Count',
  LinesFiltered: 'Count',
  LinesRejected: 'Count',
  FieldErrors: 'Count',
  UnknownFields: 'Count',
  EmptyRows: 'Count',
  /** Age of the newest event of a load when Firehose had acknowledged it: how fresh the lake is. */
  NewestEventAgeSeconds: 'Seconds',
  /** Age of its oldest event: how long an event waited at most. */
  OldestEventAgeSeconds: 'Seconds',
} as const;

/** Inputs (objects and payloads) that were left alone. */
export const SKIP_METRIC = 'InputsSkipped';

export type LoadMetric = keyof typeof LOAD_METRICS;

/** The values one load puts, in order. A load without a time in any row puts no ages. */
export function loadMetrics({ counts }: Loaded, now: Date): [LoadMetric, number][] {
  const age = (name: LoadMetric, time: number | undefined): [LoadMetric, number][] =>
    time === undefined ? [] : [[name, Math.max(0, (now.getTime() - time) / 1000)]];
  return [
    ['BytesRead', counts.bytes],
    ['LinesRead', counts.lines],
    ['RowsAcknowledged', counts.rows],
    ['LinesFiltered', counts.filtered],
    ['LinesRejected', counts.rejected],
    ['FieldErrors', counts.fieldErrors],
    ['UnknownFields', counts.unknownFields],
    ['EmptyRows', counts.emptyRows],
    ...age('NewestEventAgeSeconds', counts.lastEventTime),
    ...age('OldestEventAgeSeconds', counts.firstEventTime),
  ];
}
