/** Compares what Trino answers over the tables, views and saved queries of stacks with what DuckDB does. */
import { rowsDatabase } from '../../../bin/queries/open-queries.ts';
import { savedQueries } from '../../../lambdas/core/queries/saved-queries.ts';
import { rangeOf } from '../../../lambdas/core/queries/saved-query.ts';
import { icebergDatabaseOf } from '../../../lambdas/core/tables/lake-tables.ts';
import type { ColumnType } from '../../../lambdas/core/tables/table.ts';
import { type Athena, openAthena } from '../../../local/athena/athena.ts';
import { type GlueTable, glueTable } from '../../../local/template/glue-table.ts';
import type { Resource } from '../../../local/template/resource.ts';
import { type Checked, progress } from '../check.ts';
import { compare } from '../differences.ts';
import { type Session, type Trino, TrinoError, type TrinoResult } from './server.ts';

/** Trino's catalogs over the same tables: Athena reads milliseconds of timestamps, and the files have microseconds. */
export const ATHENA = 'athena';
export const WHOLE = 'whole';

const DAY_MS = 86_400_000;

/** The times of all rows that have one, and the days on which they were loaded. */
const RANGE = (() => {
  const [before, after] = [-1, 1].map((days) => new Date(Date.now() + days * DAY_MS)) as [Date, Date];
  return rangeOf(new Date('1900-01-01T00:00:00Z'), after, rangeOf(before, after).days);
})();

/** What a stack saves in its workgroup. */
interface Saved {
  readonly Name: string;
  readonly QueryString: string;
}

/** Compares what Trino and the local Athena answer over the tables, views and saved queries of stacks. */
export class Comparison {
  readonly #trino: Trino;
  readonly #paths: string[];
  readonly #problems: string[] = [];
  readonly #counts = { tables: 0, values: 0, queries: 0 };

  /** @param paths to which those of every request to S3 are added */
  constructor(trino: Trino, paths: string[]) {
    this.#trino = trino;
    this.#paths = paths;
  }

  get checked(): Checked {
    const { tables, values, queries } = this.#counts;
    const measured = `${tables} tables, ${queries} saved queries and views, ${values} values`;
    return { measured, problems: this.#problems };
  }

  /**
   * @param dir the lake's folder, which the endpoints serve, as they do the tables among the resources
   * @param iceberg names of the Iceberg tables that the endpoints serve, too
   */
  async add(dir: string, resources: readonly Resource[], iceberg: readonly string[] = []): Promise<void> {
    const ofType = (wanted: string) => resources.filter(({ type }) => type === wanted);
    const saved = ofType('AWS::Athena::NamedQuery').map(({ properties }) => properties as unknown as Saved);
    const statements = saved.map(({ QueryString }) => QueryString);
    const [views, queries] = [statements.filter((sql) => VIEW.test(sql)), statements.filter((sql) => !VIEW.test(sql))];
    const open = { dir, tables: ofType('AWS::Glue::Table'), views };
    const tables = open.tables.map(glueTable);
    const database = tables[0]?.database ?? '';
    const session = { catalog: ATHENA, schema: database };

    const whole = await openAthena({ ...open, microseconds: true });
    for (const table of tables) await this.#readTable(table, whole, { ...session, catalog: WHOLE });
    for (const name of iceberg) {
      const sql = `SELECT * FROM "${icebergDatabaseOf(database)}"."${name}"`;
      await this.#compare(sql, whole, { ...session, catalog: WHOLE });
    }
    await whole.close();

    const athena = await openAthena(open);
    for (const view of views) {
      await this.#run(view, session);
      await this.#compare(`SELECT * FROM ${VIEW.exec(view)?.[1]}`, athena, session);
    }
    const asked = savedQueries({ database, tables: tables.map(withRowsDatabase) }).map((query) => query.sql(RANGE));
    for (const sql of [...queries, ...asked]) await this.#compare(sql, athena, session);
    await athena.close();
    this.#counts.tables += tables.length + iceberg.length;
    this.#counts.queries += saved.length + asked.length;
  }

  /** Compares all rows of a table, and whether a query of one day reads that day and no other. */
  async #readTable({ name, columns }: GlueTable, athena: Athena, session: Session): Promise<void> {
    const found = await this.#compare(`SELECT * FROM "${name}"`, athena, session);
    if (!found) return;
    for (const [index, { name: column, type }] of columns.entries()) {
      const own = found.columns[index]?.type;
      if (own !== TYPES[type]) this.#problems.push(`${name}.${column}: ${type} is ${own} in Trino`);
    }
    const day = found.rows[0]?.at(-1);
    if (day === undefined) return;
    this.#paths.length = 0;
    await this.#compare(`SELECT count(*) AS n FROM "${name}" WHERE dt = '${day}'`, athena, session);
    const listed = this.#paths.filter((url) => url.includes('list-type'));
    if (!listed.every((url) => url.includes(`dt%3D${day}`)))
      this.#problems.push(`${name}: a query of ${day} listed ${listed}`);
  }

  async #compare(sql: string, athena: Athena, session: Session): Promise<TrinoResult | undefined> {
    const found = await this.#run(sql, session);
    if (!found) return undefined;
    const expected = await athena.query(sql);
    const { values, problems } = compare(expected, found, 'Trino', estimatesIn(sql));
    this.#counts.values += values;
    this.#problems.push(...problems.map((problem) => `${session.catalog}: ${problem}: ${sql}`));
    return found;
  }

  /** @returns Trino's answer; undefined if it has none, which is a problem */
  async #run(sql: string, session: Session): Promise<TrinoResult | undefined> {
    const begin = performance.now();
    try {
      return await this.#trino.query(sql, session);
    } catch (error) {
      if (!(error instanceof TrinoError)) throw error;
      this.#problems.push(`${session.catalog}: ${error.message}: ${sql}`);
      return undefined;
    } finally {
      const seconds = (performance.now() - begin) / 1000;
      if (seconds > 1) progress(`${seconds.toFixed(1)} seconds: ${sql.replace(/\s+/g, ' ').slice(0, 100)}`);
    }
  }
}

/** With the database into which its rows are written now, as `lake query` asks for it. */
function withRowsDatabase(table: GlueTable): GlueTable {
  return { ...table, database: rowsDatabase(table.database, table.isIceberg) };
}

/** The statement that creates a view, with the view's name. */
const VIEW = /^CREATE OR REPLACE VIEW ("[^"]+"\."[^"]+") AS /;

/** Types of Trino for those of Glue. */
const TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'varchar',
  int: 'integer',
  bigint: 'bigint',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp(6)',
};

/** Result columns that Trino and DuckDB estimate, each in its own way. */
function estimatesIn(sql: string): ReadonlySet<string> {
  return new Set(Array.from(sql.matchAll(/approx_\w+\((?:[^()]|\([^()]*\))*\) AS (\w+)/g), ([, name = '']) => name));
}
