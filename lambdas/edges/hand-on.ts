import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { logger } from './logger.ts';
import { putHandingOnMetric } from './metrics.ts';

/** Nobody waits for the check: a call that is not answered by then is given up. */
const REQUEST_TIMEOUT_MS = 5000;

/** A client for `handOn`. */
export function handOnClient(): LambdaClient {
  return new LambdaClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 1000 },
  });
}

/**
 * Hands an event on to another function, asynchronously and as it came: it came that way, so it fits.
 * A failure is logged and counted, and no failure of whoever hands on.
 *
 * If the process dies before, the event returns and is handed on then; after an answer was lost, it is
 * handed on twice, which the check tells by the payload's identity.
 *
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function handOn(
  client: LambdaClient,
  functionName: string,
  event: unknown,
  source: string,
): Promise<void> {
  try {
    await client.send(
      new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload: JSON.stringify(event) }),
    );
  } catch (error) {
    logger.warn('payload not checked for duplicates', { source, error: error as Error });
    putHandingOnMetric(source);
  }
}
