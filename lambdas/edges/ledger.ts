import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  type Claim,
  CONDITION,
  FencedError,
  LEDGER,
  type Ledger,
  type LedgerEntry,
  NOT_LOADED,
  type Outcome,
  type Progress,
  STATE,
} from '../core/loading/ledger.ts';
import type { Checkpoint } from '../core/loading/line-batcher.ts';
import { KeyItems, type Lists } from './key-items.ts';
import { expiryIn, Items } from './ledger-items.ts';

/**
 * The ledger refused a claim, but the entry had changed before the reason could be read. The message returns and claims
 * again.
 */
export class UnclaimedError extends Error {
  override readonly name = 'UnclaimedError';
}

/**
 * The ledger in DynamoDB. Every write can be repeated if its answer was lost: a holder can claim its own entry again,
 * and the other writes check only the token.
 *
 * If the process crashes after a claim, its message returns and claims the entry again. After a checkpoint, the next
 * attempt goes on from the checkpoint. After the release, any invocation may claim the entry. After the finish, every
 * invocation skips it.
 *
 * @param lists of the direct lane, if the stack has it
 */
export function dynamoLedger(client: DynamoDBClient, table: string, lists?: Lists): Ledger {
  const keys = new KeyItems(new Items(client, table), lists);
  return {
    async claim(entry, holder, leaseUntil) {
      const now = Date.now();
      const Key = { [LEDGER.key]: { S: entry.id } };
      try {
        const { Attributes } = await client.send(
          new UpdateItemCommand({
            TableName: table,
            Key,
            ConditionExpression: CONDITION.claim,
            UpdateExpression:
              'SET #state = :loading, #holder = :me, #lease = :lease, #expiry = :expiry, #source = :source, #label = :label, #token = if_not_exists(#token, :zero) + :one ' +
              // What the direct lane knew of it: its batch has it no more.
              'REMOVE #round, #batch, #object',
            ExpressionAttributeNames: {
              '#id': LEDGER.key,
              '#expiry': LEDGER.expiry,
              ...names('state', 'holder', LEDGER.lease, 'source', 'label', 'token', LEDGER.round, 'batch', 'object'),
            },
            ExpressionAttributeValues: {
              ':loading': { S: STATE.loading },
              ':loaded': { S: STATE.loaded },
              ...Object.fromEntries(NOT_LOADED.map((state) => [`:${state}`, { S: state }])),
              ':me': { S: holder },
              ':lease': { N: String(leaseUntil) },
              ':now': { N: String(now) },
              ':expiry': expiryIn(entry.keepDays),
              ':source': { S: entry.source },
              ':label': { S: entry.label },
              ':zero': { N: '0' },
              ':one': { N: '1' },
            },
            ReturnValues: 'ALL_NEW',
          }),
        );
        return { outcome: 'claimed', claim: claimOf(client, table, entry, leaseUntil, Attributes ?? {}) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
      const state = Item?.state?.S;
      if (state === STATE.loaded) return { outcome: 'already_loaded' };
      if (Item?.[LEDGER.round]) return { outcome: 'on_direct_lane' };
      if (Item?.holder && Item.holder.S !== holder && Number(Item[LEDGER.lease]?.N) >= now) return { outcome: 'held' };
      // No other holder has the entry now. If this delivery skipped it, possibly no other one would load the input.
      throw new UnclaimedError(`${entry.label}: the ledger refused a claim, yet the entry is not another's; try again`);
    },

    reserve: (id, version, keepDays) => keys.reserve(id, version, keepDays),
    remember: (id, version, keepDays, instead) => keys.remember(id, version, keepDays, instead),
  };
}

function claimOf(
  client: DynamoDBClient,
  table: string,
  entry: LedgerEntry,
  leaseUntil: number,
  item: Record<string, AttributeValue>,
): Claim {
  const token = item.token as AttributeValue;

  async function write(update: string, attributes: string[], values: Record<string, AttributeValue>): Promise<void> {
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: { [LEDGER.key]: { S: entry.id } },
          ConditionExpression: CONDITION.write,
          UpdateExpression: update,
          ExpressionAttributeNames: names('token', ...attributes),
          ExpressionAttributeValues: { ':token': token, ...values },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      throw new FencedError(`${entry.label}: another attempt has taken over`, { cause: error });
    }
  }

  return {
    isFirst: token.N === '1',
    resume: item.counts?.S === undefined ? undefined : progressOf(item.counts.S),
    checkpoint: (progress) =>
      write('SET #counts = :counts, #lease = :lease', ['counts', LEDGER.lease], {
        ':counts': countsText(progress),
        ':lease': { N: String(leaseUntil) },
      }),
    release: (progress) =>
      progress
        ? write('SET #counts = :counts REMOVE #holder', ['counts', 'holder'], { ':counts': countsText(progress) })
        : write('REMOVE #holder', ['holder'], {}),
    finish: (outcome: Outcome) =>
      write('SET #state = :state REMOVE #holder, #lease', ['state', 'holder', LEDGER.lease], {
        ':state': { S: STATE[outcome] },
      }),
  };
}

/** Counts as JSON text: programs and people read them as a whole, and no query needs a single one. */
function countsText({ counts }: Progress): AttributeValue {
  return { S: JSON.stringify(counts) };
}

function progressOf(counts: string): Progress {
  return { counts: JSON.parse(counts) as Checkpoint };
}

function names(...attributes: string[]): Record<string, string> {
  return Object.fromEntries(attributes.map((name) => [`#${name}`, name]));
}
