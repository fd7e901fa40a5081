import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { addColumn, pulled, schemaOf } from '../../../bin/operations/schema.ts';
import { withPromotedColumns } from '../../../lib/config/schema-json.ts';
import { synthesize } from '../../../lib/synth.ts';
import { CONTEXT_FILE, stackPlaces } from '../../../local/local-lake.ts';
import { sharedFolder } from '../../helpers/folder.ts';

// Each test loads several batches, one after the other.
vi.setConfig({ testTimeout: 60_000 });

const app = { format: 'json', columns: { time: 'timestamp', level: 'string' }, delivery: 'direct' };
const CONTEXT = {
  'duplicates.enabled': 'false',
  schemaEvolution: 'auto',
  sources: [
    { name: 'parquet', ...app, from: { bucket: 'logs', prefix: 'parquet/' } },
    { name: 'iceberg', ...app, from: { bucket: 'logs', prefix: 'iceberg/' }, tableFormat: 'iceberg' },
    { name: 'firehose', ...app, from: { bucket: 'logs', prefix: 'firehose/' }, delivery: 'firehose' },
  ],
};
const TABLES = ['parquet', 'iceberg'];

const dir = sharedFolder();
const assemblies = sharedFolder();
let opened = 0;
let lake: LakeHandle;

async function open(context: object): Promise<void> {
  await lake?.close();
  // CDK puts bundles into a folder once in a process, so each assembly is made in another one.
  const outdir = join(assemblies, String(opened++));
  synthesize({ context: context as typeof CONTEXT, outdir, checked: false });
  const { stack } = stackPlaces(dir);
  rmSync(stack, { recursive: true, force: true });
  cpSync(outdir, stack, { recursive: true });
  writeFileSync(join(dir, CONTEXT_FILE), JSON.stringify(context));
  lake = await openLocalLake({ dir, work: false, progress: () => {} });
}

beforeAll(() => open(CONTEXT), 120_000);
afterAll(() => lake?.close());

const line = (batch: number, index: number) =>
  JSON.stringify({
    ...{ time: new Date().toISOString(), level: 'INFO', Tenant: `t${batch}-${index}`, 'user-id': index },
    ...{ LEVEL2: { nested: batch }, log: 7 },
  });

async function load(prefix: string, batch: number): Promise<void> {
  const Body = Array.from({ length: 50 }, (_, index) => line(batch, index)).join('\n');
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: `${prefix}/${batch}.log`, Body }));
  expect(await lake.settle()).toEqual([]);
}

const sourceOf = (name: string) => {
  const found = lake.sources.find(({ settings }) => settings.name === name);
  if (!found) throw new Error(`expected a source ${name}`);
  return found;
};

async function rowsOf(sql: string) {
  return await Array.fromAsync(lake.query(sql));
}

const counts = (name: string, column: string) =>
  rowsOf(
    `SELECT count(*) AS n, count(${column}) AS with_column, ` +
      `count(json_extract_scalar(extra, '$.Tenant')) AS with_extra FROM ${name}`,
  );

test.each(TABLES)(
  'keys that come often become columns of the %s table: rows of later batches have them there',
  async (name) => {
    for (const batch of [1, 2, 3]) await load(name, batch);
    const { promoted, unknown, promotes } = await schemaOf(lake, sourceOf(name));
    expect(promotes).toBe(true);
    expect(promoted).toMatchObject([
      { name: 'tenant', type: 'string', from: 'Tenant', by: 'job', state: 'there', counts: { rows: 150, batches: 3 } },
      { name: 'level2', type: 'string', from: 'LEVEL2', by: 'job', state: 'there' },
    ]);
    // Of a key that is no name, people choose one; a key of envelopes can be no column.
    expect(unknown?.suggestions.map(({ key, refused }) => [key, refused === undefined])).toEqual([
      ['user-id', true],
      ['log', false],
    ]);
    await load(name, 4);
    expect(await counts(name, 'tenant')).toEqual([{ n: 200, with_column: 50, with_extra: 150 }]);
    expect(await rowsOf(`SELECT max(tenant) AS tenant, max(level2) AS level2 FROM ${name}_once`)).toEqual([
      { tenant: 't4-9', level2: '{"nested":4}' },
    ]);
  },
);

test.each(TABLES)(
  'a user adds a column of another type to the %s table, once, and never another type',
  async (name) => {
    const column = { name: 'User_Id', type: 'bigint', from: 'user-id' };
    expect(await addColumn(lake, sourceOf(name), column)).toBe(true);
    expect(await addColumn(lake, sourceOf(name), column)).toBe(false);
    await expect(addColumn(lake, sourceOf(name), { ...column, type: 'string' })).rejects.toThrow(
      `column user_id of ${name}: expected`,
    );
    await expect(addColumn(lake, sourceOf(name), { name: 'tenant', type: 'int', from: 'tenant_id' })).rejects.toThrow(
      'choose another name',
    );
    await load(name, 5);
    expect(await rowsOf(`SELECT sum(user_id) AS sum, count(user_id) AS n FROM ${name}`)).toEqual([
      { sum: 1225, n: 50 },
    ]);
  },
);

test('where rows come through Firehose, keys are only suggested, and a user is told what to do', async () => {
  for (const batch of [1, 2, 3]) await load('firehose', batch);
  const { promoted, promotes, unknown } = await schemaOf(lake, sourceOf('firehose'));
  expect({ promoted, promotes }).toEqual({ promoted: [], promotes: false });
  expect(unknown?.suggestions.map(({ key }) => key)).toContain('Tenant');
  await expect(
    addColumn(lake, sourceOf('firehose'), { name: 'tenant', type: 'string', from: 'Tenant' }),
  ).rejects.toThrow('put "tenant": {"type":"string","from":"Tenant"} into the columns of the source in cdk.json');
});

test('a deployment with the pulled columns keeps them; one without takes them out, until the function puts them back', async () => {
  const schema = await pulled(lake, {});
  expect(schema.parquet).toEqual({
    tenant: { type: 'string', from: 'Tenant' },
    level2: { type: 'string', from: 'LEVEL2' },
    user_id: { type: 'bigint', from: 'user-id' },
  });
  expect(Object.keys(schema)).toEqual(TABLES);
  const states = async () => (await schemaOf(lake, sourceOf('parquet'))).promoted.map(({ state }) => state);

  const pulledSources = withPromotedColumns(CONTEXT.sources, schema);
  await open({ ...CONTEXT, sources: pulledSources });
  expect(await states()).toEqual(['there', 'there', 'there']);
  expect(await counts('parquet', 'tenant')).toEqual([{ n: 250, with_column: 100, with_extra: 150 }]);

  await open(CONTEXT);
  expect(await states()).toEqual(['missing', 'missing', 'missing']);
  await load('parquet', 6);
  expect(await states()).toEqual(['there', 'there', 'there']);
  expect(await counts('parquet', 'tenant')).toEqual([{ n: 300, with_column: 150, with_extra: 150 }]);
});
