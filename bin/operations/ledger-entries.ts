/** The ledger as operations see it: many entries at a time, and entries opened again. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { LEDGER, STATE } from '../../lambdas/core/loading/ledger.ts';
import type { LakeHandle } from './lake-handle.ts';

const DAY_MS = 86_400_000;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
export const MAX_BATCH_GET = 100;

/** What the ledger says of an object. */
export interface Entry {
  readonly state: string;
  /** When it was last claimed, as its expiry tells; undefined where it does not. */
  readonly claimedAt: Date | undefined;
}

/** The entries of at most `MAX_BATCH_GET` objects, by id. One that is missing has never been claimed, or has expired. */
export async function entriesOf(lake: LakeHandle, ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
  const { dynamodb, ledgerTable, ledgerDays } = lake;
  const found = new Map<string, Entry>();
  let Keys = [...new Set(ids)].map((id) => ({ [LEDGER.key]: { S: id } }));
  while (Keys.length > 0) {
    const { Responses, UnprocessedKeys } = await dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [ledgerTable]: { Keys, ConsistentRead: true } } }),
    );
    for (const item of Responses?.[ledgerTable] ?? []) {
      // The expiry is rounded up to a second.
      const claimed = (Number(item[LEDGER.expiry]?.N) - 1) * 1000 - ledgerDays * DAY_MS;
      // In the future: ledgerRetentionDays was more when it was claimed, and the time cannot be told.
      const claimedAt = claimed > Date.now() ? undefined : new Date(claimed);
      found.set(item[LEDGER.key]?.S ?? '', { state: item.state?.S ?? '', claimedAt });
    }
    Keys = (UnprocessedKeys?.[ledgerTable]?.Keys ?? []) as typeof Keys;
  }
  return found;
}

const isEnded = '#state IN (:loaded, :replaced)';
const isOpen = '#state = :loading';
const isHeldBy = '#holder = :holder';

/**
 * Opens an entry that has ended, so that the next message about its object loads it again, from its
 * start. The fencing token stays and goes on counting; an entry that somebody is loading is left alone.
 */
export async function reopen(lake: LakeHandle, id: string): Promise<void> {
  await update(lake, id, 'SET #state = :loading REMOVE #counts', isEnded, {
    names: { '#state': 'state', '#counts': 'counts' },
    values: {
      ':loading': { S: STATE.loading },
      ':loaded': { S: STATE.loaded },
      ':replaced': { S: STATE.replaced },
    },
  });
}

/**
 * Takes an open entry from its holder, who is known to be dead: until the lease is over, a message of
 * another id would find it held and leave it to a holder who never comes back.
 *
 * @param holder only from this one; from whoever has it where not given
 */
export async function release(lake: LakeHandle, id: string, holder?: string): Promise<void> {
  const condition = holder === undefined ? isOpen : `${isOpen} AND ${isHeldBy}`;
  await update(lake, id, 'REMOVE #holder, #lease', condition, {
    names: { '#state': 'state', '#holder': 'holder', '#lease': 'lease' },
    values: { ':loading': { S: STATE.loading }, ...(holder !== undefined && { ':holder': { S: holder } }) },
  });
}

/** Updates an entry where the condition holds; else leaves it. */
async function update(
  { dynamodb, ledgerTable }: LakeHandle,
  id: string,
  UpdateExpression: string,
  ConditionExpression: string,
  { names, values }: { names: Record<string, string>; values: Record<string, AttributeValue> },
): Promise<void> {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: ledgerTable,
        Key: { [LEDGER.key]: { S: id } },
        ConditionExpression,
        UpdateExpression,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values,
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
