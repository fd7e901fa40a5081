import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  paginateGetQueryResults,
  type QueryExecutionStatistics,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import type { QueryResult } from '../../local/athena/query-result.ts';
import { CommandError } from '../output/command-error.ts';
import type { ResultRow } from './lake-handle.ts';

/** A query's result, and what reading it has taken; undefined on this machine. */
export interface Answer {
  readonly result: QueryResult;
  readonly scanned?: { readonly bytes: number; readonly millis: number };
}

/** Delays between requests for the state of a running query: doubled from the first up to the longest. */
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 3000;

/**
 * Runs queries in a workgroup, whose limits apply. Rows are fetched page by page.
 *
 * @throws CommandError with Athena's reason when a query fails or is cancelled.
 */
export function athenaQuery(client: AthenaClient, WorkGroup: string, Database: string) {
  return async function* (sql: string): AsyncGenerator<ResultRow> {
    const { id } = await finished(client, sql, WorkGroup, Database);
    for await (const { columns, rows } of pagesOf(client, id)) {
      for (const row of rows) {
        yield Object.fromEntries(
          columns.map(({ Name = '', Type = '' }, index) => [Name, plainValue(Type, row[index])]),
        );
      }
    }
  };
}

/**
 * Runs queries in a workgroup, and returns the whole result with what Athena has scanned.
 *
 * @throws CommandError with Athena's reason when a query fails or is cancelled.
 */
export function athenaResult(client: AthenaClient, WorkGroup: string, Database: string) {
  return async (sql: string): Promise<Answer> => {
    const { id, statistics } = await finished(client, sql, WorkGroup, Database);
    let columns: QueryResult['columns'] = [];
    const rows: unknown[][] = [];
    for await (const page of pagesOf(client, id)) {
      columns = page.columns.map(({ Name = '', Type = '' }) => ({ name: Name, type: Type }));
      for (const row of page.rows) rows.push(columns.map(({ type }, index) => exactValue(type, row[index])));
    }
    const { DataScannedInBytes = 0, TotalExecutionTimeInMillis = 0 } = statistics;
    return { result: { columns, rows }, scanned: { bytes: DataScannedInBytes, millis: TotalExecutionTimeInMillis } };
  };
}

/** Runs a query to its end. @returns its id, and what Athena says of it */
async function finished(
  client: AthenaClient,
  QueryString: string,
  WorkGroup: string,
  Database: string,
): Promise<{ id: string; statistics: QueryExecutionStatistics }> {
  const { QueryExecutionId = '' } = await client.send(
    new StartQueryExecutionCommand({ QueryString, WorkGroup, QueryExecutionContext: { Database } }),
  );
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const { State, StateChangeReason } = QueryExecution?.Status ?? {};
    if (State === 'SUCCEEDED') return { id: QueryExecutionId, statistics: QueryExecution?.Statistics ?? {} };
    if (State === 'FAILED' || State === 'CANCELLED') {
      throw new CommandError(`Athena: query ${QueryExecutionId} ${State.toLowerCase()}: ${StateChangeReason ?? ''}`);
    }
    await sleep(wait);
  }
}

interface Page {
  readonly columns: readonly ColumnInfo[];
  /** Values as text, as Athena returns all of them; undefined for null. */
  readonly rows: readonly (readonly (string | undefined)[])[];
}

async function* pagesOf(client: AthenaClient, QueryExecutionId: string): AsyncGenerator<Page> {
  let first = true;
  for await (const { ResultSet } of paginateGetQueryResults({ client }, { QueryExecutionId })) {
    const columns = ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
    const rows = (ResultSet?.Rows ?? []).map(({ Data = [] }) => Data.map(({ VarCharValue }) => VarCharValue));
    // The first row of the first page holds the columns' names, if the statement is a query.
    const isHeader = first && rows[0]?.every((text, index) => text === columns[index]?.Name);
    yield { columns, rows: isHeader ? rows.slice(1) : rows };
    first = false;
  }
}

const NUMBERS = new Set(['tinyint', 'smallint', 'integer', 'bigint', 'float', 'real', 'double', 'decimal']);

function plainValue(type: string, text: string | undefined): unknown {
  return text !== undefined && NUMBERS.has(type) ? Number(text) : (text ?? null);
}

/** As the local Athena gives values: whole numbers of 64 bits stay exact. */
function exactValue(type: string, text: string | undefined): unknown {
  if (text === undefined) return null;
  if (type === 'bigint') return BigInt(text);
  if (type === 'boolean') return text === 'true';
  return type === 'decimal' ? text : plainValue(type, text);
}
