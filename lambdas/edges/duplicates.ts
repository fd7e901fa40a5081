import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type BatchWriteItemCommandInput,
  type BatchWriteItemCommandOutput,
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { StoredPage } from '../core/duplicates/counting.ts';
import {
  type CountedMinute,
  type CountStore,
  DUPLICATES,
  type FinishedObject,
  type Note,
  type PageOf,
  type ReportStore,
  type StoredMark,
  shardOf,
  type TrackStore,
} from '../core/duplicates/store.ts';
import { bodyMemory, bodySent } from './body-memory.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const MAX_WRITES = 25;
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_GETS = 100;

/** First wait when the table takes only part of a batch; each further one may be twice as long, up to the longest. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5000;

/** Attempts of a request that is throttled or not answered: 15 to 20 seconds of them, where answers come at once. */
const MAX_ATTEMPTS = 10;

/** An answer of 1 MB takes some 50 ms. Without a limit, a connection that is silent holds a function until it is killed. */
const REQUEST_TIMEOUT_MS = 10_000;

const HOUR_SECONDS = 3600;

/** Pages outlive the window by a day, so that a minute that can still change has all of them. */
const SPARE_HOURS = 24;

/** What people look at is kept for so long. */
const REPORT_HOURS = 90 * 24;

/**
 * A client for `dynamoDuplicates`, by the client's own options. What they save is CPU time, of which its defaults
 * take more than reading the lines does.
 */
export function duplicatesClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  const client = new DynamoDBClient({
    ...config,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 5000 },
    // The SDK's own looks at each character first, which takes two fifths of the time of reading pages.
    base64Decoder: (text) => Buffer.from(text, 'base64'),
    // Its own pipes the answer to another stream.
    streamCollector: bytesOf,
  });
  // It copies each input and output without what is secret, for a logger that there is not.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The table did not take all of a batch in the time there was. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
}

/** Where the table is, and for how long it keeps what. */
export interface DuplicatesTable {
  readonly table: string;
  /** Hours; what only reads need not know it. */
  readonly windowHours?: number;
  /** Milliseconds since the epoch after which a batch that is not taken is given up. */
  readonly giveUpAt?: number;
}

/**
 * The duplicate check's memory in DynamoDB. Every write can be made again when its answer was lost:
 * puts are the same or as good, conditions hold for whoever made them hold.
 */
