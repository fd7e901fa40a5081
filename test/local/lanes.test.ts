import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import { liveFiles } from '../../lambdas/core/iceberg/live-files.ts';
import { synthesize } from '../../lib/synth.ts';
import { BucketFiles } from '../../local/athena/bucket-files.ts';
import { columnsOf, selectFrom } from '../../local/athena/iceberg-select.ts';
import type { TableStore } from '../../local/glue/table-store.ts';
import { openStack } from '../../local/open-stack.ts';
import { writeSample } from '../../local/sample/write-sample.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const NAMES = [...FORMATS.keys()].map((format) => `of_${format.replaceAll('-', '_')}`);

const sources = [...FORMATS.values()].map((format, index) => ({
  ...{ name: NAMES[index], format: format.name, ...format.exampleOptions, keepRaw: 'always' },
  from: { prefix: `${format.name}/` },
}));

/** Objects by their keys: sample traffic with odd lines, and the example lines of every format. */
async function objects(dir: string): Promise<ReadonlyMap<string, Buffer>> {
  const lines = { alb: 3000, kong: 2, app: 2 };
  const [alb] = await writeSample(dir, { seed: 'lanes', end: new Date(), lines, duplicates: true });
  const found = new Map((alb?.files ?? []).map((file) => [`alb/${basename(file)}`, readFileSync(file)]));
  for (const { name, exampleLines } of FORMATS.values()) {
    const all = [...exampleLines, 'no line of any format', '', '{"é": "\ud83d\ude00"}'].join('\n');
    found.set(
      `${name}/${name === 'alb' ? '1_elasticloadbalancing_a_app.x' : 'examples'}.log`,
      Buffer.from(`${all}\n`.repeat(3)),
    );
  }
  return found;
}

/** How a stack brings rows into its tables. */
const LANES = {
  firehose: { delivery: 'firehose' },
  direct: { delivery: 'direct' },
  iceberg: { delivery: 'direct', tableFormat: 'iceberg' },
} as const;

type Lane = keyof typeof LANES;

/** Loads the objects by a lane. @returns the query of all rows of a table, with its columns in order */
async function loaded(lane: Lane, given: ReadonlyMap<string, Buffer>): Promise<(table: string) => string> {
  const dir = temporaryFolder();
  const assembly = join(dir, 'stack');
  synthesize({ context: { sources, ...LANES[lane], 'duplicates.enabled': 'false' }, outdir: assembly, checked: false });
  const lake = await openStack({ dir, assembly });
  try {
    for (const [key, bytes] of given) {
      const file = join(dir, 'input');
      writeFileSync(file, bytes);
      await lake.putObject('landing', key, file);
    }
    expect(await lake.drain()).toMatchObject({ deadLetters: [], failedEvents: [], conversionFailures: [] });
    const iceberg = new Map<string, string>();
    for (const table of lane === 'iceberg' ? NAMES : []) iceberg.set(table, await icebergRows(dir, lake.tables, table));
    return (table) => iceberg.get(table) ?? hiveRows(dir, table);
  } finally {
    await lake.close();
  }
}

function hiveRows(dir: string, table: string): string {
  const files = join(dir, 'buckets', 'lake', 'data', table, '*', '*.parquet');
  return `SELECT * FROM read_parquet('${files}', hive_partitioning = true, hive_types_autocast = false)`;
}

async function icebergRows(dir: string, tables: TableStore, name: string): Promise<string> {
  const { metadata, location } = await tables.load('tributary_iceberg', name);
  const buckets = new BucketFiles(dir);
  const files = await Array.fromAsync(liveFiles({ metadata, metadataLocation: location }, buckets));
  return selectFrom(columnsOf(metadata), files, (uri) => buckets.path(uri));
}

test('all lanes make the same rows of the same lines', { timeout: 300_000 }, async () => {
  const given = await objects(temporaryFolder());
  const firehose = await loaded('firehose', given);
  const direct = await loaded('direct', given);
  const iceberg = await loaded('iceberg', given);
  const db = await (await DuckDBInstance.create()).connect();
  const count = async (sql: string) => Number((await db.runAndReadAll(`SELECT count(*) FROM (${sql})`)).value(0, 0));
  for (const table of [...NAMES, 'rejected_lines']) {
    expect(await count(direct(table)), table).toBeGreaterThan(1);
    const differences = async (one: Rows, other: Rows, but: readonly string[]) => {
      const rows = (of: Rows) => `SELECT ${but.length > 0 ? `* EXCLUDE (${but.join(', ')})` : '*'} FROM (${of(table)})`;
      return [
        await count(`${rows(one)} EXCEPT ALL ${rows(other)}`),
        await count(`${rows(other)} EXCEPT ALL ${rows(one)}`),
      ];
    };
    const times = table === 'rejected_lines' ? ['rejected_at'] : [];
    // Firehose has rows under the day of their delivery.
    expect([table, ...(await differences(firehose, direct, ['dt', ...times]))]).toEqual([table, 0, 0]);
    expect([table, ...(await differences(direct, iceberg, times))]).toEqual([table, 0, 0]);
    const columns = async (of: Rows) => (await db.runAndReadAll(`DESCRIBE ${of(table)}`)).getRows();
    expect(await columns(direct)).toEqual(await columns(firehose));
    expect(await columns(iceberg)).toEqual(await columns(direct));
  }
});

type Rows = (table: string) => string;
