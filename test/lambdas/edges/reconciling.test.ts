import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOf } from '../../../bin/operations/ledger-entries.ts';
import { BATCH, type Candidate } from '../../../lambdas/core/direct/batch.ts';
import { LEDGER } from '../../../lambdas/core/loading/ledger.ts';
import { dynamoBatches } from '../../../lambdas/edges/batches.ts';
import { reconcilingLedger } from '../../../lambdas/edges/reconciling.ts';
import { dynamoCommits } from '../../../lambdas/edges/table-commits.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type LocalTable, openLocalTable } from '../../helpers/local-table.ts';

const OPTIONS = { table: 'ledger', entryDays: 400 };
const AT = '2026-11-22T12:00:00.000Z';
let local: LocalTable;
let client: DynamoDBClient;

beforeAll(async () => {
  const index = { name: LEDGER.index, partition: LEDGER.group, sort: LEDGER.since };
  local = await openLocalTable({ name: 'ledger', partition: LEDGER.key, indexes: [index] });
  client = new DynamoDBClient(clientOptions(local.url));
});
afterAll(async () => {
  client.destroy();
  await local.close();
});

const ledger = () => reconcilingLedger(client, OPTIONS, async () => new Map());
const member = (id: string): Candidate => ({
  ...{ id, round: 1, bucket: 'logs', key: `a/${id}`, etag: 'e', size: 7, modified: AT, kind: 'live' },
});
const entry = async (id: string) => (await itemsOf({ dynamodb: client, ledgerTable: 'ledger' }, [id]))[0];

test('an object becomes a member of a batch if it waits or is not known, and stays one of the batch that has it', async () => {
  const batches = dynamoBatches(client, OPTIONS);
  const waiting = { ...member('waits'), source: 'web', label: 'an object', since: AT };
  await batches.announce({ ...waiting });
  await batches.announce({ ...waiting, id: 'claimed' });
  await batches.claim('other', member('claimed'));
  for (const id of ['waits', 'unknown', 'claimed']) await ledger().settle({ id: 'one', source: 'web' }, member(id));
  for (const [id, batch] of [
    ['waits', 'one'],
    ['unknown', 'one'],
    ['claimed', 'other'],
  ] as const) {
    const item = await entry(id);
    expect([item?.batch?.S, item?.state?.S, item?.[LEDGER.group]]).toEqual([batch, 'batched', undefined]);
    // Whoever announces it again finds it.
    expect(await batches.announce({ ...waiting, id })).toBe('known');
  }
});

test('a batch is put back as stored, unless it has changed since it was read, and is published then', async () => {
  const batches = dynamoBatches(client, OPTIONS);
  const stored = { id: 'back', source: 'web', since: AT, attempt: 'a', tables: 2, storedAt: AT, uncommitted: [1] };
  await ledger().putBack(undefined, stored);
  await ledger().putBack(undefined, { ...stored, attempt: 'another' });
  expect(await batches.read('back')).toMatchObject({ state: 'stored', attempt: 'a', uncommitted: [1], tables: 2 });
  await batches.plan({ id: 'open', source: 'web', since: AT });
  const planned = await batches.read('open');
  await batches.advance('open', BATCH.planned, BATCH.open);
  await ledger().putBack(planned, { ...stored, id: 'open' });
  expect(await batches.read('open')).toMatchObject({ state: 'open' });
  await ledger().putBack(await batches.read('open'), { ...stored, id: 'open', uncommitted: [] });
  const now = await batches.read('open');
  expect(now).toMatchObject({ state: 'stored', attempt: 'a' });
  expect(now).not.toHaveProperty('uncommitted');
  expect((await Array.fromAsync(batches.unfinished('web'))).map(({ id }) => id).toSorted()).toEqual(['back', 'open']);
  expect(await batches.written('open', 'a')).toBe(true);
});

test('a record goes on after a commit, unless it has changed since it was read', async () => {
  const commits = dynamoCommits(client, OPTIONS);
  const record = await commits.recordOf('web', 'web');
  const planned = await commits.planCommit(record, 'one');
  await ledger().adopt(record, { committer: 'other', number: 7, list: 'seven' });
  expect(await commits.recordOf('web', 'web')).toEqual(planned);
  await ledger().adopt(planned ?? record, { committer: 'other', number: 7, list: 'seven' });
  const adopted = { table: 'web', source: 'web', committer: 'other', number: 7, adopted: 7, last: 'seven' };
  expect(await commits.recordOf('web', 'web')).toEqual(adopted);
  await ledger().adopt(await commits.recordOf('web', 'web'), { committer: 'third', number: 0 });
  const { last: _, ...fresh } = adopted;
  expect(await commits.recordOf('web', 'web')).toEqual({ ...fresh, committer: 'third', number: 0, adopted: 0 });
});
