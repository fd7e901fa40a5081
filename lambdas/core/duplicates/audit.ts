/** The exact count by SQL, from the tables alone: what the check must agree with. */
import type { RecordKey } from '../reading/format.ts';
import { REJECTED_LINES, rejectedTable } from '../tables/lake-tables.ts';
import { OWN, PARTITION } from '../tables/table.ts';
import { type OnceOf, onceSelect } from '../tables/views.ts';

/** A source's table, and what its records are known by. */
export interface Audited extends OnceOf {
  readonly recordKeys: readonly RecordKey[];
}

/**
 * A query of all days from `since` (YYYY-MM-DD, as SQL) on, for Athena: records, and duplicates by their
 * kinds. It reads the columns of the identity, so its price is that of those; a source without any is
 * told by all of its columns. Repeats of loading are left out. Of an object with more than 1,000
 * rejected lines, only the first 1,000 are in the tables.
 */
export function auditQuery({ recordKeys, ...table }: Audited, since: string): string {
  const days = `${name(PARTITION.name)} >= ${since}`;
  const rejected = {
    database: table.database,
    table: REJECTED_LINES,
    columns: rejectedTable.columns.map((column) => column.name),
  };
  const { origin, position, raw } = OWN;
  const own: readonly string[] = [origin.name, position.name, raw.name, OWN.logGroup.name, OWN.logStream.name];
  const all = table.columns.filter((column) => !own.includes(column));
  const alternatives = recordKeys.map(
    (columns) => `WHEN ${name(columns[0] ?? '')} IS NOT NULL THEN ${together(columns)}`,
  );
  const told = alternatives.length > 0 ? `CASE ${alternatives.join(' ')} ELSE ${together(all)} END` : together(all);
  return `WITH records AS (
  SELECT origin, ${told} AS record_key
  FROM (${onceSelect(table, days)})
  UNION ALL
  SELECT origin, raw AS record_key
  FROM (${onceSelect(rejected, `source = '${table.table}' AND ${days}`)})
)
SELECT count(*) AS checked,
  count(*) - count(DISTINCT concat(origin, record_key)) AS within_object,
  count(DISTINCT concat(origin, record_key)) - count(DISTINCT record_key) AS across_objects
FROM records`;
}

/** Values as one text; null as a text of its own. */
function together(columns: readonly string[]): string {
  return `concat_ws('|', ${columns.map((column) => `coalesce(CAST(${name(column)} AS varchar), '-')`).join(', ')})`;
}

function name(column: string): string {
  return `"${column}"`;
}