export function dynamoDuplicates(
  client: DynamoDBClient,
  { table: TableName, windowHours = 0, giveUpAt = Number.POSITIVE_INFINITY }: DuplicatesTable,
): TrackStore & CountStore & ReportStore {
  const expiry = (hours: number) => ({
    [DUPLICATES.expiry]: { N: String(Math.ceil(Date.now() / 1000) + hours * HOUR_SECONDS) },
  });
  const pageExpiry = () => expiry(windowHours + SPARE_HOURS);

  /** Many requests at once: on the way together, each takes half the CPU time of one that is waited for alone. */
  async function writeAll(requests: readonly WriteRequest[]): Promise<void> {
    const parts = Array.from({ length: Math.ceil(requests.length / MAX_WRITES) }, (_, part) =>
      writeBatch(requests.slice(part * MAX_WRITES, (part + 1) * MAX_WRITES)),
    );
    await Promise.all(parts);
  }

  async function writeBatch(requests: readonly WriteRequest[]): Promise<void> {
    let left = requests;
    for (let attempt = 0; left.length > 0; attempt++) {
      const { UnprocessedItems } = await sendBatch(client, TableName, left);
      left = UnprocessedItems?.[TableName] ?? [];
      if (left.length > 0) await pause(attempt, giveUpAt, `table ${TableName}: ${left.length} items not taken in time`);
    }
  }

  async function getAll(keys: readonly Item[], ConsistentRead = false): Promise<Item[]> {
    const items: Item[] = [];
    for (let at = 0; at < keys.length; at += MAX_GETS) {
      let left = keys.slice(at, at + MAX_GETS);
      for (let attempt = 0; left.length > 0; attempt++) {
        const { Responses, UnprocessedKeys } = await client.send(
          new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: left, ConsistentRead } } }),
        );
        items.push(...(Responses?.[TableName] ?? []));
        left = UnprocessedKeys?.[TableName]?.Keys ?? [];
        if (left.length > 0)
          await pause(attempt, giveUpAt, `table ${TableName}: ${left.length} items not read in time`);
      }
    }
    return items;
  }

  async function query(input: Omit<QueryCommandInput, 'TableName'>): Promise<Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: Item | undefined;
    do {
      const page = await client.send(new QueryCommand({ ...input, TableName, ExclusiveStartKey }));
      items.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return items;
  }

  async function note(source: string, origin: string, update: string, value: number): Promise<void> {
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: noteKey(source, origin),
        UpdateExpression: `SET #expiry = :expiry, notedAt = if_not_exists(notedAt, :now)${update}`,
        ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
        ExpressionAttributeValues: {
          ':expiry': expiry(REPORT_HOURS)[DUPLICATES.expiry] as AttributeValue,
          ':now': { N: String(Date.now()) },
          ':value': { N: String(value) },
        },
      }),
    );
  }

  return {
    async finished(origins) {
      const items = await getAll([...new Set(origins)].map(objectKey));
      return new Map(items.map(objectOf).map((object) => [object.origin, object]));
    },

    async tries(origins) {
      const items = await getAll([...new Set(origins)].map(triesKey));
      return new Map(items.map((item) => [objectOf(item).origin, Number(item.tries?.N ?? 0)]));
    },

    async noteTry(origin) {
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: triesKey(origin),
          UpdateExpression: 'SET #expiry = :expiry ADD tries :one',
          ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
          ExpressionAttributeValues: {
            ':expiry': pageExpiry()[DUPLICATES.expiry] as AttributeValue,
            ':one': { N: '1' },
          },
        }),
      );
    },

    writePages: (pages) => writeAll(pages.map((page) => put({ ...pageItem(page), ...pageExpiry() }))),

    mark: (marks) =>
      writeAll(
        marks.map((mark) =>
          put({
            ...markKey({ ...mark, token: randomUUID() }),
            shards: { S: mark.shards.join(',') },
            at: { N: String(Date.now()) },
            ...pageExpiry(),
          }),
        ),
      ),

    async finish({ origin, what, holder, late }) {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: objectKey(origin),
          UpdateExpression: `SET ${['holder', 'what', 'late', '#expiry']
            .map((name) => `${name} = if_not_exists(${name}, :${name.replace('#', '')})`)
            .join(', ')}`,
          ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
          ExpressionAttributeValues: {
            ':holder': { S: holder },
            ':what': { S: what },
            ':late': { N: String(late) },
            ':expiry': pageExpiry()[DUPLICATES.expiry] as AttributeValue,
          },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return objectOf(Attributes);
    },

    noteRedelivered: (source, origin) => note(source, origin, ' ADD redelivered :value', 1),

    noteLate: (source, origin, late) => note(source, origin, ', late = :value', late),

    marks: async () => (await query(partitionIs(MARKS))).map(markOf),

    async counted(minutes) {
      const keys = minutes.map(({ source, minute }) => minuteKey(source, minute));
      return (await getAll(keys, true)).map(minuteOf);
    },

    async pages(source, at, shards) {
      const partitions = shards.map((shard) => query(partitionIs(pagePartition(source, at, shard))));
      return (await Promise.all(partitions)).flat().map(pageOf);
    },

    async storeMinute(counted) {
      const token = randomUUID();
      try {
        await client.send(
          new PutItemCommand({
            TableName,
            Item: { ...minuteItem(counted), token: { S: token }, ...expiry(REPORT_HOURS) },
            ConditionExpression:
              counted.version === 1 ? `attribute_not_exists(${DUPLICATES.partition})` : 'version = :before',
            ...(counted.version > 1 && {
              ExpressionAttributeValues: { ':before': { N: String(counted.version - 1) } },
            }),
          }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // Ours, when its answer was lost and the SDK tried again.
        const [item] = await getAll([minuteKey(counted.source, counted.minute)], true);
        return item?.token?.S === token;
      }
    },

    clear: (marks) => writeAll(marks.map((mark) => ({ DeleteRequest: { Key: markKey(mark) } }))),

    async minutes(source, from) {
      const { partition, sort } = DUPLICATES;
      const items = await query({
        KeyConditionExpression: `${partition} = :partition AND ${sort} >= :from`,
        ExpressionAttributeValues: { ':partition': { S: minutePartition(source) }, ':from': { S: minuteText(from) } },
      });
      return items.map(minuteOf);
    },

    notes: async (source) => (await query(partitionIs(notePartition(source)))).map(noteOf),
  };
}

type Item = Record<string, AttributeValue>;

function put(item: Item): WriteRequest {
  return { PutRequest: { Item: item } };
}

/**
 * Sends a BatchWriteItem with a body made once, as edges/firehose.ts sends its own: the client's own way takes several
 * times as long.
 * https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/middleware-stack.html
 */
async function sendBatch(
  client: DynamoDBClient,
  table: string,
  requests: readonly WriteRequest[],
): Promise<BatchWriteItemCommandOutput> {
  const command = new BatchWriteItemCommand({ RequestItems: {} });
  let body: Buffer = Buffer.alloc(0);
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body: unknown; readonly headers: Record<string, string> };
      body = bodyOf(args.input, table, requests);
      request.body = body;
      request.headers['content-length'] = String(body.length);
      return next(args);
    },
    { step: 'build', priority: 'high', name: 'tributaryBatchWriteItemBody' },
  );
  const answer = await client.send(command);
  bodySent(body);
  return answer;
}

