/** The metrics that alarms and the dashboard look at. */
import { SOURCE_DIMENSION } from '../../lambdas/core/metrics.ts';
import { METRIC_NAMESPACE } from '../../lambdas/core/settings.ts';
import type { Watched } from './alarm.ts';

/** A metric that the functions put, of one source or, for the metrics that have such a series, of the whole stack. */
export function ofLake(
  service: string,
  metric: string,
  source?: string,
  statistic: Watched['statistic'] = 'Sum',
): Watched {
  const dimensions = { service, ...(source !== undefined && { [SOURCE_DIMENSION]: source }) };
  return { namespace: METRIC_NAMESPACE, metric, dimensions, statistic };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html */
export function ofQueue(
  QueueName: string,
  metric:
    | 'ApproximateAgeOfOldestMessage'
    | 'ApproximateNumberOfMessagesVisible'
    | 'ApproximateNumberOfMessagesNotVisible'
    | 'NumberOfMessagesSent',
  statistic: Watched['statistic'] = 'Maximum',
): Watched {
  return { namespace: 'AWS/SQS', metric, dimensions: { QueueName }, statistic };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
export function ofFunction(
  FunctionName: string,
  metric:
    | 'Errors'
    | 'Throttles'
    | 'Invocations'
    | 'Duration'
    | 'AsyncEventAge'
    | 'AsyncEventsDropped'
    | 'DestinationDeliveryFailures',
  statistic: Watched['statistic'] = 'Sum',
): Watched {
  return { namespace: 'AWS/Lambda', metric, dimensions: { FunctionName }, statistic };
}

/** https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html */
export function ofStream(
  DeliveryStreamName: string,
  metric: 'DeliveryToS3.DataFreshness' | 'FailedConversion.Records',
  statistic: Watched['statistic'],
): Watched {
  return { namespace: 'AWS/Firehose', metric, dimensions: { DeliveryStreamName }, statistic };
}

/** A log group and the name of the lake's subscription filter at it. */
export interface Subscription {
  readonly logGroup: string;
  readonly filter: string;
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html */
export function ofSubscription(
  { logGroup, filter }: Subscription,
  metric: 'DeliveryErrors' | 'DeliveryThrottling',
): Watched {
  const dimensions = { LogGroupName: logGroup, DestinationType: 'Lambda', FilterName: filter };
  return { namespace: 'AWS/Logs', metric, dimensions, statistic: 'Sum' };
}
