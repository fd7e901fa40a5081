import { expect, test } from 'vitest';
import type { AttemptList } from '../../../../lambdas/core/direct/attempt-list.ts';
import { type Candidate, candidatesKey } from '../../../../lambdas/core/direct/batch.ts';
import { entriesIn, noteEntries } from '../../../../lambdas/core/direct/reconcile-entries.ts';
import { entryPlaces } from '../../../../lambdas/core/loading/input.ts';

const BATCH = { id: 'one', source: 'app' };
const MEMBER: Candidate = {
  ...{ id: 'before', round: 1, bucket: 'logs', key: 'a.log', etag: 'a', size: 1 },
  ...{ modified: '2026-11-22T12:00:00Z', kind: 'live' },
};
const LIST = { members: [{ candidate: MEMBER, origin: 'o', ended: { outcome: 'loaded' } }] } as unknown as AttemptList;

test('both lists of a batch say where its entries are, whichever of them the process put last before it died', async () => {
  for (let death = 1; death <= 2; death++) {
    const lists = new Map<string, unknown>([
      ['attempt', LIST],
      [candidatesKey(BATCH), [MEMBER]],
    ]);
    let puts = 0;
    const lake = {
      findList: async <List>(key: string) => lists.get(key) as List,
      putList: async (key: string, list: unknown) => {
        lists.set(key, list);
        if (++puts === death) throw new Error('died');
      },
    };
    const note = () => {
      const committed = { attempt: 'attempt', list: lists.get('attempt') as AttemptList, tables: new Set<number>() };
      return noteEntries(
        BATCH,
        committed,
        new Map([[entryPlaces('app', MEMBER).id, { id: 'now', round: 2, state: 'batched' }]]),
        { lake },
      );
    };
    await expect(note()).rejects.toThrow('died');
    await note();
    const now = { ...MEMBER, id: 'now', round: 2 };
    expect(lists.get(candidatesKey(BATCH))).toEqual([now]);
    expect(lists.get('attempt')).toEqual({ members: [{ ...LIST.members[0], candidate: now }] });
  }
});

test('an object that a batch has of which the ledger knows nothing becomes a member of the batch that has its rows', async () => {
  const { id } = entryPlaces('app', MEMBER);
  const ledger = {
    entriesOf: async () => new Map([[id, { id, round: 1, state: 'batched', batch: 'forgotten' }]]),
    settle: async () => undefined,
    read: async () => undefined,
  };
  const lake = { findList: async () => undefined, putList: async () => undefined };
  const batches = new Map([['one', { attempt: 'attempt', list: LIST, tables: new Set([0]) }]]);
  expect(await entriesIn('app', batches, { ledger, lake })).toMatchObject({
    unsettled: [{ batch: 'one', member: MEMBER, ended: 'forgotten' }],
    settled: new Map(),
  });
});
