import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import type { Resource } from '../../../local/template/resource.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function table(properties: object = {}): Resource {
  return {
    logicalId: 'Table',
    type: 'AWS::DynamoDB::Table',
    localName: 'table',
    properties: {
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      ...properties,
    },
  };
}

test('a folder can be opened again as soon as it is closed, and holds what was put', async () => {
  const dir = join(temporaryFolder(), 'dynamodb');
  for (let round = 0; round < 5; round++) {
    const dynamoDb = await openDynamoDb({ dir, tables: [table()] });
    const items = new DynamoDBClient(clientOptions(dynamoDb.url));
    const Key = { pk: { S: 'item' } };
    const { Item } = await items.send(new GetItemCommand({ TableName: 'table', Key }));
    expect(Item?.round?.N, `round ${round}`).toBe(round === 0 ? undefined : String(round - 1));
    await items.send(new PutItemCommand({ TableName: 'table', Item: { ...Key, round: { N: String(round) } } }));
    items.destroy();
    await dynamoDb.close();
  }
});

test('a table that is refused leaves nothing open', async () => {
  const dir = join(temporaryFolder(), 'dynamodb');
  const refused = openDynamoDb({ dir, tables: [table({ LocalSecondaryIndexes: [{}] })] });
  await expect(refused).rejects.toThrow('LocalSecondaryIndexes: has no local behaviour');
  await (await openDynamoDb({ dir, tables: [table()] })).close();
});

describe('a global secondary index', () => {
  const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
  const index = (IndexName: string, Projection: object) => ({
    IndexName,
    KeySchema: [
      { AttributeName: 'waiting', KeyType: 'HASH' },
      { AttributeName: 'since', KeyType: 'RANGE' },
    ],
    Projection,
  });
  const indexed = (...indexes: object[]) =>
    table({
      AttributeDefinitions: ['pk', 'waiting', 'since'].map(attribute),
      GlobalSecondaryIndexes: indexes,
    });
  const all = index('all', { ProjectionType: 'ALL' });

  async function opened(dir: string, resource: Resource) {
    const dynamoDb = await openDynamoDb({ dir, tables: [resource] });
    const client = new DynamoDBClient(clientOptions(dynamoDb.url));
    onTestFinished(async () => {
      client.destroy();
      await dynamoDb.close().catch(() => {});
    });
    const put = (pk: string, more: Record<string, string>) => {
      const fields = Object.entries({ pk, ...more }).map(([name, value]) => [name, { S: value }]);
      return client.send(new PutItemCommand({ TableName: 'table', Item: Object.fromEntries(fields) }));
    };
    const query = async (IndexName: string, more: object = {}) => {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: 'table',
          IndexName,
          KeyConditionExpression: 'waiting = :w',
          ExpressionAttributeValues: { ':w': { S: 'app' } },
          ...more,
        }),
      );
      return Items.map((item) => Object.fromEntries(Object.entries(item).map(([name, { S }]) => [name, S])));
    };
    return { client, put, query, close: () => dynamoDb.close() };
  }

  test('has the items with its keys, in their order, as long as they have them', async () => {
    const { client, put, query } = await opened(join(temporaryFolder(), 'db'), indexed(all));
    await put('done', {});
    await put('late', { waiting: 'app', since: '2', size: '7' });
    await put('early', { waiting: 'app', since: '1' });
    await put('other', { waiting: 'web', since: '1' });
    expect(await query('all')).toEqual([
      { pk: 'early', waiting: 'app', since: '1' },
      { pk: 'late', waiting: 'app', since: '2', size: '7' },
    ]);
    const UpdateExpression = 'REMOVE waiting, since';
    const input = { TableName: 'table', Key: { pk: { S: 'early' } }, UpdateExpression };
    await client.send(new UpdateItemCommand(input));
    expect((await query('all')).map(({ pk }) => pk)).toEqual(['late']);
    await expect(query('all', { ConsistentRead: true })).rejects.toThrow('Consistent reads are not supported');
  });

  test('has the attributes that it projects', async () => {
    const keys = index('keys', { ProjectionType: 'KEYS_ONLY' });
    const some = index('some', { ProjectionType: 'INCLUDE', NonKeyAttributes: ['size'] });
    const { put, query } = await opened(join(temporaryFolder(), 'db'), indexed(keys, some));
    await put('a', { waiting: 'app', since: '1', size: '7', etag: 'e' });
    expect(await query('keys')).toEqual([{ pk: 'a', waiting: 'app', since: '1' }]);
    expect(await query('some')).toEqual([{ pk: 'a', waiting: 'app', since: '1', size: '7' }]);
  });

  test('is there again when the folder is opened again', async () => {
    const dir = join(temporaryFolder(), 'db');
    const first = await opened(dir, indexed(all));
    await first.put('a', { waiting: 'app', since: '1' });
    await first.close();
    const second = await opened(dir, indexed(all));
    expect((await second.query('all')).map(({ pk }) => pk)).toEqual(['a']);
  });

  test('that a table of an earlier run does not have is refused by name', async () => {
    const dir = join(temporaryFolder(), 'db');
    await (await opened(dir, table())).close();
    await expect(opened(dir, indexed(all))).rejects.toThrow('table table is there without index all');
  });
});

describe('a database that is damaged', () => {
  const Key = { pk: { S: 'item' } };

  /** Opens it, and tells whether the item is there; puts it otherwise. */
  async function hasItem(dir: string): Promise<boolean> {
    const dynamoDb = await openDynamoDb({ dir, tables: [table()] });
    const items = new DynamoDBClient(clientOptions(dynamoDb.url));
    const { Item } = await items.send(new GetItemCommand({ TableName: 'table', Key }));
    if (!Item) await items.send(new PutItemCommand({ TableName: 'table', Item: Key }));
    items.destroy();
    await dynamoDb.close();
    return Item !== undefined;
  }

  const named = (dir: string, ending: RegExp) => join(dir, readdirSync(dir).find((name) => ending.test(name)) ?? '');

  test.each<[string, (dir: string) => void]>([
    ['whose list of files is something else', (dir) => writeFileSync(join(dir, 'CURRENT'), 'something else')],
    ['whose list of files is gone', (dir) => rmSync(join(dir, 'CURRENT'))],
    ['whose manifest is empty', (dir) => truncateSync(named(dir, /^MANIFEST/))],
    ['whose log is empty', (dir) => truncateSync(named(dir, /\.log$/))],
    ['whose log has other bytes', (dir) => writeFileSync(named(dir, /\.log$/), Buffer.alloc(5000, 7))],
    ['whose log is gone', (dir) => rmSync(named(dir, /\.log$/))],
  ])('%s is set aside whole, and opens', async (_name, damage) => {
    const dir = join(temporaryFolder(), 'dynamodb');
    expect(await hasItem(dir)).toBe(false);
    damage(dir);
    expect(await hasItem(dir)).toBe(false);
    expect(await hasItem(dir)).toBe(true);
    expect(readdirSync(dirname(dir)).sort()).toEqual(['dynamodb', 'dynamodb.damaged']);
  });

  test('of a process that died is set aside if LevelDB cannot open it', async () => {
    const dir = join(temporaryFolder(), 'dynamodb');
    expect(await hasItem(dir)).toBe(false);
    rmSync(join(dir, 'closed.json'));
    expect(await hasItem(dir)).toBe(true);
    rmSync(join(dir, 'closed.json'));
    truncateSync(named(dir, /^MANIFEST/));
    expect(await hasItem(dir)).toBe(false);
    expect(readdirSync(dirname(dir)).sort()).toEqual(['dynamodb', 'dynamodb.damaged']);
  });
});
