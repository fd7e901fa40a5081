import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Committed } from '../core/direct/commit.ts';
import type { Counted } from '../core/duplicates/count.ts';
import {
  COUNT_METRICS,
  countMetrics,
  HANDING_ON_METRIC,
  TRACK_METRICS,
  type TrackMetric,
} from '../core/duplicates/metrics.ts';
import type { Loaded } from '../core/loading/load.ts';
import type { UnavailableReason } from '../core/loading/unavailable.ts';
import {
  COMMIT_METRICS,
  type CommitMetric,
  LOAD_METRICS,
  loadMetrics,
  NOT_LOADED_METRIC,
  SERVICE,
  SKIP_METRIC,
  SLOW_METRICS,
  type SlowMetric,
  SOURCE_DIMENSION,
} from '../core/metrics.ts';
import { ENV, METRIC_NAMESPACE } from '../core/settings.ts';
import type { Deliveries } from './firehose.ts';

/**
 * Puts the metrics of a load as one log line of the embedded metric format, which needs no request to a service.
 *
 * @param deliveries what the invocation sent to Firehose; nothing, if the rows went elsewhere
 */
export function putLoadMetrics(loaded: Loaded, deliveries?: Deliveries): void {
  const metrics = metricsOf(loaded.source);
  const values = loadMetrics(loaded, deliveries?.takeBilled() ?? 0, new Date());
  for (const [name, value] of values) metrics.addMetric(name, LOAD_METRICS[name], value);
  // Metadata is only in the log line. As dimensions, these values would make further metrics, each of which costs
  // money.
  metrics.addMetadata('origin', loaded.origin);
  metrics.addMetadata('reasons', JSON.stringify(Object.fromEntries(loaded.reasons)));
  metrics.publishStoredMetrics();
}

/** Shorter waits for a stream are its ordinary life, and not worth a line. */
const LEAST_WAIT_MS = 1000;

/**
 * Puts what an invocation has sent to Firehose, as far as the metrics of a load have not said it: the bytes of a load that
 * was not finished, and long waits. Call it at the end of an invocation, however it ends.
 */
export function putDeliveryMetrics(source: string, deliveries: Deliveries): void {
  const bytes = deliveries.takeBilled();
  if (bytes > 0) {
    const metrics = metricsOf(source);
    metrics.addMetric('BytesBilled', LOAD_METRICS.BytesBilled, bytes);
    metrics.publishStoredMetrics();
  }
  if (deliveries.longestWait >= LEAST_WAIT_MS) putSlowMetric(source, 'ThrottledSeconds', deliveries.longestWait / 1000);
}

/** Puts how slowly something goes, or that it does not go at all, for the source and for the whole stack. */
export function putSlowMetric(source: string, name: SlowMetric, value: number): void {
  const metrics = metricsWithTotal(source);
  metrics.addMetric(name, SLOW_METRICS[name], value);
  metrics.publishStoredMetrics();
}

/** Puts what the commits of a run did to the tables of a source. */
export function putCommitMetrics(source: string, committed: readonly Committed[]): void {
  const metrics = metricsOf(source);
  const put = (name: CommitMetric, value: number) => metrics.addMetric(name, COMMIT_METRICS[name], value);
  const sum = (of: (each: Committed) => number) => committed.reduce((total, each) => total + of(each), 0);
  put('TablesCommitted', committed.length);
  put(
    'FilesCommitted',
    sum(({ files }) => files),
  );
  put(
    'CommitConflicts',
    sum(({ conflicts }) => conflicts),
  );
  metrics.publishStoredMetrics();
  const bytes = Math.max(...committed.map(({ metadataBytes }) => metadataBytes));
  const size = metricsWithTotal(source);
  size.addMetric('TableMetadataBytes', COMMIT_METRICS.TableMetadataBytes, bytes);
  size.publishStoredMetrics();
}

/** Counts an input that this delivery did not load. The reason is only in the log line. */
export function putSkipMetric(source: string, reason: string): void {
  putReason(source, SKIP_METRIC, reason);
}

/** Counts an object that was given up. The reason is only in the log line. */
export function putNotLoadedMetric(source: string, reason: UnavailableReason): void {
  putReason(source, NOT_LOADED_METRIC, reason);
}

function putReason(source: string, metric: string, reason: string): void {
  const metrics = metricsOf(source);
  metrics.addMetric(metric, 'Count', 1);
  metrics.addMetadata('reason', reason);
  metrics.publishStoredMetrics();
}

/** Puts the changes that a count has found, stamped with the minute of the events. */
export function putCountMetrics(counted: Counted): void {
  const metrics = metricsOf(counted.source);
  for (const [name, value] of countMetrics(counted)) metrics.addMetric(name, COUNT_METRICS[name], value);
  // CloudWatch rejects timestamps more than two hours in the future, which events from a wrong clock can have.
  metrics.setTimestamp(Math.min(counted.minute * 60_000, Date.now()));
  metrics.addMetadata('minute', new Date(counted.minute * 60_000).toISOString());
  metrics.addMetadata('sampleRate', String(counted.sampleRate));
  metrics.publishStoredMetrics();
}

/** Puts one metric of an input that was checked: its redelivery, or its records outside the time window. */
export function putTrackMetric(source: string, name: TrackMetric, value: number, label: string): void {
  const metrics = metricsOf(source);
  metrics.addMetric(name, TRACK_METRICS[name], value);
  metrics.addMetadata('label', label);
  metrics.publishStoredMetrics();
}

/** Counts a payload that could not be handed on to the duplicate check, for its source and for the whole stack. */
export function putHandingOnMetric(source: string): void {
  const metrics = metricsWithTotal(source);
  metrics.addMetric(HANDING_ON_METRIC, 'Count', 1);
  metrics.publishStoredMetrics();
}

function metricsOf(source: string): Metrics {
  const metrics = metricsOfStack();
  metrics.addDimension(SOURCE_DIMENSION, source);
  return metrics;
}

/** Metrics with two series: one of the source, and one of all sources together. */
function metricsWithTotal(source: string): Metrics {
  const metrics = metricsOf(source);
  // A further set of dimensions, which has the service alone.
  metrics.addDimensions({});
  return metrics;
}

function metricsOfStack(): Metrics {
  return new Metrics({ namespace: METRIC_NAMESPACE, serviceName: process.env[ENV.service] ?? SERVICE });
}
