import { setTimeout as sleep } from 'node:timers/promises';
import { FirehoseClient, type FirehoseClientConfig, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { DeliveryError, type Encode } from '../core/loading/load.ts';
import { billedSize } from '../core/loading/pack.ts';
import { bodyMemory, bodySent, WITH_BODY, withBody } from './request-body.ts';

/** Upper bound of the first wait after a failed put. It doubles with each further wait, up to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** A put without an answer for this long is repeated; its records may then be in the stream twice. */
const REQUEST_TIMEOUT_MS = 30_000;

/** What an invocation has sent. */
export class Deliveries {
  /** Milliseconds: the longest that a batch waited between its first refusal and its end. */
  longestWait = 0;
  #billed = 0;

  /** Counts records that Firehose has acknowledged, with the bytes that it bills for them. */
  add(bytesBilled: number): void {
    this.#billed += bytesBilled;
  }

  /** The bytes that are billed for what was sent since the last call. */
  takeBilled(): number {
    const billed = this.#billed;
    this.#billed = 0;
    return billed;
  }
}

/** Every put may take this long, even after `giveUpAt`: Lambda ends the function only some time after that. */
const LEAST_PUT_MS = 1000;

/**
 * Encodes batches and sends each until every entry is acknowledged. A batch must fit into one PutRecordBatch, as
 * batches of core/loading/pack.ts do. Firehose often answers 200 although some entries failed: only those are sent
 * again, in their order, to the next stream, after a random wait that grows. Throttled streams slow this down; only the
 * time limit or an error that no retry can resolve ends it.
 *
 * If the process crashes after Firehose's answer, or an answer is lost, the entries are in the stream and the next
 * attempt sends them again: they are then in the stream twice, with the same origin and position.
 *
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
 *
 * @param giveUpAt milliseconds of performance.now()
 * @param deliveries counts what is sent
 * @throws DeliveryError when the time is over; otherwise the error that no retry can resolve
 */
export function firehoseEncode(client: FirehoseClient, giveUpAt: number, deliveries = new Deliveries()): Encode {
  return (streams, records) => {
    const streamOf = (attempt: number) => streams[attempt % streams.length] as string;
    const first = records.length === 0 ? undefined : bodyOf(streamOf(0), records.map(entryOf));
    const billed = records.reduce((sum, { length }) => sum + billedSize(length), 0);
    return {
      async send() {
        if (!first) return;
        await sendAll(client, streamOf, first, giveUpAt, deliveries);
        deliveries.add(billed);
      },
    };
  };
}

async function sendAll(
  client: FirehoseClient,
  streamOf: (attempt: number) => string,
  first: Body,
  giveUpAt: number,
  deliveries: Deliveries,
): Promise<void> {
  let body = first;
  let refusedAt: number | undefined;
  for (let attempt = 0; ; attempt++) {
    const { failed, reason, read } = await put(client, streamOf(attempt), body, giveUpAt);
    const now = performance.now();
    if (refusedAt !== undefined) deliveries.longestWait = Math.max(deliveries.longestWait, now - refusedAt);
    refusedAt ??= now;
    if (failed.length === 0) {
      bodySent(body.bytes);
      return;
    }
    // Full jitter: functions that were throttled at the same time do not retry at the same time.
    const wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    if (performance.now() + wait > giveUpAt) {
      const count = `${failed.length} of ${first.records.length} records`;
      throw new DeliveryError(`stream ${streamOf(attempt)}: ${count} not acknowledged in time, last answer ${reason}`);
    }
    // Failed entries are copied from the body, because the memory of the original records may be in use again.
    const again = bodyOf(streamOf(attempt + 1), failed.map(copyOf));
    if (read) bodySent(body.bytes);
    body = again;
    await sleep(wait);
  }
}

/** Makes a client for `firehoseEncode`, which retries by itself: the client must not retry too. */
export function firehoseClient(config: FirehoseClientConfig = {}): FirehoseClient {
  return new FirehoseClient({
    ...config,
    maxAttempts: 1,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 5000 },
  });
}

interface Put {
  /** The records of the body that were not acknowledged. */
  readonly failed: readonly Uint8Array[];
  /** The first error code of a failed entry, or the name of the error if the whole call failed. */
  readonly reason: string;
  /** True if Firehose has read the whole body. Without an answer, the connection may still be sending it. */
  readonly read: boolean;
}

async function put(client: FirehoseClient, stream: string, { bytes, records }: Body, giveUpAt: number): Promise<Put> {
  // A missing answer must not delay the function until Lambda ends it.
  const timeout = Math.min(REQUEST_TIMEOUT_MS, Math.max(LEAST_PUT_MS, Math.ceil(giveUpAt - performance.now())));
  const abortSignal = AbortSignal.timeout(timeout);
  try {
    const { FailedPutCount, RequestResponses } = await client.send(putRecordBatch(stream, bytes), { abortSignal });
    if (!FailedPutCount) return { failed: [], reason: '', read: true };
    const failed = records.filter((_, index) => RequestResponses?.[index]?.ErrorCode !== undefined);
    // The answer counts failures but does not identify them, so every entry may have failed.
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
 * A command whose body was already built. The SDK would make a string of each record, a second string of all records,
 * and bytes of that string, which took longer than all the other steps of sending.
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
  /** The base64 of each record, as views of `bytes`. */
  readonly records: readonly Uint8Array[];
}

/** A record to be written into a body as base64. */
interface Entry {
  /** Bytes of the base64. */
  readonly length: number;
  write(bytes: Buffer, at: number): void;
}

/**
 * Bytes of a record that are converted to base64 at a time, a multiple of 3. The text of a whole record would need new
 * memory from the operating system and be a large object of the heap, many of which would wait for the garbage
 * collector. A small piece is short-lived and stays in the processor's cache, and takes a third of the time.
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

/** An entry for a record that is base64 already. */
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

/** True for throttling, a fault of the service or a lost answer. A request that is invalid stays invalid. */
function canRetry(error: unknown): boolean {
  const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string };
  const status = $metadata?.httpStatusCode;
  if (name === 'ServiceUnavailableException' || name?.includes('Throttl') || name === 'LimitExceededException')
    return true;
  return status === undefined || status === 429 || status >= 500;
}
