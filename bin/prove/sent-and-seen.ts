/** What a proof sends for a source, and what it sees of it. */
import type { Source } from '../../lambdas/core/loading/load.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';
import type { ResultRow } from '../operations/lake-handle.ts';
import type { ErrorObject } from './error-objects.ts';
import type { TestInput } from './test-input.ts';
import type { TestRows } from './test-rows.ts';

/** What was sent for a source. */
export interface Sent {
  readonly source: Source;
  readonly table: Table;
  /** The table with the columns that the streams know: it may have got others since the deployment. */
  readonly streamed: Table;
  /** One for each of the table's streams. */
  readonly everyColumn: readonly TestRows[];
  readonly aroundBadRow: TestRows;
  /** Undefined if no line is known that the source's reader makes a row of. */
  readonly input: TestInput | undefined;
}

/** What of it has arrived. Rows are without repeats. */
export interface Seen {
  readonly rows: readonly ResultRow[];
  readonly loads: readonly ResultRow[];
  readonly inputRows: readonly ResultRow[];
  readonly rejected: readonly ResultRow[];
  readonly errors: readonly ErrorObject[];
  /** The metric RowsAcknowledged of the source, summed up since the proof began. */
  readonly acknowledged: number;
}

/** Whether `loads` counts the input together with others: on the direct lane, an object has payloads of many log streams. */
export function isShared({ source, input }: Sent): boolean {
  return input?.kind === 'event' && source.settings.delivery === 'direct';
}
