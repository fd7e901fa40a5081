/** Which tables a saved query reads whose source has its rows divided among Iceberg tables. */

import type { QueriedTable } from '../../lambdas/core/queries/saved-query.ts';
import { type Division, fanOutTable, otherTable, type TableOwner } from '../../lambdas/core/tables/fan-out.ts';
import { LOADS } from '../../lambdas/core/tables/lake-tables.ts';
import { OWN, PARTITION } from '../../lambdas/core/tables/table.ts';
import type { TablePlace } from '../../lambdas/core/tables/views.ts';
import { MAX_TABLES_AT_ONCE, sqlText } from '../operations/lake-handle.ts';
import { UsageError } from '../output/command-error.ts';
import type { TableRead } from './all-days.ts';

/** The table of a source whose rows are divided. */
export interface DividedTable extends QueriedTable {
  readonly fanOut: Division;
}

/**
 * The table with the rows of some values, or of all. Rows of a value are in the table of the value, and those that came before the
 * value had one in the table of all others, or in the source's own.
 *
 * @param places the tables that are there, by whose names they may have rows of the source
 * @param lakeDatabase that of the lake's own tables
 * @throws UsageError if they are more than a query can read
 */
export function asked(
  table: DividedTable,
  places: readonly TablePlace[],
  lakeDatabase: string,
  values: readonly string[] | undefined,
): QueriedTable {
  const { name, fanOut } = table;
  const read = values ? placesOf(table, places, values) : places;
  const [first, ...others] = read;
  if (!first) throw new UsageError(`no table has rows of ${name} yet: they come with the first commit`);
  if (read.length > MAX_TABLES_AT_ONCE) {
    throw new UsageError(
      `the rows of ${name} are in ${read.length} tables, and a query reads at most ${MAX_TABLES_AT_ONCE}: ` +
        `--value, which may be given several times, asks for those with a value of ${fanOut.by}`,
    );
  }
  return {
    ...table,
    places: [first, ...others],
    where: values ? () => `"${fanOut.by}" IN (${values.map(sqlText).join(', ')})` : isOf(name, lakeDatabase),
    note: `The rows are divided by ${fanOut.by}; these are of ${read.length === 1 ? 'one table' : `${read.length} tables`}.`,
  };
}

function placesOf({ name, fanOut }: DividedTable, places: readonly TablePlace[], values: readonly string[]) {
  const names = [...values.map((value) => fanOutTable(name, value)), otherTable(name, fanOut), name];
  return places.filter((place) => names.includes(place.name));
}

/**
 * A table whose name begins with that of the source may be of another one, which may be in the stack no more. Rows are loaded on
 * the days of their events or later.
 */
function isOf(source: string, lakeDatabase: string): NonNullable<QueriedTable['where']> {
  const [origin, dt] = [OWN.origin.name, PARTITION.name];
  return ({ days }) =>
    `${origin} IN (SELECT ${origin} FROM "${lakeDatabase}"."${LOADS}" WHERE source = ${sqlText(source)} AND ${dt} >= '${days.from}')`;
}

/** A lake, as far as it tells whose rows are divided. */
interface DividedLake {
  readonly tables: readonly (Pick<QueriedTable, 'name' | 'database'> & Pick<TableOwner, 'fanOut'>)[];
}

/**
 * Warns of a query that reads the own table of a source whose rows are divided, and none of the others. A query that names the
 * database of the rows of before means these.
 *
 * @returns undefined if the query does not
 */
export function ownTableWarning(read: readonly TableRead[], { tables }: DividedLake): string | undefined {
  const names = read.map((table) => table.name.toLowerCase());
  const own = tables.find(
    ({ name, database, fanOut }) =>
      fanOut !== undefined &&
      read.some((table) => table.name.toLowerCase() === name && ['', database].includes(table.database)) &&
      !names.some((each) => each.startsWith(`${name}_`)),
  );
  if (!own) return undefined;
  return (
    `warning: ${own.name} has not the rows of the values of ${own.fanOut?.by} that have a table of their own: ` +
    `\`lake tables ${own.name}\` lists these, and the saved queries of ${own.name} ask all of them`
  );
}
