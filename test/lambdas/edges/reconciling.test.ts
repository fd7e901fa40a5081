import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { itemsOf } from '../../../bin/operations/ledger-entries.ts';
import { BATCH } from '../../../lambdas/core/direct/batch.ts';
import { entryPlaces } from '../../../lambdas/core/loading/input.ts';
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
/** An object of which nothing else is known; `version` distinguishes those of one key. */
const object = (key: string, version = 1) => ({
  ...{ bucket: 'logs', key, etag: `e${version}`, size: 7, modified: AT, kind: 'live' as const },
});
const places = (key: string, version = 1) => entryPlaces('web', object(key, version));
const itemOf = async (id: string) => (await itemsOf({ dynamodb: client, ledgerTable: 'ledger' }, [id]))[0];

describe('an object becomes a member of a batch', () => {
  const batches = () => dynamoBatches(client, OPTIONS);
  const announce = (key: string, version = 1) =>
    batches().announce({ ...object(key, version), ...places(key, version), source: 'web', since: AT });
  const settle = (key: string, { version = 1, ended }: { version?: number; ended?: string } = {}) =>
    // The list may say another place than that in which the entry is now.
    ledger().settle({ id: 'one', source: 'web' }, { ...object(key, version), id: 'elsewhere', round: 1 }, ended);

  async function expectBatch(batch: string, id: string, key: string, version = 1): Promise<void> {
    const item = await itemOf(id);
    expect([item?.batch?.S, item?.state?.S, item?.[LEDGER.group]]).toEqual([batch, 'batched', undefined]);
    // Whoever announces it again finds it.
    expect(await announce(key, version)).toBe('known');
  }

  test('if it is not known: in the item of its key, or of its own if another version has that', async () => {
    await settle('unknown');
    await expectBatch('one', places('unknown').keyId, 'unknown');
    await settle('unknown', { version: 2 });
    await expectBatch('one', places('unknown', 2).id, 'unknown', 2);
    expect(await batches().latestVersion(places('unknown').keyId)).toMatchObject({ origin: places('unknown').origin });
  });

  test('if it waits, wherever its entry is', async () => {
    await announce('waits', 2);
    await announce('waits', 1);
    for (const version of [1, 2]) await settle('waits', { version });
    await expectBatch('one', places('waits', 2).keyId, 'waits', 2);
    await expectBatch('one', places('waits', 1).id, 'waits', 1);
  });

  test('unless it is one of another batch, but for one that has ended', async () => {
    await announce('claimed');
    await batches().claim('other', { ...object('claimed'), id: places('claimed').keyId, round: 1 });
    await settle('claimed');
    await settle('claimed', { ended: 'third' });
    await expectBatch('other', places('claimed').keyId, 'claimed');
    await settle('claimed', { ended: 'other' });
    await expectBatch('one', places('claimed').keyId, 'claimed');
  });
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
