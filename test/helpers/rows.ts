import { rowsOf } from '../../lambdas/core/loading/pack.ts';
import type { Table } from '../../lambdas/core/tables/table.ts';

/** Rows of sent records, by column name. */
export function rowsByName(records: readonly Uint8Array[], { columns }: Table): Record<string, unknown>[] {
  return rowsOf(Buffer.concat(records)).map((line) => {
    const row = JSON.parse(line) as Record<string, unknown>;
    return Object.fromEntries(columns.filter(({ key }) => key in row).map(({ name, key }) => [name, row[key]]));
  });
}
