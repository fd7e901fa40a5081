/** Spark as another writer of the same tables, and as what maintains them: the lake goes on over its snapshots. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommitRefusedError } from '../../../lambdas/core/iceberg/ports.ts';
import { UnsupportedTableError } from '../../../lambdas/core/iceberg/unsupported.ts';
import { DATABASE, LAKE, serveCatalog } from '../../helpers/local-catalog.ts';
import { type Checked, FOLDER, progress } from '../check.ts';
import { type Answer, compare } from '../differences.ts';
import { IcebergTables, localQueries } from './lake.ts';
import { type Spark, startSpark } from './spark.ts';
import { appendMany, DAYS, LATER_WEB, ordinaryRows, WEB } from './stages.ts';

const TABLE = `"${DATABASE}"."${WEB.name}"`;

/** Arguments of a procedure of Spark that name the table. */
const NAMED = `table => '${DATABASE}.${WEB.name}'`;

/** Iceberg's procedures. https://iceberg.apache.org/docs/latest/spark-procedures/ */
export const PROCEDURES = {
  compact: `CALL system.rewrite_data_files(${NAMED}, options => map('rewrite-all', 'true', 'remove-dangling-deletes', 'true'))`,
  mergeManifests: `CALL system.rewrite_manifests(${NAMED})`,
  expire: `CALL system.expire_snapshots(${NAMED}, older_than => TIMESTAMP_LTZ '2100-01-01 00:00:00', retain_last => 1)`,
};

export async function sparkWritesToo(): Promise<Checked> {
  const dir = join(FOLDER, 'iceberg-spark-writes');
  rmSync(dir, { recursive: true, force: true });
  const local = await serveCatalog({ dir });
  const queries = await localQueries(dir);
  const tables = new IcebergTables(local);
  const spark = startSpark({ uri: `${local.url}/iceberg`, s3Url: local.s3Url });
  const problems: string[] = [];
  let values = 0;
  const run = (statement: string) => ran(spark, statement);
  /** Both read as many rows as there should be, with the same values. */
  const compareAll = async (when: string, rows: number) => {
    progress(`Spark and the lake: ${when}`);
    const found = await run(`SELECT * FROM ${TABLE}`);
    if (found.rows.length !== rows) problems.push(`${when}: expected ${rows} rows, Spark read ${found.rows.length}`);
    const compared = compare(await queries.query(`SELECT * FROM ${TABLE}`), found, 'Spark');
    values += compared.values;
    problems.push(...compared.problems.map((problem) => `${when}: ${problem}`));
  };

  try {
    await tables.ensure(WEB);
    await tables.append(WEB, [{ day: DAYS[0], rows: ordinaryRows(0) }]);
    await run(`INSERT INTO ${TABLE} ${theirRows(5)}`);
    await compareAll('rows of Spark', 20);

    await run(`ALTER TABLE ${TABLE} ADD COLUMN note string`);
    await insert(spark, TABLE, { count: '7', note: `'é 日本 😀'`, dt: `'${DAYS[2]}'` });
    await insert(spark, TABLE, { count: '8' });
    await appendMany(tables, WEB, 10);
    await compareAll('a column of Spark, a row without a day, and manifests of both, merged by the lake', 1122);

    const compacted = run(PROCEDURES.compact);
    const during = await appendUntil(tables, compacted);
    progress(`${during.appends} appends and ${during.refused} refused ones while Spark compacted`);
    await compareAll('files that Spark has merged while the lake went on', 1122 + 10 * during.appends);
    const files = (await tables.paths(WEB.name)).length;
    if (files > 4 + during.appends) problems.push(`expected Spark to merge files, ${files} are left`);

    await run(PROCEDURES.mergeManifests);
    await run(PROCEDURES.expire);
    const snapshots = (await tables.load(WEB.name)).metadata.snapshots?.length;
    if (snapshots !== 1) problems.push(`expected one snapshot to be left, got ${snapshots}`);
    const kept = new Set(await tables.paths(WEB.name));
    const stored = (await local.objects.keys(LAKE, `iceberg/${WEB.name}/data/`)).length;
    // The files of refused appends are in no snapshot.
    if (stored !== kept.size + during.refused) problems.push(`expected ${kept.size} files to be left, got ${stored}`);
    await tables.ensure(LATER_WEB);
    await tables.append(LATER_WEB, [{ day: DAYS[1], rows: [{ count: 1n << 40n, late: 'ours' }] }]);
    const rows = 1123 + 10 * during.appends;
    await compareAll('columns of both after Spark has expired snapshots', rows);

    await run(`UPDATE ${TABLE} SET note = 'changed' WHERE count = 10003`);
    await run(`DELETE FROM ${TABLE} WHERE count = 10004`);
    await tables.append(LATER_WEB, [{ day: DAYS[1], rows: ordinaryRows(999) }]);
    await compareAll('files that Spark has written again', rows + 9);

    await run(`ALTER TABLE ${TABLE} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')`);
    await run(`DELETE FROM ${TABLE} WHERE count = 10005`);
    await tables.append(LATER_WEB, [{ day: DAYS[1], rows: ordinaryRows(998) }]);
    const left = await run(`SELECT count(*) AS n FROM ${TABLE}`);
    if (Number(left.rows[0]?.[0]) !== rows + 18) problems.push(`expected ${rows + 18} rows, got ${left.rows}`);
    const refused = await tables.paths(WEB.name).catch((error: unknown) => error);
    if (!(refused instanceof UnsupportedTableError)) {
      problems.push(`expected the lake to refuse a table of which rows were deleted one by one, got ${refused}`);
    }
    await run(PROCEDURES.compact);
    await run(`CALL system.rewrite_position_delete_files(${NAMED}, options => map('rewrite-all', 'true'))`);
    await compareAll('rows deleted one by one, then merged', rows + 18);

    if (!(await tables.deleteBefore(WEB.name, DAYS[2]))) problems.push('expected days to be deleted');
    const ofDays = await run(`SELECT count(*) AS n FROM ${TABLE} WHERE dt < '${DAYS[2]}'`);
    if (Number(ofDays.rows[0]?.[0]) !== 0) problems.push(`expected no rows of deleted days, got ${ofDays.rows}`);
    const after = await run(`SELECT count(*) AS n FROM ${TABLE}`);
    await compareAll('days deleted of files of Spark', Number(after.rows[0]?.[0]));
  } finally {
    await spark.close();
    await queries.close();
    await local.close();
  }
  return { measured: `${values} values`, problems };
}

