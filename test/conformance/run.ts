/**
 * `npm run conformance`: has programs of others judge what the project makes. It is optional and no part of `npm test`:
 * it needs Python 3 and Java 17, and installs what it uses into `.conformance/` in the repository. A check whose tools
 * cannot be had is skipped and says so. Arguments choose the checks whose sentence has all of these words.
 */
import { mkdirSync } from 'node:fs';
import { inspect } from 'node:util';
import { type Check, FOLDER, Missing } from './check.ts';
import { othersReadChangedTables, pyIcebergReadsDemo, trinoReadsDemo } from './iceberg/demo.ts';
import { javaReadsHistory } from './iceberg/history.ts';
import { icebergJavaPlansFiles } from './iceberg/java.ts';
import { pyIcebergReads } from './iceberg/pyiceberg.ts';
import { pyIcebergWritesToo } from './iceberg/pyiceberg-writes.ts';
import { otherCatalogTakesCommits } from './iceberg/rest-catalog.ts';
import { sparkReadsIceberg } from './iceberg/spark.ts';
import { lakeGoesOnAfterSpark } from './iceberg/spark-lake.ts';
import { sparkWritesToo } from './iceberg/spark-writes.ts';
import { trinoReadsIceberg } from './iceberg/trino.ts';
import { readOwnParquetLikeDuckDb, readParquetLikeDuckDb } from './parquet.ts';
import { parseStatements } from './statements.ts';
import { lintTemplates } from './templates.ts';
import { trinoReadsLikeDuckDb } from './trino/hive.ts';
import { trinoAnswersOverIceberg } from './trino/iceberg.ts';

const CHECKS: Readonly<Record<string, Check>> = {
  'cfn-lint finds nothing in the templates of several configurations': lintTemplates,
  "Trino's parser reads every saved query and view": parseStatements,
  'pyarrow and polars read every column of every table as DuckDB does': readParquetLikeDuckDb,
  'Trino reads every table as DuckDB does, and answers every saved query and view': trinoReadsLikeDuckDb,
  'pyarrow and polars read every column of our own Parquet files as DuckDB does': readOwnParquetLikeDuckDb,
  'PyIceberg reads the rows of Iceberg tables that were written, at every stage of a table': () =>
    pyIcebergReads('pyiceberg'),
  'PyIceberg writes to the same Iceberg tables, and the lake goes on': pyIcebergWritesToo,
  "Iceberg's own library plans the files of every stage of a table by days and bounds": icebergJavaPlansFiles,
  "Iceberg's own library reads every field of a table with a history of several writers, as its specification says":
    javaReadsHistory,
  'Trino 476 reads the rows of Iceberg tables that were written, at every stage of a table': () =>
    trinoReadsIceberg('476'),
  'Trino 483 reads the rows of Iceberg tables that were written, at every stage of a table': () =>
    trinoReadsIceberg('483'),
  'Spark reads the rows of Iceberg tables that were written, at every stage of a table': sparkReadsIceberg,
  'Spark writes to the same Iceberg tables, compacts and expires them, and the lake goes on': sparkWritesToo,
  'Spark does so in a lake as deployed, whose committer goes on, each row once': lakeGoesOnAfterSpark,
  "Iceberg's own REST catalog takes every change that the lake makes of a table": otherCatalogTakesCommits,
  "PyIceberg reads the Iceberg tables of the demo's lake, also after lake rebuild": pyIcebergReadsDemo,
  "Trino 483 reads the Iceberg tables of the demo's lake": trinoReadsDemo,
  'PyIceberg and Spark read the Iceberg tables of sources that were changed, and of one whose rows are divided':
    othersReadChangedTables,
  'Trino 483 reads these tables, and answers every saved query and view over tables of both formats':
    trinoAnswersOverIceberg,
};

const words = process.argv.slice(2).map((word) => word.toLowerCase());
const chosen = Object.entries(CHECKS).filter(([sentence]) =>
  words.every((word) => sentence.toLowerCase().includes(word)),
);
if (chosen.length === 0) throw new Error(`no check has the words ${words.join(' ')}`);

mkdirSync(FOLDER, { recursive: true });
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const [sentence, check] of chosen) {
  try {
    const { measured, problems } = await check();
    const passed = problems.length === 0;
    counts[passed ? 'passed' : 'failed']++;
    console.log(`${passed ? 'ok     ' : 'FAILED '} ${sentence}: ${measured}`);
    for (const problem of problems) console.log(`        ${problem}`);
  } catch (error) {
    const isMissing = error instanceof Missing;
    counts[isMissing ? 'skipped' : 'failed']++;
    console.log(`${isMissing ? 'skipped' : 'FAILED '} ${sentence}: ${isMissing ? error.message : inspect(error)}`);
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
// A check that has failed may have left servers open.
process.exit(counts.failed > 0 ? 1 : 0);
