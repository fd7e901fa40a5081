/** What a query's text is, as DuckDB's own parser reads it: a query may read tables, and do nothing else. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { didYouMean } from '../../lambdas/core/reading/nearest.ts';
import { isObject } from '../template/intrinsics.ts';
import { ATHENA_FUNCTIONS } from './functions.ts';

/** A query that cannot be run, or that fails. The message is one line. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  /** The part of the query that the message is about, with a caret below it; lines. */
  readonly context?: string;
  /** Whether the query was run and failed, as by a value that a cast cannot convert. Otherwise its text cannot be meant. */
  readonly failed: boolean;

  constructor(
    message: string,
    { context, failed = false, ...options }: ErrorOptions & { context?: string | undefined; failed?: boolean } = {},
  ) {
    super(message, options);
    this.failed = failed;
    if (context !== undefined) this.context = context;
  }
}

/** A text that DuckDB cannot parse, with its parser's message. */
export class SyntaxProblem extends QueryError {}

/** A statement that only reads. */
export interface ReadingStatement {
  readonly sql: string;
  /** Names that may be tables, in lower case, each as `schema.name`, or `.name` where it has no schema. */
  readonly tables: ReadonlySet<string>;
  /** Whether it may list the tables. */
  readonly listsTables: boolean;
}

/**
 * The statement to run for a query's text: a SELECT, which SHOW, DESCRIBE, TABLE and VALUES are too, or EXPLAIN of one.
 *
 * @throws QueryError for anything else: several statements, a statement that is no SELECT, or a table function that does
 * more than compute rows.
 */
export async function readingStatement(connection: DuckDBConnection, sql: string): Promise<ReadingStatement> {
  const { explain, inner } = explained(sql);
  const statements = await parsedSelects(connection, inner, sql);
  if (statements.length === 0) throw new QueryError('expected a query, got nothing');
  if (statements.length > 1) throw new QueryError(`expected one query, got ${statements.length}`);
  refuseFunctions(statements);
  // What runs is put together from what was parsed: whatever else EXPLAIN may hold in DuckDB is not looked for.
  return { sql: `${explain}${inner}`, ...namesIn(statements) };
}

/** A WITH query has its name among them too. */
function namesIn(statements: readonly unknown[]): Omit<ReadingStatement, 'sql'> {
  const tables = new Set<string>();
  let listsTables = false;
  for (const node of nodesOf(statements)) {
    if (!('type' in node)) continue;
    if (node.type === 'SHOW_REF' && 'show_type' in node && node.show_type !== 'DESCRIBE') listsTables = true;
    if (node.type === 'TABLE_FUNCTION' && 'function' in node && isObject(node.function)) {
      if (String(node.function.function_name).toLowerCase().startsWith('duckdb_')) listsTables = true;
    }
    if (node.type !== 'BASE_TABLE' || !('table_name' in node && 'schema_name' in node)) continue;
    const schema = String(node.schema_name).toLowerCase();
    tables.add(`${schema}.${String(node.table_name).toLowerCase()}`);
    if (CATALOGS.has(schema)) listsTables = true;
  }
  return { tables, listsTables };
}

/** Schemas whose tables list tables. */
const CATALOGS: ReadonlySet<string> = new Set(['information_schema', 'pg_catalog']);

/** The objects of a syntax tree. A list instead of recursion: a query may be nested more deeply than the stack. */
function* nodesOf(root: unknown): Generator<object> {
  const open = [root];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    yield node;
    for (const child of Object.values(node)) open.push(child);
  }
}

/** Parts EXPLAIN from its query: DuckDB also explains statements that write, and carries them out for EXPLAIN ANALYZE. */
function explained(sql: string): { explain: string; inner: string } {
  const text = sql.replace(SPACE_AND_COMMENTS, '');
  const [explain] = /^EXPLAIN\b/i.exec(text) ?? [];
  if (explain === undefined) return { explain: '', inner: sql };
  const rest = text.slice(explain.length).replace(SPACE_AND_COMMENTS, '');
  const [option = ''] = /^ANALYZE\b|^\(\s*FORMAT\s+[A-Z]+\s*\)/i.exec(rest) ?? [];
  return { explain: `EXPLAIN ${option} `, inner: rest.slice(option.length) };
}

