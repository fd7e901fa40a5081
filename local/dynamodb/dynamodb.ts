import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import {
  CreateTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { z } from 'zod';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource, Service } from '../template/resource.ts';

/** DynamoDB's tables, and where they lie. */
export interface DynamoDbOptions {
  /** Folder of the tables; made when missing. */
  readonly dir: string;
  readonly tables: readonly Resource[];
}

/** DynamoDB on this machine. */
export interface LocalDynamoDb extends Service {
  /** Where the lake itself reaches it: behind the endpoint, where no test puts faults. */
  readonly url: string;
}

const keySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));

const tableProperties = z.object({
  KeySchema: keySchema,
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) })),
  GlobalSecondaryIndexes: refused,
  StreamSpecification: refused,
});

/**
 * DynamoDB by dynalite, on disk. Items past their TTL stay: DynamoDB too deletes them in its own time.
 */
export async function openDynamoDb({ dir, tables }: DynamoDbOptions): Promise<LocalDynamoDb> {
  mkdirSync(dir, { recursive: true });
  const server = dynalite({ path: dir, createTableMs: 0, deleteTableMs: 0 });
  // dynalite is a server of its own; requests reach it without a second port.
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // What it calls back is told once the database is closed too; its event comes before.
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  };
  try {
    await createTables(url, tables);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    name: 'DYNAMODB',
    url,
    handle: async (request, response) => {
      server.emit('request', request, response);
      await once(response, 'close');
    },
    close,
  };
}

async function createTables(endpoint: string, tables: readonly Resource[]): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  try {
    for (const table of tables) await createTable(client, table);
  } finally {
    client.destroy();
  }
}

async function createTable(client: DynamoDBClient, table: Resource): Promise<void> {
  const { KeySchema, AttributeDefinitions } = propertiesOf(table, tableProperties);
  const TableName = table.localName;
  try {
    const BillingMode = 'PAY_PER_REQUEST';
    await client.send(new CreateTableCommand({ TableName, KeySchema, AttributeDefinitions, BillingMode }));
  } catch (error) {
    // Left by an earlier run, with what it remembers.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  // dynalite takes requests for a table, and writes it for the last time, a moment after it has answered.
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.1 }, { TableName });
}
