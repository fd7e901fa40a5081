/** Readers of Parquet that share no code with DuckDB, which the project reads its tables with. */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { ingest } from '../../bench/ingest.ts';
import { generated } from '../../bench/input.ts';
import { readLakeFolder } from '../../bin/input/lake-folder.ts';
import { rowsOf } from '../../lambdas/core/loading/pack.ts';
import { type Column, sourceTable } from '../../lambdas/core/tables/table.ts';
import { glueTable } from '../../local/template/glue-table.ts';
import { EVERY_TYPE, fileOf } from '../lambdas/core/parquet/reading.ts';
import { beside, type Checked, pythonWith, run } from './check.ts';
import { demoLake, lakeOfTwoGenerations, newLake } from './lakes.ts';

const READERS = ['pyarrow==26.0.1', 'polars==2.1.0'];

/** Of one column of a table: how many values it has, and a sum of their hashes, in which their order plays no part. */
interface Fingerprint {
  readonly values: number;
  readonly sum: string;
}

type Fingerprints = Readonly<Record<string, Fingerprint>>;

/** Fingerprints by reader. */
type Answers = Readonly<Record<string, Fingerprints>>;

/** Loads the demo's lake, and one whose table got a column between two files, and reads both with every reader. */
export async function readParquetLikeDuckDb(): Promise<Checked> {
  const comparison = new Comparison();
  for (const dir of [demoLake('firehose'), lakeOfTwoGenerations('firehose')]) {
    for (const resource of readLakeFolder(dir).tables) {
      const { name, bucket, prefix, columns } = glueTable(resource);
      const files = join(dir, 'buckets', bucket, prefix);
      if (globSync(`${files}**/*.parquet`).length > 0) await comparison.add(`${basename(dir)} ${name}`, files, columns);
    }
  }
  return comparison.checked;
}

/** Writes files as the direct lane does, of lines of every kind and of odd values, and reads them with every reader. */
export async function readOwnParquetLikeDuckDb(): Promise<Checked> {
  const comparison = new Comparison();
  const write = async (name: string, columns: readonly Column[], rows: readonly string[]) => {
    const folder = join(newLake(`own-${name}`), '/');
    mkdirSync(folder);
    // Several row groups, and a file without rows.
    writeFileSync(join(folder, 'rows.parquet'), fileOf(columns, rows, { rowGroupBytes: 1024 * 1024 }));
    writeFileSync(join(folder, 'empty.parquet'), fileOf(columns, []));
    await comparison.add(name, folder, columns);
  };
  for (const kind of ['alb', 'kong', 'json', 'kong-json', 'nginx']) {
    const input = generated(kind, 'conformance', 8 * 1024 * 1024);
    const rows: string[] = [];
    const take = (records: readonly Uint8Array[], ofSource: boolean) => {
      if (ofSource) rows.push(...rowsOf(Buffer.concat(records)));
    };
    await ingest(input, { take });
    await write(kind, sourceTable('logs', '', input.source.format.columns, 'objects').columns, rows);
  }
  await write('odd values', EVERY_TYPE, ODD_ROWS);
  return comparison.checked;
}

/** Rows of EVERY_TYPE, with the keys `a` to `f`. */
const ODD_ROWS = [
  `{"a":${JSON.stringify(`é 日本 😀 " \\ \n ${'é'.repeat(500_000)}`)}}`,
  '{"a":"\\ud800","b":2147483647,"c":9223372036854775807,"d":-0.0,"e":true,"f":-2147483648}',
  '{"a":"","b":-2147483648,"c":-9223372036854775808,"d":5e-324,"e":false,"f":"1969-12-31 23:59:59.999999"}',
  '{"d":1.7976931348623157e308,"f":1795348980138}',
  '{"f":"9999-12-31 23:59:59.000001"}',
];

/** Compares what every reader makes of the files below a folder with what DuckDB does. */
class Comparison {
  readonly #python = join(pythonWith('readers', READERS), 'python');
  readonly #problems: string[] = [];
  #tables = 0;
  #columns = 0;
  #values = 0;

  async add(name: string, files: string, columns: readonly ColumnOf[]): Promise<void> {
    const expected = await byDuckDb(files, columns);
    const answers = JSON.parse(
      run(this.#python, [beside('read_parquet.py'), files], JSON.stringify(columns)),
    ) as Answers;
    for (const [reader, found] of Object.entries(answers)) {
      for (const { name: column } of columns) {
        const [own, other] = [expected[column], found[column]].map((each) => JSON.stringify(each));
        if (own !== other) this.#problems.push(`${name}.${column}: DuckDB ${own}, ${reader} ${other}`);
      }
    }
    this.#tables++;
    this.#columns += columns.length;
    this.#values += Object.values(expected).reduce((sum, { values }) => sum + values, 0);
  }

  get checked(): Checked {
    const measured = `${this.#tables} tables, ${this.#columns} columns, ${this.#values} values`;
    return { measured, problems: this.#problems };
  }
}

interface ColumnOf {
  readonly name: string;
  readonly type: string;
}

/** A value as text that every reader can make: whole microseconds for a time, 17 digits for a double. */
function textOf({ name, type }: ColumnOf): string {
  const column = `"${name}"`;
  if (type === 'timestamp') return `epoch_us(${column})::VARCHAR`;
  if (type === 'double') return `printf('%.17g', ${column})`;
  return `${column}::VARCHAR`;
}

async function byDuckDb(files: string, columns: readonly ColumnOf[]): Promise<Fingerprints> {
  const connection = await (await DuckDBInstance.create()).connect();
  const of = columns.flatMap((column, index) => {
    const hash = `('0x' || substr(md5(${textOf(column)}), 1, 15))::BIGINT`;
    return [`count("${column.name}") AS c${index}`, `coalesce(sum(${hash}), 0)::VARCHAR AS s${index}`];
  });
  const from = `read_parquet('${files}**/*.parquet', union_by_name = true)`;
  const result = await connection.runAndReadAll(`SELECT ${of.join(', ')} FROM ${from}`);
  const [row = {}] = result.getRowObjectsJson();
  connection.closeSync();
  return Object.fromEntries(
    columns.map(({ name }, index) => [name, { values: Number(row[`c${index}`]), sum: String(row[`s${index}`]) }]),
  );
}
