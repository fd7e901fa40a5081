/** The ledger in DynamoDB, as it is told again what it has forgotten. core/direct/reconcile.ts has what for. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BATCH, type Batch } from '../core/direct/batch.ts';
import type { ReconcileLedger } from '../core/direct/reconcile.ts';
import type { FilesLedger } from '../core/direct/reconcile-files.ts';
import { entryPlaces } from '../core/loading/input.ts';
import { LEDGER, STANDING, STATE } from '../core/loading/ledger.ts';
import { batchGroup, type DynamoBatchesOptions, dynamoBatches } from './batches.ts';
import { isEntryOf, KeyItems, madeFor } from './key-items.ts';
import { batchItemId, type Item, LedgerItems } from './ledger-items.ts';
import { dynamoCommits, recordId } from './table-commits.ts';

export function reconcilingLedger(
  client: DynamoDBClient,
  options: DynamoBatchesOptions,
  entriesOf: ReconcileLedger['entriesOf'],
): ReconcileLedger & FilesLedger {
  const items = new LedgerItems(client, options.table, options.entryDays);
  const keys = new KeyItems(items, undefined);
  const { read, claim, committed, waitAgain, advance } = dynamoBatches(client, options);
  const { recordOf } = dynamoCommits(client, options);

  /** Puts a batch, if it is still as it was read; undefined: if there is none. */
  async function put(before: Batch | undefined, id: string, item: Item, removed: readonly string[]): Promise<void> {
    if (!before) {
      await items.putNew({ [LEDGER.key]: { S: batchItemId(id) }, ...item });
      return;
    }
    const removing = removed.length === 0 ? '' : ` REMOVE ${removed.map((name) => `#${name}`).join(', ')}`;
    await items.update(
      batchItemId(id),
      `#state = :seen AND ${before.attempt === undefined ? 'attribute_not_exists(#attempt)' : '#attempt = :seenAttempt'}`,
      `SET ${Object.keys(item)
        .map((name) => `#${name} = :${name}`)
        .join(', ')}${removing}`,
      {
        ...Object.fromEntries(Object.entries(item).map(([name, value]) => [`:${name}`, value])),
        ':seen': { S: before.state },
        ...(before.attempt !== undefined && { ':seenAttempt': { S: before.attempt } }),
      },
    );
  }

  return {
    ...{ read, claim, committed, waitAgain, advance, recordOf, entriesOf },

    // Whoever announces the object meanwhile may be first: the next pass finds that.
    async settle({ id: batch, source }, { id: _, round, ...object }, ended) {
      const { id, keyId, origin } = entryPlaces(source, object);
      const [own, inKey] = [await items.get(id), await items.get(keyId)];
      const isInKey = inKey !== undefined && isEntryOf(origin, inKey);
      if (own ?? isInKey) {
        await items.update(
          own ? id : keyId,
          `attribute_exists(#${LEDGER.round}) AND ` +
            (ended === undefined ? '#state <> :batched' : '#state = :batched AND #batch = :ended'),
          `SET #state = :batched, #batch = :batch REMOVE #${LEDGER.group}, #${LEDGER.since}`,
          {
            ':batched': { S: STATE.batched },
            ':batch': { S: batch },
            ...(ended !== undefined && { ':ended': { S: ended } }),
          },
        );
        return;
      }
      // As where objects are announced (direct-entries.ts): nobody can put the entry into the item of the key then.
      if (inKey && !(await keys.outlive(keyId, inKey, items.entryDays))) return;
      await items.putNew({
        [LEDGER.key]: { S: inKey ? id : keyId },
        [LEDGER.expiry]: items.expiry(),
        [LEDGER.round]: { N: String(round) },
        state: { S: STATE.batched },
        batch: { S: batch },
        source: { S: source },
        object: { S: JSON.stringify(object) },
        ...(!inKey && madeFor({ ...object, origin }, STANDING.alone)),
      });
    },

    async putBack(before, { id, source, since, attempt, tables, storedAt, uncommitted }) {
      const item: Item = {
        [LEDGER.group]: { S: batchGroup(source) },
        [LEDGER.since]: { S: since },
        state: { S: BATCH.stored },
        source: { S: source },
        attempts: { N: '0' },
        generation: { N: '1' },
        // The planner sends a batch of which no writer has given a sign for long.
        attemptedAt: { S: new Date(0).toISOString() },
        attempt: { S: attempt },
        sealedAt: { S: storedAt },
        storedAt: { S: storedAt },
        tables: { N: String(tables) },
        ...(uncommitted.length > 0 && { uncommitted: { NS: uncommitted.map(String) } }),
      };
      await put(before, id, item, [LEDGER.expiry, 'before', ...(uncommitted.length > 0 ? [] : ['uncommitted'])]);
    },

    async putSealed(before, { id, source, since, attempt, generation, sealedAt, before: former }) {
      const item: Item = {
        [LEDGER.group]: { S: batchGroup(source) },
        [LEDGER.since]: { S: since },
        [LEDGER.expiry]: items.expiry(),
        state: { S: BATCH.sealed },
        source: { S: source },
        attempts: { N: '0' },
        generation: { N: String(generation) },
        // The planner sends a batch of which no writer has given a sign for long.
        attemptedAt: { S: new Date(0).toISOString() },
        attempt: { S: attempt },
        sealedAt: { S: sealedAt },
        ...(former !== undefined && { before: { S: former } }),
      };
      await put(before, id, item, former === undefined ? ['before'] : []);
    },

    async adopt({ table, committer, number, list }, made) {
      await items.update(
        recordId(table),
        `#committer = :seen AND #number = :seenNumber AND ${list === undefined ? 'attribute_not_exists(#list)' : '#list = :seenList'}`,
        `SET #committer = :committer, #number = :number, #adopted = :number${made.list === undefined ? '' : ', #last = :last'} ` +
          `REMOVE #list, #failures, #failure, #retryAt${made.list === undefined ? ', #last' : ''}`,
        {
          ':seen': { S: committer },
          ':seenNumber': { N: String(number) },
          ':committer': { S: made.committer },
          ':number': { N: String(made.number) },
          ...(list !== undefined && { ':seenList': { S: list } }),
          ...(made.list !== undefined && { ':last': { S: made.list } }),
        },
      );
    },
  };
}
