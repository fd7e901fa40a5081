/** All saved queries of a lake. */
import { LOADS, REJECTED_LINES } from '../tables/lake-tables.ts';
import { lakeQueries } from './lake-queries.ts';
import type { QueriedTable, SavedQuery } from './saved-query.ts';
import { sourceQueries } from './source-queries.ts';

/** The database of a lake's own tables, and all tables, of which those of sources may be in another one. */
export interface QueriedLake {
  readonly database: string;
  readonly tables: readonly QueriedTable[];
}

/** The questions about the lake, then those about each source's table, the most important first. */
export function savedQueries({ database, tables }: QueriedLake): SavedQuery[] {
  const sources = tables.filter(({ name }) => name !== LOADS && name !== REJECTED_LINES);
  return [...lakeQueries(database), ...sources.flatMap((table) => sourceQueries(table.database ?? database, table))];
}
