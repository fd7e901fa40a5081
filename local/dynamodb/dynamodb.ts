import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { z } from 'zod';
import { REGION } from '../account.ts';
import { CREDENTIALS } from '../credentials.ts';
import { bodyOf, openEndpoint, replayed } from '../endpoint.ts';
import { AccessDenied, ADMINISTRATOR, type Caller } from '../iam/caller.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource, Service } from '../template/resource.ts';
import { requireAccessToTables, type TableKeys } from './access.ts';
import { checkDatabase, noteFiles } from './database-files.ts';
import { SyncedLog } from './synced-log.ts';

/** The tables of the local DynamoDB, and where they are stored. */
export interface DynamoDbOptions {
  /** Folder of the tables; created if missing. */
  readonly dir: string;
  readonly tables: readonly Resource[];
  /** Whether what is written is on the disk before it is answered: for tables that a power cut may take. @default true */
  readonly durable?: boolean;
}

/** DynamoDB on this machine. */
export interface LocalDynamoDb extends Service {
  /** URL of an endpoint of its own, in which tests cannot inject faults. */
  readonly url: string;
}

const keySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));

const tableProperties = z.object({
  KeySchema: keySchema,
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) })),
  GlobalSecondaryIndexes: z
    .array(
      z.object({
        IndexName: z.string(),
        KeySchema: keySchema,
        Projection: z.object({
          ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']),
          NonKeyAttributes: z.array(z.string()).optional(),
        }),
      }),
    )
    .optional(),
  SSESpecification: z.object({ KMSMasterKeyId: z.string().optional() }).default({}),
  LocalSecondaryIndexes: refused,
  StreamSpecification: refused,
});

/**
 * DynamoDB by dynalite, on disk. Items past their TTL stay; the real DynamoDB does not delete them at once either. A
 * database that is damaged is set aside.
 */
export async function openDynamoDb({ dir, tables, durable = true }: DynamoDbOptions): Promise<LocalDynamoDb> {
  const keys = keysOf(tables);
  mkdirSync(dir, { recursive: true });
  await checkDatabase(dir);
  const server = dynalite({ path: dir, createTableMs: 0, deleteTableMs: 0 });
  // dynalite makes a server of its own, and closes its database only if that has listened. Requests are passed to it from
  // endpoints, which know whose requests they are: what connects to the server itself is cut off.
  server.removeAllListeners('connection');
  server.on('connection', (socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const log = new SyncedLog(dir);
  const handle = async (came: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> => {
    const request = await whenAllowed(came, response, caller, keys);
    if (!request) return;
    if (durable && !READS.test(String(request.headers['x-amz-target']))) endAfter(response, () => log.sync());
    server.emit('request', request, response);
    await once(response, 'close');
  };
  const own = await openEndpoint();
  own.serve({ name: 'DYNAMODB', handle, close: async () => {} });
  // `close`'s callback waits for the database; the `close` event does not.
  const close = async (): Promise<void> => {
    await own.close();
    await promisify(server.close.bind(server))();
    await noteFiles(dir);
  };
  try {
    await createTables(own.url, tables);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    name: 'DYNAMODB',
    url: own.url,
    handle,
    close,
  };
}

/** The keys of AWS KMS that tables are encrypted with. */
function keysOf(tables: readonly Resource[]): TableKeys {
  const keys = new Map<string, string>();
  for (const table of tables) {
    const { KMSMasterKeyId } = propertiesOf(table, tableProperties).SSESpecification;
    if (KMSMasterKeyId !== undefined) keys.set(table.localName, KMSMasterKeyId);
  }
  return keys;
}

/** The request, or one that stands for it because its body was read; undefined if it was answered, as it is not allowed. */
async function whenAllowed(
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
  keys: TableKeys,
): Promise<IncomingMessage | undefined> {
  // Operators may do everything, and large bodies need not be read twice for that.
  if (caller === ADMINISTRATOR) return request;
  const body = await bodyOf(request);
  try {
    requireAccessToTables(caller, String(request.headers['x-amz-target']), body, keys);
    return replayed(request, body);
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error;
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() });
    const __type = 'com.amazon.coral.service#AccessDeniedException';
    response.end(JSON.stringify({ __type, Message: error.message }));
    return undefined;
  }
}

const READS = /\.(BatchGetItem|DescribeTable|GetItem|ListTables|Query|Scan)$/;

/** Has an answer sent after something else is done; if that fails, the connection ends without one. */
function endAfter(response: ServerResponse, first: () => Promise<void>): void {
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  const late = (...args: unknown[]): ServerResponse => {
    first().then(
      () => end(...args),
      (error) => response.destroy(error),
    );
    return response;
  };
  response.end = late as typeof response.end;
}

async function createTables(endpoint: string, tables: readonly Resource[]): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  try {
    for (const table of tables) await createTable(client, table);
  } finally {
    client.destroy();
  }
}

async function createTable(client: DynamoDBClient, table: Resource): Promise<void> {
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = propertiesOf(table, tableProperties);
  const TableName = table.localName;
  try {
    const settings = {
      KeySchema,
      AttributeDefinitions,
      GlobalSecondaryIndexes,
      BillingMode: 'PAY_PER_REQUEST',
    } as const;
    await client.send(new CreateTableCommand({ TableName, ...settings }));
  } catch (error) {
    // The table exists from an earlier run, with its items.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  // dynalite accepts requests for a table, and writes the table's last state, only a moment after its answer.
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.1 }, { TableName });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  for (const { IndexName } of GlobalSecondaryIndexes ?? []) {
    if (Table?.GlobalSecondaryIndexes?.some((index) => index.IndexName === IndexName)) continue;
    throw new TemplateError(
      `resource ${table.logicalId}: table ${TableName} is there without index ${IndexName}, and a local table gets its ` +
        'indexes only when it is made: begin a lake in another folder',
    );
  }
}
