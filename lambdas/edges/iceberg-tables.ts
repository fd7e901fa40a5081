/** The Iceberg tables that rows are written to. */
import type { IcebergTables } from '../core/direct/ports.ts';
import type { IcebergCatalog } from '../core/iceberg/ports.ts';
import { ensureTable, type IcebergTable, madeFor } from '../core/iceberg/schema.ts';
import type { SourceSettings } from '../core/settings.ts';
import type { Table } from '../core/tables/table.ts';

/** What is known of a table is asked again after this time: it may have been replaced. */
const KNOWN_FOR_MS = 5 * 60_000;

/**
 * @param catalog undefined if the stack has none, and so no such tables
 * @param lakeBucket name of the bucket for the files of new tables
 */
export function icebergTables(
  catalog: IcebergCatalog | undefined,
  lakeBucket: string,
  sources: readonly Pick<SourceSettings, 'name' | 'tableFormat'>[],
): IcebergTables {
  const names = new Set(sources.filter(({ tableFormat }) => tableFormat === 'iceberg').map(({ name }) => name));
  const known = new Map<string, { readonly table: IcebergTable; readonly until: number }>();
  return {
    async of(table) {
      if (!names.has(table.name)) return undefined;
      if (!catalog)
        throw new Error(`source ${table.name}: expected a catalog of Iceberg tables: deploy the stack again`);
      const found = known.get(table.name);
      if (found && Date.now() < found.until && hasColumns(found.table, table)) return found.table;
      const made = { ...madeFor(table.name, table, lakeBucket), acceptWider: true };
      const ensured = await ensureTable(catalog, table, made);
      known.set(table.name, { table: ensured, until: Date.now() + KNOWN_FOR_MS });
      return ensured;
    },
  };
}

function hasColumns({ ids }: IcebergTable, { columns }: Table): boolean {
  return columns.every(({ name }) => ids[name] !== undefined);
}
