import {
  type CloudWatchLogsClient,
  PutRetentionPolicyCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { type Patience, patiently } from './patience.ts';

/**
 * Sets the retention of a log group that exists. It tries again whatever fails, because the deployment has granted the
 * permission only a moment ago; setting the same retention twice does no harm.
 *
 * @throws Error that says what to do if there is no such log group; the service's error after the last attempt
 */
export async function setRetention(
  client: CloudWatchLogsClient,
  logGroupName: string,
  retentionInDays: number,
  patience?: Patience,
): Promise<void> {
  try {
    await patiently(
      () => client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays })),
      isMissing,
      patience,
    );
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new Error(`log group ${logGroupName} does not exist: create it, then deploy again`, { cause });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ResourceNotFoundException;
}
