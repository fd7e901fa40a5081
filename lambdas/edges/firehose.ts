import { setTimeout as sleep } from 'node:timers/promises';
import { FirehoseClient, type FirehoseClientConfig, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { DeliveryError, type Encode } from '../core/loading/load.ts';
import { bodyMemory, bodySent, WITH_BODY, withBody } from './request-body.ts';

/** First wait after a failed put; each further wait may be twice as long, up to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** A put that has not been answered for this long is made again; its records may then be in the stream twice. */
const REQUEST_TIMEOUT_MS = 30_000;

/** What a put is given however late it is: the function is killed some time after giving up. */
const LEAST_PUT_MS = 1000;

/**
 * Encodes batches that fit one PutRecordBatch, as core/loading/pack.ts makes them, and sends each until every entry is
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
export function firehoseEncode(client: FirehoseClient, giveUpAt: number): Encode {
  return (streams, records) => {
    const streamOf = (attempt: number) => streams[attempt % streams.length] as string;
    const first = records.length === 0 ? undefined : bodyOf(streamOf(0), records.map(entryOf));
    return {
      async send() {
        if (first) await sendAll(client, streamOf, first, giveUpAt);
      },
    };
  };
}

async function sendAll(
  client: FirehoseClient,
  streamOf: (attempt: number) => string,
  first: Body,
  giveUpAt: number,
): Promise<void> {
  let body = first;
  for (let attempt = 0; ; attempt++) {
    const { failed, reason, read } = await put(client, streamOf(attempt), body, giveUpAt);
    if (failed.length === 0) {
      bodySent(body.bytes);
      return;
    }
    // Full jitter: functions that were throttled together do not come back together.
    const wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    if (Date.now() + wait > giveUpAt) {
      const count = `${failed.length} of ${first.records.length} records`;
      throw new DeliveryError(`stream ${streamOf(attempt)}: ${count} not acknowledged in time, last answer ${reason}`);
    }
    // Entries are sent again from the body's own bytes.
    const again = bodyOf(streamOf(attempt + 1), failed.map(copyOf));
    if (read) bodySent(body.bytes);
    body = again;
    await sleep(wait);
  }
}

/** A client for `firehoseEncode`, which does all the retrying itself. */
export function firehoseClient(config: FirehoseClientConfig = {}): FirehoseClient {
  return new FirehoseClient({
    ...config,
    maxAttempts: 1,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 5000 },
  });
}

interface Put {
  /** Of the body's records. */
  readonly failed: readonly Uint8Array[];
  /** The first error code of a failed entry, or what the call failed with. */
  readonly reason: string;
  /** Firehose has read all of the body; after anything but an answer the connection may not be through with it. */
  readonly read: boolean;
}

async function put(client: FirehoseClient, stream: string, { bytes, records }: Body, giveUpAt: number): Promise<Put> {
  // An answer that does not come must not hold the function up until it is killed.
  const patience = Math.min(REQUEST_TIMEOUT_MS, Math.max(LEAST_PUT_MS, Math.ceil(giveUpAt - Date.now())));
  const abortSignal = AbortSignal.timeout(patience);
  try {
    const { FailedPutCount, RequestResponses } = await client.send(putRecordBatch(stream, bytes), { abortSignal });
    if (!FailedPutCount) return { failed: [], reason: '', read: true };
    const failed = records.filter((_, index) => RequestResponses?.[index]?.ErrorCode !== undefined);
    // An answer that counts failures without naming them: nothing is known to have arrived.
    if (failed.length === 0) {
      return { failed: records, reason: `${FailedPutCount} failed entries, none named`, read: true };
    }
    return { failed, reason: RequestResponses?.find(({ ErrorCode }) => ErrorCode)?.ErrorCode ?? '', read: true };
  } catch (error) {
    if (!canRetry(error)) throw error;
    return { failed: records, reason: (error as Error).name, read: false };
  }
}

/**
 * The command, with a body made once: the client's own way makes a string of each record, a second of all of them,
 * and bytes of that, which took longer than all else there is to sending.
 */
function putRecordBatch(stream: string, body: Uint8Array): PutRecordBatchCommand {
  const command = new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: [] });
  command.middlewareStack.add(
    withBody(() => body),
    WITH_BODY,
  );
  return command;
}

/** The body of a put: `{"DeliveryStreamName":"…","Records":[{"Data":"base64"},…]}` */
interface Body {
  readonly bytes: Buffer;
  /** Its records, as base64 in these bytes. */
  readonly records: readonly Uint8Array[];
}

/** A record to be written into a body as base64, and the bytes it takes there. */
interface Entry {
  readonly length: number;
  write(bytes: Buffer, at: number): void;
}

/**
 * Bytes of a record made base64 at a time, a multiple of 3. The text of a whole record would be new memory from the
 * system and a large object of the heap, of which many wait for the garbage collector; this little is young
 * and in a processor's own memory, and takes a third of the time.
 */
const PIECE_BYTES = 24 * 1024;

function entryOf(record: Uint8Array): Entry {
  const data = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  return {
    length: Math.ceil(data.length / 3) * 4,
    write(bytes, at) {
      let end = at;
      for (let from = 0; from < data.length; from += PIECE_BYTES) {
        end += bytes.write(data.toString('base64', from, from + PIECE_BYTES), end, 'latin1');
      }
    },
  };
}

function copyOf(record: Uint8Array): Entry {
  return { length: record.length, write: (bytes, at) => bytes.set(record, at) };
}

function bodyOf(stream: string, entries: readonly Entry[]): Body {
  const head = `{"DeliveryStreamName":${JSON.stringify(stream)},"Records":[`;
  const [before, after] = ['{"Data":"', '"}'];
  const around = before.length + after.length + 1;
  const memory = bodyMemory(entries.reduce((sum, { length }) => sum + around + length, Buffer.byteLength(head) + 2));
  let at = memory.write(head);
  const records = entries.map((entry, index) => {
    at += memory.write(index === 0 ? before : `,${before}`, at, 'latin1');
    entry.write(memory, at);
    const record = memory.subarray(at, at + entry.length);
    at += entry.length;
    at += memory.write(after, at, 'latin1');
    return record;
  });
  at += memory.write(']}', at, 'latin1');
  return { bytes: memory.subarray(0, at), records };
}

/** A request that is wrong stays wrong; throttling, a fault of the service or a lost answer pass. */
function canRetry(error: unknown): boolean {
  const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string };
  const status = $metadata?.httpStatusCode;
  if (name === 'ServiceUnavailableException' || name?.includes('Throttl') || name === 'LimitExceededException')
    return true;
  return status === undefined || status === 429 || status >= 500;
}
