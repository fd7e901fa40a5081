/** What `lake rebuild` makes tables with, whatever it makes them of. */
import { randomUUID } from 'node:crypto';
import type { TableFiles } from '../../lambdas/core/iceberg/ports.ts';
import { schemaOf, type WantedField } from '../../lambdas/core/iceberg/schema.ts';
import type { Making } from '../../lambdas/core/iceberg/snapshots.ts';
import type { Source } from '../../lambdas/core/loading/load.ts';
import type { ColumnType } from '../../lambdas/core/tables/table.ts';
import { UsageError } from '../output/command-error.ts';
import { tableOf } from './lake-handle.ts';

export function making(files: TableFiles): Making {
  return { files, newId: randomUUID, snapshotId: randomSnapshotId, now: Date.now() };
}

function randomSnapshotId(): bigint {
  const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return random >> 1n;
}

/** Types that columns are to have after the next deployment, by their names. */
export type Retyped = Readonly<Record<string, ColumnType>>;

/** The columns that a source's table has, or will have. @throws UsageError if one that is to have another type is none of them */
export function wantedFields(source: Source, retype: Retyped = {}): readonly WantedField[] {
  const table = tableOf(source);
  requireColumns(source.settings.name, retype, table.columns);
  const columns = table.columns.map((column) => ({ ...column, type: retype[column.name] ?? column.type }));
  return schemaOf({ ...table, columns });
}

/** @param columns undefined: the source is gone */
export function requireColumns(
  source: string,
  retype: Retyped,
  columns: readonly { readonly name: string }[] | undefined,
): void {
  const unknown = Object.keys(retype).find((column) => !columns?.some(({ name }) => name === column));
  if (unknown === undefined) return;
  const known = columns?.map(({ name }) => name).join(', ') ?? 'none, as no source of this name is there';
  throw new UsageError(`--retype ${unknown}: expected a column of the source ${source}: ${known}`);
}
