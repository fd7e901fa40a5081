import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { UnknownKeys } from '../../../lambdas/core/evolution/unknown-keys.ts';
import { LEDGER } from '../../../lambdas/core/loading/ledger.ts';
import { dynamoTallies } from '../../../lambdas/edges/tallies.ts';
import type { Intercept } from '../../../local/endpoint.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type LocalTable, openLocalTable } from '../../helpers/local-table.ts';
import { loseAnswer } from '../../helpers/lost-answer.ts';

let table: LocalTable;
let client: DynamoDBClient;
/** Decides about the next requests. */
let intercept: Intercept | undefined;

beforeAll(async () => {
  table = await openLocalTable(
    { name: 'ledger', partition: LEDGER.key },
    (...request) => intercept?.(...request) ?? false,
  );
  client = new DynamoDBClient(clientOptions(table.url));
});
afterAll(async () => {
  client.destroy();
  await table.close();
});

const NOW = new Date('2026-11-22T12:00:00Z');
const batch: UnknownKeys = { rows: 10, sampled: 5, keys: [{ key: 'tenant', rows: 2, example: 'a' }] };

test('batches that end at the same moment all count', async () => {
  const tallies = dynamoTallies(client, 'ledger');
  await Promise.all(Array.from({ length: 6 }, () => tallies.add('app', batch, NOW)));
  const [day] = await tallies.read('app');
  expect(day).toMatchObject({ batches: 6, rows: 60, sampled: 30, keys: [{ key: 'tenant', rows: 12, batches: 6 }] });
});

test('a source that nobody has counted has no days', async () => {
  expect(await dynamoTallies(client, 'ledger').read('other')).toEqual([]);
});

test('a batch counts once if the answer to its counting is lost', async () => {
  const tallies = dynamoTallies(client, 'ledger');
  let lost = 0;
  for (const before of [0, 1]) {
    intercept = (_, { headers }, response) => {
      if (lost > before || !String(headers['x-amz-target']).endsWith('UpdateItem')) return false;
      lost++;
      loseAnswer(response);
      return false;
    };
    await tallies.add('lossy', batch, NOW);
  }
  intercept = undefined;
  expect(lost).toBe(2);
  expect((await tallies.read('lossy')).map(({ batches, rows }) => [batches, rows])).toEqual([[2, 20]]);
});
