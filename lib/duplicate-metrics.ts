import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { CountMetric, TrackMetric } from '../lambdas/core/duplicates/metrics.ts';
import { SOURCE_DIMENSION } from '../lambdas/core/metrics.ts';
import { METRIC_NAMESPACE } from '../lambdas/core/settings.ts';

/**
 * A metric of the duplicate check, summed over five minutes, which is ELB's delivery interval.
 *
 * @param service name of the lake (`namesIn(…).prefix`)
 */
export function duplicateMetric(service: string, source: string, metricName: CountMetric | TrackMetric): Metric {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { service, [SOURCE_DIMENSION]: source },
    statistic: Stats.SUM,
    period: Duration.minutes(5),
  });
}

/**
 * Duplicates per hundred records of a source. It is a share of the records checked, so it is also valid for a sample.
 */
export function duplicateRate(service: string, source: string, period = Duration.minutes(5)): MathExpression {
  // Sources share a graph, so each one's metrics need ids of their own.
  const [within, across, checked] = [`within_${source}`, `across_${source}`, `checked_${source}`];
  return new MathExpression({
    expression: `100 * (${within} + ${across}) / ${checked}`,
    label: source,
    usingMetrics: {
      [within]: duplicateMetric(service, source, 'DuplicatesWithinObject'),
      [across]: duplicateMetric(service, source, 'DuplicatesAcrossObjects'),
      [checked]: duplicateMetric(service, source, 'RecordsChecked'),
    },
    period,
  });
}
