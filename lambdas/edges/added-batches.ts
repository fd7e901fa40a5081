/**
 * Batches with whose rows an operation adds to a table: the operation uploads their files by itself, so nobody plans,
 * claims or opens them, and they have no members. Such a batch begins as sealed, and is published like any other.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BATCH, type Batch, type Sealed } from '../core/direct/batch.ts';
import { LEDGER } from '../core/loading/ledger.ts';
import { batchGroup, batchOf, type DynamoBatchesOptions } from './batches.ts';
import { batchItemId, type Item, LedgerItems } from './ledger-items.ts';

export type AddedBatch = Pick<Batch, 'id' | 'source' | 'since'>;

export interface AddedBatches {
  read(id: string): Promise<Batch | undefined>;
  /** Puts a sealed batch, unless there is one of this id. @returns the batch as it is then; its `attempt` says whom it names */
  seal(batch: AddedBatch, attempt: string, state: Sealed): Promise<Batch>;
  /** Sees to it that no batch of this id is sealed from now on. @returns the batch as it is then: it may be sealed already */
  close(batch: AddedBatch): Promise<Batch>;
  /**
   * Notes that lines of a batch are about to be changed, so that it is not opened again by whoever did not see that.
   *
   * @param batch as it has written these lines
   * @returns false if it is being written anew, or was since
   */
  amend(batch: Required<Pick<Batch, 'id' | 'attempt'>>): Promise<boolean>;
}

/** Every write can be repeated if its answer was lost: it then finds what it wanted done, or another's. */
export function addedBatches(client: DynamoDBClient, { table, entryDays }: DynamoBatchesOptions): AddedBatches {
  const items = new LedgerItems(client, table, entryDays);

  async function read(id: string): Promise<Batch | undefined> {
    const item = await items.get(batchItemId(id));
    return item && batchOf(item);
  }

  async function put({ id, source }: AddedBatch, more: Item): Promise<Batch> {
    await items.putNew({
      [LEDGER.key]: { S: batchItemId(id) },
      [LEDGER.expiry]: items.expiry(),
      source: { S: source },
      attempts: { N: '0' },
      generation: { N: '1' },
      ...more,
    });
    const batch = await read(id);
    if (!batch) throw new Error(`batch ${id}: expected it in the ledger, where it was put, got none`);
    return batch;
  }

  return {
    read,
    seal: (batch, attempt, state) =>
      put(batch, {
        state: { S: state },
        attempt: { S: attempt },
        // The planner sends a batch of which no writer has given a sign for long.
        attemptedAt: { S: new Date(0).toISOString() },
        [LEDGER.group]: { S: batchGroup(batch.source) },
        [LEDGER.since]: { S: batch.since },
      }),
    close: (batch) => put(batch, { state: { S: BATCH.failed } }),
    async amend({ id, attempt }) {
      const noted = await items.update(
        batchItemId(id),
        '#state = :written AND #attempt = :attempt',
        'ADD #amendments :one',
        { ':written': { S: BATCH.written }, ':attempt': { S: attempt }, ':one': { N: '1' } },
      );
      return noted !== undefined;
    },
  };
}
