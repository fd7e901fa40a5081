/**
 * Sets the retention of a log group that is named in a source, when the stack is deployed. CloudFormation itself sets
 * only that of log groups which it creates.
 */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { answerCloudFormation } from './edges/custom-resource.ts';
import { setRetention } from './edges/log-group-retention.ts';

const client = new CloudWatchLogsClient({});

export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  const { LogGroup, Days } = event.ResourceProperties;
  await answerCloudFormation(event, String(LogGroup), async () => {
    // A log group that is no longer in a source keeps what it has.
    if (event.RequestType !== 'Delete') await setRetention(client, String(LogGroup), Number(Days));
  });
}
