import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { type CountStore, DUPLICATES, type ReportStore, type TrackStore } from '../core/duplicates/store.ts';
import { allOf, InFlight } from '../core/loading/in-flight.ts';
import { pageBytes, withoutPages } from './answer-pages.ts';
import { batchWrite, MAX_WRITES } from './batch-write.ts';
import {
  type Item,
  MARKS,
  markKey,
  markOf,
  minuteItem,
  minuteKey,
  minuteOf,
  minutePartition,
  minuteText,
  noteKey,
  noteOf,
  notePartition,
  objectKey,
  objectOf,
  pageItem,
  pageOf,
  pagePartition,
  partitionIs,
  triesKey,
} from './duplicates-items.ts';

/** Of BatchWriteItem; each body is some 10 MB at most. */
const WRITES_IN_FLIGHT = 8;
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_GETS = 100;

/** First wait when the table takes only part of a batch; each further one may be twice as long, up to the longest. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5000;

/** Attempts of a request that is throttled or not answered: 15 to 20 seconds of them, where answers come at once. */
const MAX_ATTEMPTS = 10;

/** An answer of 1 MB takes some 50 ms. Without a limit, a connection that is silent holds a function until it is killed. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Time a request has at least. */
const LEAST_REQUEST_MS = 1000;

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
    streamCollector: withoutPages,
    base64Decoder: pageBytes,
  });
  // It copies each input and output without what is secret, for a logger that there is not.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
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
  /** Milliseconds since the epoch after which what is not answered, or a batch that is not taken, is given up. */
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
  /** For a request that is given up when time is over: an answer that does not come must not hold the function until it is killed. */
  const inTime = () =>
    giveUpAt === Number.POSITIVE_INFINITY
      ? {}
      : { abortSignal: AbortSignal.timeout(Math.max(LEAST_REQUEST_MS, Math.ceil(giveUpAt - Date.now()))) };
  const pageExpiry = () => expiry(windowHours + SPARE_HOURS);

  /**
   * Several requests at once: on the way together, each takes half the CPU time of one that is waited for alone. Not
   * all of them, as their bodies are a third larger than the pages.
   */
  async function writeAll(requests: readonly WriteRequest[]): Promise<void> {
    const writing = new InFlight(WRITES_IN_FLIGHT, writeBatch, async () => {});
    try {
      for (let at = 0; at < requests.length; at += MAX_WRITES) await writing.add(requests.slice(at, at + MAX_WRITES));
      await writing.done();
    } finally {
      await writing.settle();
    }
  }

  async function writeBatch(requests: readonly WriteRequest[]): Promise<void> {
    let left = requests;
    for (let attempt = 0; left.length > 0; attempt++) {
      const { UnprocessedItems } = await batchWrite(client, TableName, left, inTime());
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
          inTime(),
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
      const page = await client.send(new QueryCommand({ ...input, TableName, ExclusiveStartKey }), inTime());
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
        UpdateExpression: `SET #expiry = :expiry, recordedAt = if_not_exists(recordedAt, :now)${update}`,
        ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
        ExpressionAttributeValues: {
          ':expiry': expiry(REPORT_HOURS)[DUPLICATES.expiry] as AttributeValue,
          ':now': { N: String(Date.now()) },
          ':value': { N: String(value) },
        },
      }),
      inTime(),
    );
  }

  return {
    async finished(origins) {
      const items = await getAll([...new Set(origins)].map(objectKey));
      return new Map(items.map(objectOf).map((object) => [object.origin, object]));
    },

    async attempts(origins) {
      const items = await getAll([...new Set(origins)].map(triesKey));
      return new Map(items.map((item) => [objectOf(item).origin, Number(item.attempts?.N ?? 0)]));
    },

    async recordAttempt(origin) {
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: triesKey(origin),
          UpdateExpression: 'SET #expiry = :expiry ADD attempts :one',
          ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
          ExpressionAttributeValues: {
            ':expiry': pageExpiry()[DUPLICATES.expiry] as AttributeValue,
            ':one': { N: '1' },
          },
        }),
        inTime(),
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

    async finish({ origin, label, holder, outsideWindow }) {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: objectKey(origin),
          UpdateExpression: `SET ${['holder', 'label', 'outsideWindow', '#expiry']
            .map((name) => `${name} = if_not_exists(${name}, :${name.replace('#', '')})`)
            .join(', ')}`,
          ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
          ExpressionAttributeValues: {
            ':holder': { S: holder },
            ':label': { S: label },
            ':outsideWindow': { N: String(outsideWindow) },
            ':expiry': pageExpiry()[DUPLICATES.expiry] as AttributeValue,
          },
          ReturnValues: 'ALL_NEW',
        }),
        inTime(),
      );
      return objectOf(Attributes);
    },

    recordRedelivery: (source, origin) => note(source, origin, ' ADD redelivered :value', 1),

    recordOutsideWindow: (source, origin, outsideWindow) =>
      note(source, origin, ', outsideWindow = :value', outsideWindow),

    marks: async () => (await query(partitionIs(MARKS))).map(markOf),

    async counted(minutes) {
      const keys = minutes.map(({ source, minute }) => minuteKey(source, minute));
      return (await getAll(keys, true)).map(minuteOf);
    },

    async pages(source, at, shards) {
      const partitions = shards.map((shard) => query(partitionIs(pagePartition(source, at, shard))));
      return (await allOf(partitions)).flat().map(pageOf);
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
          inTime(),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // Ours, when its answer was lost and the SDK tried again.
        const [item] = await getAll([minuteKey(counted.source, counted.minute)], true);
        return item?.token?.S === token;
      }
    },

    deleteMarks: (marks) => writeAll(marks.map((mark) => ({ DeleteRequest: { Key: markKey(mark) } }))),

    async minutes(source, from) {
      const { partition, sort } = DUPLICATES;
      const items = await query({
        KeyConditionExpression: `${partition} = :partition AND ${sort} >= :from`,
        ExpressionAttributeValues: { ':partition': { S: minutePartition(source) }, ':from': { S: minuteText(from) } },
      });
      return items.map(minuteOf);
    },

    inputStats: async (source) => (await query(partitionIs(notePartition(source)))).map(noteOf),
  };
}

function put(item: Item): WriteRequest {
  return { PutRequest: { Item: item } };
}

async function pause(attempt: number, giveUpAt: number, problem: string): Promise<void> {
  const wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  if (Date.now() + wait > giveUpAt) throw new WriteError(problem);
  await sleep(wait);
}