/** @throws Error with Spark's message */
export async function ran(spark: Spark, statement: string): Promise<Answer> {
  const answer = await spark.run(statement);
  if ('error' in answer) throw new Error(`Spark: ${answer.error}: ${statement}`);
  return answer;
}

/** Adds a row with some values, in SQL, and null in all other columns, which Spark wants to be told of. */
export async function insert(spark: Spark, table: string, values: Readonly<Record<string, string>>): Promise<void> {
  const { columns } = await ran(spark, `SELECT * FROM ${table} LIMIT 0`);
  const all = columns.map(({ name }) => values[name] ?? 'NULL');
  await ran(spark, `INSERT INTO ${table} VALUES (${all})`);
}

/** Far less than between commits of a lake; without it, Spark's commits would be too late each time. */
const APPEND_EVERY_MS = 5000;

/** Appends ten rows at a time until something else is done. A commit that came too late is tried again. */
async function appendUntil(tables: IcebergTables, other: Promise<unknown>) {
  let isDone = false;
  const settled = other.finally(() => {
    isDone = true;
  });
  let [appends, refused] = [0, 0];
  while (!isDone || appends === 0) {
    try {
      await tables.append(WEB, [{ day: DAYS[appends % DAYS.length] as string, rows: ordinaryRows(300 + appends) }]);
      appends++;
      await Promise.race([settled, sleep(APPEND_EVERY_MS)]);
    } catch (error) {
      if (!(error instanceof CommitRefusedError)) throw error;
      refused++;
    }
  }
  await settled;
  return { appends, refused };
}

/** Ordinary rows as a list of values, with a day each. */
function theirRows(number: number): string {
  const rows = ordinaryRows(number).map(({ text, count, bytes, seconds, ok, time }, index) => {
    const values = [`'${text}'`, count, bytes, `CAST('${seconds}' AS DOUBLE)`, ok, `TIMESTAMP '${time}'`];
    return `(${values}, '${DAYS[index % DAYS.length]}')`;
  });
  return `(text, count, bytes, seconds, ok, time, dt) VALUES ${rows}`;
}
