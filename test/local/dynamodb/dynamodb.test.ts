import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
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
  const refused = openDynamoDb({ dir, tables: [table({ GlobalSecondaryIndexes: [{}] })] });
  await expect(refused).rejects.toThrow('GlobalSecondaryIndexes');
  await (await openDynamoDb({ dir, tables: [table()] })).close();
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
