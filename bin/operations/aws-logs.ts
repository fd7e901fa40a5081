import {
  type CloudWatchLogsClient,
  DescribeSubscriptionFiltersCommand,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LogReader } from './log-reader.ts';

/**
 * Reads log groups with FilterLogEvents, which returns the events of all streams in order of time.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 *
 * @param functionArns the lake's functions: a subscription to one of them is the lake's own
 */
export function awsLogReader(client: CloudWatchLogsClient, functionArns: readonly string[]): LogReader {
  return {
    async pattern(logGroupName) {
      const { subscriptionFilters = [] } = await client.send(new DescribeSubscriptionFiltersCommand({ logGroupName }));
      const own = subscriptionFilters.find(({ destinationArn = '' }) => functionArns.includes(destinationArn));
      return own && (own.filterPattern ?? '');
    },
    async *events({ logGroup, since, until }, filterPattern) {
      const range = { logGroupName: logGroup, startTime: since, endTime: until - 1 };
      const input = { ...range, ...(filterPattern && { filterPattern }) };
      for await (const { events = [] } of paginateFilterLogEvents({ client }, input)) yield events;
    },
  };
}
