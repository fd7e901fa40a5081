import { mayHaveRowsOf, type TableOwner } from '../../lambdas/core/tables/fan-out.ts';
import type { TablePlace } from '../../lambdas/core/tables/views.ts';
import { icebergColumns } from '../../local/athena/iceberg-tables.ts';
import { tablesIn } from '../../local/glue/pointers.ts';

/**
 * Finds the Iceberg tables of a source in a database of a local lake, its own first.
 *
 * @param dir the lake's folder
 * @param owners all sources of the stack
 */
export function localIcebergTables(dir: string, database: string, owners: readonly TableOwner[]) {
  return async (source: string): Promise<TablePlace[]> => {
    const places: TablePlace[] = [];
    for (const name of await tablesIn(dir, database)) {
      if (!mayHaveRowsOf(source, name, owners)) continue;
      const columns = await icebergColumns(dir, database, name);
      if (columns) places.push({ database, name, columns });
    }
    return places;
  };
}