const SPACE_AND_COMMENTS = /^(?:\s|--[^\n]*\n|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*/;

/**
 * The syntax trees of a text of SELECT statements, as json_serialize_sql gives them.
 *
 * @param whole the text for the message, if `sql` is a part of it
 * @throws SyntaxProblem for a text that cannot be parsed; QueryError if one of its statements is no SELECT
 */
export async function parsedSelects(
  connection: DuckDBConnection,
  sql: string,
  whole = sql,
): Promise<readonly unknown[]> {
  // A text with a NUL would end there for the parser, but perhaps not for what runs it.
  if (sql.includes('\0')) throw new QueryError('expected a query without the character NUL');
  const reader = await connection.runAndReadAll('SELECT json_serialize_sql($sql::VARCHAR)', { sql });
  const tree: unknown = JSON.parse(String(reader.getRows()[0]?.[0]));
  if (isObject(tree) && Array.isArray(tree.statements)) return tree.statements;
  const { error_type, error_message, position } = isObject(tree) ? tree : {};
  if (error_type === 'parser') {
    const context = position === undefined ? undefined : excerptAt(sql, Number(position));
    throw new SyntaxProblem(`Parser Error: ${error_message}`, { context });
  }
  throw new QueryError(
    `expected a SELECT, or EXPLAIN of one, got ${JSON.stringify(whole.trim().slice(0, 60))}: tables can only be read`,
  );
}

/**
 * The line of a query with a caret below one of its places, in the form of DuckDB's other messages. Of a long line only
 * what is around the place.
 *
 * @param position in Unicode characters from the beginning
 */
function excerptAt(sql: string, position: number): string {
  const before = [...sql].slice(0, position).join('');
  const lineStart = before.lastIndexOf('\n') + 1;
  const [line = ''] = sql.slice(lineStart).split('\n', 1);
  const column = before.length - lineStart;
  const cut = Math.max(0, column - MAX_BEFORE);
  const shown = `${cut > 0 ? '...' : ''}${line.slice(cut, column + MAX_AFTER)}`;
  const head = `LINE ${before.split('\n').length}: `;
  return `${head}${shown}\n${' '.repeat(head.length + (cut > 0 ? 3 : 0) + column - cut)}^`;
}

/** Characters of a line that are shown before and after the place of an error. */
const MAX_BEFORE = 50;
const MAX_AFTER = 20;

/**
 * Table functions that compute rows from their arguments, or list the tables. Others of DuckDB read files, or even write
 * them: enable_logging and enable_profiling do.
 */
const TABLE_FUNCTIONS: ReadonlySet<unknown> = new Set([
  ...['unnest', 'range', 'generate_series', 'repeat', 'json_each', 'json_tree'],
  ...['duckdb_columns', 'duckdb_functions', 'duckdb_tables', 'duckdb_views'],
]);

/** Functions that stand for syntax in DuckDB's trees: EXTRACT, AT TIME ZONE, ARRAY[…], ROW, INTERVAL, LIKE … ESCAPE, *. */
const SYNTAX: ReadonlySet<unknown> = new Set([
  ...[
    'count_star',
    'date_part',
    'timezone',
    'list_value',
    'struct_pack',
    'row',
    'like_escape',
    'not_like_escape',
    'trunc',
  ],
  ...['milliseconds', 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'years'].map((unit) => `to_${unit}`),
]);

const KNOWN: ReadonlySet<string> = new Set(ATHENA_FUNCTIONS);

/**
 * Refuses functions that Athena has not, or that do something else here. Others would give an error there, or another
 * value.
 */
function refuseFunctions(root: unknown): void {
  const tableFunctions = new Set<unknown>();
  for (const node of nodesOf(root)) {
    if ('type' in node && node.type === 'TABLE_FUNCTION' && 'function' in node) {
      const name = isObject(node.function) ? String(node.function.function_name).toLowerCase() : undefined;
      if (!TABLE_FUNCTIONS.has(name)) throw new QueryError(`table function ${name}: a query can read tables only`);
      tableFunctions.add(node.function);
    }
    if ('function_name' in node && !('is_operator' in node && node.is_operator === true)) {
      const name = String(node.function_name).toLowerCase();
      const isKnown = KNOWN.has(name) || SYNTAX.has(name) || tableFunctions.has(node);
      if (!isKnown) throw new QueryError(unknownFunction(name));
    }
  }
}

function unknownFunction(name: string): string {
  return (
    `function ${name}: expected one of Athena's functions that work here too${didYouMean(name, ATHENA_FUNCTIONS)}; ` +
    'docs/queries.md lists them'
  );
}
