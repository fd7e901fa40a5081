/** The exact duplicate count as an SQL query over the tables alone. The duplicate check must agree with it. */
import type { RecordKey } from '../reading/format.ts';
import { LOADS, REJECTED_LINES, rejectedTable } from '../tables/lake-tables.ts';
import { OWN, PARTITION } from '../tables/table.ts';
import { type OnceOf, onceSelect } from '../tables/views.ts';

/** A source's tables and the record keys of its records. */
export interface Audited extends OnceOf {
  readonly source: string;
  /** The database of the lake's own tables. */
  readonly lakeDatabase: string;
  /** Whether the tables may have rows of other sources: then only those count that `loads` says are of this one. */
  readonly isShared?: boolean;
  readonly recordKeys: readonly RecordKey[];
}

/**
 * A query for Athena over all days from `since` (YYYY-MM-DD, as an SQL literal) on. It returns the number of records
 * and their duplicates within and across objects. The query reads only the columns of the record key, so its price is
 * the price of those columns; for a source without a record key it compares all columns. Rows that loading has written
 * twice are counted once. If an object has more than 1,000 rejected lines, only the first 1,000 are in the tables.
 */
export function auditQuery(
  { source, lakeDatabase, isShared = false, recordKeys, ...of }: Audited,
  since: string,
): string {
  const days = `${name(PARTITION.name)} >= ${since}`;
  const rejected: OnceOf = {
    tables: [{ database: lakeDatabase, name: REJECTED_LINES }],
    columns: rejectedTable.columns.map((column) => column.name),
  };
  const ofSource = `origin IN (SELECT origin FROM "${lakeDatabase}"."${LOADS}" WHERE source = '${source}')`;
  const { origin, position, raw, logGroup, logStream, loggedAt } = OWN;
  const notCompared: readonly string[] = [origin, position, raw, logGroup, logStream, loggedAt].map(
    (each) => each.name,
  );
  const all = of.columns.filter((column) => !notCompared.includes(column));
  const alternatives = recordKeys.map(
    (columns) => `WHEN ${name(columns[0] ?? '')} IS NOT NULL THEN ${together(columns)}`,
  );
  const recordKey =
    alternatives.length > 0 ? `CASE ${alternatives.join(' ')} ELSE ${together(all)} END` : together(all);
  return `WITH records AS (
  SELECT origin, ${recordKey} AS record_key
  FROM (${onceSelect(of, isShared ? `${days} AND ${ofSource}` : days)})
  UNION ALL
  SELECT origin, raw AS record_key
  FROM (${onceSelect(rejected, `source = '${source}' AND ${days}`)})
)
SELECT count(*) AS checked,
  count(*) - count(DISTINCT concat(origin, record_key)) AS within_object,
  count(DISTINCT concat(origin, record_key)) - count(DISTINCT record_key) AS across_objects
FROM records`;
}

/** Values joined into one text; null becomes a text of its own. */
function together(columns: readonly string[]): string {
  return `concat_ws('|', ${columns.map((column) => `coalesce(CAST(${name(column)} AS varchar), '-')`).join(', ')})`;
}

function name(column: string): string {
  return `"${column}"`;
}
