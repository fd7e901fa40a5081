import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { FORMATS } from '../../lambdas/core/formats/registry.ts';
import type { Delivery } from '../../lambdas/core/settings.ts';
import { synthesize } from '../../lib/synth.ts';
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

/** Loads the objects by a lane. @returns the folder of the tables */
async function loaded(delivery: Delivery, given: ReadonlyMap<string, Buffer>): Promise<string> {
  const dir = temporaryFolder();
  const assembly = join(dir, 'stack');
  synthesize({ context: { sources, delivery, 'duplicates.enabled': 'false' }, outdir: assembly });
  const lake = await openStack({ dir, assembly });
  try {
    for (const [key, bytes] of given) {
      const file = join(dir, 'input');
      writeFileSync(file, bytes);
      await lake.putObject('landing', key, file);
    }
    expect(await lake.drain()).toMatchObject({ deadLetters: [], failedEvents: [], conversionFailures: [] });
  } finally {
    await lake.close();
  }
  return join(dir, 'buckets', 'lake', 'data');
}

test('both lanes make the same rows of the same lines', { timeout: 300_000 }, async () => {
  const given = await objects(temporaryFolder());
  const [firehose, direct] = [await loaded('firehose', given), await loaded('direct', given)];
  const db = await (await DuckDBInstance.create()).connect();
  for (const table of [...NAMES, 'rejected_lines']) {
    const without = table === 'rejected_lines' ? 'dt, rejected_at' : 'dt';
    const rows = (data: string) =>
      `SELECT * EXCLUDE (${without}) FROM read_parquet('${data}/${table}/*/*.parquet', hive_partitioning = true)`;
    const count = async (sql: string) => Number((await db.runAndReadAll(`SELECT count(*) FROM (${sql})`)).value(0, 0));
    expect(await count(rows(direct)), table).toBeGreaterThan(1);
    expect([
      table,
      await count(`${rows(firehose)} EXCEPT ALL ${rows(direct)}`),
      await count(`${rows(direct)} EXCEPT ALL ${rows(firehose)}`),
    ]).toEqual([table, 0, 0]);
  }
  const types = async (data: string) =>
    (
      await db.runAndReadAll(
        `DESCRIBE SELECT * FROM read_parquet('${data}/of_alb/*/*.parquet', hive_partitioning = true)`,
      )
    ).getRows();
  expect(await types(direct)).toEqual(await types(firehose));
});
