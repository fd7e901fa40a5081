/** A lake as it is deployed whose table Spark writes to, compacts and expires: the committer goes on, each row once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLakeFolder } from '../../../bin/input/lake-folder.ts';
import { openAthena } from '../../../local/athena/athena.ts';
import { DATABASE, serveCatalog } from '../../helpers/local-catalog.ts';
import { type Checked, FOLDER, lake, progress } from '../check.ts';
import { compare } from '../differences.ts';
import { newLake } from '../lakes.ts';
import { startSpark } from './spark.ts';
import { insert, PROCEDURES, ran } from './spark-writes.ts';
import { WEB } from './stages.ts';

const TABLE = `"${DATABASE}"."${WEB.name}"`;

const SOURCES = [
  { name: WEB.name, format: 'json', columns: { time: 'timestamp', text: 'string' }, from: { bucket: 'logs' } },
];

const LINES = 500;

/** What Spark does between the lake's commits, the first time after a row of its own. */
const ROUNDS: readonly (readonly string[])[] = [
  [],
  [PROCEDURES.compact],
  [PROCEDURES.mergeManifests, PROCEDURES.expire],
  [PROCEDURES.compact, PROCEDURES.expire],
];

export async function lakeGoesOnAfterSpark(): Promise<Checked> {
  const dir = newLake('iceberg-spark-lake');
  const problems: string[] = [];
  let values = 0;
  load(dir, 0);
  const local = await serveCatalog({ dir });
  const spark = startSpark({ uri: `${local.url}/iceberg`, s3Url: local.s3Url });
  const queries = await openAthena({ dir, tables: readLakeFolder(dir).tables, microseconds: true });
  try {
    for (const [index, statements] of ROUNDS.entries()) {
      progress(`Spark in a lake: ${statements.join('; ').slice(0, 100)}`);
      if (index === 0)
        await insert(spark, TABLE, { text: `'é'`, origin: `'spark'`, position: '1', dt: `'2026-01-01'` });
      for (const statement of statements) await ran(spark, statement);
      const round = index + 1;
      load(dir, round);
      const found = await ran(spark, `SELECT * FROM ${TABLE}`);
      const compared = compare(await queries.query(`SELECT * FROM ${TABLE}`), found, 'Spark');
      values += compared.values;
      const rows = LINES * (round + 1) + 1;
      const counted = `SELECT count(*), count(DISTINCT origin || '/' || CAST(position AS varchar)) FROM ${TABLE}`;
      const [counts] = (await queries.query(counted)).rows;
      if (String(counts) !== `${rows},${rows}`) problems.push(`round ${round}: expected ${rows} rows, got ${counts}`);
      problems.push(...compared.problems.map((problem) => `round ${round}: ${problem}`));
    }
  } finally {
    await spark.close();
    await queries.close();
    await local.close();
  }
  // It fails if the lake misses rows, or has more than it has loaded.
  lake('audit', '--lake', dir);
  return { measured: `${ROUNDS.length} rounds, ${values} values`, problems };
}

/** Loads a file of its own for each round, as `lake run` does, which commits its rows. */
function load(dir: string, round: number): void {
  const file = join(FOLDER, `spark-lake-${round}.json`);
  const time = new Date(Date.now() - round * 3_600_000).toISOString();
  const lines = Array.from(
    { length: LINES },
    (_, index) => `${JSON.stringify({ time, text: `${round} ${index} é` })}\n`,
  );
  writeFileSync(file, lines.join(''));
  const params = ['delivery=direct', 'tableFormat=iceberg', `sources=${JSON.stringify(SOURCES)}`];
  lake('run', file, '--source', WEB.name, '--lake', dir, ...params.flatMap((each) => ['-c', each]));
}
