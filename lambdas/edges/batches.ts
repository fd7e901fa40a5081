/** The ledger in DynamoDB, as the direct lane uses it. core/direct/batch.ts has the states, and what a crash leaves. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { BATCH, type Batch, type BatchState, type Candidate, type Kind } from '../core/direct/batch.ts';
import type { Announced, AnnounceResult, BatchLedger, WaitingObject } from '../core/direct/ports.ts';
import { LEDGER, STATE } from '../core/loading/ledger.ts';
import { dynamoLedger, versionOf } from './ledger.ts';

const DAY_SECONDS = 86_400;

/** Groups over which the objects of a source are spread, so that no partition of the index takes them all. */
const SHARDS = '0123456789abcdef';

/** Batches of a source that a planner looks at: far more than are open at a time. */
const MAX_UNFINISHED = 10_000;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_BATCH_GET = 100;

type Item = Record<string, AttributeValue>;

/** States of entries that wait again when they are announced. */
const NOT_LOADED: readonly string[] = [STATE.gone, STATE.archived, STATE.replaced, STATE.failed];

/** States in which a batch needs nobody any more. */
const ENDED: readonly BatchState[] = [BATCH.written, BATCH.halved, BATCH.failed];

export interface DynamoBatchesOptions {
  readonly table: string;
  /** Days that the ledger keeps entries and batches. */
  readonly entryDays: number;
}

