import {
  type AttributeValue,
  DeleteItemCommand,
  type DescribeTableOutput,
  DynamoDBClient,
  PutItemCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { onTestFinished } from 'vitest';
import { openDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import type { Answer, Call, Fault } from '../faults/call.ts';
import { clientOptions } from './client-options.ts';
import { temporaryFolder } from './folder.ts';

/** How the past is shown. */
export interface StaleReadsOptions {
  /**
   * After how many requests to DynamoDB a copy gets a write: one copy for each number, which answer in turn. So a later
   * read may show an earlier state, as DynamoDB's do.
   */
  readonly lags: readonly number[];
  /** Whether a copy answers a read; default: reads of indexes. */
  readonly stale?: (operation: string, input: Input) => boolean;
}

type Input = Readonly<Record<string, unknown>>;
type Item = Record<string, AttributeValue>;

/** Whether DynamoDB may answer a request with an earlier state. */
export function isEventuallyConsistent(operation: string, input: Input): boolean {
  return ['Query', 'Scan', 'GetItem'].includes(operation) && input.ConsistentRead !== true;
}

function isOfIndex(operation: string, input: Input): boolean {
  return isEventuallyConsistent(operation, input) && input.IndexName !== undefined;
}

/**
 * DynamoDB whose reads show the past: a table that has an index has copies, which get what is written only after some
 * requests. Items that were changed or deleted since are still there as they were, and new ones are missing. Give it as
 * the last fault, so that it sees every write; writes of a table go one after the other. What is written past the endpoint
 * is copied with the next write of the same item.
 */
export function staleReads({ lags, stale = isOfIndex }: StaleReadsOptions): Fault {
  const tables = new Map<string, Promise<CopiedTable | undefined>>();
  let requests = 0;

  const act = async (call: Call): Promise<void> => {
    const now = requests++;
    const input = await call.json();
    if (call.operation === 'BatchWriteItem') return refuseCopied(input, await Promise.all(tables.values()));
    if (typeof input.TableName !== 'string' || call.operation === 'DescribeTable') return;
    const opening = tables.get(input.TableName) ?? CopiedTable.open(call, input.TableName, lags);
    tables.set(input.TableName, opening);
    const table = await opening;
    if (!table) return;
    if (['PutItem', 'UpdateItem', 'DeleteItem'].includes(call.operation)) await table.write(call, input, now);
    else if (stale(call.operation, input)) call.answer(await table.read(call, now));
  };
  return (call) => (call.service === 'DYNAMODB' ? act(call) : undefined);
}

function refuseCopied({ RequestItems }: Input, tables: readonly (CopiedTable | undefined)[]): void {
  const copied = tables.find((table) => table && table.name in Object(RequestItems));
  if (copied) throw new Error(`${copied.name} has copies, which do not see BatchWriteItem`);
}

/** A write that not every copy has yet. */
interface Written {
  /** The number of its request. */
  readonly at: number;
  readonly key: Item;
  /** The item after the write; undefined if there is none. */
  readonly item: Item | undefined;
}

interface Copy {
  readonly url: string;
  readonly client: DynamoDBClient;
  readonly lag: number;
  /** How many writes it has. */
  has: number;
  /** Its last catching up. */
  last: Promise<unknown>;
}

class CopiedTable {
  readonly name: string;
  readonly #keys: readonly string[];
  readonly #copies: readonly Copy[];
  readonly #written: Written[] = [];
  #reads = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(name: string, keys: readonly string[], copies: readonly Copy[]) {
    this.name = name;
    this.#keys = keys;
    this.#copies = copies;
  }

  /** Makes the copies, with what the table has; undefined for a table without an index. */
  static async open(call: Call, name: string, lags: readonly number[]): Promise<CopiedTable | undefined> {
    const description = await asked(call, { TableName: name }, 'DescribeTable');
    const { Table } = description as DescribeTableOutput;
    if (!Table?.GlobalSecondaryIndexes?.length) return undefined;
    const copies = await Promise.all(lags.map((lag) => openCopy(name, Table, lag)));
    const keys = Table.KeySchema?.map(({ AttributeName = '' }) => AttributeName) ?? [];
    const table = new CopiedTable(name, keys, copies);
    let ExclusiveStartKey: unknown;
    do {
      const page = await asked(call, { TableName: name, ConsistentRead: true, ExclusiveStartKey }, 'Scan');
      for (const item of page.Items as Item[]) table.#note(-Number.MAX_VALUE, item, item);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return table;
  }

  /** Lets the table be written, and notes what the item is then. */
  write(call: Call, input: Input, now: number): Promise<void> {
    const written = this.#last.then(async () => {
      const answer = await call.forward();
      const Key = this.#keyOf((input.Key ?? input.Item) as Item);
      const read = await asked(call, { TableName: this.name, Key, ConsistentRead: true }, 'GetItem');
      this.#note(now, Key, read.Item as Item | undefined);
      call.answer(answer);
    });
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** The answer of the copy whose turn it is. */
  async read(call: Call, now: number): Promise<Answer> {
    const copy = this.#copies[this.#reads++ % this.#copies.length];
    if (!copy) throw new Error('expected at least one lag');
    copy.last = copy.last.then(() => this.#catchUp(copy, now));
    await copy.last;
    const body = (await call.body()).toString();
    const asked = { method: 'POST', headers: await call.signedFor(copy.url, body), body };
    const answer = await fetch(copy.url, asked);
    const headers = { 'content-type': String(answer.headers.get('content-type')) };
    return { status: answer.status, headers, body: Buffer.from(await answer.arrayBuffer()) };
  }

  async #catchUp(copy: Copy, now: number): Promise<void> {
    for (; copy.has < this.#written.length; copy.has++) {
      const { at, key: Key, item: Item } = this.#written[copy.has] as Written;
      if (at > now - copy.lag) return;
      if (Item) await copy.client.send(new PutItemCommand({ TableName: this.name, Item }));
      else await copy.client.send(new DeleteItemCommand({ TableName: this.name, Key }));
    }
  }

  #note(at: number, of: Item, item: Item | undefined): void {
    this.#written.push({ at, key: this.#keyOf(of), item });
  }

  #keyOf(item: Item): Item {
    return Object.fromEntries(this.#keys.map((name) => [name, item[name] as AttributeValue]));
  }
}

/** Asks the real table something else than the call does. */
async function asked(call: Call, input: Record<string, unknown>, operation: string): Promise<Record<string, unknown>> {
  const { status, body } = await call.forward(input, operation);
  if (status !== 200) throw new Error(`${operation}: ${body}`);
  return JSON.parse(body.toString());
}

async function openCopy(name: string, { KeySchema, AttributeDefinitions, ...table }: TableDescription, lag: number) {
  const GlobalSecondaryIndexes = table.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema: keys, Projection }) => ({
    IndexName,
    KeySchema: keys,
    Projection,
  }));
  const properties = { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes };
  const dynamoDb = await openDynamoDb({
    dir: temporaryFolder(),
    durable: false,
    tables: [{ logicalId: name, type: 'AWS::DynamoDB::Table', localName: name, properties }],
  });
  const client = new DynamoDBClient(clientOptions(dynamoDb.url));
  onTestFinished(async () => {
    client.destroy();
    await dynamoDb.close();
  });
  return { url: dynamoDb.url, client, lag, has: 0, last: Promise.resolve() };
}
