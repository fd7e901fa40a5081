/** PyIceberg as another writer of the same tables: the lake goes on over its snapshots, and reads them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE, LAKE, serveCatalog } from '../../helpers/local-catalog.ts';
import { type Checked, FOLDER, progress } from '../check.ts';
import { compare } from '../differences.ts';
import { IcebergTables, localQueries, tableOf } from './lake.ts';
import { pyIceberg } from './pyiceberg.ts';

import type { EngineAnswer } from './questions.ts';
import { appendMany, DAYS, LATER_WEB, ordinaryRows, WEB } from './stages.ts';

/** What PyIceberg says of files in manifests, by their paths. */
type Entries = Readonly<Record<string, string>>;

/** A table that PyIceberg has made, as a source of the lake would have it. */
const THEIRS = tableOf('theirs', { count: 'bigint', text: 'string' });

export async function pyIcebergWritesToo(): Promise<Checked> {
  const dir = join(FOLDER, 'iceberg-pyiceberg-writes');
  rmSync(dir, { recursive: true, force: true });
  const local = await serveCatalog({ dir });
  const queries = await localQueries(dir);
  const tables = new IcebergTables(local);
  const steps = pyIceberg({ uri: `${local.url}/iceberg`, s3Url: local.s3Url });
  const problems: string[] = [];
  let values = 0;
  const compareAll = async (when: string, table = WEB.name) => {
    progress(`PyIceberg and the lake: ${when}`);
    const [found, entries] = (await steps([
      { do: 'read', table },
      { do: 'entries', table },
    ])) as [EngineAnswer, Entries];
    const compared = compare(await queries.query(`SELECT * FROM "${DATABASE}"."${table}"`), found, 'PyIceberg');
    values += compared.values;
    problems.push(...compared.problems.map((problem) => `${when}: ${problem}`));
    return entries;
  };

  try {
    await tables.ensure(WEB);
    await tables.append(WEB, [{ day: DAYS[0], rows: ordinaryRows(0) }]);
    const ofOurs = new Set(await tables.paths(WEB.name));
    await steps([
      { do: 'append', table: WEB.name, rows: theirRows(5, {}) },
      { do: 'add_column', table: WEB.name, name: 'note' },
      { do: 'append', table: WEB.name, rows: theirRows(6, { note: 'theirs' }) },
      { do: 'set_property', table: WEB.name, name: 'owner', value: 'theirs' },
    ]);
    const before = await compareAll('rows and a column of PyIceberg');

    await appendMany(tables, WEB, 10);
    const manifests = await tables.countManifests(WEB.name);
    if (manifests > 50) problems.push(`expected manifests of both to be merged, got ${manifests}`);
    const after = await compareAll('manifests of both, merged by the lake');
    const theirs = Object.entries(before).filter(([path]) => !ofOurs.has(path));
    if (theirs.length < 4) problems.push(`expected 4 files of PyIceberg at least, got ${theirs.length}`);
    for (const [path, entry] of theirs) {
      if (after[path] !== entry) problems.push(`merging changed what is said of ${path}: ${entry}, now ${after[path]}`);
    }

    await tables.ensure(LATER_WEB);
    await tables.append(LATER_WEB, [{ day: DAYS[1], rows: [{ count: 1n << 40n, late: 'ours' }] }]);
    await compareAll('columns of both');

    // Without the file's other rows: they are written again.
    await steps([{ do: 'delete', table: WEB.name, where: ['count', '=', 3] }]);
    await tables.append(LATER_WEB, [{ day: DAYS[1], rows: ordinaryRows(999) }]);
    await compareAll('rows that PyIceberg has deleted');
    const { metadata } = await tables.load(WEB.name);
    if (metadata.properties?.owner !== 'theirs') problems.push('the property that PyIceberg has set is gone');

    await steps([
      { do: 'create', table: THEIRS.name, location: `s3://${LAKE}/iceberg/elsewhere` },
      { do: 'append', table: THEIRS.name, rows: [{ dt: DAYS[0], count: 1, theirs: 'x' }] },
    ]);
    await tables.ensure(THEIRS);
    await tables.append(THEIRS, [{ day: DAYS[1], rows: [{ count: 2, text: 'ours' }] }]);
    await steps([{ do: 'append', table: THEIRS.name, rows: [{ dt: DAYS[2], count: 3, theirs: 'y', text: 'theirs' }] }]);
    await compareAll('a table that PyIceberg has made', THEIRS.name);
    if (!(await tables.deleteBefore(THEIRS.name, DAYS[2]))) problems.push('expected days of both to be deleted');
    await compareAll('days of both deleted', THEIRS.name);

    const [names] = await steps([{ do: 'list' }]);
    if (String(names) !== 'theirs,web') problems.push(`expected PyIceberg to list both tables, got ${names}`);
  } finally {
    await queries.close();
    await local.close();
  }
  return { measured: `${values} values`, problems };
}

/** Rows with the day, which PyIceberg takes the partition from, and columns of their own. */
function theirRows(number: number, own: object): object[] {
  return ordinaryRows(number).map((row, index) => ({
    ...row,
    bytes: Number(row.bytes),
    dt: DAYS[index % DAYS.length],
    ...own,
  }));
}
