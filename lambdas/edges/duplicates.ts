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
  attemptsKey,
  type Item,
  MARKS,
  markKey,
  markOf,
  minuteItem,
  minuteKey,
  minuteOf,
  minutePartition,
  minuteText,
  objectKey,
  objectOf,
  pageItem,
  pageOf,
  pagePartition,
  partitionIs,
  statsKey,
  statsOf,
  statsPartition,
} from './duplicates-items.ts';

/** BatchWriteItem requests in flight; each body has at most some 10 MB. */
const WRITES_IN_FLIGHT = 8;
/** Most keys in a BatchGetItem. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_GETS = 100;

/**
 * Longest first wait when the table takes only part of a batch. It doubles with each attempt, up to the longest wait.
 */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5000;

/**
 * Attempts of a request that is throttled or not answered. If answers come at once, ten attempts take 15 to 20 seconds.
 */
const MAX_ATTEMPTS = 10;

/**
 * An answer of 1 MB takes some 50 ms. Without a timeout, a silent connection would hold the function until its time
 * limit.
 */
const REQUEST_TIMEOUT_MS = 10_000;

/** Shortest timeout of a request, even if the time is nearly over. */
const LEAST_REQUEST_MS = 1000;

const HOUR_SECONDS = 3600;

/** Pages outlive the window by a day, so that a minute that can still change has all of its pages. */
const SPARE_HOURS = 24;

/** Minutes and statistics for people are kept this long. */
const REPORT_HOURS = 90 * 24;

/**
 * Makes a client for `dynamoDuplicates`. Its options save CPU time: the SDK's defaults take more of it than reading the
 * lines does.
 */
export function duplicatesClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  const client = new DynamoDBClient({
    ...config,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 5000 },
    streamCollector: withoutPages,
    base64Decoder: pageBytes,
  });
  // This middleware copies every input and output, without sensitive fields, for a logger that is not configured.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

/** The table did not take or return all items of a batch before the time was over. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
}

/** The table, and how long its items are kept. */
export interface DuplicatesTable {
  readonly table: string;
  /** Hours. Callers that only read the table can omit it. */
  readonly windowHours?: number;
  /**
   * Milliseconds of performance.now(). Requests that are not answered by then are aborted, and incomplete batches are not
   * tried again.
   */
  readonly giveUpAt?: number;
}

/**
 * Stores the data of the duplicate check in DynamoDB. Every write can be repeated if its answer was lost: a put is
 * repeated with the same or an equivalent item, and a condition that the first write has met also holds for its
 * repetition. Only the counters of attempts and redeliveries then count one too many.
 */
export function dynamoDuplicates(
  client: DynamoDBClient,
  { table: TableName, windowHours = 0, giveUpAt = Number.POSITIVE_INFINITY }: DuplicatesTable,
): TrackStore & CountStore & ReportStore {
  const expiry = (hours: number) => ({
    [DUPLICATES.expiry]: { N: String(Math.ceil(Date.now() / 1000) + hours * HOUR_SECONDS) },
  });
  /**
   * Options that abort a request when the time is over: a missing answer must not hold the function until its time
   * limit.
   */
  const withDeadline = () =>
    giveUpAt === Number.POSITIVE_INFINITY
      ? {}
      : { abortSignal: AbortSignal.timeout(Math.max(LEAST_REQUEST_MS, Math.ceil(giveUpAt - performance.now()))) };
  const pageExpiry = () => expiry(windowHours + SPARE_HOURS);

  /**
   * Writes in parallel: each of several requests in flight takes half the CPU time of one that is awaited alone. Not
   * all requests at once, because their bodies are a third larger than the pages.
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
      const { UnprocessedItems } = await batchWrite(client, TableName, left, withDeadline());
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
          withDeadline(),
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
      const page = await client.send(new QueryCommand({ ...input, TableName, ExclusiveStartKey }), withDeadline());
      items.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return items;
  }

  async function updateStats(source: string, origin: string, update: string, value: number): Promise<void> {
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: statsKey(source, origin),
        UpdateExpression: `SET #expiry = :expiry, recordedAt = if_not_exists(recordedAt, :now)${update}`,
        ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
        ExpressionAttributeValues: {
          ':expiry': expiry(REPORT_HOURS)[DUPLICATES.expiry] as AttributeValue,
          ':now': { N: String(Date.now()) },
          ':value': { N: String(value) },
        },
      }),
      withDeadline(),
    );
  }

  return {
    async finished(origins) {
      const items = await getAll([...new Set(origins)].map(objectKey));
      return new Map(items.map(objectOf).map((object) => [object.origin, object]));
    },

    async attempts(origins) {
      const items = await getAll([...new Set(origins)].map(attemptsKey));
      return new Map(items.map((item) => [objectOf(item).origin, Number(item.attempts?.N ?? 0)]));
    },

    async recordAttempt(origin) {
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: attemptsKey(origin),
          UpdateExpression: 'SET #expiry = :expiry ADD attempts :one',
          ExpressionAttributeNames: { '#expiry': DUPLICATES.expiry },
          ExpressionAttributeValues: {
            ':expiry': pageExpiry()[DUPLICATES.expiry] as AttributeValue,
            ':one': { N: '1' },
          },
        }),
        withDeadline(),
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
        withDeadline(),
      );
      return objectOf(Attributes);
    },

    recordRedelivery: (source, origin) => updateStats(source, origin, ' ADD redelivered :value', 1),

    recordOutsideWindow: (source, origin, outsideWindow) =>
      updateStats(source, origin, ', outsideWindow = :value', outsideWindow),

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
          withDeadline(),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // True if the stored count is this call's own: its answer was lost, and the SDK has repeated the request.
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

    inputStats: async (source) => (await query(partitionIs(statsPartition(source)))).map(statsOf),
  };
}

function put(item: Item): WriteRequest {
  return { PutRequest: { Item: item } };
}

async function pause(attempt: number, giveUpAt: number, problem: string): Promise<void> {
  const wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  if (performance.now() + wait > giveUpAt) throw new WriteError(problem);
  await sleep(wait);
}
