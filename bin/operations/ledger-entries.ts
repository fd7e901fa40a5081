/** The ledger's functions for operations: read many entries at once, reopen and release entries. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Candidate } from '../../lambdas/core/direct/batch.ts';
import type { EntryPlaces } from '../../lambdas/core/loading/input.ts';
import { LEDGER, STATE } from '../../lambdas/core/loading/ledger.ts';
import { isEntryOf } from '../../lambdas/edges/key-items.ts';
import type { LakeHandle } from './lake-handle.ts';

const DAY_MS = 86_400_000;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
export const MAX_BATCH_GET = 100;

/** An object's ledger entry. */
export interface Entry {
  /** Where it is: its own id, or that of the item of its key. */
  readonly id: string;
  /** Rounds of the direct lane; 0 on the other one. */
  readonly round: number;
  readonly state: string;
  /** When it was last claimed, computed from its expiry; undefined if the expiry does not allow it. */
  readonly claimedAt: Date | undefined;
  /** The direct lane has begun it. */
  readonly isDirect: boolean;
  /** Its batch, on the direct lane. */
  readonly batch: string | undefined;
  /** ISO 8601: when the object was created, as the direct lane knows it. */
  readonly modified: string | undefined;
}

/** Entries of objects, by their own ids. An object without one was never claimed, or its entry expired. */
export async function entriesOf(lake: LakeHandle, places: readonly EntryPlaces[]): Promise<ReadonlyMap<string, Entry>> {
  const items = new Map<string, Record<string, AttributeValue>>();
  const ids = places.flatMap(({ id, keyId }) => [id, keyId]);
  for (const item of await itemsOf(lake, ids)) items.set(item[LEDGER.key]?.S ?? '', item);
  const found = new Map<string, Entry>();
  for (const { id, keyId, origin } of places) {
    const inKey = items.get(keyId);
    const item = items.get(id) ?? (inKey && isEntryOf(origin, inKey) ? inKey : undefined);
    if (!item) continue;
    // The expiry is rounded up to a second.
    const claimed = (Number(item[LEDGER.expiry]?.N) - 1) * 1000 - lake.ledgerDays * DAY_MS;
    // A time in the future: ledgerRetentionDays was longer when the entry was claimed, so the time is unknown.
    const claimedAt = claimed > Date.now() ? undefined : new Date(claimed);
    found.set(id, {
      id: item[LEDGER.key]?.S ?? '',
      round: Number(item[LEDGER.round]?.N ?? 0),
      state: item.state?.S ?? '',
      claimedAt,
      isDirect: item[LEDGER.round] !== undefined,
      batch: item.batch?.S,
      modified: (JSON.parse(item.object?.S ?? '{}') as Partial<Candidate>).modified,
    });
  }
  return found;
}

/** Items of the ledger, as far as they are there. */
export async function itemsOf(
  { dynamodb, ledgerTable }: Pick<LakeHandle, 'dynamodb' | 'ledgerTable'>,
  ids: readonly string[],
): Promise<Record<string, AttributeValue>[]> {
  const all = [...new Set(ids)];
  const found: Record<string, AttributeValue>[] = [];
  for (let at = 0; at < all.length; at += MAX_BATCH_GET) {
    let Keys = all.slice(at, at + MAX_BATCH_GET).map((id) => ({ [LEDGER.key]: { S: id } }));
    while (Keys.length > 0) {
      const { Responses, UnprocessedKeys } = await dynamodb.send(
        new BatchGetItemCommand({ RequestItems: { [ledgerTable]: { Keys, ConsistentRead: true } } }),
      );
      found.push(...(Responses?.[ledgerTable] ?? []));
      Keys = (UnprocessedKeys?.[ledgerTable]?.Keys ?? []) as typeof Keys;
    }
  }
  return found;
}

// An entry that does not exist must not be created, and a missing attribute differs from every value.
const isEnded = `attribute_exists(#state) AND #state <> :loading AND attribute_not_exists(#${LEDGER.round})`;
const isOpen = '#state = :loading';
const isHeldBy = '#holder = :holder';

/**
 * Reopens a finished entry, so that the next message about its object loads the object again, from its start. The
 * fencing token is kept and keeps counting. An entry that an invocation is loading stays unchanged, and so does one of the
 * direct lane: an object that was not loaded waits again by itself when it is announced.
 */
export async function reopen(lake: LakeHandle, id: string): Promise<void> {
  await update(lake, id, 'SET #state = :loading REMOVE #counts', isEnded, {
    names: { '#state': 'state', '#counts': 'counts', [`#${LEDGER.round}`]: LEDGER.round },
    values: { ':loading': { S: STATE.loading } },
  });
}

/**
 * Releases an open entry whose holder is known to have crashed. Otherwise a message with another id would find the
 * entry held, and leave the object to that holder, until the lease ends.
 *
 * @param holder release the entry only if this is its holder; by default, regardless of its holder
 */
export async function release(lake: LakeHandle, id: string, holder?: string): Promise<void> {
  const condition = holder === undefined ? isOpen : `${isOpen} AND ${isHeldBy}`;
  await update(lake, id, 'REMOVE #holder, #lease', condition, {
    names: { '#state': 'state', '#holder': 'holder', '#lease': 'lease' },
    values: { ':loading': { S: STATE.loading }, ...(holder !== undefined && { ':holder': { S: holder } }) },
  });
}

/** Updates an entry if the condition holds. */
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