/** `{…,"RequestItems":{"table":[{"PutRequest":{"Item":{"pk":{"S":"…"},"f":{"B":"base64"}}}},…]}}` */
function bodyOf(input: BatchWriteItemCommandInput, table: string, requests: readonly WriteRequest[]): Buffer {
  const { RequestItems: _, ...others } = input;
  const around = JSON.stringify({ ...others, RequestItems: { [table]: [] } });
  const end = ']}}';
  const texts: string[] = [];
  let before = around.slice(0, -end.length);
  for (const { PutRequest, DeleteRequest } of requests) {
    before += PutRequest ? '{"PutRequest":{"Item":{' : '{"DeleteRequest":{"Key":{';
    for (const [name, value] of Object.entries(PutRequest?.Item ?? DeleteRequest?.Key ?? {})) {
      before += `${JSON.stringify(name)}:`;
      if (value.B) {
        texts.push(`${before}{"B":"`, base64(value.B));
        before = '"},';
      } else {
        before += `${JSON.stringify(value)},`;
      }
    }
    before = `${before.slice(0, -1)}}}},`;
  }
  texts.push(`${before.slice(0, -1)}${end}`);
  const body = bodyMemory(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
  let at = 0;
  for (const text of texts) at += body.write(text, at);
  return body.subarray(0, at);
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

async function pause(attempt: number, giveUpAt: number, problem: string): Promise<void> {
  const wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  if (Date.now() + wait > giveUpAt) throw new WriteError(problem);
  await sleep(wait);
}

function key(partition: string, sort: string): Item {
  return { [DUPLICATES.partition]: { S: partition }, [DUPLICATES.sort]: { S: sort } };
}

function partitionIs(partition: string) {
  return {
    KeyConditionExpression: `${DUPLICATES.partition} = :partition`,
    ExpressionAttributeValues: { ':partition': { S: partition } },
  };
}

/** The parts of an item's keys, which no part's own text can hold a # to confuse. */
function partsOf(item: Item): string[] {
  return `${item[DUPLICATES.partition]?.S}#${item[DUPLICATES.sort]?.S}`.split('#');
}

const objectKey = (origin: string) => key(`o#${origin}`, 'o');
const triesKey = (origin: string) => key(`o#${origin}`, 't');

function objectOf(item: Item): FinishedObject {
  const [, origin = ''] = partsOf(item);
  return { origin, what: item.what?.S ?? '', holder: item.holder?.S ?? '', late: Number(item.late?.N ?? 0) };
}

function pagePartition(source: string, minute: number, shard: number): string {
  return `p#${source}#${minute}#${shard}`;
}

function pageItem({ source, minute, origin, sequence, sampleRate, fingerprints }: PageOf): Item {
  return {
    ...key(pagePartition(source, minute, shardOf(origin, sequence)), `${origin}#${sequence}`),
    f: { B: fingerprints },
    ...(sampleRate < 1 && { r: { N: String(sampleRate) } }),
  };
}

function pageOf(item: Item): StoredPage {
  const origin = partsOf(item)[4] ?? '';
  return { origin, sampleRate: Number(item.r?.N ?? 1), fingerprints: item.f?.B ?? new Uint8Array() };
}

/** One partition: a mark for a minute and invocation is little even where pages are many. */
const MARKS = 'due';

function markKey({ source, minute, token }: Pick<StoredMark, 'source' | 'minute' | 'token'>): Item {
  return key(MARKS, `${source}#${minute}#${token}`);
}

function markOf(item: Item): StoredMark {
  const [, source = '', minute, token = ''] = partsOf(item);
  const shards = item.shards?.S?.split(',').map(Number) ?? [];
  return { source, minute: Number(minute), shards, token, putAt: Number(item.at?.N) };
}

const minutePartition = (source: string) => `m#${source}`;

/** Sorts as text as the minutes do. */
const minuteText = (minute: number) => String(minute).padStart(10, '0');

const minuteKey = (source: string, minute: number) => key(minutePartition(source), minuteText(minute));

function minuteItem({ source, minute, version, ...counted }: CountedMinute): Item {
  // Only ever read as a whole.
  return { ...minuteKey(source, minute), version: { N: String(version) }, counted: { S: JSON.stringify(counted) } };
}

function minuteOf(item: Item): CountedMinute {
  const [, source = '', minute] = partsOf(item);
  const counted = JSON.parse(item.counted?.S ?? '{}') as Omit<CountedMinute, 'source' | 'minute' | 'version'>;
  return { source, minute: Number(minute), version: Number(item.version?.N), ...counted };
}

const notePartition = (source: string) => `n#${source}`;
const noteKey = (source: string, origin: string) => key(notePartition(source), origin);

function noteOf(item: Item): Note {
  const [, source = '', origin = ''] = partsOf(item);
  return {
    source,
    origin,
    redelivered: Number(item.redelivered?.N ?? 0),
    late: Number(item.late?.N ?? 0),
    notedAt: Number(item.notedAt?.N),
  };
}
