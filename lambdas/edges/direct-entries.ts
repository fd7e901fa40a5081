/** Entries of objects on the direct lane, in the ledger in DynamoDB. */
import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import type { Candidate, Kind } from '../core/direct/batch.ts';
import type { Announced, AnnounceResult, BatchLedger, WaitingObject } from '../core/direct/ports.ts';
import { LEDGER, NOT_LOADED, STANDING, STATE } from '../core/loading/ledger.ts';
import { ExpiredError, isEntryOf, type KeyItems, madeFor } from './key-items.ts';
import type { Item, LedgerItems } from './ledger-items.ts';

/** Groups over which the objects of a source are spread, so that no partition of the index takes them all. */
const SHARDS = '0123456789abcdef';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_BATCH_GET = 100;

export function entriesIn(
  items: LedgerItems,
  keys: KeyItems,
): Pick<BatchLedger, 'announce' | 'waitAgain' | 'notLoaded' | 'waiting' | 'claim' | 'membersOf'> {
  return {
    /**
     * The first version of a key has its entry in the item of the key, which costs no further write when the version is
     * remembered; any other version has one of its own. That is looked for first: the item of the key may have expired since.
     * Whoever puts an entry of its own has seen the item of the key, so nobody has put that in between.
     */
    async announce(announced) {
      const own = await items.get(announced.id);
      if (own) return await known(announced, announced.id, own);
      if (await items.putNew({ ...entryOf(announced, announced.keyId), ...madeFor(announced, STANDING.alone) })) {
        return 'waiting';
      }
      const item = await items.get(announced.keyId);
      if (item && isEntryOf(announced.origin, item)) return await known(announced, announced.keyId, item);
      // Nobody can put the entry into the item of the key while another version has that.
      if (!item || !(await keys.outlive(announced.keyId, item, items.entryDays))) throw expired(announced);
      if (await items.putNew(entryOf(announced, announced.id))) return 'waiting';
      const other = await items.get(announced.id);
      if (!other) throw expired(announced);
      return await known(announced, announced.id, other);
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
      for await (const { id, batch: claimedBy } of itemsOf(candidates.map((each) => each.id))) {
        if (claimedBy?.S === batch && id?.S) claimed.add(id.S);
      }
      return candidates.filter(({ id }) => claimed.has(id));
    },
  };

  async function* itemsOf(ids: readonly string[]): AsyncGenerator<Item> {
    for (let at = 0; at < ids.length; at += MAX_BATCH_GET) {
      let Keys = ids.slice(at, at + MAX_BATCH_GET).map((id): Item => ({ [LEDGER.key]: { S: id } }));
      while (Keys.length > 0) {
        const { Responses, UnprocessedKeys } = await items.client.send(
          new BatchGetItemCommand({ RequestItems: { [items.table]: { Keys, ConsistentRead: true } } }),
        );
        yield* (Responses?.[items.table] ?? []) as Item[];
        Keys = (UnprocessedKeys?.[items.table]?.Keys ?? []) as Item[];
      }
    }
  }

  /** A new entry. It is less than 1 KiB for usual keys, because DynamoDB bills each write by the whole item. */
  function entryOf(announced: Announced, id: string): Item {
    const { source, since, kind } = announced;
    return {
      [LEDGER.key]: { S: id },
      [LEDGER.expiry]: items.expiry(),
      [LEDGER.round]: { N: '1' },
      [LEDGER.group]: { S: groupOf(source, kind, id) },
      [LEDGER.since]: { S: since },
      state: { S: STATE.waiting },
      source: { S: source },
      object: { S: objectOf(announced) },
    };
  }

  function expired({ bucket, key }: Announced): ExpiredError {
    return new ExpiredError(`s3://${bucket}/${key}: its entry expired while it was announced; try again`);
  }

  /** What becomes of an object that is announced and has an entry. */
  async function known(announced: Announced, id: string, item: Item): Promise<AnnounceResult> {
    const { source, since, kind } = announced;
    const state = item.state?.S ?? '';
    const round = item[LEDGER.round]?.N;
    if (round === undefined) return state === STATE.loaded ? 'loaded_by_firehose' : 'loading_by_firehose';
    if (!NOT_LOADED.includes(state)) return 'known';
    const again = await items.update(
      id,
      '#state = :seen AND #round = :round',
      'SET #state = :state, #round = :next, #object = :object, #waiting = :group, #since = :since REMOVE #batch',
      {
        ':seen': { S: state },
        ':round': { N: round },
        ':next': { N: String(Number(round) + 1) },
        ':state': { S: STATE.waiting },
        ':object': { S: objectOf(announced) },
        ':group': { S: groupOf(source, kind, id) },
        ':since': { S: since },
      },
    );
    return again ? 'waiting' : 'known';
  }
}

/** An object as JSON, as the planner gets it. */
function objectOf({ id: _, keyId: __, origin: ___, source: ____, since: _____, ...object }: Announced): string {
  return JSON.stringify(object);
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
