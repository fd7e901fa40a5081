import { type CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { type LoadMetric, SOURCE_DIMENSION } from '../../lambdas/core/metrics.ts';
import { METRIC_NAMESPACE } from '../../lambdas/core/settings.ts';

const MINUTE_MS = 60_000;

/**
 * Sums up a metric by the minute, for at most a day: GetMetricStatistics returns at most 1,440 values.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
 *
 * @param service the lake's name in its metrics
 */
export function awsMetricSum(client: CloudWatchClient, service: string) {
  return async (MetricName: LoadMetric, source: string, since: Date): Promise<number> => {
    const { Datapoints = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: METRIC_NAMESPACE,
        MetricName,
        Dimensions: [
          { Name: 'service', Value: service },
          { Name: SOURCE_DIMENSION, Value: source },
        ],
        StartTime: new Date(Math.floor(since.getTime() / MINUTE_MS) * MINUTE_MS),
        EndTime: new Date(Date.now() + MINUTE_MS),
        Period: 60,
        Statistics: ['Sum'],
      }),
    );
    return Datapoints.reduce((total, { Sum = 0 }) => total + Sum, 0);
  };
}
