/** The records of commits to Iceberg tables in the ledger. core/direct/table-commits.ts has what they are for. */
import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CommitLedger, TableRecord } from '../core/direct/table-commits.ts';
import { LEDGER } from '../core/loading/ledger.ts';
import { type DynamoBatchesOptions, dynamoBatches } from './batches.ts';
import { type Item, LedgerItems } from './ledger-items.ts';

/** The group of the index that has the records, by the time at which old days are to be removed. */
const GROUP = 'iceberg tables';

/** Tables of which old days are removed in one run. */
const MAX_EXPIRING = 1_000;

const DAY_MS = 86_400_000;

/** Every write can be repeated if its answer was lost: it then finds what it wanted done, or another's. */
export function dynamoCommits(client: DynamoDBClient, options: DynamoBatchesOptions): CommitLedger {
  // Such a record does not expire.
  const items = new LedgerItems(client, options.table, 0);
  const { unfinished, read, committed, writeAnew } = dynamoBatches(client, options);

  async function recordOf(table: string, source: string): Promise<TableRecord> {
    const found = await items.get(recordId(table));
    if (found) return tableRecord(found);
    await items.putNew({
      [LEDGER.key]: { S: recordId(table) },
      [LEDGER.group]: { S: GROUP },
      [LEDGER.since]: { S: new Date(Date.now() + DAY_MS).toISOString() },
      table: { S: table },
      source: { S: source },
      committer: { S: randomUUID() },
      number: { N: '0' },
    });
    return await recordOf(table, source);
  }

  return {
    unfinished,
    read,
    committed,
    writeAnew,
    recordOf,

    expiring: async (now) => (await items.inGroup(GROUP, MAX_EXPIRING, now)).map(tableRecord),

    async failing(source) {
      const found: TableRecord[] = [];
      for await (const item of items.allInGroup(GROUP)) {
        const record = tableRecord(item);
        if (record.source === source && record.failure !== undefined) found.push(record);
      }
      return found;
    },

    async planCommit({ table, committer, number }, list) {
      const planned = await items.update(
        recordId(table),
        // The client tries again by itself if an answer was lost: the plan may be this one.
        '#committer = :committer AND ((#number = :number AND attribute_not_exists(#list)) OR #list = :list)',
        'SET #number = :next, #list = :list',
        {
          ':committer': { S: committer },
          ':number': { N: String(number) },
          ':next': { N: String(number + 1) },
          ':list': { S: list },
        },
      );
      return planned && tableRecord(planned);
    },

    async putOff({ table, list }, { failures, failure, retryAt }) {
      if (list === undefined) return;
      await items.update(
        recordId(table),
        '#list = :list',
        'SET #failures = :failures, #failure = :failure, #retryAt = :retryAt',
        {
          ':list': { S: list },
          ':failures': { N: String(failures) },
          ':failure': { S: failure },
          ':retryAt': { S: retryAt },
        },
      );
    },

    async endCommit({ table, list }) {
      if (list === undefined) return;
      const change = 'SET #last = :list REMOVE #list, #failures, #failure, #retryAt';
      await items.update(recordId(table), '#list = :list', change, { ':list': { S: list } });
    },

    async expireAgain(table, at) {
      await items.update(recordId(table), 'attribute_exists(#committer)', `SET #${LEDGER.since} = :at`, {
        ':at': { S: at },
      });
    },
  };
}

/** No entry of an input has an id with a space. */
export function recordId(table: string): string {
  return `table ${table}`;
}

function tableRecord(item: Item): TableRecord {
  const { table, source, committer, number, list, last, adopted, failures, failure, retryAt } = item;
  return {
    table: table?.S ?? '',
    source: source?.S ?? '',
    committer: committer?.S ?? '',
    number: Number(number?.N ?? 0),
    ...(list?.S !== undefined && { list: list.S }),
    ...(last?.S !== undefined && { last: last.S }),
    ...(adopted?.N !== undefined && { adopted: Number(adopted.N) }),
    ...(failures?.N !== undefined && { failures: Number(failures.N) }),
    ...(failure?.S !== undefined && { failure: failure.S }),
    ...(retryAt?.S !== undefined && { retryAt: retryAt.S }),
  };
}
