/** Items of the ledger in DynamoDB: put, read, and changed where a condition holds. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { LEDGER } from '../core/loading/ledger.ts';

export type Item = Record<string, AttributeValue>;

const DAY_SECONDS = 86_400;

/** Which items of a group are read. */
export interface GroupPart {
  /** The earliest and the latest time, ISO 8601. */
  readonly from?: string;
  readonly before?: string;
  readonly newestFirst?: boolean;
  /** Items of a page. @default - what DynamoDB gives at once, which is 1 MB */
  readonly limit?: number;
}

/** When an item expires that is made now and kept for so many days. */
export function expiryIn(days: number): AttributeValue & { readonly N: string } {
  return { N: String(Math.ceil(Date.now() / 1000) + days * DAY_SECONDS) };
}

/** Id of the item of a batch. No entry of an input has an id with a space. */
export function batchItemId(batch: string): string {
  return `batch ${batch}`;
}

/** The ledger's table. */
export class Items {
  readonly client: DynamoDBClient;
  readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  async get(id: string): Promise<Item | undefined> {
    const Key = { [LEDGER.key]: { S: id } };
    return (await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }))).Item;
  }

  /** @returns false if there is an item of this id */
  async putNew(Item: Item): Promise<boolean> {
    try {
      await this.client.send(
        new PutItemCommand({
          TableName: this.table,
          Item,
          ConditionExpression: 'attribute_not_exists(#id)',
          ExpressionAttributeNames: { '#id': LEDGER.key },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /**
   * Changes an item if a condition holds.
   *
   * @param condition and `change` name each attribute by `#` and its name
   * @returns the item as it is now, or undefined if the condition fails
   */
  async update(id: string, condition: string, change: string, values: Item): Promise<Item | undefined> {
    const used = new Set([...`${condition} ${change}`.matchAll(/#(\w+)/g)].map(([, name = '']) => name));
    try {
      const { Attributes } = await this.client.send(
        new UpdateItemCommand({
          TableName: this.table,
          Key: { [LEDGER.key]: { S: id } },
          ConditionExpression: condition,
          UpdateExpression: change,
          ExpressionAttributeNames: Object.fromEntries([...used].map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: values,
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  /** Items of a group of the index, oldest first, up to a limit. */
  async inGroup(group: string, limit: number, before?: string): Promise<Item[]> {
    const items: Item[] = [];
    for await (const item of this.allInGroup(group, { ...(before !== undefined && { before }), limit })) {
      items.push(item);
      if (items.length === limit) break;
    }
    return items;
  }

  /** All items of a group of the index in the order of their times, read page by page as they are taken. */
  async *allInGroup(group: string, { from, before, newestFirst = false, limit }: GroupPart = {}): AsyncGenerator<Item> {
    let ExclusiveStartKey: Item | undefined;
    do {
      const answer = await this.client.send(
        new QueryCommand({
          TableName: this.table,
          IndexName: LEDGER.index,
          KeyConditionExpression: `#group = :group${timesOf(from, before)}`,
          ExpressionAttributeNames: {
            '#group': LEDGER.group,
            ...((from ?? before) !== undefined && { '#since': LEDGER.since }),
          },
          ExpressionAttributeValues: {
            ':group': { S: group },
            ...(from !== undefined && { ':from': { S: from } }),
            ...(before !== undefined && { ':before': { S: before } }),
          },
          ScanIndexForward: !newestFirst,
          ...(limit !== undefined && { Limit: limit }),
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      yield* (answer.Items ?? []) as Item[];
      ExclusiveStartKey = answer.LastEvaluatedKey as Item | undefined;
    } while (ExclusiveStartKey);
  }
}

/** DynamoDB takes one condition for the sort key. */
function timesOf(from: string | undefined, before: string | undefined): string {
  if (from !== undefined && before !== undefined) return ' AND #since BETWEEN :from AND :before';
  if (from !== undefined) return ' AND #since >= :from';
  return before === undefined ? '' : ' AND #since <= :before';
}

/** The ledger's table, and how long it keeps what is put there. */
export class LedgerItems extends Items {
  readonly entryDays: number;

  /** @param entryDays days that the ledger keeps entries and batches */
  constructor(client: DynamoDBClient, table: string, entryDays: number) {
    super(client, table);
    this.entryDays = entryDays;
  }

  /** When an item that is made now expires. */
  expiry(): AttributeValue {
    return expiryIn(this.entryDays);
  }
}
