/** The counts of unknown keys in the ledger: one item for each source. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Tally, withBatch } from '../core/evolution/tally.ts';
import type { UnknownKeys } from '../core/evolution/unknown-keys.ts';
import { LedgerItems } from './ledger-items.ts';

export interface Tallies {
  /** Adds the counts of a batch. @throws if others change the item each time: the batch is not counted then */
  add(source: string, batch: UnknownKeys, now: Date): Promise<void>;
  read(source: string): Promise<Tally>;
}

/** Writers of a source that may end a batch at the same moment. */
const TRIES = 12;
const WAIT_MS = 50;

/** Additions that are remembered: an answer may be lost, and others add before the next try. */
const REMEMBERED = 50;

export function dynamoTallies(client: DynamoDBClient, table: string): Tallies {
  // Such an item does not expire.
  const items = new LedgerItems(client, table, 0);
  const read = async (source: string) => {
    const { version, tally, recent } = (await items.get(itemId(source))) ?? {};
    return {
      version: Number(version?.N ?? 0),
      tally: JSON.parse(tally?.S ?? '[]') as Tally,
      recent: JSON.parse(recent?.S ?? '[]') as string[],
    };
  };
  return {
    async add(source, batch, now) {
      const addition = randomUUID();
      for (let attempt = 1; attempt <= TRIES; attempt++) {
        const { version, tally, recent } = await read(source);
        if (recent.includes(addition)) return;
        const added = await items.update(
          itemId(source),
          'attribute_not_exists(#version) OR #version = :seen',
          'SET #version = :next, #tally = :tally, #recent = :recent',
          {
            ':seen': { N: String(version) },
            ':next': { N: String(version + 1) },
            ':tally': { S: JSON.stringify(withBatch(tally, batch, now)) },
            ':recent': { S: JSON.stringify([addition, ...recent].slice(0, REMEMBERED)) },
          },
        );
        if (added) return;
        await setTimeout(Math.random() * WAIT_MS * attempt);
      }
      throw new Error(`unknown keys of ${source}: expected to be added within ${TRIES} tries, others were faster`);
    },
    read: async (source) => (await read(source)).tally,
  };
}

/** No entry of an input has an id with a space. */
function itemId(source: string): string {
  return `unknown ${source}`;
}
