/** Views that show the time of each row in the lake's time zone, whose days `dt` has. */
import { PARTITION } from '../tables/table.ts';
import { localTimeName, type OnceOf, rowsOf } from '../tables/views.ts';
import { rolesOf } from './column-roles.ts';
import { type QueriedTable, quoted } from './saved-query.ts';

/** The column with the local time. */
const LOCAL_TIME = 'local_time';

/**
 * The statement that creates the view: all columns of the table, after the time of the event on the clocks of the zone, a
 * timestamp without a zone. Conditions on `dt` and on other columns reach the table through the view. In the hour that is
 * there twice when clocks are put back, two times an hour apart look alike. Undefined for a table without a time, and for
 * one that has a column of that name itself.
 *
 * @param database that of the view
 * @param tables those that have the rows
 */
export function localTimeView(
  database: string,
  table: QueriedTable,
  zone: string,
  tables: OnceOf['tables'] = [{ database, name: table.name }],
): string | undefined {
  const { time } = rolesOf(table);
  const columns = table.columns.map(({ name }) => name).filter((name) => name !== PARTITION.name);
  if (time === undefined || columns.includes(LOCAL_TIME)) return undefined;
  const localTime = `CAST(with_timezone(${time}, 'UTC') AT TIME ZONE '${zone}' AS timestamp) AS ${quoted(LOCAL_TIME)}`;
  return (
    `CREATE OR REPLACE VIEW ${quoted(database)}.${quoted(localTimeName(table.name))} AS ` +
    `SELECT ${[localTime, ...columns.map(quoted), PARTITION.name].join(', ')} FROM ${rowsOf({ tables, columns })}`
  );
}
