import type { LoadedTable } from '../../../lambdas/core/iceberg/ports.ts';
import { logOf } from '../table-store.ts';
import { canonical, filesOf } from './files-of.ts';
import type { MaintainedTable } from './maintained-table.ts';

const DAY_MS = 86_400_000;

/**
 * Deletes the files of a table's folder that are older than a number of days and that nothing of the table names. A file
 * that waits so long for its commit is deleted too: the time of an upload is that of its beginning.
 *
 * @returns the files that were deleted
 */
export async function removeOrphans(table: MaintainedTable, days: number): Promise<string[]> {
  // Listed first: what is committed meanwhile is named when the table is read.
  const listed = await table.list((await table.load()).metadata);
  const old = listed.filter(({ modified }) => table.now - modified > days * DAY_MS).map(({ uri }) => uri);
  if (old.length === 0) return [];
  const named = await namedBy(await table.load(), table);
  const orphans = old.filter((uri) => !named.has(uri));
  await table.delete(orphans);
  return orphans;
}

async function namedBy({ metadata, metadataLocation }: LoadedTable, { files }: MaintainedTable): Promise<Set<string>> {
  const { snapshots = [], statistics, 'partition-statistics': partitionStatistics } = metadata;
  const all = [statistics, partitionStatistics].flatMap((some) => (some ?? []) as Statistics[]);
  const others = [metadataLocation, ...logOf(metadata), ...all.map((each) => each['statistics-path'])];
  return new Set([...(await filesOf(files, snapshots)), ...others.map(canonical)]);
}

/** A file with statistics of a snapshot. https://iceberg.apache.org/spec/#table-statistics */
interface Statistics {
  readonly 'statistics-path': string;
}
