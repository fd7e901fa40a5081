/**
 * Views that keep one row of each repeat. Loading is at least once: a retry repeats rows with the same
 * origin and position. SQL that Athena and DuckDB read alike.
 */
import { LOADS, REJECTED_LINES } from './lake-tables.ts';
import { OWN, PARTITION } from './table.ts';

/** A table to keep one row of each repeat of. */
export interface OnceOf {
  readonly database: string;
  readonly table: string;
  /** Names of its columns, the partition not among them. */
  readonly columns: readonly string[];
}

/** Name of the view of a table without its repeats. */
export function onceName(table: string): string {
  return `${table}_once`;
}

/**
 * The table's rows, one for each origin and position, also where the repeat arrived on another day: the
 * latest day's. Of `loads` the latest row of each origin.
 *
 * @param where a condition on the rows looked at. Days a query names outside cannot reach in here, as a
 * repeat on another day must be seen: so a table of many days is read whole unless this bounds it.
 */
export function onceSelect({ database, table, columns }: OnceOf, where = 'true'): string {
  const names = [...columns, PARTITION.name].map(quoted).join(', ');
  const { same, latest } = REPEATS.get(table) ?? SOURCE_REPEATS;
  return (
    `SELECT ${names} FROM (SELECT ${names}, row_number() OVER (PARTITION BY ${same.map(quoted).join(', ')} ` +
    `ORDER BY ${latest.map((name) => `${quoted(name)} DESC`).join(', ')}) AS ${COPY} ` +
    `FROM ${quoted(database)}.${quoted(table)} WHERE ${where}) WHERE ${COPY} = 1`
  );
}

/** The statement that makes the view. */
export function onceView(of: OnceOf): string {
  return `CREATE OR REPLACE VIEW ${quoted(of.database)}.${quoted(onceName(of.table))} AS ${onceSelect(of)}`;
}

/** No column can be called so. */
const COPY = quoted('#copy');

interface Repeats {
  /** Columns that repeats have in common. */
  readonly same: readonly string[];
  /** By these the last one is kept. */
  readonly latest: readonly string[];
}

const SOURCE_REPEATS: Repeats = { same: [OWN.origin.name, OWN.position.name], latest: [PARTITION.name] };

const REPEATS: ReadonlyMap<string, Repeats> = new Map([
  [LOADS, { same: [OWN.origin.name], latest: ['finished_at', PARTITION.name] }],
  [REJECTED_LINES, { same: [OWN.origin.name, OWN.position.name], latest: ['rejected_at', PARTITION.name] }],
]);

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
