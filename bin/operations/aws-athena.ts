import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  paginateGetQueryResults,
  type Row,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { CommandError } from '../output/command-error.ts';
import type { ResultRow } from './lake-handle.ts';

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
    const { QueryExecutionId } = await client.send(
      new StartQueryExecutionCommand({ QueryString: sql, WorkGroup, QueryExecutionContext: { Database } }),
    );
    await finished(client, QueryExecutionId);
    let header = true;
    for await (const { ResultSet } of paginateGetQueryResults({ client }, { QueryExecutionId })) {
      const columns = ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
      // The first row of the first page holds the columns' names.
      const rows = (ResultSet?.Rows ?? []).slice(header ? 1 : 0);
      header = false;
      for (const row of rows) yield valuesOf(columns, row);
    }
  };
}

async function finished(client: AthenaClient, QueryExecutionId: string | undefined): Promise<void> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const { State, StateChangeReason } = QueryExecution?.Status ?? {};
    if (State === 'SUCCEEDED') return;
    if (State === 'FAILED' || State === 'CANCELLED') {
      throw new CommandError(`Athena: query ${QueryExecutionId} ${State.toLowerCase()}: ${StateChangeReason ?? ''}`);
    }
    await sleep(wait);
  }
}

const NUMBERS = new Set(['tinyint', 'smallint', 'integer', 'bigint', 'float', 'double', 'decimal']);

/** A row's values by column name. Athena returns every value as text. */
function valuesOf(columns: readonly ColumnInfo[], { Data = [] }: Row): ResultRow {
  return Object.fromEntries(
    columns.map(({ Name = '', Type = '' }, index) => {
      const text = Data[index]?.VarCharValue;
      return [Name, text !== undefined && NUMBERS.has(Type) ? Number(text) : (text ?? null)];
    }),
  );
}