/** Every write can be repeated if its answer was lost: it then finds what it wanted done, or another's. */
export function dynamoBatches(client: DynamoDBClient, { table, entryDays }: DynamoBatchesOptions): BatchLedger {
  const expiry = (): AttributeValue => ({ N: String(Math.ceil(Date.now() / 1000) + entryDays * DAY_SECONDS) });

  /** Updates an item if a condition holds. @returns the item as it is now, or undefined if the condition fails */
  async function update(id: string, condition: string, expression: string, values: Item): Promise<Item | undefined> {
    const used = new Set([...`${condition} ${expression}`.matchAll(/#(\w+)/g)].map(([, name = '']) => name));
    try {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: { [LEDGER.key]: { S: id } },
          ConditionExpression: condition,
          UpdateExpression: expression,
          ExpressionAttributeNames: Object.fromEntries([...used].map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: values,
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  async function get(id: string): Promise<Item | undefined> {
    const Key = { [LEDGER.key]: { S: id } };
    return (await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))).Item;
  }

  /** @returns false if there is an item of this id */
  async function putNew(Item: Item): Promise<boolean> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item,
          ConditionExpression: 'attribute_not_exists(#id)',
          ExpressionAttributeNames: { '#id': LEDGER.key },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /** Items of a group of the index, oldest first. */
  async function inGroup(group: string, limit: number, before?: string): Promise<Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: Item | undefined;
    do {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: LEDGER.index,
          KeyConditionExpression: `#group = :group${before === undefined ? '' : ' AND #since <= :before'}`,
          ExpressionAttributeNames: { '#group': LEDGER.group, ...(before !== undefined && { '#since': LEDGER.since }) },
          ExpressionAttributeValues: {
            ':group': { S: group },
            ...(before !== undefined && { ':before': { S: before } }),
          },
          Limit: limit - items.length,
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      items.push(...((answer.Items ?? []) as Item[]));
      ExclusiveStartKey = answer.LastEvaluatedKey as Item | undefined;
    } while (ExclusiveStartKey && items.length < limit);
    return items;
  }

  return {
    async announce(announced) {
      const { id, source, label, since, ...object } = announced;
      const isNew = await putNew({
        [LEDGER.key]: { S: id },
        [LEDGER.expiry]: expiry(),
        [LEDGER.round]: { N: '1' },
        [LEDGER.group]: { S: groupOf(source, object.kind, id) },
        [LEDGER.since]: { S: since },
        state: { S: STATE.waiting },
        source: { S: source },
        label: { S: label },
        object: { S: JSON.stringify(object) },
      });
      if (isNew) return 'waiting';
      const item = await get(id);
      // The entry expired in between: the message returns and announces it anew.
      if (!item) throw new Error(`${label}: its entry went away while it was announced; try again`);
      return await known(announced, item);
    },

    async waitAgain(batch, { id, round, ...object }, { source, since, waited }) {
      const { waited: _, ...rest } = object;
      await update(
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
      await update(id, '#batch = :batch AND #round = :round', 'SET #state = :state', {
        ':batch': { S: batch },
        ':round': { N: String(round) },
        ':state': { S: STATE[state] },
      });
    },

    async waiting(source, kind, before, limit) {
      const shards = await Promise.all(
        [...SHARDS].map((shard) => inGroup(`${source} ${kind} ${shard}`, limit / SHARDS.length, before)),
      );
      return shards
        .flat()
        .map(waitingObjectOf)
        .toSorted((a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)));
    },

    async unfinished(source) {
      return (await inGroup(batchGroup(source), MAX_UNFINISHED)).map(batchOf);
    },

    async plan({ id, source, since, from }) {
      await putNew({
        [LEDGER.key]: { S: itemId(id) },
        [LEDGER.expiry]: expiry(),
        [LEDGER.group]: { S: batchGroup(source) },
        [LEDGER.since]: { S: since },
        state: { S: BATCH.planned },
        source: { S: source },
        attempts: { N: '0' },
        generation: { N: '1' },
        ...(from !== undefined && { from: { S: from } }),
      });
    },

    async claim(batch, { id, round }, from) {
      const free = from === undefined ? 'attribute_not_exists(#batch)' : '#batch = :from';
      await update(
        id,
        `#round = :round AND (#batch = :batch OR ${free})`,
        'SET #batch = :batch, #state = :state REMOVE #waiting, #since',
        {
          ':round': { N: String(round) },
          ':batch': { S: batch },
          ':state': { S: STATE.batched },
          ...(from !== undefined && { ':from': { S: from } }),
        },
      );
    },

    async read(batch) {
      const item = await get(itemId(batch));
      return item && batchOf(item);
    },

    async membersOf(batch, candidates) {
      const claimed = new Set<string>();
      for (let at = 0; at < candidates.length; at += MAX_BATCH_GET) {
        let Keys = candidates.slice(at, at + MAX_BATCH_GET).map(({ id }): Item => ({ [LEDGER.key]: { S: id } }));
        while (Keys.length > 0) {
          const { Responses, UnprocessedKeys } = await client.send(
            new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }),
          );
          for (const { id, batch: claimedBy } of Responses?.[table] ?? []) {
            if (claimedBy?.S === batch && id?.S) claimed.add(id.S);
          }
          Keys = (UnprocessedKeys?.[table]?.Keys ?? []) as Item[];
        }
      }
      return candidates.filter(({ id }) => claimed.has(id));
    },

    async beginAttempt({ id, attempts }, attempt, now) {
      const begun = await update(
        itemId(id),
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
      await update(itemId(id), '#state = :open AND #attemptedBy = :attempt', 'SET #attempts = :seen', {
        ':open': { S: BATCH.open },
        ':attempt': { S: attempt },
        ':seen': { N: String(attempts) },
      });
    },

    async advance(batch, from, to) {
      const moved = await update(
        itemId(batch),
        '#state = :from',
        ENDED.includes(to) ? 'SET #state = :to REMOVE #waiting, #since' : 'SET #state = :to',
        { ':from': { S: from }, ':to': { S: to } },
      );
      return moved !== undefined;
    },

    async seal({ id, generation }, attempt) {
      const sealed = await update(
        itemId(id),
        '#state = :open AND #generation = :generation',
        'SET #state = :sealed, #attempt = :attempt',
        {
          ':open': { S: BATCH.open },
          ':sealed': { S: BATCH.sealed },
          ':generation': { N: String(generation) },
          ':attempt': { S: attempt },
        },
      );
      // The client tries again by itself if an answer was lost; then the seal may be this attempt's own.
      const item = sealed ?? (await get(itemId(id)));
      return item && batchOf(item);
    },

    async written(batch, attempt) {
      const moved = await update(
        itemId(batch),
        '#state = :sealed AND #attempt = :attempt',
        'SET #state = :written REMOVE #waiting, #since, #before',
        { ':sealed': { S: BATCH.sealed }, ':written': { S: BATCH.written }, ':attempt': { S: attempt } },
      );
      return moved !== undefined;
    },

    async reopen({ id, source, generation, attempt }, now) {
      if (attempt === undefined) return false;
      const opened = await update(
        itemId(id),
        '#state = :written AND #generation = :generation AND #attempt = :before',
        // The planner sends a batch of which no writer has given a sign for long.
        'SET #state = :open, #generation = :next, #before = :before, #attempts = :none, #attemptedAt = :never, ' +
          '#waiting = :group, #since = :now REMOVE #attempt, #attemptedBy',
        {
          ':written': { S: BATCH.written },
          ':open': { S: BATCH.open },
          ':generation': { N: String(generation) },
          ':next': { N: String(generation + 1) },
          ':before': { S: attempt },
          ':none': { N: '0' },
          ':never': { S: new Date(0).toISOString() },
          ':group': { S: batchGroup(source) },
          ':now': { S: now },
        },
      );
      return opened !== undefined;
    },

    async giveUpReload({ id, generation, before }) {
      if (before === undefined) return;
      await update(
        itemId(id),
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

    async latestVersion(id) {
      const item = await get(id);
      return item && versionOf(item);
    },

    remember: dynamoLedger(client, table).remember,
  };

  /** What becomes of an object that is announced and has an entry. */
  async function known({ id, source, since, ...object }: Announced, item: Item): Promise<AnnounceResult> {
    const state = item.state?.S ?? '';
    const round = item[LEDGER.round]?.N;
    if (round === undefined) return state === STATE.loaded ? 'loaded_by_firehose' : 'loading_by_firehose';
    if (!NOT_LOADED.includes(state)) return 'known';
    const { label: _, ...rest } = object;
    const again = await update(
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

/** No entry of an input has an id with a space. */
function itemId(batch: string): string {
  return `batch ${batch}`;
}

function batchGroup(source: string): string {
  return `${source} batches`;
}

function groupOf(source: string, kind: Kind, id: string): string {
  const shard = SHARDS[(Buffer.from(id, 'base64url')[0] as number) % SHARDS.length] as string;
  return `${source} ${kind} ${shard}`;
}

function waitingObjectOf(item: Item): WaitingObject {
  const object = JSON.parse(item.object?.S ?? '{}') as Omit<Candidate, 'id' | 'round'>;
  const id = item[LEDGER.key]?.S ?? '';
  return { candidate: { id, round: Number(item[LEDGER.round]?.N), ...object }, since: item[LEDGER.since]?.S ?? '' };
}

function batchOf(item: Item): Batch {
  const { state, source, since, attempts, attemptedAt, attempt, generation, before, from } = item;
  return {
    id: (item[LEDGER.key]?.S ?? '').slice(itemId('').length),
    source: source?.S ?? '',
    state: state?.S as BatchState,
    since: since?.S ?? '',
    attempts: Number(attempts?.N ?? 0),
    generation: Number(generation?.N ?? 1),
    ...(attemptedAt?.S !== undefined && { attemptedAt: attemptedAt.S }),
    ...(attempt?.S !== undefined && { attempt: attempt.S }),
    ...(before?.S !== undefined && { before: before.S }),
    ...(from?.S !== undefined && { from: from.S }),
  };
}
