import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BATCH, type Batch, type BatchState, type Candidate } from '../../../lambdas/core/direct/batch.ts';
import type { Announced, BatchLedger, Which } from '../../../lambdas/core/direct/ports.ts';
import { entryIdOf } from '../../../lambdas/core/loading/input.ts';
import { LEDGER } from '../../../lambdas/core/loading/ledger.ts';
import { dynamoBatches } from '../../../lambdas/edges/batches.ts';
import { dynamoLedger } from '../../../lambdas/edges/ledger.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { World } from '../../helpers/direct-world.ts';
import { type LocalTable, openLocalTable } from '../../helpers/local-table.ts';

let table: LocalTable;
let client: DynamoDBClient;
let run = 0;

beforeAll(async () => {
  const index = { name: LEDGER.index, partition: LEDGER.group, sort: LEDGER.since };
  table = await openLocalTable({ name: 'ledger', partition: LEDGER.key, indexes: [index] });
  client = new DynamoDBClient(clientOptions(table.url));
});
afterAll(async () => {
  client.destroy();
  await table.close();
});

const batches = () => dynamoBatches(client, { table: 'ledger', entryDays: 400 });
const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, second)).toISOString();

/** Names that no other run has: all runs share a table. */
function names() {
  const of = `r${run++}`;
  return { source: of, id: (key: number) => entryIdOf([of, key]), batch: (number: number) => `${of}-${number}` };
}

/** The first two are versions of one key. */
function announced({ source, id }: ReturnType<typeof names>, version: number, since: number): Announced {
  const key = Math.floor(version / 2);
  const ids = { id: id(version), keyId: id(10 + key), origin: `o${version}` };
  const object = { bucket: 'logs', key: `k${key}`, etag: `e${version}`, size: 10, modified: at(0) };
  return { ...ids, ...object, kind: 'live', sequencer: `0${version}`, source, since: at(since) };
}

type Step = (ledger: BatchLedger, of: ReturnType<typeof names>) => Promise<unknown>;

const key = fc.nat(2);
/** Whether what is asked for has its entry in the item of its key. */
const isInKey = fc.boolean();
const batch = fc.nat(2);
const second = fc.nat(50);
const round = fc.integer({ min: 1, max: 3 });
const state = fc.constantFrom<BatchState>(...Object.values(BATCH));
const attempt = fc.constantFrom('one', 'two');

type Asked = readonly [number: number, isInKey: boolean, round: number];
const asked = fc.tuple(key, isInKey, round);

function candidateOf(of: ReturnType<typeof names>, [number, inKey, ofRound]: Asked): Candidate {
  const { source: _, origin: __, since: ___, keyId, id, ...candidate } = announced(of, number, 0);
  return { ...candidate, id: inKey ? keyId : id, round: ofRound };
}

/** What both ledgers say of a batch: since when an ended one waited does not matter. */
function comparable(read: Batch | undefined) {
  if (!read) return undefined;
  const { id, state: now, attempts, attempt: by, generation, before, sealedAt, tables, storedAt, uncommitted } = read;
  return { id, now, attempts, by, generation, before, sealedAt, tables, storedAt, uncommitted };
}

