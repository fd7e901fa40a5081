import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LakeHandle } from '../../../bin/operations/lake-handle.ts';
import { openLocalLake } from '../../../bin/operations/local-lake-handle.ts';
import { schemaOf } from '../../../bin/operations/schema.ts';
import { synthesize } from '../../../lib/synth.ts';
import { CONTEXT_FILE } from '../../../local/local-lake.ts';
import { sharedFolder } from '../../helpers/folder.ts';

const app = { format: 'json', columns: { time: 'timestamp', level: { type: 'string', from: 'severity' } } };
const CONTEXT = {
  'duplicates.enabled': 'false',
  schemaEvolution: 'suggest',
  sources: [
    { name: 'direct', ...app, from: { bucket: 'logs', prefix: 'direct/' }, delivery: 'direct' },
    { name: 'firehose', ...app, from: { bucket: 'logs', prefix: 'firehose/' } },
    { name: 'web', format: 'nginx', from: { bucket: 'logs', prefix: 'web/' } },
  ],
};

const dir = sharedFolder();
let lake: LakeHandle;

beforeAll(async () => {
  synthesize({ context: CONTEXT, outdir: join(dir, 'stack'), checked: false });
  writeFileSync(join(dir, CONTEXT_FILE), JSON.stringify(CONTEXT));
  lake = await openLocalLake({ dir, work: false, progress: () => {} });
}, 120_000);
afterAll(() => lake?.close());

/** Lines with a key of every kind. */
const line = (index: number) =>
  JSON.stringify({
    ...{ time: new Date().toISOString(), severity: 'INFO', Tenant: `t${index}`, level: 'clashes', 'user-id': index },
    ...(index === 0 && { seldom: true }),
  });

async function load(prefix: string, name: string): Promise<void> {
  const Body = Array.from({ length: 100 }, (_, index) => line(index)).join('\n');
  await lake.s3.send(new PutObjectCommand({ Bucket: 'logs', Key: `${prefix}/${name}`, Body }));
  expect(await lake.settle()).toEqual([]);
}

const sourceOf = (name: string) => {
  const found = lake.sources.find(({ settings }) => settings.name === name);
  if (!found) throw new Error(`expected a source ${name}`);
  return found;
};

test.each(['direct', 'firehose'])('keys that come often are suggested, by what the lane %s knows', async (name) => {
  for (const batch of [1, 2, 3]) await load(name, `${batch}.log`);
  const { schemaEvolution, unknown, columns } = await schemaOf(lake, sourceOf(name));
  expect(schemaEvolution).toBe('suggest');
  expect(columns.slice(0, 2).map((column) => [column.name, column.type])).toEqual([
    ['time', 'timestamp'],
    ['level', 'string'],
  ]);
  expect(unknown).toMatchObject({ counted: name === 'direct' ? 'batches' : 'table', rows: 300, sampled: 300 });
  const found = unknown?.suggestions.map(({ key, column, rows, batches, share, refused }) => [
    ...[key, column, rows, batches, share],
    refused ?? 'free',
  ]);
  expect(found?.toSorted()).toEqual([
    ['Tenant', 'tenant', 300, 3, 1, 'free'],
    ['level', 'level', 300, 3, 1, 'expected a name that no declared column has'],
    ['user-id', 'user_id', 300, 3, 1, 'free'],
  ]);
});

test('keys of sources without lines of JSON are not counted', async () => {
  expect(await schemaOf(lake, sourceOf('web'))).toMatchObject({ schemaEvolution: 'off', unknown: undefined });
});
