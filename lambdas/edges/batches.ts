/** The ledger in DynamoDB, as the direct lane uses it. core/direct/batch.ts has the states, and what a crash leaves. */
import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BATCH, type Batch, type BatchState } from '../core/direct/batch.ts';
import type { BatchLedger } from '../core/direct/ports.ts';
import { LEDGER } from '../core/loading/ledger.ts';
import { entriesIn } from './direct-entries.ts';
import { KeyItems, type Lists } from './key-items.ts';
import { batchItemId, type Item, LedgerItems } from './ledger-items.ts';

/** The planner sends a batch of which no writer has given a sign for long. */
const NEVER = new Date(0).toISOString();

/** States in which a batch needs nobody any more. */
const ENDED: readonly BatchState[] = [BATCH.written, BATCH.halved, BATCH.failed];

export interface DynamoBatchesOptions {
  readonly table: string;
  /** Days that the ledger keeps entries and batches. */
  readonly entryDays: number;
  /** For those who ask for versions: a version that was loaded may be remembered nowhere else. */
  readonly lists?: Lists;
}

/** Every write can be repeated if its answer was lost: it then finds what it wanted done, or another's. */
export function dynamoBatches(client: DynamoDBClient, { table, entryDays, lists }: DynamoBatchesOptions): BatchLedger {
  const items = new LedgerItems(client, table, entryDays);
  const keys = new KeyItems(items, lists);
  return {
    ...entriesIn(items, keys),

    async *unfinished(source, which) {
      for await (const item of items.allInGroup(batchGroup(source), which)) yield batchOf(item);
    },

    async plan({ id, source, since, from }) {
      await items.putNew({
        [LEDGER.key]: { S: batchItemId(id) },
        [LEDGER.expiry]: items.expiry(),
        [LEDGER.group]: { S: batchGroup(source) },
        [LEDGER.since]: { S: since },
        state: { S: BATCH.planned },
        source: { S: source },
        attempts: { N: '0' },
        generation: { N: '1' },
        ...(from !== undefined && { from: { S: from } }),
      });
    },

    async read(batch) {
      const item = await items.get(batchItemId(batch));
      return item && batchOf(item);
    },

    async beginAttempt({ id, attempts }, attempt, now) {
      const begun = await items.update(
        batchItemId(id),
        '#state = :open AND (#attempts = :seen OR #attemptedBy = :attempt)',
        'SET #attempts = :next, #attemptedBy = :attempt, #attemptedAt = :now',
        {
          ':open': { S: BATCH.open },
          ':seen': { N: String(attempts) },
          ':next': { N: String(attempts + 1) },
          ':attempt': { S: attempt },
          ':now': { S: now },
        },
      );
      return begun !== undefined;
    },

    async forgiveAttempt({ id, attempts }, attempt) {
      await items.update(batchItemId(id), '#state = :open AND #attemptedBy = :attempt', 'SET #attempts = :seen', {
        ':open': { S: BATCH.open },
        ':attempt': { S: attempt },
        ':seen': { N: String(attempts) },
      });
    },

    async advance(batch, from, to) {
      const moved = await items.update(
        batchItemId(batch),
        '#state = :from',
        ENDED.includes(to) ? 'SET #state = :to REMOVE #waiting, #since' : 'SET #state = :to',
        { ':from': { S: from }, ':to': { S: to } },
      );
      return moved !== undefined;
    },

    async seal({ id, generation }, attempt, state, now) {
      const sealed = await items.update(
        batchItemId(id),
        '#state = :open AND #generation = :generation',
        'SET #state = :sealed, #attempt = :attempt, #sealedAt = :now',
        {
          ':open': { S: BATCH.open },
          ':sealed': { S: state },
          ':generation': { N: String(generation) },
          ':attempt': { S: attempt },
          ':now': { S: now },
        },
      );
      // The client tries again by itself if an answer was lost; then the seal may be this attempt's own.
      const item = sealed ?? (await items.get(batchItemId(id)));
      return item && batchOf(item);
    },

    async store(batch, attempt, tables, now) {
      const stored = await items.update(
        batchItemId(batch),
        '#state = :storing AND #attempt = :attempt',
        // A table may take no commits for long, and its rows must not be forgotten: the batch expires once it is written.
        `SET #state = :stored, #tables = :tables, #uncommitted = :uncommitted, #storedAt = :now REMOVE #${LEDGER.expiry}`,
        {
          ':storing': { S: BATCH.storing },
          ':stored': { S: BATCH.stored },
          ':attempt': { S: attempt },
          ':tables': { N: String(tables) },
          ':uncommitted': numberSet([...Array(tables).keys()]),
          ':now': { S: now },
        },
      );
      return stored !== undefined;
    },

    // Taking numbers out of a set can be repeated, and needs no look at what others take out. An empty set is none.
    async committed(batch, attempt, tables) {
      const isStored = '#state = :stored AND #attempt = :attempt';
      const item = await items.update(batchItemId(batch), isStored, 'DELETE #uncommitted :tables', {
        ':stored': { S: BATCH.stored },
        ':attempt': { S: attempt },
        ':tables': numberSet(tables),
      });
      return item && batchOf(item);
    },

    // No two attempts have lists of one name, so this is not done a second time.
    async writeAnew({ id, source, attempt }, from, now) {
      if (attempt === undefined) return false;
      const opened = await items.update(
        batchItemId(id),
        `#state = :from AND #attempt = :attempt${from === BATCH.stored ? ' AND attribute_exists(#uncommitted)' : ''}`,
        'SET #state = :open, #generation = #generation + :one, #attempts = :none, #attemptedAt = :never, ' +
          `#waiting = :group, #since = :now, #${LEDGER.expiry} = :expiry ` +
          'REMOVE #attempt, #attemptedBy, #sealedAt, #tables, #storedAt, #uncommitted',
        {
          ':from': { S: from },
          ':open': { S: BATCH.open },
          ':attempt': { S: attempt },
          ':one': { N: '1' },
          ':none': { N: '0' },
          ':never': { S: NEVER },
          ':group': { S: batchGroup(source) },
          ':now': { S: now },
          ':expiry': items.expiry(),
        },
      );
      return opened !== undefined;
    },

    async written(batch, attempt) {
      const moved = await items.update(
        batchItemId(batch),
        '(#state = :sealed OR (#state = :stored AND attribute_not_exists(#uncommitted))) AND #attempt = :attempt',
        `SET #state = :written, #${LEDGER.expiry} = :expiry REMOVE #waiting, #since, #before`,
        {
          ':expiry': items.expiry(),
          ':sealed': { S: BATCH.sealed },
          ':stored': { S: BATCH.stored },
          ':written': { S: BATCH.written },
          ':attempt': { S: attempt },
        },
      );
      return moved !== undefined;
    },

    async reopen({ id, source, generation, attempt, amendments }, now) {
      if (attempt === undefined) return false;
      const opened = await items.update(
        batchItemId(id),
        '#state = :written AND #generation = :generation AND #attempt = :before AND attribute_not_exists(#tables) AND ' +
          (amendments === undefined ? 'attribute_not_exists(#amendments)' : '#amendments = :amendments'),
        'SET #state = :open, #generation = :next, #before = :before, #attempts = :none, #attemptedAt = :never, ' +
          `#waiting = :group, #since = :now, #${LEDGER.expiry} = :expiry REMOVE #attempt, #attemptedBy`,
        {
          ':written': { S: BATCH.written },
          ':open': { S: BATCH.open },
          ':generation': { N: String(generation) },
          ':next': { N: String(generation + 1) },
          ':before': { S: attempt },
          ':none': { N: '0' },
          ':never': { S: NEVER },
          ':group': { S: batchGroup(source) },
          ':now': { S: now },
          ':expiry': items.expiry(),
          ...(amendments !== undefined && { ':amendments': { N: String(amendments) } }),
        },
      );
      return opened !== undefined;
    },

    async giveUpReload({ id, generation, before }) {
      if (before === undefined) return;
      await items.update(
        batchItemId(id),
        '#state = :open AND #generation = :generation',
        'SET #state = :written, #attempt = :before REMOVE #waiting, #since, #before',
        {
          ':open': { S: BATCH.open },
          ':written': { S: BATCH.written },
          ':generation': { N: String(generation) },
          ':before': { S: before },
        },
      );
    },

    latestVersion: (id) => keys.latest(id),

    async remember(id, version, keepDays, instead) {
      const alone = instead === undefined ? await keys.alone(id, version) : undefined;
      return alone ?? (await keys.remember(id, version, keepDays, instead));
    },
  };
}

