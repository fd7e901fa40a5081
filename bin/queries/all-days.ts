/** Finds out, before a query runs on AWS, whether it reads all days of a table. */
import { DuckDBInstance } from '@duckdb/node-api';
import { PARTITION } from '../../lambdas/core/tables/table.ts';
import { onceName } from '../../lambdas/core/tables/views.ts';
import { parsedSelects, QueryError } from '../../local/athena/statement.ts';
import { isObject } from '../../local/template/intrinsics.ts';

/**
 * Names of the tables and views of which a query reads all days, because nothing compares `dt` with a value where they are
 * read. It goes by the text alone: a table of another catalog without `dt` is named too. Of a query that DuckDB's parser
 * cannot read, it only says whether `dt` occurs in it; `*` stands for its tables. EXPLAIN alone reads nothing.
 */
export async function tablesReadWhole(sql: string): Promise<readonly string[]> {
  const tables = await tablesRead(sql);
  if (tables) return [...new Set(tables.filter(({ isWhole }) => isWhole).map(({ name }) => name))];
  return /\bselect\b/i.test(sql) && !/\bdt\b/i.test(sql.replace(/'[^']*'|--[^\n]*/g, '')) ? ['*'] : [];
}

/** A table or view where a query reads it. */
export interface TableRead {
  readonly name: string;
  /** The database that the query names; empty if it names none. */
  readonly database: string;
  /** Nothing compares `dt` with a value there. */
  readonly isWhole: boolean;
}

/** The tables that a query reads, by its text alone. @returns undefined if DuckDB's parser cannot read it */
export async function tablesRead(sql: string): Promise<readonly TableRead[] | undefined> {
  const [first = '', second = ''] = sql.trim().split(/\s+/, 2);
  if (/^explain$/i.test(first) && !/^analyze\b/i.test(second)) return [];
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const found: TableRead[] = [];
    visit(await parsedSelects(connection, sql), false, found);
    return found;
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return undefined;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The warning about them; undefined if there are none. */
export function allDaysWarning(tables: readonly string[]): string | undefined {
  const [view] = tables.filter((name) => name.endsWith(onceName('')));
  if (view !== undefined) {
    return (
      `warning: the view ${view} reads all days of its table, whatever the condition on dt outside of it is: ` +
      'use the query of the view with a condition on dt inside'
    );
  }
  if (tables.length === 0) return undefined;
  const what = tables.includes('*') ? 'its tables' : tables.join(', ');
  return `warning: the query reads all days of ${what}: nothing there compares dt with a value, such as dt >= '2026-11-28'`;
}

/**
 * @param bounded whether a condition around the node compares `dt` with a value
 * @param views names of the WITH queries, which are no tables
 */
function visit(node: unknown, bounded: boolean, found: TableRead[], views: ReadonlySet<unknown> = new Set()): void {
  if (Array.isArray(node)) {
    for (const each of node) visit(each, bounded, found, views);
    return;
  }
  if (!isObject(node)) return;
  if (node.type === 'BASE_TABLE') {
    const name = String(node.table_name);
    const database = String(node.schema_name ?? '');
    if (views.has(name) || database === 'information_schema') return;
    found.push({ name, database, isWhole: !bounded || name.endsWith(onceName('')) });
    return;
  }
  const withQueries = isObject(node.cte_map) && Array.isArray(node.cte_map.map) ? node.cte_map.map : [];
  const known = new Set([...views, ...withQueries.map((entry: unknown) => (isObject(entry) ? entry.key : undefined))]);
  const isBounded = bounded || comparesDay(node.where_clause) || (node.type === 'JOIN' && comparesDay(node.condition));
  // A condition reaches what is read from, and not what stands in other places, such as a subquery of a condition.
  const reached = new Set([
    'from_table',
    'left',
    'right',
    'subquery',
    'node',
    'query',
    'value',
    'map',
    'cte_map',
    'child',
  ]);
  for (const [key, child] of Object.entries(node)) {
    visit(child, isBounded && reached.has(key) && node.class !== 'SUBQUERY', found, known);
  }
}

const COMPARISONS: ReadonlySet<unknown> = new Set(['COMPARISON', 'BETWEEN']);

/** Whether a condition holds only for rows whose `dt` compares so with a value that is known before any row is read. */
function comparesDay(node: unknown): boolean {
  if (!isObject(node)) return false;
  const children = Array.isArray(node.children) ? node.children : [];
  if (node.type === 'CONJUNCTION_AND') return children.some(comparesDay);
  if (node.type === 'CONJUNCTION_OR') return children.length > 0 && children.every(comparesDay);
  const isComparison = COMPARISONS.has(node.class) || node.type === 'COMPARE_IN' || node.function_name === '~~';
  if (!isComparison || node.type === 'COMPARE_NOTEQUAL') return false;
  const names = columnsIn(node);
  return names.includes(PARTITION.name) && names.every((name) => name === PARTITION.name);
}

/** Without those that stand for the present, as DuckDB's parser reads them. */
const PRESENT: ReadonlySet<unknown> = new Set(['current_date', 'current_timestamp', 'localtimestamp']);

/** Names of the columns in an expression; `?` for a subquery. */
function columnsIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(columnsIn);
  if (!isObject(node)) return [];
  if (node.class === 'SUBQUERY') return ['?'];
  if (node.class === 'COLUMN_REF' && Array.isArray(node.column_names)) {
    const name: unknown = node.column_names.at(-1);
    return PRESENT.has(name) ? [] : [String(name)];
  }
  return Object.values(node).flatMap(columnsIn);
}
