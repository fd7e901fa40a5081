import { avroDataFile } from './avro-data-file.ts';
import type { DataFile } from './data-file.ts';
import { dayPartition } from './day-partition.ts';
import { type ManifestEntry, STATUS } from './manifest-fields.ts';
import { hasFiles, writeManifest } from './manifests.ts';
import { mergeSmall } from './merge.ts';
import type { LoadedTable, TableChange } from './ports.ts';
import { beginSnapshot, finishSnapshot, type Making, manifestOf, NOTHING } from './snapshots.ts';

/**
 * Writes what a snapshot of a table with more files needs, and gives the change that makes it. Nothing of the table has
 * changed until a catalog has made this change; files that were written for a change that was not made lie there unused.
 *
 * @param files none: the snapshot has the same files as the one before, and what it is made for are the properties
 * @throws UnsupportedTableError if the table is no longer as this project makes it
 */
export async function buildAppend(
  table: LoadedTable,
  files: readonly DataFile[],
  making: Making,
): Promise<TableChange> {
  const day = dayPartition(table.metadata);
  const begun = await beginSnapshot(table, making);
  const entries = files.map((file) => added(file, begun.id));
  const fresh = files.length > 0 ? [await writeManifest(making.files, manifestOf(begun, day), entries)] : [];
  return finishSnapshot(begun, {
    operation: 'append',
    manifests: [...fresh, ...(await mergeSmall(begun, day, begun.list.manifests.filter(hasFiles)))],
    added: {
      files: files.length,
      rows: BigInt(files.reduce((rows, file) => rows + file.rows, 0)),
      bytes: BigInt(files.reduce((bytes, file) => bytes + file.bytes, 0)),
    },
    removed: NOTHING,
    changedDays: new Set(files.map(({ partition }) => partition)).size,
  });
}

/** A file that a snapshot adds, as its manifest has it. */
export function added(file: DataFile, snapshotId: bigint): ManifestEntry {
  return {
    status: STATUS.added,
    snapshot_id: snapshotId,
    sequence_number: null,
    file_sequence_number: null,
    data_file: avroDataFile(file),
  };
}
