/** Warns of queries that read the table with the rows of before a source had an Iceberg table, which is mostly empty. */
import { allName } from '../../lambdas/core/tables/views.ts';
import type { TableRead } from './all-days.ts';
import type { OpenLake } from './open-queries.ts';

/**
 * A name without a database is one of the lake's own database to Athena, where the table of a source with
 * `tableFormat: iceberg` has only the rows of before. A query that names the database means that table.
 *
 * @returns undefined if the query reads no such table, or one of a source whose rows are divided: ownTableWarning tells of these
 */
export function formerTablesWarning(read: readonly TableRead[], { database, tables }: OpenLake): string | undefined {
  const unnamed = new Set(read.filter((table) => table.database === '').map(({ name }) => name.toLowerCase()));
  const former = tables.filter(
    (table) => table.database !== database && unnamed.has(table.name) && table.fanOut === undefined,
  );
  if (former.length === 0) return undefined;
  const [names, now, both] = [
    former.map(({ name }) => name),
    former.map((table) => `${table.database}.${table.name}`),
    former.map(({ name }) => allName(name)),
  ].map((each) => each.join(', '));
  return (
    `warning: ${names} without a database has only the rows of before the source's tableFormat was iceberg: ` +
    `read ${now}, or the view ${both} for the rows of before, too`
  );
}