/** Everything that the lane asks of the ledger, with what it might ask. */
const STEPS: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, second).map(
    ([one, since]): Step =>
      (ledger, of) =>
        ledger.announce(announced(of, one, since)),
  ),
  fc.tuple(batch, asked, fc.option(batch, { nil: undefined })).map(
    ([one, member, from]): Step =>
      (ledger, of) =>
        ledger.claim(of.batch(one), candidateOf(of, member), from === undefined ? undefined : of.batch(from)),
  ),
  fc.tuple(batch, asked, second).map(
    ([one, member, since]): Step =>
      (ledger, of) =>
        ledger.waitAgain(of.batch(one), candidateOf(of, member), {
          ...{ source: of.source, since: at(since), waited: { tries: 1, seconds: 450 } },
        }),
  ),
  fc.tuple(batch, asked, fc.constantFrom('gone', 'archived', 'replaced', 'failed')).map(
    ([one, member, why]): Step =>
      (ledger, of) =>
        ledger.notLoaded(of.batch(one), candidateOf(of, member), why),
  ),
  fc.tuple(key, fc.option(key, { nil: undefined })).map(
    ([one, instead]): Step =>
      async (ledger, of) => {
        const { keyId, origin, sequencer = '' } = announced(of, one, 0);
        const before = instead === undefined ? undefined : `o${instead}`;
        const said = await ledger.remember(keyId, { origin, sequencer, openedAt: 5 }, 400, before);
        return [said.origin, said.sequencer, said.replaces];
      },
  ),
  key.map(
    (one): Step =>
      async (ledger, of) => {
        const said = await ledger.latestVersion(announced(of, one, 0).keyId);
        return said && [said.origin, said.sequencer, said.replaces];
      },
  ),
  fc.tuple(batch, fc.option(batch, { nil: undefined })).map(
    ([one, from]): Step =>
      (ledger, of) =>
        ledger.plan({
          ...{ id: of.batch(one), source: of.source, since: at(0) },
          ...(from !== undefined && { from: of.batch(from) }),
        }),
  ),
  fc.tuple(batch, state, state).map(
    ([one, from, to]): Step =>
      (ledger, of) =>
        ledger.advance(of.batch(one), from, to),
  ),
  fc.tuple(batch, attempt, fc.constantFrom('seal', 'storing', 'written', 'reopen', 'giveUpReload')).map(
    ([one, name, what]): Step =>
      async (ledger, of) => {
        const read = await ledger.read(of.batch(one));
        if (!read) return 'none';
        if (what === 'seal') return comparable(await ledger.seal(read, name, 'sealed', at(4)));
        if (what === 'storing') return comparable(await ledger.seal(read, name, 'storing', at(5)));
        if (what === 'written') return ledger.written(of.batch(one), name);
        return what === 'reopen' ? ledger.reopen(read, at(2)) : ledger.giveUpReload(read);
      },
  ),
  fc.tuple(batch, attempt, fc.integer({ min: 1, max: 12 })).map(
    ([one, name, tables]): Step =>
      (ledger, of) =>
        ledger.store(of.batch(one), name, tables, at(3)),
  ),
  fc.tuple(batch, attempt, fc.uniqueArray(fc.nat(12), { minLength: 1 })).map(
    ([one, name, tables]): Step =>
      async (ledger, of) =>
        comparable(await ledger.committed(of.batch(one), name, tables)),
  ),
  fc.tuple(batch, attempt, fc.constantFrom('stored', 'written')).map(
    ([one, name, from]): Step =>
      (ledger, of) =>
        ledger.writeAnew({ id: of.batch(one), source: of.source, attempt: name }, from, at(6)),
  ),
  batch.map(
    (one): Step =>
      async (ledger, of) =>
        comparable(await ledger.read(of.batch(one))),
  ),
  fc.tuple(batch, attempt, fc.boolean()).map(
    ([one, name, begins]): Step =>
      async (ledger, of) => {
        const read = await ledger.read(of.batch(one));
        if (!read) return 'none';
        return begins ? ledger.beginAttempt(read, name, at(1)) : ledger.forgiveAttempt({ ...read, attempts: 0 }, name);
      },
  ),
  batch.map(
    (one): Step =>
      (ledger, of) =>
        ledger.membersOf(of.batch(one), [
          ...[0, 1, 2].map((version) => candidateOf(of, [version, false, 1])),
          ...[0, 2].map((version) => candidateOf(of, [version, true, 1])),
        ]),
  ),
  second.map(
    (before): Step =>
      async (ledger, of) =>
        (await ledger.waiting(of.source, 'live', at(before), 100)).toSorted((a, b) =>
          a.candidate.id < b.candidate.id ? -1 : 1,
        ),
  ),
);

const WHICH: readonly Which[] = [
  { newestFirst: true },
  { from: at(1) },
  { before: at(1) },
  { from: at(1), before: at(2), newestFirst: true },
];

