import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { isSetBack, type LedgerMark, marksOf, requireCurrent } from '../../../../lambdas/core/direct/ledger-mark.ts';
import { LedgerSetBackError } from '../../../../lambdas/core/direct/set-back.ts';
import { LEDGER } from '../../../../lambdas/core/loading/ledger.ts';
import { ledgerMarks } from '../../../../lambdas/edges/ledger-marks.ts';
import { clientOptions } from '../../../helpers/client-options.ts';
import { type LocalTable, openLocalTable } from '../../../helpers/local-table.ts';

let local: LocalTable;
let client: DynamoDBClient;
let now = Date.UTC(2026, 10, 22, 12);
/** Of the bucket, by source. */
const inBucket = new Map<string, LedgerMark>();
let source = 'web-0';
let sources = 0;

beforeAll(async () => {
  local = await openLocalTable({ name: 'ledger', partition: LEDGER.key });
  client = new DynamoDBClient(clientOptions(local.url));
});
afterAll(async () => {
  client.destroy();
  await local.close();
});
beforeEach(() => {
  source = `web-${++sources}`;
});

const ports = () => ({
  marks: ledgerMarks(client, 'ledger'),
  lake: {
    findList: async <List>() => structuredClone(inBucket.get(source)) as List | undefined,
    putList: async (_: string, mark: unknown) => void inBucket.set(source, mark as LedgerMark),
  },
  now: () => new Date(now),
});
const minutes = (count: number) => {
  now += count * 60_000;
};
const numbers = async () => {
  const marks = await marksOf(source, ports());
  return [marks.inLedger?.number, marks.inBucket?.number, isSetBack(marks)];
};

test('the ledger and the bucket count up together, every two minutes', async () => {
  expect(await numbers()).toEqual([undefined, undefined, false]);
  await requireCurrent(source, ports());
  minutes(1);
  await requireCurrent(source, ports());
  expect(await numbers()).toEqual([1, 1, false]);
  minutes(1);
  await requireCurrent(source, ports());
  expect(await numbers()).toEqual([2, 2, false]);
});

test('a planner that died before the bucket had its number has it put by the next one', async () => {
  await requireCurrent(source, ports());
  minutes(2);
  const dying = { ...ports(), lake: { ...ports().lake, putList: () => Promise.reject(new Error('died')) } };
  await expect(requireCurrent(source, dying)).rejects.toThrow('died');
  expect(await numbers()).toEqual([2, 1, false]);
  await requireCurrent(source, ports());
  expect(await numbers()).toEqual([2, 2, false]);
});

test('two planners count up once: none of them takes the other for a ledger that was set back', async () => {
  await requireCurrent(source, ports());
  minutes(2);
  await Promise.all([requireCurrent(source, ports()), requireCurrent(source, ports())]);
  expect(await numbers()).toEqual([2, 2, false]);
});

test('a ledger with a smaller number was set back, or is a new one', async () => {
  inBucket.set(source, { number: 7, at: '2026-11-22T11:00:00.000Z' });
  await expect(requireCurrent(source, ports())).rejects.toThrow(LedgerSetBackError);
  await expect(requireCurrent(source, ports())).rejects.toThrow('set back to a time before its first batch');
  expect(await numbers()).toEqual([undefined, 7, true]);
});
