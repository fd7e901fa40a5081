import {
  DynamoDBClient,
  type PutItemCommandInput,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test } from 'vitest';
import { meterOf } from '../../../bench/duplicate-check.ts';
import { DIRECT_UNITS } from '../../../bin/plan/direct-lane.ts';
import { announceObject } from '../../../lambdas/core/direct/announce.ts';
import { EventDays } from '../../../lambdas/core/direct/event-days.ts';
import { planSource } from '../../../lambdas/core/direct/plan.ts';
import type { LakeFiles } from '../../../lambdas/core/direct/ports.ts';
import { writeBatch } from '../../../lambdas/core/direct/write.ts';
import { LEDGER } from '../../../lambdas/core/loading/ledger.ts';
import { compiledSources } from '../../../lambdas/core/loading/sources.ts';
import { openParquetFile } from '../../../lambdas/core/parquet/file.ts';
import type { SourceSettings } from '../../../lambdas/core/settings.ts';
import { dynamoBatches } from '../../../lambdas/edges/batches.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { openLocalTable } from '../../helpers/local-table.ts';

const NOW = new Date('2026-11-22T12:10:00.000Z');
const SOURCE: SourceSettings = {
  ...{ name: 'app', format: 'json', lane: 'objects', bucket: 'logs', streams: [], keepRaw: 'never' },
  options: { columns: { time: 'timestamp' } },
};

interface Units {
  readonly writes: number;
  readonly reads: number;
}

/**
 * Write units of the index, which the local DynamoDB does not report: a unit for an item that comes, changes or goes, as
 * the index has all attributes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
function indexWritesOf(client: DynamoDBClient): { units: number } {
  const index = { units: 0 };
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { Item, UpdateExpression = '' } = args.input as Partial<PutItemCommandInput & UpdateItemCommandInput>;
      const { Attributes } = result.output as UpdateItemCommandOutput;
      const isThere = LEDGER.group in (Item ?? Attributes ?? {});
      if (isThere || UpdateExpression.includes('REMOVE #waiting')) index.units++;
      return result;
    },
    { step: 'initialize' },
  );
  return index;
}

/** Units of the ledger when so many objects go through the direct lane, in one batch. */
async function unitsOf(objects: number): Promise<Units> {
  const index = { name: LEDGER.index, partition: LEDGER.group, sort: LEDGER.since };
  const table = await openLocalTable({ name: 'ledger', partition: LEDGER.key, indexes: [index] });
  const client = new DynamoDBClient(clientOptions(table.url));
  onTestFinished(async () => {
    client.destroy();
    await table.close();
  });
  const meter = meterOf(client);
  const indexWrites = indexWritesOf(client);
  const ledger = dynamoBatches(client, { table: 'ledger', entryDays: 400 });
  const lake = memoryLake();
  const sent: string[] = [];
  const ports = { ledger, lake, now: () => NOW, entryDays: 400, send: async (id: string) => void sent.push(id) };
  for (let number = 0; number < objects; number++) {
    const key = `AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/22/${number}.log.gz`;
    await announceObject('app', { bucket: 'logs', key, etag: '0'.repeat(32), size: 1, sequencer: '0055' }, ports);
  }
  await planSource('app', ports, {
    ...{ fileBytes: 1e6, ageMs: 0, dueAt: NOW.getTime() + 1000, maxOpen: 2, silentMs: 1e6 },
    ...{ newId: () => 'b', outOfTime: () => false },
  });
  expect(sent).toHaveLength(1);
  const written = await writeBatch(sent[0] as string, {
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
  expect(written).toMatchObject({ outcome: 'written', published: { loaded: { length: objects } } });
  return { writes: meter.writeUnits + indexWrites.units, reads: meter.readUnits };
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

test('an object takes five write units, and a batch ten, with those of the index: lake plan counts with them', async () => {
  const { writesPerObject, writesPerBatch } = DIRECT_UNITS;
  expect(await unitsOf(1)).toMatchObject({ writes: writesPerObject + writesPerBatch });
  expect(await unitsOf(11)).toMatchObject({ writes: 11 * writesPerObject + writesPerBatch });
});

test('an object takes two read units, beside a query of each group of the index', async () => {
  const [one, eleven] = [await unitsOf(1), await unitsOf(11)];
  expect((eleven.reads - one.reads) / 10).toBeCloseTo(DIRECT_UNITS.readsPerObject, 0);
});
