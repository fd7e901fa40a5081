import { setTimeout as sleep } from 'node:timers/promises';
import { FirehoseClient, type FirehoseClientConfig, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { DeliveryError, type Send } from '../core/load.ts';
import { bodyMemory, bodySent } from './body-memory.ts';

/** First wait after a failed put; each further wait may be twice as long, up to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** A put that has not been answered for this long is made again; its records may then be in the stream twice. */
const REQUEST_TIMEOUT_MS = 30_000;

/** What a put is given however late it is: the function is killed some time after giving up. */
const LEAST_PUT_MS = 1000;

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
      const { failed, reason } = await put(client, stream, left, giveUpAt);
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

async function put(
  client: FirehoseClient,
  stream: string,
  records: readonly Uint8Array[],
  giveUpAt: number,
): Promise<Put> {
  // An answer that does not come must not hold the function up until it is killed.
  const patience = Math.min(REQUEST_TIMEOUT_MS, Math.max(LEAST_PUT_MS, Math.ceil(giveUpAt - Date.now())));
  const abortSignal = AbortSignal.timeout(patience);
  const body = bodyOf(stream, records);
  try {
    const { FailedPutCount, RequestResponses } = await client.send(putRecordBatch(stream, body), { abortSignal });
    bodySent(body);
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

/**
 * The command, with a body made once: the client's own way makes a string of each record, a second of all of them,
 * and bytes of that, which took longer than all else there is to sending. Middleware of the step `build` comes
 * after the client has serialized the input and before it signs the request.
 * https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/middleware-stack.html
 */
function putRecordBatch(stream: string, body: Uint8Array): PutRecordBatchCommand {
  const command = new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: [] });
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body: unknown; readonly headers: Record<string, string> };
      request.body = body;
      request.headers['content-length'] = String(body.length);
      return next(args);
    },
    { step: 'build', priority: 'high', name: 'tributaryPutRecordBatchBody' },
  );
  return command;
}

/** `{"DeliveryStreamName":"…","Records":[{"Data":"base64"},…]}` */
function bodyOf(stream: string, records: readonly Uint8Array[]): Buffer {
  const head = `{"DeliveryStreamName":${JSON.stringify(stream)},"Records":[`;
  const [before, after] = ['{"Data":"', '"}'];
  const around = before.length + after.length + 1;
  const size = records.reduce(
    (sum, { length }) => sum + around + Math.ceil(length / 3) * 4,
    Buffer.byteLength(head) + 2,
  );
  const body = bodyMemory(size);
  let at = body.write(head);
  for (const [index, record] of records.entries()) {
    const data = Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('base64');
    at += body.write(index === 0 ? before : `,${before}`, at, 'latin1');
    at += body.write(data, at, 'latin1');
    at += body.write(after, at, 'latin1');
  }
  at += body.write(']}', at, 'latin1');
  return body.subarray(0, at);
}

/** A request that is wrong stays wrong; throttling, a fault of the service or a lost answer pass. */
function canRetry(error: unknown): boolean {
  const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string };
  const status = $metadata?.httpStatusCode;
  if (name === 'ServiceUnavailableException' || name?.includes('Throttl') || name === 'LimitExceededException')
    return true;
  return status === undefined || status === 429 || status >= 500;
}
