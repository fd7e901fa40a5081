/** The direct lane over a ledger in the local DynamoDB, with one small source and a lake in memory. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { onTestFinished } from 'vitest';
import { announceObject } from '../../lambdas/core/direct/announce.ts';
import { EventDays } from '../../lambdas/core/direct/event-days.ts';
import { planSource } from '../../lambdas/core/direct/plan.ts';
import type { BatchLedger, LakeFiles } from '../../lambdas/core/direct/ports.ts';
import { type WriteResult, writeBatch } from '../../lambdas/core/direct/write.ts';
import { LEDGER } from '../../lambdas/core/loading/ledger.ts';
import type { CreatedObject } from '../../lambdas/core/loading/notification.ts';
import { compiledSources } from '../../lambdas/core/loading/sources.ts';
import { openParquetFile } from '../../lambdas/core/parquet/file.ts';
import type { SourceSettings } from '../../lambdas/core/settings.ts';
import { dynamoBatches } from '../../lambdas/edges/batches.ts';
import { clientOptions } from './client-options.ts';
import { openLocalTable } from './local-table.ts';

export const NOW = new Date('2026-11-22T12:10:00.000Z');

const SOURCE: SourceSettings = {
  ...{ name: 'app', format: 'json', lane: 'objects', bucket: 'logs', streams: [], keepRaw: 'never' },
  options: { columns: { time: 'timestamp' } },
};

/** A lane whose ledger is empty. */
export interface DynamoLane {
  readonly client: DynamoDBClient;
  readonly ledger: BatchLedger;
  announce(object: CreatedObject): ReturnType<typeof announceObject>;
  /** Plans batches of all that waits, and writes those of which writers were told. */
  drain(): Promise<WriteResult[]>;
}

export async function openDynamoLane(): Promise<DynamoLane> {
  const index = { name: LEDGER.index, partition: LEDGER.group, sort: LEDGER.since };
  const table = await openLocalTable({ name: 'ledger', partition: LEDGER.key, indexes: [index] });
  const client = new DynamoDBClient(clientOptions(table.url));
  onTestFinished(async () => {
    client.destroy();
    await table.close();
  });
  const ledger = dynamoBatches(client, { table: 'ledger', entryDays: 400 });
  const lake = memoryLake();
  const sent: string[] = [];
  let names = 0;
  const ports = { ledger, lake, now: () => NOW, entryDays: 400, send: async (id: string) => void sent.push(id) };
  const write = (batch: string) =>
    writeBatch(batch, {
      ...ports,
      spill: { append: () => Promise.reject(new Error('expected no spill')), take: () => neverRows() },
      sources: compiledSources([SOURCE]),
      promoted: async () => [],
      open: async () => oneLine(),
      openFile: openParquetFile,
      tables: { of: async () => undefined },
      days: new EventDays('UTC', 400, NOW.getTime()),
      newAttempt: () => 'attempt',
      isServiceError: () => false,
      outOfTime: () => false,
      deadLetter: () => Promise.reject(new Error('expected no dead letter')),
    });
  return {
    client,
    ledger,
    announce: (object) => announceObject('app', object, ports),
    async drain() {
      await planSource(
        'app',
        { ...ports, requireCurrent: async () => undefined },
        {
          ...{ fileBytes: 1e6, ageMs: 0, dueAt: NOW.getTime() + 1000, maxOpen: 2, silentMs: 1e6 },
          ...{ newId: () => `b${names++}`, outOfTime: () => false },
        },
      );
      const results: WriteResult[] = [];
      for (const batch of sent.splice(0)) results.push(await write(batch));
      return results;
    },
  };
}

async function* oneLine(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{"time":"2026-11-22T12:00:00Z"}\n');
}

async function* neverRows(): AsyncGenerator<Uint8Array> {}

function memoryLake(): LakeFiles {
  const lists = new Map<string, unknown>();
  return {
    keyOf: (uri) => uri,
    putList: async (key, list) => void lists.set(key, structuredClone(list)),
    getList: async <List>(key: string) => lists.get(key) as List,
    renewList: async () => true,
    findList: async () => undefined,
    async *readFile() {},
    putFile: async () => {},
    remove: async () => {},
    begin: async () => 'upload',
    uploadPart: async (_, __, number) => ({ number, etag: 'e' }),
    complete: async () => {},
    abort: async () => {},
  };
}
