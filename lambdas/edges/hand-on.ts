import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { logger } from './logger.ts';
import { putHandingOnMetric } from './metrics.ts';

/** Nothing waits for the duplicate check: a call that is not answered in this time is given up. */
const REQUEST_TIMEOUT_MS = 5000;

/** Makes a client for `handOn`. */
export function handOnClient(): LambdaClient {
  return new LambdaClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 1000 },
  });
}

/**
 * Hands an event on to another function, asynchronously and unchanged. The event itself came by an asynchronous
 * invocation, so it does not exceed the size limit. A failure is logged and counted, but does not fail the caller.
 *
 * If the process crashes before the call, the event is delivered again and handed on then. If an answer is lost, the
 * event is handed on twice; the check recognizes the second one, because both have the same input key.
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
