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

/** The ledger's table. */
export class LedgerItems {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly #entryDays: number;

  /** @param entryDays days that the ledger keeps entries and batches */
  constructor(client: DynamoDBClient, table: string, entryDays: number) {
    this.client = client;
    this.table = table;
    this.#entryDays = entryDays;
  }

  /** When an item that is made now expires. */
  expiry(): AttributeValue {
    return { N: String(Math.ceil(Date.now() / 1000) + this.#entryDays * DAY_SECONDS) };
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

  /** Items of a group of the index, oldest first. */
  async inGroup(group: string, limit: number, before?: string): Promise<Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: Item | undefined;
    do {
      const answer = await this.client.send(
        new QueryCommand({
          TableName: this.table,
          IndexName: LEDGER.index,
          KeyConditionExpression: `#group = :group${before === undefined ? '' : ' AND #since <= :before'}`,
          ExpressionAttributeNames: { '#group': LEDGER.group, ...(before !== undefined && { '#since': LEDGER.since }) },
          ExpressionAttributeValues: {
            ':group': { S: group },
            ...(before !== undefined && { ':before': { S: before } }),
          },
          Limit: limit - items.length,
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      items.push(...((answer.Items ?? []) as Item[]));
      ExclusiveStartKey = answer.LastEvaluatedKey as Item | undefined;
    } while (ExclusiveStartKey && items.length < limit);
    return items;
  }
}
