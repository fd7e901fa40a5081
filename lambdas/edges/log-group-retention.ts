import {
  type CloudWatchLogsClient,
  PutRetentionPolicyCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';

/** How long to try, and how long to wait between attempts. */
export interface Patience {
  readonly tries: number;
  readonly waitMs: number;
}

/** Two minutes: a permission that was just granted is effective after seconds. */
const PATIENCE: Patience = { tries: 24, waitMs: 5000 };

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
  { tries, waitMs }: Patience = PATIENCE,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays }));
      return;
    } catch (cause) {
      if (cause instanceof ResourceNotFoundException) {
        throw new Error(`log group ${logGroupName} does not exist: create it, then deploy again`, { cause });
      }
      if (attempt >= tries) throw cause;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
