import { Metrics } from '@aws-lambda-powertools/metrics';
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
  LOAD_METRICS,
  loadMetrics,
  NOT_LOADED_METRIC,
  SERVICE,
  SKIP_METRIC,
  SOURCE_DIMENSION,
} from '../core/metrics.ts';
import { ENV, METRIC_NAMESPACE } from '../core/settings.ts';

/** Puts the metrics of a load as one log line of the embedded metric format, which needs no request to a service. */
export function putLoadMetrics(loaded: Loaded): void {
  const metrics = metricsOf(loaded.source);
  for (const [name, value] of loadMetrics(loaded, new Date())) metrics.addMetric(name, LOAD_METRICS[name], value);
  // Metadata is only in the log line. As dimensions, these values would make further metrics, each of which costs
  // money.
  metrics.addMetadata('origin', loaded.origin);
  metrics.addMetadata('reasons', JSON.stringify(Object.fromEntries(loaded.reasons)));
  metrics.publishStoredMetrics();
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

/** Counts a payload that could not be handed on to the duplicate check. */
export function putHandingOnMetric(source: string): void {
  const metrics = metricsOf(source);
  metrics.addMetric(HANDING_ON_METRIC, 'Count', 1);
  metrics.publishStoredMetrics();
}

function metricsOf(source: string): Metrics {
  return new Metrics({
    namespace: METRIC_NAMESPACE,
    serviceName: process.env[ENV.service] ?? SERVICE,
    defaultDimensions: { [SOURCE_DIMENSION]: source },
  });
}
