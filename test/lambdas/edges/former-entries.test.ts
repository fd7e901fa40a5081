import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import type { WriteResult } from '../../../lambdas/core/direct/write.ts';
import { entryIdOf, keyItemId, objectInputKey, originOf } from '../../../lambdas/core/loading/input.ts';
import { LEDGER, STATE } from '../../../lambdas/core/loading/ledger.ts';
import type { Item } from '../../../lambdas/edges/ledger-items.ts';
import { type DynamoLane, NOW, openDynamoLane } from '../../helpers/dynamo-lane.ts';

const A = { bucket: 'logs', key: 'a.log', etag: 'a', size: 1, sequencer: '01', modified: '2026-11-22T12:00:00Z' };
const B = { ...A, etag: 'b', sequencer: '02' };
type Version = typeof A;

const idOf = (version: Version) => entryIdOf(objectInputKey('app', version));
const origin = (version: Version) => originOf(objectInputKey('app', version));
const inAYear = { N: String(Math.ceil(Date.now() / 1000) + 365 * 86_400) };

/** Announces an object as the functions did before the item of a key could be an entry. */
async function announceFormerly({ client }: DynamoLane, version: Version, more: Item = {}): Promise<void> {
  const id = idOf(version);
  const Item: Item = {
    [LEDGER.key]: { S: id },
    [LEDGER.expiry]: inAYear,
    [LEDGER.round]: { N: '1' },
    [LEDGER.group]: { S: `app live ${'0123456789abcdef'[(Buffer.from(id, 'base64url')[0] ?? 0) % 16]}` },
    [LEDGER.since]: { S: NOW.toISOString() },
    state: { S: STATE.waiting },
    source: { S: 'app' },
    label: { S: `s3://logs/${version.key}` },
    object: { S: JSON.stringify({ ...version, kind: 'live' }) },
    ...more,
  };
  const ConditionExpression = 'attribute_not_exists(id)';
  await client.send(new PutItemCommand({ TableName: 'ledger', Item, ConditionExpression }));
}

/** Remembers a version as the functions did. */
async function rememberFormerly({ client }: DynamoLane, version: Version): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: 'ledger',
      Key: { [LEDGER.key]: { S: keyItemId('app', version) } },
      ConditionExpression: 'attribute_not_exists(id) OR origin IN (:origin, :instead)',
      UpdateExpression: 'SET origin = :origin, openedAt = :at, expires_at = :expiry, sequencer = :sequencer',
      ExpressionAttributeValues: {
        ...{ ':origin': { S: origin(version) }, ':instead': { S: origin(version) }, ':at': { N: '1' } },
        ...{ ':expiry': inAYear, ':sequencer': { S: version.sequencer } },
      },
    }),
  );
}

/** The origins that batches have loaded. */
function loaded(results: readonly WriteResult[]): string[] {
  return results
    .flatMap((result) => (result.outcome === 'written' ? result.published.loaded : []))
    .map((one) => one.origin);
}

test('an object that waits since before an upgrade, and is announced once more, is loaded once', async () => {
  const lane = await openDynamoLane();
  await announceFormerly(lane, A);
  expect(await lane.announce(A)).toBe('known');
  expect(loaded(await lane.drain())).toEqual([origin(A)]);
  expect(await lane.announce(A)).toBe('known');
  expect(await lane.drain()).toEqual([]);
});

test('an object that was loaded before an upgrade is known, and one that replaces it says so', async () => {
  const lane = await openDynamoLane();
  await announceFormerly(lane, A);
  expect(loaded(await lane.drain())).toEqual([origin(A)]);
  await rememberFormerly(lane, A);
  expect(await lane.announce(A)).toBe('known');
  expect(await lane.announce(B)).toBe('waiting');
  expect(loaded(await lane.drain())).toEqual([origin(B)]);
  expect(await lane.ledger.latestVersion(keyItemId('app', A))).toMatchObject({
    origin: origin(B),
    replaces: origin(A),
  });
  expect([await lane.announce(A), await lane.announce(B)]).toEqual(['known', 'known']);
});

test('versions of an object of which each version of the functions announces one are loaded, and the latest is remembered', async () => {
  for (const [formerly, now] of [
    [A, B],
    [B, A],
  ] as const) {
    const lane = await openDynamoLane();
    await lane.announce(now);
    await announceFormerly(lane, formerly);
    expect(loaded(await lane.drain()).toSorted()).toEqual([origin(A), origin(B)].toSorted());
    expect(await lane.ledger.latestVersion(keyItemId('app', A))).toMatchObject({ origin: origin(B) });
  }
});

test('an object that was not loaded before an upgrade waits again', async () => {
  const lane = await openDynamoLane();
  await announceFormerly(lane, A);
  const [{ candidate } = { candidate: undefined }] = await lane.ledger.waiting('app', 'live', '2027', 16);
  if (!candidate) throw new Error('expected an object that waits');
  await lane.ledger.claim('gone', candidate);
  await lane.ledger.notLoaded('gone', candidate, 'gone');
  expect(await lane.announce(A)).toBe('waiting');
  expect(loaded(await lane.drain())).toEqual([origin(A)]);
});
