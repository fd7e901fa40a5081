import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Loaded } from '../core/load.ts';
import { LOAD_METRICS, loadMetrics, SERVICE, SKIP_METRIC, SOURCE_DIMENSION } from '../core/metrics.ts';
import { METRIC_NAMESPACE } from '../core/settings.ts';

/** Puts a load's metrics as one line of the embedded metric format: no call to any service. */
export function putLoadMetrics(loaded: Loaded): void {
  const metrics = metricsOf(loaded.source);
  for (const [name, value] of loadMetrics(loaded, new Date())) metrics.addMetric(name, LOAD_METRICS[name], value);
  // Not a dimension: readable where the line is, in the log, and free of metrics of its own.
  metrics.addMetadata('origin', loaded.origin);
  metrics.addMetadata('reasons', JSON.stringify(Object.fromEntries(loaded.reasons)));
  metrics.publishStoredMetrics();
}

/** Counts an object that was left alone, with the reason for whoever reads the log. */
export function putSkipMetric(source: string, reason: string): void {
  const metrics = metricsOf(source);
  metrics.addMetric(SKIP_METRIC, 'Count', 1);
  metrics.addMetadata('reason', reason);
  metrics.publishStoredMetrics();
}

function metricsOf(source: string): Metrics {
  return new Metrics({
    namespace: METRIC_NAMESPACE,
    serviceName: SERVICE,
    defaultDimensions: { [SOURCE_DIMENSION]: source },
  });
}
