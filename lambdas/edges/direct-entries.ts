/** Entries of objects on the direct lane, in the ledger in DynamoDB. */
import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import type { Candidate, Kind } from '../core/direct/batch.ts';
import type { Announced, AnnounceResult, BatchLedger, WaitingObject } from '../core/direct/ports.ts';
import { LEDGER, STATE } from '../core/loading/ledger.ts';
import type { Item, LedgerItems } from './ledger-items.ts';

/** Groups over which the objects of a source are spread, so that no partition of the index takes them all. */
const SHARDS = '0123456789abcdef';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_BATCH_GET = 100;

/** States of entries that wait again when they are announced. */
const NOT_LOADED: readonly string[] = [STATE.gone, STATE.archived, STATE.replaced, STATE.failed];

export function entriesIn(
  items: LedgerItems,
): Pick<BatchLedger, 'announce' | 'waitAgain' | 'notLoaded' | 'waiting' | 'claim' | 'membersOf'> {
  return {
    async announce(announced) {
      const { id, source, label, since, ...object } = announced;
      const isNew = await items.putNew({
        [LEDGER.key]: { S: id },
        [LEDGER.expiry]: items.expiry(),
        [LEDGER.round]: { N: '1' },
        [LEDGER.group]: { S: groupOf(source, object.kind, id) },
        [LEDGER.since]: { S: since },
        state: { S: STATE.waiting },
        source: { S: source },
        // Bucket and key stand here once: an item of more than 1 KiB costs twice as much, at each write and in the index.
        object: { S: JSON.stringify(object) },
      });
      if (isNew) return 'waiting';
      const item = await items.get(id);
      // The entry expired in between: the message returns and announces it anew.
      if (!item) throw new Error(`${label}: its entry went away while it was announced; try again`);
      return await known(announced, item);
    },

    async waitAgain(batch, { id, round, ...object }, { source, since, waited }) {
      const { waited: _, ...rest } = object;
      await items.update(
        id,
        '#batch = :batch AND #round = :round',
        'SET #state = :state, #round = :next, #object = :object, #waiting = :group, #since = :since REMOVE #batch',
        {
          ':batch': { S: batch },
          ':round': { N: String(round) },
          ':next': { N: String(round + 1) },
          ':state': { S: STATE.waiting },
          ':object': { S: JSON.stringify({ ...rest, ...(waited && { waited }) }) },
          ':group': { S: groupOf(source, object.kind, id) },
          ':since': { S: since },
        },
      );
    },

    async notLoaded(batch, { id, round }, state) {
      await items.update(id, '#batch = :batch AND #round = :round', 'SET #state = :state', {
        ':batch': { S: batch },
        ':round': { N: String(round) },
        ':state': { S: STATE[state] },
      });
    },

    async waiting(source, kind, before, limit) {
      const shards = await Promise.all(
        [...SHARDS].map((shard) => items.inGroup(`${source} ${kind} ${shard}`, limit / SHARDS.length, before)),
      );
      return shards
        .flat()
        .map(waitingObjectOf)
        .toSorted((a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)));
    },

    // If the batch has the entry, nothing is left to do: the entry may say by now that the object was not loaded.
    async claim(batch, { id, round }, from) {
      await items.update(
        id,
        `#round = :round AND ${from === undefined ? 'attribute_not_exists(#batch)' : '#batch = :from'}`,
        'SET #batch = :batch, #state = :state REMOVE #waiting, #since',
        {
          ':round': { N: String(round) },
          ':batch': { S: batch },
          ':state': { S: STATE.batched },
          ...(from !== undefined && { ':from': { S: from } }),
        },
      );
    },

    async membersOf(batch, candidates) {
      const claimed = new Set<string>();
      for (let at = 0; at < candidates.length; at += MAX_BATCH_GET) {
        let Keys = candidates.slice(at, at + MAX_BATCH_GET).map(({ id }): Item => ({ [LEDGER.key]: { S: id } }));
        while (Keys.length > 0) {
          const { Responses, UnprocessedKeys } = await items.client.send(
            new BatchGetItemCommand({ RequestItems: { [items.table]: { Keys, ConsistentRead: true } } }),
          );
          for (const { id, batch: claimedBy } of Responses?.[items.table] ?? []) {
            if (claimedBy?.S === batch && id?.S) claimed.add(id.S);
          }
          Keys = (UnprocessedKeys?.[items.table]?.Keys ?? []) as Item[];
        }
      }
      return candidates.filter(({ id }) => claimed.has(id));
    },
  };

  /** What becomes of an object that is announced and has an entry. */
  async function known({ id, source, since, ...object }: Announced, item: Item): Promise<AnnounceResult> {
    const state = item.state?.S ?? '';
    const round = item[LEDGER.round]?.N;
    if (round === undefined) return state === STATE.loaded ? 'loaded_by_firehose' : 'loading_by_firehose';
    if (!NOT_LOADED.includes(state)) return 'known';
    const { label: _, ...rest } = object;
    const again = await items.update(
      id,
      '#state = :seen AND #round = :round',
      'SET #state = :state, #round = :next, #object = :object, #waiting = :group, #since = :since REMOVE #batch',
      {
        ':seen': { S: state },
        ':round': { N: round },
        ':next': { N: String(Number(round) + 1) },
        ':state': { S: STATE.waiting },
        ':object': { S: JSON.stringify(rest) },
        ':group': { S: groupOf(source, object.kind, id) },
        ':since': { S: since },
      },
    );
    return again ? 'waiting' : 'known';
  }
}

function groupOf(source: string, kind: Kind, id: string): string {
  const [first = 0] = Buffer.from(id, 'base64url');
  return `${source} ${kind} ${SHARDS[first % SHARDS.length]}`;
}

function waitingObjectOf(item: Item): WaitingObject {
  const object = JSON.parse(item.object?.S ?? '{}') as Omit<Candidate, 'id' | 'round'>;
  const id = item[LEDGER.key]?.S ?? '';
  return { candidate: { id, round: Number(item[LEDGER.round]?.N), ...object }, since: item[LEDGER.since]?.S ?? '' };
}
