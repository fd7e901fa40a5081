/**
 * Views without repeated rows and without rows of objects that were replaced. Loading is at least once: a retry may write
 * rows again, with the same origin and position. And a writer may upload an object again under its key, with other bytes
 * and mostly the same lines. The SQL has the same meaning in Athena and DuckDB.
 */
import { LOADS, REJECTED_LINES } from './lake-tables.ts';
import { OWN, PARTITION } from './table.ts';

/** A table that has rows. */
export interface TablePlace {
  readonly database: string;
  readonly name: string;
  /**
   * Names of its columns, if it may lack some of those asked for, which are null in its rows then.
   *
   * @default all that are asked for
   */
  readonly columns?: readonly string[];
}

/** Rows of which to keep one per repeat. */
export interface OnceOf {
  /** The tables that have them: of a source whose `tableFormat` was changed, the one of before and the one of after. */
  readonly tables: readonly [TablePlace, ...TablePlace[]];
  /** Names of the columns, without the partition column. */
  readonly columns: readonly string[];
}

/** Name of the view of a source's rows without their repeats. */
export function onceName(table: string): string {
  return `${table}_once`;
}

/** Name of the view of a table with local times (queries/local-time-view.ts). */
export function localTimeName(table: string): string {
  return `${table}_local_time`;
}

/** Name of the view of a source's rows in all of its tables, if there are several. */
export function allName(table: string): string {
  return `${table}_all`;
}

/** Endings of the names of views, which no table's name has. */
export const VIEW_ENDINGS = [onceName(''), allName(''), localTimeName('')];

/** True for a name that a view of a table may have. */
export function isViewName(name: string): boolean {
  return VIEW_ENDINGS.some((ending) => name.endsWith(ending));
}

/** What to select the rows of tables from: the table, or a subquery over several of them. */
export function rowsOf({ tables, columns }: OnceOf): string {
  const [first, ...others] = tables;
  if (others.length === 0) return placeOf(first);
  const selects = tables.map((table) => {
    const has = (name: string) => table.columns === undefined || table.columns.includes(name);
    const selected = columns.map((name) => (has(name) ? quoted(name) : `NULL AS ${quoted(name)}`));
    return `SELECT ${[...selected, quoted(PARTITION.name)].join(', ')} FROM ${placeOf(table)}`;
  });
  return `(${selects.join(' UNION ALL ')})`;
}

/**
 * Selects one row for each origin and position, or for each event of a payload, even if the repeat arrived on another day
 * or is in another table: the row of the latest day. Of `loads` it selects the latest row of each origin.
 *
 * @param where a condition on the rows to read. A condition outside this query cannot reduce what it reads, because a
 * repeat may be on any day: without `where`, whole tables are read.
 */
export function onceSelect(of: OnceOf, where = 'true'): string {
  const names = [...of.columns, PARTITION.name].map(quoted).join(', ');
  const { same, latest } = REPEATS.get(of.tables[0].name) ?? SOURCE_REPEATS;
  const isSame = same.map((name) => sameIn(name, of.columns)).join(', ');
  return (
    `SELECT ${names} FROM (SELECT ${names}, row_number() OVER (PARTITION BY ${isSame} ` +
    `ORDER BY ${latest.map((name) => `${quoted(name)} DESC`).join(', ')}) AS ${COPY} ` +
    `FROM ${rowsOf(of)} WHERE ${where}) WHERE ${COPY} = 1`
  );
}

/**
 * The statement that creates the view without repeats. All views are in the database of the lake's own tables, wherever
 * the rows are: so they keep their places when the format of a source changes.
 */
export function onceView(database: string, table: string, of: OnceOf): string {
  const select = onceSelect(of, isNotReplaced(database));
  return `CREATE OR REPLACE VIEW ${placeOf({ database, name: onceName(table) })} AS ${select}`;
}

/** The statement that creates the view of the rows in several tables. It reads the days that a condition on `dt` names. */
export function allView(database: string, table: string, of: OnceOf): string {
  const names = [...of.columns, PARTITION.name].map(quoted).join(', ');
  const view = placeOf({ database, name: allName(table) });
  return `CREATE OR REPLACE VIEW ${view} AS SELECT ${names} FROM ${rowsOf(of)}`;
}

/**
 * Condition on a table's rows: no later version of their object was loaded. All rows of `loads` count, repeated ones too:
 * a mark is never withdrawn. Two columns are read of all days, because the later version may come on any later day; they
 * are null in nearly all rows, and so take next to no bytes.
 *
 * @param database that of the lake's own tables
 * @param where a condition on the rows of `loads` to read, such as the days from that of the oldest row on
 */
export function isNotReplaced(database: string, where?: string): string {
  const and = where === undefined ? '' : ` AND ${where}`;
  const [origin, replaces, replacedBy] = [OWN.origin.name, 'replaces', 'replaced_by'].map(quoted);
  const loads = placeOf({ database, name: LOADS });
  return (
    `${origin} NOT IN (SELECT ${replaces} FROM ${loads} WHERE ${replaces} IS NOT NULL${and} ` +
    `UNION ALL SELECT ${origin} FROM ${loads} WHERE ${replacedBy} IS NOT NULL${and})`
  );
}

/**
 * What is the same in a row and its repeat, in place of a column. On the direct lane the origin of an event is an object of
 * payloads, and CloudWatch and Firehose may deliver a payload again, in another object. On the other lane the origin is the
 * payload itself, with the same id.
 */
function sameIn(name: string, columns: readonly string[]): string {
  const instead = OF_PAYLOAD.get(name);
  return instead !== undefined && columns.includes(instead)
    ? `coalesce(${quoted(instead)}, ${quoted(name)})`
    : quoted(name);
}

const OF_PAYLOAD: ReadonlyMap<string, string> = new Map([
  [OWN.origin.name, OWN.payload.name],
  [OWN.position.name, OWN.payloadPosition.name],
]);

function placeOf({ database, name }: TablePlace): string {
  return `${quoted(database)}.${quoted(name)}`;
}

/** No column can have this name. */
const COPY = quoted('#copy');

interface Repeats {
  /** Columns in which repeats are equal. */
  readonly same: readonly string[];
  /** Columns by which the latest repeat is found. */
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
