/** Iceberg tables of lakes, which the deployed functions have written and committed. */
import { readLakeFolder } from '../../../bin/input/lake-folder.ts';
import { openAthena } from '../../../local/athena/athena.ts';
import { tablesIn } from '../../../local/glue/pointers.ts';
import { DATABASE, serveCatalog } from '../../helpers/local-catalog.ts';
import { type Checked, lake, progress } from '../check.ts';
import { compare } from '../differences.ts';
import { changedIcebergLake, icebergDemoLake } from '../lakes.ts';
import type { Place } from './engines.ts';
import { openPyIceberg } from './pyiceberg.ts';
import { type Engine, sqlOf } from './questions.ts';
import { openSpark } from './spark.ts';
import { openTrino } from './trino.ts';

export function trinoReadsDemo(): Promise<Checked> {
  return readTables(icebergDemoLake(), (place) => openTrino('483', place));
}

/** Reads the tables before and after one of them was made anew of its files. */
export async function pyIcebergReadsDemo(): Promise<Checked> {
  const dir = icebergDemoLake();
  const before = await readTables(dir, openPyIceberg);
  lake('rebuild', 'alb', '--lake', dir);
  const after = await readTables(dir, openPyIceberg);
  return {
    measured: `${before.measured}; after lake rebuild, ${after.measured}`,
    problems: [...before.problems, ...after.problems],
  };
}

/** Reads the tables of a source that got columns and wider ones, and those of one whose rows are divided. */
export async function othersReadChangedTables(): Promise<Checked> {
  const dir = changedIcebergLake();
  const [python, spark] = [await readTables(dir, openPyIceberg), await readTables(dir, openSpark)];
  return {
    measured: `PyIceberg ${python.measured}; Spark ${spark.measured}`,
    problems: [...python.problems, ...spark.problems],
  };
}

async function readTables(dir: string, open: (place: Place) => Promise<Engine>): Promise<Checked> {
  const names = await tablesIn(dir, DATABASE);
  const local = await serveCatalog({ dir });
  const queries = await openAthena({ dir, tables: readLakeFolder(dir).tables });
  const engine = await open({ uri: `${local.url}/iceberg`, s3Url: local.s3Url, s3Paths: [] });
  const problems: string[] = [];
  let values = 0;
  try {
    for (const table of names) {
      progress(`${engine.name}: ${table}`);
      const [answer] = await engine.ask([{ table }]);
      if (!answer || !('rows' in answer)) {
        problems.push(`${table}: ${JSON.stringify(answer)}`);
        continue;
      }
      const compared = compare(await queries.query(sqlOf({ table })), answer, engine.name);
      values += compared.values;
      problems.push(...compared.problems.map((problem) => `${table}: ${problem}`));
    }
    if (values === 0) problems.push(`expected rows in ${names}, got none`);
  } finally {
    await engine.close?.();
    await queries.close();
    await local.close();
  }
  return { measured: `${names.length} tables, ${values} values`, problems };
}
