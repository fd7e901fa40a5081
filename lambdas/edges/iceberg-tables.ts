/** The Iceberg tables that rows are written to. */
import type { IcebergTables } from '../core/direct/ports.ts';
import type { IcebergCatalog } from '../core/iceberg/ports.ts';
import { ensureTable, type IcebergTable, madeFor } from '../core/iceberg/schema.ts';
import type { SourceSettings } from '../core/settings.ts';
import type { FanOutTables } from '../core/tables/fan-out.ts';
import type { Table } from '../core/tables/table.ts';

/** What is known of a table is asked again after this time: it may have been replaced. */
const KNOWN_FOR_MS = 5 * 60_000;
/**
 * For the tables of a source whose rows are divided: there may be thousands of them, and each function that writes asks. Files
 * that were written for a table which was replaced meanwhile belong to the one in its place.
 */
const KNOWN_FOR_LONG_MS = 60 * 60_000;

/** A source, and how its rows are divided. */
export interface SourceTables {
  readonly settings: Pick<SourceSettings, 'name' | 'tableFormat'>;
  readonly fanOut?: FanOutTables;
}

/**
 * @param catalog undefined if the stack has none, and so no such tables
 * @param lakeBucket name of the bucket for the files of new tables
 */
export function icebergTables(
  catalog: IcebergCatalog | undefined,
  lakeBucket: string,
  sources: readonly SourceTables[],
): IcebergTables {
  const sourceOf = new Map(
    sources
      .filter(({ settings }) => settings.tableFormat === 'iceberg')
      .flatMap(({ settings: { name }, fanOut }) => [name, ...(fanOut?.names ?? [])].map((table) => [table, name])),
  );
  const known = new Map<string, { readonly table: IcebergTable; readonly until: number }>();
  return {
    async of(table, isAskedAnew = false) {
      const source = sourceOf.get(table.name);
      if (source === undefined) return undefined;
      if (!catalog) throw new Error(`source ${source}: expected a catalog of Iceberg tables: deploy the stack again`);
      const found = known.get(table.name);
      if (found && !isAskedAnew && Date.now() < found.until && hasColumns(found.table, table)) return found.table;
      const made = { ...madeFor(source, table, lakeBucket), acceptWider: true };
      const ensured = await ensureTable(catalog, table, made);
      const knownFor = table.name === source ? KNOWN_FOR_MS : KNOWN_FOR_LONG_MS;
      known.set(table.name, { table: ensured, until: Date.now() + knownFor });
      return ensured;
    },
  };
}

function hasColumns({ ids }: IcebergTable, { columns }: Table): boolean {
  return columns.every(({ name }) => ids[name] !== undefined);
}
