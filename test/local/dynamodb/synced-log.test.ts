import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** Size of each file when it was last written to the disk, and how often any was. */
const disk = vi.hoisted(() => ({ sizes: new Map<string, number>(), syncs: 0 }));

vi.mock('node:fs/promises', async (original) => {
  const module = await original<typeof import('node:fs/promises')>();
  const open: typeof module.open = async (path, ...more) => {
    const file = await module.open(path, ...more);
    const datasync = file.datasync.bind(file);
    file.datasync = async () => {
      const { size } = await file.stat();
      // Long enough for others to write in the meantime.
      await new Promise((resolve) => setTimeout(resolve, 5));
      await datasync();
      disk.sizes.set(String(path), size);
      disk.syncs++;
    };
    return file;
  };
  return { ...module, open };
});

const TABLE = 'ledger';

async function opened() {
  const dir = join(temporaryFolder(), 'dynamodb');
  const properties = {
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  };
  const tables = [{ logicalId: TABLE, type: 'AWS::DynamoDB::Table', localName: TABLE, properties }];
  const dynamoDb = await openDynamoDb({ dir, tables });
  const client = new DynamoDBClient(clientOptions(dynamoDb.url));
  onTestFinished(async () => {
    client.destroy();
    await dynamoDb.close();
  });
  const logBytes = () => globSync(join(dir, '*.log')).map((file) => [file, statSync(file).size] as const);
  const put = (id: string) => client.send(new PutItemCommand({ TableName: TABLE, Item: { id: { S: id } } }));
  return { client, put, logBytes };
}

test('what is written is on the disk when it is answered', async () => {
  const { put, logBytes } = await opened();
  for (const id of ['a', 'b', 'c']) {
    const [[file, before] = ['', 0]] = logBytes();
    await put(id);
    const [[, after] = ['', 0]] = logBytes();
    expect(after).toBeGreaterThan(before);
    expect(disk.sizes.get(file)).toBe(after);
  }
});

test('many that are written at once share the wait for the disk', async () => {
  const { put, logBytes } = await opened();
  disk.syncs = 0;
  await Promise.all(Array.from({ length: 100 }, (_, index) => put(String(index))));
  expect(disk.syncs).toBeLessThan(40);
  for (const [file, size] of logBytes()) expect(disk.sizes.get(file)).toBe(size);
});

test('what is read waits for no disk', async () => {
  const { client, put } = await opened();
  await put('a');
  disk.syncs = 0;
  await client.send(new GetItemCommand({ TableName: TABLE, Key: { id: { S: 'a' } } }));
  expect(disk.syncs).toBe(0);
});
