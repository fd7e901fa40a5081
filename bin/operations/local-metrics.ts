/** Metrics of a local lake, from the logs of its functions: CloudWatch would make them of the same lines. */
import { type LoadMetric, SOURCE_DIMENSION } from '../../lambdas/core/metrics.ts';
import { METRIC_NAMESPACE } from '../../lambdas/core/settings.ts';
import { localSamples } from '../alarms/local-samples.ts';

/**
 * Sums up a metric of the lake in a folder.
 *
 * @param service the lake's name in its metrics
 */
export function localMetricSum(dir: string, service: string) {
  return async (name: LoadMetric, source: string, since: Date): Promise<number> => {
    const dimensions = { service, [SOURCE_DIMENSION]: source };
    const samples = localSamples(dir, Date.now())({ namespace: METRIC_NAMESPACE, name, dimensions });
    return samples.filter(({ at }) => at >= since.getTime()).reduce((sum, { value }) => sum + value, 0);
  };
}