test('the ledger in DynamoDB does what the one does with which the lane was proven', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { maxLength: 25 }), async (steps) => {
      const of = names();
      const real = batches();
      const { ledger: model } = new World(0, []);
      for (const step of steps) expect(await step(real, of)).toEqual(await step(model, of));
      const states = async (ledger: BatchLedger) =>
        (await Array.fromAsync(ledger.unfinished(of.source))).map(({ id, state: now }) => [id, now]).toSorted();
      expect(await states(real)).toEqual(await states(model));
      for (const which of WHICH) {
        const times = async (ledger: BatchLedger) =>
          (await Array.fromAsync(ledger.unfinished(of.source, which))).map(({ since }) => since);
        expect(await times(real)).toEqual(await times(model));
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('an entry is ended by the lane that began it', async () => {
  const of = names();
  const firehose = dynamoLedger(client, 'ledger', { findList: async () => undefined });
  const direct = batches();
  const first = announced(of, 0, 0);
  expect(await direct.announce(first)).toBe('waiting');
  expect(await firehose.reserve(first.keyId, { origin: first.origin, openedAt: 0 }, 400)).toBe('on_direct_lane');

  const second = announced(of, 1, 0);
  const entry = { id: second.id, source: of.source, label: 'an object', keepDays: 400 };
  expect(await firehose.reserve(second.keyId, { origin: second.origin, openedAt: 0 }, 400)).toBe('free');
  const claimed = await firehose.claim(entry, 'me', Date.now() + 1000);
  expect(await direct.announce(second)).toBe('loading_by_firehose');
  if (claimed.outcome !== 'claimed') throw new Error(`expected a claim, got ${claimed.outcome}`);
  await claimed.claim.finish('loaded');
  expect(await direct.announce(second)).toBe('loaded_by_firehose');
  expect(await direct.waiting(of.source, 'live', at(59), 100)).toHaveLength(1);

  const third = announced(of, 2, 0);
  expect(await firehose.reserve(third.keyId, { origin: third.origin, openedAt: 0 }, 400)).toBe('free');
  expect(await direct.announce(third)).toBe('waiting');
  const late = { ...entry, id: third.id };
  expect(await firehose.claim(late, 'me', Date.now() + 1000)).toEqual({ outcome: 'on_direct_lane' });
  expect(await direct.announce(third)).toBe('known');
});

test('an object that the direct lane did not load is begun by the other one if that is asked for it, and by no batch any more', async () => {
  for (const state of ['gone', 'archived', 'replaced', 'failed'] as const) {
    const of = names();
    const firehose = dynamoLedger(client, 'ledger', { findList: async () => undefined });
    const direct = batches();
    // The first one has its entry in the item of the key, the second one has its own.
    for (const [version, id] of [announced(of, 0, 0).keyId, announced(of, 1, 0).id].entries()) {
      const object = announced(of, version, 0);
      const member = { ...candidateOf(of, [version, version === 0, 1]), id };
      const begin = async () => {
        const reserved = await firehose.reserve(object.keyId, { origin: object.origin, openedAt: 0 }, 400);
        if (reserved !== 'free') return reserved;
        const entry = { id: object.id, source: of.source, label: 'an object', keepDays: 400 };
        return (await firehose.claim(entry, 'me', Date.now() + 1000)).outcome;
      };
      expect(await direct.announce(object)).toBe('waiting');
      expect(await begin()).toBe('on_direct_lane');
      await direct.claim(of.batch(version), member);
      expect(await begin()).toBe('on_direct_lane');
      await direct.notLoaded(of.batch(version), member, state);
      expect(await begin()).toBe('claimed');
      expect(await direct.announce(object)).toBe('loading_by_firehose');
      // What a late process of the batch does comes to nothing.
      await direct.waitAgain(of.batch(version), member, { source: of.source, since: at(0) });
      await direct.claim(of.batch(version), member, of.batch(version));
      expect(await direct.membersOf(of.batch(version), [member])).toEqual([]);
      expect(await direct.waiting(of.source, 'live', at(59), 100)).toEqual([]);
      expect(await begin()).toBe('claimed');
    }
  }
});

test('no batch expires whose files wait for their commits, however long that takes', async () => {
  const [of, direct] = [names(), batches()];
  const id = of.batch(0);
  const expires = async () => {
    const Key = { [LEDGER.key]: { S: `batch ${id}` } };
    const { Item } = await client.send(new GetItemCommand({ TableName: 'ledger', Key, ConsistentRead: true }));
    return Item?.[LEDGER.expiry] !== undefined;
  };
  await direct.plan({ id, source: of.source, since: at(0) });
  await direct.advance(id, BATCH.planned, BATCH.open);
  await direct.seal((await direct.read(id)) as Batch, 'one', BATCH.storing, at(1));
  expect(await expires()).toBe(true);
  await direct.store(id, 'one', 1, at(2));
  expect(await expires()).toBe(false);
  await direct.committed(id, 'one', [0]);
  await direct.written(id, 'one');
  expect(await expires()).toBe(true);
});
