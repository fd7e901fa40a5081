/**
 * A table with a history of appends, merged manifests and deleted days of the lake's own code, among which Spark and
 * PyIceberg write, merge, delete and expire, by chance (`FAULT_SEED` draws another history). Then Iceberg's own library
 * reads every field of it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, random } from '../../faults/random.ts';
import { DATABASE, serveCatalog } from '../../helpers/local-catalog.ts';
import { type Checked, FOLDER, progress } from '../check.ts';
import { compare } from '../differences.ts';
import { type Inspected, inspected } from './inspected.ts';
import { IcebergTables, localQueries } from './lake.ts';
import { pyIceberg } from './pyiceberg.ts';
import { type Spark, startSpark } from './spark.ts';
import { insert, PROCEDURES, ran } from './spark-writes.ts';
import { violations } from './specification.ts';
import { DAYS, LATER_WEB, ODD_ROWS, ordinaryRows, WEB } from './stages.ts';

const TABLE = `"${DATABASE}"."${WEB.name}"`;

const STEPS = 48;

/** Steps between two looks at the table: a snapshot that expires in between is not seen. */
const LOOK_EVERY = 12;

export async function javaReadsHistory(): Promise<Checked> {
  const dir = join(FOLDER, 'iceberg-history');
  rmSync(dir, { recursive: true, force: true });
  const local = await serveCatalog({ dir });
  const place = { uri: `${local.url}/iceberg`, s3Url: local.s3Url };
  const spark = startSpark(place);
  const queries = await localQueries(dir);
  const history = new History(new IcebergTables(local), spark, pyIceberg(place));
  const problems = new Set<string>();
  const counts = { snapshots: 0, manifests: 0, files: 0, values: 0 };
  try {
    await history.begin();
    for (let step = 1; step <= STEPS; step++) {
      const name = await history.step();
      progress(`step ${step} of a history: ${name}`);
      if (step % LOOK_EVERY !== 0) continue;
      const table = await inspected(place, WEB.name);
      for (const problem of [...violations(table), ...otherMetrics(table, history.ownFiles)]) problems.add(problem);
      counts.snapshots += table.snapshots.length;
      counts.manifests += Object.keys(table.manifests).length;
      counts.files += Object.keys(table.metrics).length;
      const found = await ran(spark, `SELECT * FROM ${TABLE}`);
      const compared = compare(await queries.query(`SELECT * FROM ${TABLE}`), found, 'Spark');
      counts.values += compared.values;
      for (const problem of compared.problems) problems.add(`step ${step}: ${problem}`);
    }
  } finally {
    await spark.close();
    await queries.close();
    await local.close();
  }
  const { snapshots, manifests, files, values } = counts;
  const measured = `${STEPS} steps, ${snapshots} snapshots, ${manifests} manifests, ${files} files, ${values} values`;
  return { measured, problems: [...problems] };
}

/** The metrics of the lake's own files must be those that the library takes of their footers. */
function otherMetrics({ manifests, metrics }: Inspected, own: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  for (const file of Object.values(manifests).flatMap(({ files }) => files)) {
    const measured = metrics[file.path];
    if (!measured || !own.has(file.path)) continue;
    const { lowerBounds, upperBounds } = file;
    // No short text is greater than the column's values: the library then does not read the lower bound in a footer either.
    const bothBounds = Object.entries(lowerBounds ?? {}).filter(([id]) => upperBounds?.[id] !== undefined);
    const ours = { ...file, lowerBounds: Object.fromEntries(bothBounds) };
    for (const name of ['columnSizes', 'valueCounts', 'nullValueCounts', 'lowerBounds', 'upperBounds'] as const) {
      const [said, taken] = [text(ours[name]), text(measured[name])];
      if (said !== taken) found.add(`${name}: the manifest has ${said}, Iceberg takes ${taken} of the file`);
    }
  }
  return [...found];
}

function text(values: Readonly<Record<string, unknown>> | null): string {
  return Object.entries(values ?? {})
    .map(([id, value]) => `${id}:${value}`)
    .join(' ');
}

class History {
  readonly #tables: IcebergTables;
  readonly #spark: Spark;
  readonly #pyIceberg: ReturnType<typeof pyIceberg>;
  readonly #random: Random = random(0);
  #table = WEB;
  #number = 0;
  /** The paths of the files that the lake has written. */
  readonly ownFiles = new Set<string>();

  constructor(tables: IcebergTables, spark: Spark, python: ReturnType<typeof pyIceberg>) {
    this.#tables = tables;
    this.#spark = spark;
    this.#pyIceberg = python;
  }

  async begin(): Promise<void> {
    await this.#tables.ensure(WEB);
    await this.#set({ 'commit.manifest.min-count-to-merge': '4' });
    await this.#append();
  }

  /** @returns what was done */
  async step(): Promise<string> {
    const { name, act } = this.#oneOf(this.#steps);
    await act();
    return name;
  }

  /** Those that are there several times are as much more likely. */
  get #steps(): readonly { readonly name: string; readonly act: () => Promise<unknown> }[] {
    const target = { 'commit.manifest.target-size-bytes': this.#oneOf(['8388608', '20000']) };
    const theirs = { text: `'é 日本'`, count: `${this.#next()}`, dt: this.#oneOf(['NULL', `'${this.#day()}'`]) };
    const append = { name: 'append', act: () => this.#append() };
    return [
      ...[append, append, append, append, append, append],
      { name: 'delete days', act: () => this.#tables.deleteBefore(WEB.name, this.#day()) },
      { name: 'merge manifests up to another size', act: () => this.#set(target) },
      { name: 'more columns and a wider one', act: () => this.#widen() },
      { name: 'Spark inserts', act: () => insert(this.#spark, TABLE, theirs) },
      { name: 'Spark deletes rows', act: () => ran(this.#spark, `DELETE FROM ${TABLE} WHERE count % 7 = 3`) },
      { name: 'Spark compacts', act: () => ran(this.#spark, PROCEDURES.compact) },
      { name: 'Spark merges manifests', act: () => ran(this.#spark, PROCEDURES.mergeManifests) },
      { name: 'Spark expires', act: () => ran(this.#spark, PROCEDURES.expire) },
      { name: 'PyIceberg appends', act: () => this.#pyIcebergAppends() },
    ];
  }

  async #append(): Promise<void> {
    const before = new Set(await this.#tables.paths(WEB.name));
    const files = Array.from({ length: 1 + this.#random(3) }, () => ({
      day: this.#day(),
      rows: this.#random(5) < 2 ? [this.#oneOf(ODD_ROWS), this.#oneOf(ODD_ROWS)] : ordinaryRows(this.#next()),
    }));
    await this.#tables.append(this.#table, files);
    for (const path of await this.#tables.paths(WEB.name)) if (!before.has(path)) this.ownFiles.add(path);
  }

  async #widen(): Promise<void> {
    this.#table = LATER_WEB;
    await this.#tables.ensure(LATER_WEB);
  }

  async #pyIcebergAppends(): Promise<void> {
    const rows = [{ text: 'z'.repeat(30), count: this.#next(), dt: this.#oneOf([null, ...DAYS]) }];
    await this.#pyIceberg([{ do: 'append', table: WEB.name, rows }]);
  }

  #set(updates: Readonly<Record<string, string>>): Promise<void> {
    return this.#tables.commit(WEB.name, { requirements: [], updates: [{ action: 'set-properties', updates }] });
  }

  #next(): number {
    return ++this.#number;
  }

  #day(): string {
    return this.#oneOf(['2026-01-04', ...DAYS, '2026-01-08', '2026-01-09']);
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[this.#random(values.length)] as T;
  }
}
