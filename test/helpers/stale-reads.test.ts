import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Fault, intercepting } from '../faults/call.ts';
import { clientOptions } from './client-options.ts';
import { openLocalTable } from './local-table.ts';
import { loseAnswer } from './s3-faults.ts';
import { isEventuallyConsistent, type StaleReadsOptions, staleReads } from './stale-reads.ts';

const TableName = 'ledger';
const definition = { name: TableName, partition: 'pk', indexes: [{ name: 'waiting', partition: 'source' }] };

async function opened(options: StaleReadsOptions, first: Fault = () => undefined) {
  const table = await openLocalTable(definition, intercepting(first, staleReads(options)));
  const client = new DynamoDBClient({ ...clientOptions(table.url), maxAttempts: 1 });
  onTestFinished(async () => {
    client.destroy();
    await table.close();
  });
  const Key = (pk: string) => ({ pk: { S: pk } });
  return {
    client,
    put: (pk: string) => client.send(new PutItemCommand({ TableName, Item: { ...Key(pk), source: { S: 'app' } } })),
    end: (pk: string) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: Key(pk),
          UpdateExpression: 'REMOVE #s',
          ExpressionAttributeNames: { '#s': 'source' },
        }),
      ),
    remove: (pk: string) => client.send(new DeleteItemCommand({ TableName, Key: Key(pk) })),
    get: (pk: string, ConsistentRead = false) =>
      client.send(new GetItemCommand({ TableName, Key: Key(pk), ConsistentRead })),
    waiting: async (more: object = {}) => {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          IndexName: 'waiting',
          KeyConditionExpression: '#s = :s',
          ExpressionAttributeNames: { '#s': 'source' },
          ExpressionAttributeValues: { ':s': { S: 'app' } },
          ...more,
        }),
      );
      return Items.map(({ pk }) => pk?.S).sort();
    },
  };
}

describe('reads of an index', () => {
  test('show what was changed and deleted, and not what is new, until some requests have passed', async () => {
    const { put, end, remove, get, waiting } = await opened({ lags: [4] });
    for (const pk of ['a', 'b', 'c']) await put(pk);
    for (let request = 0; request < 3; request++) await waiting();
    expect(await waiting()).toEqual(['a', 'b', 'c']);
    await end('a');
    await remove('b');
    await put('d');
    expect(await waiting()).toEqual(['a', 'b', 'c']);
    // Reads of the table itself are not of the past.
    expect((await get('a')).Item).toEqual({ pk: { S: 'a' } });
    expect(await waiting()).toEqual(['c']);
    expect(await waiting()).toEqual(['c', 'd']);
  });

  test('of several copies go forth and back in time', async () => {
    const { put, waiting } = await opened({ lags: [0, 4] });
    await put('a');
    expect([await waiting(), await waiting(), await waiting(), await waiting()]).toEqual([['a'], [], ['a'], ['a']]);
  });

  test('page as they do', async () => {
    const { client, put, waiting } = await opened({ lags: [0] });
    for (const pk of ['a', 'b', 'c']) await put(pk);
    const page = await waiting({ Limit: 2 });
    expect(page).toHaveLength(2);
    const ExclusiveStartKey = { pk: { S: page[1] ?? '' }, source: { S: 'app' } };
    expect(await waiting({ ExclusiveStartKey })).toHaveLength(1);
    expect((await client.send(new ScanCommand({ TableName }))).Count).toBe(3);
  });

  test('are of writes whose answer was lost, too, and not of those that were refused', async () => {
    let lost = false;
    const { client, put, waiting } = await opened({ lags: [0] }, (call) => {
      if (call.operation !== 'PutItem' || lost) return undefined;
      lost = true;
      return loseAnswer(call);
    });
    await expect(put('a')).rejects.toMatchObject({ code: 'ECONNRESET' });
    const input = { TableName, Item: { pk: { S: 'a' } }, ConditionExpression: 'attribute_not_exists(pk)' };
    await expect(client.send(new PutItemCommand(input))).rejects.toThrow('conditional');
    expect(await waiting()).toEqual(['a']);
  });
});

test('every eventually consistent read can be of the past, and no consistent one', async () => {
  const { put, get } = await opened({ lags: [3], stale: isEventuallyConsistent });
  await put('a');
  expect((await get('a')).Item).toBeUndefined();
  expect((await get('a', true)).Item).toBeDefined();
  expect((await get('a')).Item).toBeDefined();
});
