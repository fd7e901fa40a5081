import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommitLedger, TableRecord } from '../../../lambdas/core/direct/table-commits.ts';
import { LEDGER } from '../../../lambdas/core/loading/ledger.ts';
import { dynamoCommits } from '../../../lambdas/edges/table-commits.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { type LocalTable, openLocalTable } from '../../helpers/local-table.ts';
import { type Records, WorldTables } from '../../helpers/world-tables.ts';

let local: LocalTable;
let client: DynamoDBClient;
let run = 0;

beforeAll(async () => {
  const index = { name: LEDGER.index, partition: LEDGER.group, sort: LEDGER.since };
  local = await openLocalTable({ name: 'ledger', partition: LEDGER.key, indexes: [index] });
  client = new DynamoDBClient(clientOptions(local.url));
});
afterAll(async () => {
  client.destroy();
  await local.close();
});

type Ledger = Pick<CommitLedger, Records>;
/** What a committer knows: the record as it read it some time ago. */
type Step = (ledger: Ledger, known: Map<number, TableRecord>, name: (table: number) => string) => Promise<unknown>;

/** Both draw a committer of their own. */
function comparable(record: TableRecord | undefined) {
  if (!record) return undefined;
  const { table: of, source, number, list, committer, last, failures, failure, retryAt } = record;
  return { of, source, number, list, committer: committer.length > 0, last, failures, failure, retryAt };
}

const table = fc.nat(1);
const STEPS: fc.Arbitrary<Step> = fc.oneof(
  table.map(
    (number): Step =>
      async (ledger, known, name) => {
        const record = await ledger.recordOf(name(number), 'web');
        known.set(number, record);
        return comparable(record);
      },
  ),
  fc.tuple(table, fc.constantFrom('one', 'two')).map(
    ([number, list]): Step =>
      async (ledger, known) => {
        const record = known.get(number);
        return record && comparable(await ledger.planCommit(record, list));
      },
  ),
  fc.tuple(table, fc.constantFrom('one', 'two')).map(
    ([number, list]): Step =>
      async (ledger, known) => {
        const record = known.get(number);
        if (record) await ledger.endCommit({ ...record, list });
        return undefined;
      },
  ),
  fc.tuple(table, fc.constantFrom('one', 'two'), fc.nat(9)).map(
    ([number, list, failures]): Step =>
      async (ledger, known) => {
        const record = known.get(number);
        if (record) await ledger.putOff({ ...record, list }, { failures, failure: 'why', retryAt: `000${failures}` });
        return undefined;
      },
  ),
  fc.tuple(table, fc.nat(9)).map(
    ([number, at]): Step =>
      async (ledger, _, name) => {
        await ledger.expireAgain(name(number), `000${at}`);
        return undefined;
      },
  ),
  fc.nat(9).map(
    (now): Step =>
      async (ledger, known) => {
        const names = new Set([...known.values()].map((record) => record.table));
        const due = (await ledger.expiring(`000${now}`)).filter((record) => names.has(record.table));
        return due.map(comparable).toSorted((a, b) => (`${a?.of}` < `${b?.of}` ? -1 : 1));
      },
  ),
);

test('the records of commits in DynamoDB do what those do with which commits were proven', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { maxLength: 30 }), async (steps) => {
      const of = run++;
      const real = dynamoCommits(client, { table: 'ledger', entryDays: 400 });
      const model = new WorldTables().records(async (_, effect) => effect());
      const [knownReal, knownModel] = [new Map<number, TableRecord>(), new Map<number, TableRecord>()];
      const name = (number: number) => `t${of}_${number}`;
      for (const step of steps) {
        expect(await step(real, knownReal, name)).toEqual(await step(model, knownModel, name));
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('two committers plan one commit', async () => {
  const ledger = dynamoCommits(client, { table: 'ledger', entryDays: 400 });
  const record = await ledger.recordOf('twice', 'web');
  const plans = await Promise.all(['one', 'two', 'three'].map((list) => ledger.planCommit(record, list)));
  expect(plans.filter((plan) => plan !== undefined)).toHaveLength(1);
  const [planned] = plans.filter((plan) => plan !== undefined);
  expect(planned).toEqual({ ...record, number: 1, list: planned?.list });
  // If the answer was lost, the same plan is asked for again.
  expect(await ledger.planCommit(record, planned?.list ?? '')).toEqual({ ...planned, number: 1 });
});
