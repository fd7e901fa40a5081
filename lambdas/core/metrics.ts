/** The metrics of loading, by name and unit. The functions put them, and `lake plan` counts and prices them. */
import type { Loaded } from './loading/load.ts';

/**
 * The dimension of all metrics. There is one series per source, and nothing finer, so that people can read them all.
 */
export const SOURCE_DIMENSION = 'source';

/** Value of the dimension `service`, which Powertools adds to every metric. */
export const SERVICE = 'tributary';

/** Metrics of a load, with their CloudWatch units. */
export const LOAD_METRICS = {
  BytesRead: 'Bytes',
  LinesRead: 'Count',
  RowsAcknowledged: 'Count',
  LinesFiltered: 'Count',
  LinesRejected: 'Count',
  FieldErrors: 'Count',
  UnknownFields: 'Count',
  EmptyRows: 'Count',
  /** Inputs that have lines but no row: logs of another format, or lines that a filter leaves out. */
  EmptyObjects: 'Count',
  /** Inputs of which no line could be read: they have rejected lines and no row. A file of another format is one. */
  RejectedObjects: 'Count',
  /** Bytes of the records that Firehose has acknowledged, each rounded up as Firehose bills it. */
  BytesBilled: 'Bytes',
  /** Age of a load's newest event when Firehose has acknowledged the load: how fresh the lake is. */
  NewestEventAgeSeconds: 'Seconds',
  /** Age of a load's oldest event at the same time: the longest that an event of the load has waited. */
  OldestEventAgeSeconds: 'Seconds',
} as const;

/** Inputs (S3 objects and CloudWatch subscription payloads) that were not loaded by the delivery that counts them. */
export const SKIP_METRIC = 'InputsSkipped';

/**
 * Metrics of what goes slowly, put only when it does. Each also has a series of the whole stack, without the dimension
 * of the source, so that one alarm can watch all sources.
 */
export const SLOW_METRICS = {
  /** Age of an object's load, when an invocation leaves the rest of the object to another one. */
  UnfinishedSeconds: 'Seconds',
  /** The longest that a batch of an invocation waited because a stream refused some of it or did not answer. */
  ThrottledSeconds: 'Seconds',
  /** Age of the oldest object that waits for a batch of the direct lane. */
  WaitingSeconds: 'Seconds',
  /** Age of the oldest batch of the direct lane that is not written. */
  UnwrittenSeconds: 'Seconds',
  /** Age of the oldest seal of a batch whose files are not completed. */
  SealedSeconds: 'Seconds',
  /** Uploads that are older than a day although a seal names them: S3 gives them up after 14 days. */
  UploadsNotCompleted: 'Count',
  /** Age of the oldest files of Iceberg tables that no commit has added, since they were stored. */
  UncommittedSeconds: 'Seconds',
} as const;

export type SlowMetric = keyof typeof SLOW_METRICS;

/** What the commits of a run to the Iceberg tables of a source put. */
export const COMMIT_METRICS = {
  /** Tables that were committed to. */
  TablesCommitted: 'Count',
  /** Data files that they got. */
  FilesCommitted: 'Count',
  /** Requests that were refused because somebody else changed the table, or of which nobody knows what they did. */
  CommitConflicts: 'Count',
  /** Metadata of the largest of these tables: Glue refuses more than 20 MB. */
  TableMetadataBytes: 'Bytes',
} as const;

export type CommitMetric = keyof typeof COMMIT_METRICS;

/** S3 objects that were given up, because they were deleted or archived before they were read to their end. */
export const NOT_LOADED_METRIC = 'ObjectsNotLoaded';

export type LoadMetric = keyof typeof LOAD_METRICS;

/**
 * The values that one load puts. A load without a time in any row puts no ages.
 *
 * @param bytesBilled of the records that this invocation sent
 */
export function loadMetrics({ counts }: Loaded, bytesBilled: number, now: Date): [LoadMetric, number][] {
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
    ['EmptyObjects', counts.lines > 0 && counts.rows === 0 ? 1 : 0],
    ['RejectedObjects', counts.rejected > 0 && counts.rows === 0 ? 1 : 0],
    ['BytesBilled', bytesBilled],
    ...age('NewestEventAgeSeconds', counts.lastEventTime),
    ...age('OldestEventAgeSeconds', counts.firstEventTime),
  ];
}
