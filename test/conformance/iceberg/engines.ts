/** Has another engine read Iceberg tables of the lake as they grow, and compares what it reads with the rows written. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { IcebergCatalog } from '../../../lambdas/core/iceberg/ports.ts';
import { serveCatalog } from '../../helpers/local-catalog.ts';
import { type Checked, FOLDER, progress } from '../check.ts';
import { type Answer, compare } from '../differences.ts';
import { ExpectedRows } from './expected-rows.ts';
import { IcebergTables, localQueries } from './lake.ts';
import {
  conditionOf,
  type Engine,
  type EngineAnswer,
  type Expected,
  type PartialAnswer,
  type PlannedFiles,
  type Question,
  type Stage,
  sqlOf,
} from './questions.ts';
import { stages } from './stages.ts';

/** Where an engine finds the tables. */
export interface Place {
  /** Of the catalog, with the path. */
  readonly uri: string;
  readonly s3Url: string;
  /** Paths of all requests to S3 that get an object so far; an engine may empty it. */
  readonly s3Paths: string[];
}

/** A catalog that is not the local one. */
export interface OtherCatalog {
  readonly uri: string;
  readonly catalog: IcebergCatalog;
  close(): Promise<void>;
}

/**
 * @param name of the folder of the lake
 * @param open of the engine
 * @param openCatalog of the catalog, if it is not the local one: the tables' files are in the local S3
 */
export async function checkStages(
  name: string,
  open: (place: Place) => Promise<Engine>,
  openCatalog?: (s3Url: string) => Promise<OtherCatalog>,
): Promise<Checked> {
  const dir = join(FOLDER, `iceberg-${name}`);
  rmSync(dir, { recursive: true, force: true });
  const s3Paths: string[] = [];
  const local = await serveCatalog({
    dir,
    interceptS3: (_service, { method, url = '' }) => {
      if (method === 'GET') s3Paths.push(url);
      return false;
    },
  });
  const { url, s3Url, files } = local;
  const other = await openCatalog?.(s3Url);
  const engine = await open({ uri: other?.uri ?? `${url}/iceberg`, s3Url, s3Paths });
  const queries = other ? undefined : await localQueries(dir);
  const expected = await ExpectedRows.open();
  const tables = new IcebergTables({ catalog: other?.catalog ?? local.catalog, files }, expected);
  const comparison = new Comparison(expected, queries, engine, tables);
  try {
    for await (const stage of stages(tables)) {
      progress(`${engine.name}: ${stage.name}`);
      await comparison.add(stage);
    }
  } finally {
    expected.close();
    await queries?.close();
    await engine.close?.();
    await other?.close();
    await local.close();
  }
  return comparison.checked;
}

interface Queries {
  query(sql: string): Promise<Answer>;
}

class Comparison {
  readonly #expected: ExpectedRows;
  readonly #queries: Queries | undefined;
  readonly #engine: Engine;
  readonly #tables: IcebergTables;
  readonly #problems: string[] = [];
  #stages = 0;
  #questions = 0;
  #values = 0;
  #files = 0;

  constructor(expected: ExpectedRows, queries: Queries | undefined, engine: Engine, tables: IcebergTables) {
    this.#expected = expected;
    this.#queries = queries;
    this.#engine = engine;
    this.#tables = tables;
  }

  get checked(): Checked {
    const found = `${this.#values} values, ${this.#files} files`;
    const measured = `${this.#stages} stages of tables, ${this.#questions} questions, ${found}`;
    return { measured, problems: this.#problems };
  }

  async add({ name, questions }: Stage): Promise<void> {
    const answers = await this.#engine.ask(questions.map(({ table, where }) => ({ table, ...(where && { where }) })));
    for (const [index, question] of questions.entries()) {
      const answer = answers[index] ?? { error: 'no answer' };
      const problems = await this.#problemsOf(question, answer);
      this.#problems.push(...problems.map((problem) => `${name}: ${problem}: ${sqlOf(question).slice(0, 200)}`));
    }
    this.#stages++;
    this.#questions += questions.length;
  }

  async #problemsOf(question: Expected, answer: PartialAnswer): Promise<string[]> {
    const problems = 'error' in answer ? [answer.error] : await this.#compare(question, answer);
    const { fails } = question;
    if (!fails || fails.engine !== this.#engine.name) return problems;
    const fixed = [`does not fail with ${fails.error} any more: docs/iceberg.md says so`];
    return problems[0]?.includes(fails.error) ? [] : [...problems, ...fixed];
  }

  async #compare(question: Expected, answer: EngineAnswer | PlannedFiles): Promise<string[]> {
    return [...(await this.#compareRows(question, answer)), ...(await this.#compareFiles(question, answer.files))];
  }

  async #compareRows(question: Question, answer: EngineAnswer | PlannedFiles): Promise<string[]> {
    const expected = await this.#expected.rows(question.table, conditionOf(question));
    const own = await this.#queries?.query(sqlOf(question));
    const problems = own ? [...compare(expected, own, 'local queries').problems] : [];
    if (!('rows' in answer)) return problems;
    const others = compare(expected, answer, this.#engine.name);
    this.#values += others.values;
    return [...problems, ...others.problems];
  }

  async #compareFiles(question: Expected, files?: readonly string[]): Promise<string[]> {
    if (!files) return [];
    this.#files += files.length;
    const { table, where, files: count } = question;
    const all = await this.#tables.paths(table);
    if (!where && files.toSorted().join() !== all.join()) return [`reads ${files.length} files of ${all.length}`];
    const needed = await this.#expected.files(table, conditionOf(question));
    const missed = needed.filter((path) => !files.includes(path));
    if (missed.length > 0) return [`does not read ${missed.length} of ${needed.length} files that have such rows`];
    // Each row of a day is in a file of the day.
    const most = where?.[0] === 'dt' ? needed.length : count;
    if (most === undefined || files.length <= most) return [];
    return [`reads ${files.length} files of ${all.length}, expected ${most}`];
  }
}

/** The URIs of data files among paths of requests. */
export function dataFiles(paths: readonly string[]): string[] {
  const files = paths
    .map((path) => decodeURIComponent(path.replace(/\?.*/, '')))
    .filter((path) => path.endsWith('.parquet'));
  return [...new Set(files)].map((path) => `s3:/${path}`);
}
