import { globSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { expect, onTestFinished, test } from 'vitest';
import { readLakeFolder } from '../../../bin/input/lake-folder.ts';
import { select } from '../../../bin/output/balance.ts';
import { openAthena } from '../../../local/athena/athena.ts';
import { openLake } from '../../../local/open-lake.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { NOTHING_FAILED } from '../../helpers/nothing-failed.ts';

const STREAMS = 3;
const OBJECTS = 60;
const LINES = 20;
/** More than three batches of 4 MiB. */
const LARGE_LINES = 24_000;
const FILLING = 'x'.repeat(500);

const CONTEXT = {
  'duplicates.enabled': false,
  streamsPerTable: STREAMS,
  sources: [{ name: 'app', format: 'json', columns: { n: 'bigint', filling: 'string' }, from: { bucket: 'logs' } }],
};

function lines(from: number, count: number): Buffer {
  const json = Array.from({ length: count }, (_, index) => JSON.stringify({ n: from + index, filling: FILLING }));
  return gzipSync(`${json.join('\n')}\n`);
}

test('rows are spread over the streams of a table, and are all in the one table', { timeout: 120_000 }, async () => {
  const dir = join(temporaryFolder(), 'lake');
  const lake = await openLake({ dir, context: CONTEXT });
  onTestFinished(() => lake.close());
  const input = join(dir, 'input');
  for (let index = 0; index < OBJECTS; index++) {
    writeFileSync(input, lines(index * LINES, LINES));
    await lake.putObject('logs', `small-${index}`, input);
  }
  writeFileSync(input, lines(OBJECTS * LINES, LARGE_LINES));
  await lake.putObject('logs', 'large', input);
  expect(await lake.drain()).toEqual(NOTHING_FAILED);

  const rows = new Map<string, number>();
  for (const file of globSync(join(dir, 'buckets/*/data/app/dt=*/*.parquet'))) {
    const stream = basename(file).replace(/-1-\d{4}-.*$/, '');
    const { num_rows } = await parquetMetadataAsync(await asyncBufferFromFile(file));
    rows.set(stream, (rows.get(stream) ?? 0) + Number(num_rows));
  }
  expect([...rows.keys()].sort()).toEqual(['streams-app', 'streams-app-no2', 'streams-app-no3']);
  // The large object's batches are a third of the rows each, the last one less.
  for (const count of rows.values()) expect(count).toBeGreaterThan((OBJECTS * LINES + LARGE_LINES) / STREAMS / 2);

  const athena = await openAthena(readLakeFolder(dir));
  onTestFinished(() => athena.close());
  const [found] = await select(athena, 'SELECT count(*) AS n, count(DISTINCT n) AS different, max(n) AS last FROM app');
  const all = OBJECTS * LINES + LARGE_LINES;
  expect(Object.values(found ?? {}).map(Number)).toEqual([all, all, all - 1]);
  const [loads] = await select(athena, 'SELECT count(*) AS n, sum("rows") AS total FROM loads');
  expect(Object.values(loads ?? {}).map(Number)).toEqual([OBJECTS + 1, all]);
});
