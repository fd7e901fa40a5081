import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  DescribeSubscriptionFiltersCommand,
  PutLogEventsCommand,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { CommandError } from '../output/command-error.ts';
import type { LogEvent, LogReader } from './log-reader.ts';

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

/**
 * Puts events into a new log stream.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 *
 * @param events at most 10,000, in order of time
 * @throws CommandError if CloudWatch leaves an event out as too old or too new; what CloudWatch answers otherwise
 */
export function awsPutLogEvents(client: CloudWatchLogsClient) {
  return async (logGroupName: string, logStreamName: string, events: readonly LogEvent[]): Promise<void> => {
    await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
    const { rejectedLogEventsInfo } = await client.send(
      new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: [...events] }),
    );
    if (!rejectedLogEventsInfo) return;
    throw new CommandError(
      `log group ${logGroupName}: expected CloudWatch to take ${events.length} events, it refused some: ` +
        JSON.stringify(rejectedLogEventsInfo),
    );
  };
}
