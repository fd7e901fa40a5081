import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
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
