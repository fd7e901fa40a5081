import { setTimeout as sleep } from 'node:timers/promises';
import { FirehoseClient, type FirehoseClientConfig, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { DeliveryError, type Send } from '../core/load.ts';

/** First wait after a failed put; each further wait may be twice as long, up to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** A put that has not been answered for this long is made again; its records may then be in the stream twice. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Sends batches that fit one PutRecordBatch, as core/pack.ts makes them, until every entry is
 * acknowledged. Firehose answers 200 with some entries failed as a matter of course: those alone are
 * sent again, in their order, to the next stream, after a random wait that grows. Throttled streams slow
 * this down; only the time limit or an error that no retry can cure ends it.
 *
 * If the process dies between Firehose's answer and the return, or an answer is lost, the entries are
 * in the stream and will be sent again by whoever retries: they repeat, with the same origin and position.
 *
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
 *
 * @param giveUpAt milliseconds since the epoch
 * @throws DeliveryError when the time is over; otherwise what no retry can cure
 */
export function firehoseSend(client: FirehoseClient, giveUpAt: number): Send {
  return async (streams, records) => {
    let left = records;
    for (let attempt = 0; left.length > 0; attempt++) {
      const stream = streams[attempt % streams.length] as string;
      const { failed, reason } = await put(client, stream, left);
      if (failed.length === 0) return;
      left = failed;
      // Full jitter: functions that were throttled together do not come back together.
      const wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
      if (Date.now() + wait > giveUpAt) {
        throw new DeliveryError(
          `stream ${stream}: ${left.length} of ${records.length} records not acknowledged in time, last answer ${reason}`,
        );
      }
      await sleep(wait);
    }
  };
}

/** A client for `firehoseSend`, which does all the retrying itself. */
export function firehoseClient(config: FirehoseClientConfig = {}): FirehoseClient {
  return new FirehoseClient({
    ...config,
    maxAttempts: 1,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 5000 },
  });
}

interface Put {
  readonly failed: readonly Uint8Array[];
  /** The first error code of a failed entry, or what the call failed with. */
  readonly reason: string;
}

async function put(client: FirehoseClient, stream: string, records: readonly Uint8Array[]): Promise<Put> {
  try {
    const { FailedPutCount, RequestResponses } = await client.send(
      new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: records.map((Data) => ({ Data })) }),
    );
    if (!FailedPutCount) return { failed: [], reason: '' };
    const failed = records.filter((_, index) => RequestResponses?.[index]?.ErrorCode !== undefined);
    // An answer that counts failures without naming them: nothing is known to have arrived.
    if (failed.length === 0) return { failed: records, reason: `${FailedPutCount} failed entries, none named` };
    return { failed, reason: RequestResponses?.find(({ ErrorCode }) => ErrorCode)?.ErrorCode ?? '' };
  } catch (error) {
    if (!canRetry(error)) throw error;
    return { failed: records, reason: (error as Error).name };
  }
}

/** A request that is wrong stays wrong; throttling, a fault of the service or a lost answer pass. */
function canRetry(error: unknown): boolean {
  const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string };
  const status = $metadata?.httpStatusCode;
  if (name === 'ServiceUnavailableException' || name?.includes('Throttl') || name === 'LimitExceededException')
    return true;
  return status === undefined || status === 429 || status >= 500;
}
