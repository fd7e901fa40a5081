/** Compares rows that a query returns with the rows that were sent. */
import { shownTime } from '../../lambdas/core/reading/times.ts';
import type { Column, Table } from '../../lambdas/core/tables/table.ts';
import { type ResultRow, timeOf } from '../operations/lake-handle.ts';
import type { Values } from './test-rows.ts';

/** Athena reads timestamps of Parquet files to the millisecond, rounded. */
const ROUNDING_MS = 1;

/** Names of the columns whose value in the table is not the one that was sent. */
export function differences({ columns }: Table, sent: Values, found: ResultRow): string[] {
  return columns.filter((column) => !same(column, sent[column.name], found[column.name])).map(({ name }) => name);
}

function same({ type }: Column, sent: unknown, found: unknown): boolean {
  if (sent === undefined || found === null || found === undefined) {
    return sent === undefined && (found === null || found === undefined);
  }
  switch (type) {
    case 'string':
      return sent === found;
    case 'boolean':
      return String(sent) === String(found);
    case 'timestamp':
      return Math.abs(timeOf(shownTime(sent)).getTime() - timeOf(found).getTime()) <= ROUNDING_MS;
    default:
      return Number(sent) === Number(found);
  }
}

/** The rows without repeats of the same origin and position, which a delivery may have. */
export function withoutRepeats(rows: readonly ResultRow[]): ResultRow[] {
  return [...new Map(rows.map((row) => [`${row.origin} ${row.position}`, row])).values()];
}

/** Names that Athena's and DuckDB's `typeof` may have for a column's type, in lower case. */
const TYPE_NAMES: Readonly<Record<Column['type'], RegExp>> = {
  string: /^varchar$/,
  int: /^integer$/,
  bigint: /^bigint$/,
  double: /^double$/,
  boolean: /^boolean$/,
  timestamp: /^timestamp(\(\d+\))?$/,
};

/** Those of the columns whose type in the engine is not the one of the table, each with the type it has. */
export function wrongTypes(columns: readonly Column[], typeNames: ResultRow): string[] {
  return columns.flatMap(({ name, type }) => {
    const found = String(typeNames[name]).toLowerCase();
    return TYPE_NAMES[type].test(found) ? [] : [`${name}: ${found}`];
  });
}
