/** `lake tables`: the tables that have the rows of a source, and the statements of views over all of them. */

import { SOURCE } from '../../lambdas/core/iceberg/properties.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import { localTimeView } from '../../lambdas/core/queries/local-time-view.ts';
import { type Division, fanOutTable, otherTable } from '../../lambdas/core/tables/fan-out.ts';
import { allView, type OnceOf, onceView, type TablePlace } from '../../lambdas/core/tables/views.ts';
import { CommandError, UsageError } from '../output/command-error.ts';
import { type LakeHandle, MAX_TABLES_AT_ONCE, placesOf, tableOf } from './lake-handle.ts';

/**
 * Which rows a table has. all: every row. before: those of before the source had another `tableFormat`, or `fanOut`. value: those
 * with a value. others: those whose value has no table. unlisted: those of a value that is listed no more.
 */
export type RowsIn = 'all' | 'before' | 'value' | 'others' | 'unlisted';

export interface ListedTable {
  readonly database: string;
  readonly name: string;
  readonly rows: RowsIn;
  /** The value, if `rows` is value. */
  readonly value?: string;
}

export interface SourceTables {
  readonly source: string;
  /** The column by whose values rows are divided. */
  readonly by?: string;
  readonly tables: readonly ListedTable[];
  /** Values that may have a table, of which no row has come. */
  readonly withoutTable: readonly string[];
}

export async function tablesOfSource(lake: LakeHandle, source: Source): Promise<SourceTables> {
  const { name, fanOut, tableFormat } = source.settings;
  const places = await placesOf(lake, name);
  if (!fanOut) {
    const written = tableFormat === 'iceberg' && places.length > 1 ? places.at(-1) : places[0];
    const tables = places.map((place) => listed(place, place === written ? 'all' : 'before'));
    return { source: name, tables, withoutTable: [] };
  }
  const { [name]: allow = [] } = await lake.fanOutValues();
  const values = new Map(allow.map((value) => [fanOutTable(name, value), value]));
  const tables: ListedTable[] = [];
  for (const place of places) {
    const isParquet = place.database === lake.database;
    const value = isParquet ? undefined : values.get(place.name);
    const rows = isParquet ? 'before' : rowsWithoutValue(name, fanOut, place.name);
    if (value !== undefined) tables.push({ ...listed(place, 'value'), value });
    else if (rows !== 'unlisted' || (await isOf(lake, name, place))) tables.push(listed(place, rows));
  }
  const there = new Set(tables.map((table) => table.value));
  return { source: name, by: fanOut.by, tables, withoutTable: allow.filter((value) => !there.has(value)) };
}

function rowsWithoutValue(source: string, fanOut: Division, table: string): RowsIn {
  if (table === otherTable(source, fanOut)) return 'others';
  return table === source ? 'before' : 'unlisted';
}

/** A table that only begins as those of the source do may be of another one: its properties tell. */
async function isOf({ catalog }: LakeHandle, source: string, { name }: TablePlace): Promise<boolean> {
  return (await catalog?.load(name))?.metadata.properties?.[SOURCE] === source;
}

function listed({ database, name }: { readonly database: string; readonly name: string }, rows: RowsIn): ListedTable {
  return { database, name, rows };
}

/** Views that a source can have, by the ends of their names. */
export const VIEWS = ['all', 'once', 'local-time'] as const;

/**
 * The statement that makes a view over all tables that a source has at the moment.
 *
 * @throws CommandError if these are more than one query can read; UsageError if the source can have no such view
 */
export async function viewStatement(lake: LakeHandle, source: Source, view: (typeof VIEWS)[number]): Promise<string> {
  const table = tableOf(source);
  const { tables: own } = await tablesOfSource(lake, source);
  const names = new Set(own.map(({ database, name }) => `${database}.${name}`));
  const [first, ...others] = (await placesOf(lake, table.name)).filter(({ database, name }) =>
    names.has(`${database}.${name}`),
  );
  if (!first) throw new CommandError(`source ${table.name}: expected a table, got none: deploy the stack first`);
  const tables: OnceOf['tables'] = [first, ...others];
  if (tables.length > MAX_TABLES_AT_ONCE) {
    throw new CommandError(
      `source ${table.name}: its rows are in ${tables.length} tables, and a view reads at most ${MAX_TABLES_AT_ONCE}: ` +
        'name those that you want in a view of your own',
    );
  }
  const of = { tables, columns: table.columns.map(({ name }) => name) };
  if (view === 'all') return allView(lake.database, table.name, of);
  if (view === 'once') return onceView(lake.database, table.name, of);
  const zone = lake.direct?.timeZone;
  const statement = zone === undefined ? undefined : localTimeView(lake.database, table, zone, tables);
  if (statement !== undefined) return statement;
  throw new UsageError(
    `source ${table.name}: expected a time in its rows, and the direct lane, for a view with local times`,
  );
}
