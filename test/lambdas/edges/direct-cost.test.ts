import type { DynamoDBClient, PutItemCommandInput, UpdateItemCommandOutput } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { meterOf } from '../../../bench/duplicate-check.ts';
import { ASSUMED } from '../../../bin/plan/assumed.ts';
import { DIRECT_UNITS } from '../../../bin/plan/direct-lane.ts';
import { LEDGER } from '../../../lambdas/core/loading/ledger.ts';
import type { CreatedObject } from '../../../lambdas/core/loading/notification.ts';
import type { Item } from '../../../lambdas/edges/ledger-items.ts';
import { openDynamoLane } from '../../helpers/dynamo-lane.ts';

/** What DynamoDB adds to an item when it bills storage. */
const OVERHEAD_BYTES = 100;

interface Units {
  readonly writes: number;
  readonly reads: number;
  /** Bytes of the largest item that a write has left. */
  readonly bytes: number;
}

/**
 * Bytes of an item: its names and values, as DynamoDB counts them.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
function bytesOf(item: Item): number {
  return Object.entries(item).reduce((sum, [name, { S, N = '' }]) => {
    // Numbers take at most a byte for two digits, and one more.
    const bytes = S === undefined ? Math.ceil(N.length / 2) + 1 : Buffer.byteLength(S);
    return sum + Buffer.byteLength(name) + bytes;
  }, 0);
}

/**
 * Write units of the index, which the local DynamoDB does not report: one for each KiB of an item that comes, changes or
 * goes, as the index has all attributes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
function indexWritesOf(client: DynamoDBClient): { units: number; bytes: number } {
  const index = { units: 0, bytes: 0 };
  const indexed = new Map<string, number>();
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const item = (args.input as PutItemCommandInput).Item ?? (result.output as UpdateItemCommandOutput).Attributes;
      if (!item) return result;
      const id = item[LEDGER.key]?.S ?? '';
      const [before = 0, now] = [indexed.get(id), LEDGER.group in item ? bytesOf(item) : 0];
      index.bytes = Math.max(index.bytes, bytesOf(item));
      indexed.set(id, now);
      index.units += Math.ceil(Math.max(before, now) / 1024);
      return result;
    },
    { step: 'initialize' },
  );
  return index;
}

/** An object as a load balancer writes it, in the folder of a prefix. */
function objectOf(number: number, prefix = 'production'): CreatedObject {
  const name = `app.my-loadbalancer.1234567890abcdef_20261122T1205Z_203.0.113.10_${String(number).padStart(8, '0')}`;
  const place = 'AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/22';
  const key = `${prefix}/${place}/123456789012_elasticloadbalancing_us-east-1_${name}.log.gz`;
  const version = { etag: '0'.repeat(32), sequencer: '0062E99A88DC407460', modified: '2026-11-22T12:05:31.000Z' };
  return { bucket: 'logs-of-production-123456789012', key, size: 1000, ...version };
}

/** Units of the ledger when objects go through the direct lane, in one batch. */
async function unitsOf(objects: readonly CreatedObject[]): Promise<Units> {
  const lane = await openDynamoLane();
  const meter = meterOf(lane.client);
  const index = indexWritesOf(lane.client);
  for (const object of objects) await lane.announce(object);
  expect(await lane.drain()).toMatchObject([{ outcome: 'written', published: { loaded: { length: objects.length } } }]);
  return { writes: meter.writeUnits + index.units, reads: meter.readUnits, bytes: index.bytes };
}

const many = (objects: number) => Array.from({ length: objects }, (_, number) => objectOf(number));
const { writesPerObject, writesPerBatch, readsPerObject } = DIRECT_UNITS;

test('an object takes four write units, and a batch ten, with those of the index: lake plan counts with them', async () => {
  const [one, eleven] = [await unitsOf(many(1)), await unitsOf(many(11))];
  expect(one).toMatchObject({ writes: writesPerObject + writesPerBatch });
  expect(eleven).toMatchObject({ writes: 11 * writesPerObject + writesPerBatch });
  expect(eleven.bytes + OVERHEAD_BYTES).toBeLessThanOrEqual(ASSUMED.ledgerEntryBytes);
});

test('nor does it take more if its key is long', async () => {
  const long = objectOf(1, 'p'.repeat(300));
  expect(long.key.length).toBeGreaterThan(480);
  expect(await unitsOf([long])).toMatchObject({ writes: writesPerObject + writesPerBatch });
});

test('an object takes three read units, beside a query of each group of the index', async () => {
  const [one, eleven] = [await unitsOf(many(1)), await unitsOf(many(11))];
  const each = (eleven.reads - one.reads) / 10;
  expect(each).toBeGreaterThanOrEqual(readsPerObject);
  // The queries find more.
  expect(each).toBeLessThan(readsPerObject + 0.5);
});