function numberSet(numbers: readonly number[]): AttributeValue {
  return { NS: numbers.map(String) };
}

export function batchGroup(source: string): string {
  return `${source} batches`;
}

export function batchOf(item: Item): Batch {
  const { state, source, since, attempts, attemptedAt, attempt, generation, before, from } = item;
  const { sealedAt, tables, storedAt, uncommitted, amendments } = item;
  return {
    id: (item[LEDGER.key]?.S ?? '').slice(batchItemId('').length),
    source: source?.S ?? '',
    state: state?.S as BatchState,
    since: since?.S ?? '',
    attempts: Number(attempts?.N ?? 0),
    generation: Number(generation?.N ?? 1),
    ...(attemptedAt?.S !== undefined && { attemptedAt: attemptedAt.S }),
    ...(attempt?.S !== undefined && { attempt: attempt.S }),
    ...(before?.S !== undefined && { before: before.S }),
    ...(from?.S !== undefined && { from: from.S }),
    ...(sealedAt?.S !== undefined && { sealedAt: sealedAt.S }),
    ...(tables?.N !== undefined && { tables: Number(tables.N) }),
    ...(storedAt?.S !== undefined && { storedAt: storedAt.S }),
    ...(uncommitted?.NS && { uncommitted: uncommitted.NS.map(Number).toSorted((a, b) => a - b) }),
    ...(amendments?.N !== undefined && { amendments: Number(amendments.N) }),
  };
}
