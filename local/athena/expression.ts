/** What a user gives as a condition of a larger query. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { isObject } from '../template/intrinsics.ts';
import { parsedSelects, QueryError, SyntaxProblem } from './statement.ts';

/**
 * Checks by DuckDB's parser that a text is one SQL expression, so that it stays one within the parentheses of a longer
 * query.
 *
 * @throws QueryError if it is not: several expressions, several statements, a part of a query, a comment, or parentheses
 * that close what the text has not opened
 */
export async function checkExpression(text: string): Promise<void> {
  // Where a comment ends is not the same in DuckDB, where comments nest, and in Athena.
  if (/--|\/\*/.test(text.replace(QUOTED, "''"))) throw new QueryError('expected one expression without comments');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await parsed(connection, `SELECT (${text})`);
    // A text such as `a) OR (b` fits between parentheses, but not between brackets.
    const items = listItems(await parsed(connection, `SELECT [${text}]`));
    if (items !== 1) throw new QueryError(`expected one expression, got ${items ?? 'another statement'}`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"/g;

async function parsed(connection: DuckDBConnection, sql: string): Promise<unknown> {
  try {
    const statements = await parsedSelects(connection, sql);
    if (statements.length === 1) return statements[0];
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    throw new QueryError(`expected one expression: ${error.message}`);
  }
  throw new QueryError('expected one expression, got several statements');
}

/** Number of the items of the list that a statement selects; undefined if it does not select a list. */
function listItems(statement: unknown): number | undefined {
  const node = isObject(statement) ? statement.node : undefined;
  const list: unknown = isObject(node) && Array.isArray(node.select_list) ? node.select_list[0] : undefined;
  if (!isObject(list) || list.function_name !== 'list_value' || !Array.isArray(list.children)) return undefined;
  return list.children.length;
}
