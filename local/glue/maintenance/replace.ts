import { avroDataFile } from '../../../lambdas/core/iceberg/avro-data-file.ts';
import type { DataFile } from '../../../lambdas/core/iceberg/data-file.ts';
import { dayPartition } from '../../../lambdas/core/iceberg/day-partition.ts';
import { CONTENT, type ManifestFile, STATUS } from '../../../lambdas/core/iceberg/manifest-fields.ts';
import { hasFiles, writeManifest } from '../../../lambdas/core/iceberg/manifests.ts';
import type { LoadedTable, TableChange } from '../../../lambdas/core/iceberg/ports.ts';
import { Removed, withoutFiles } from '../../../lambdas/core/iceberg/removed-files.ts';
import { beginSnapshot, finishSnapshot, type Making, manifestOf } from '../../../lambdas/core/iceberg/snapshots.ts';

/** Files that were written in place of others, and are not in the table yet. */
export interface Compaction {
  readonly replaced: readonly DataFile[];
  readonly added: readonly DataFile[];
}

/**
 * Writes what a snapshot needs in which files are replaced by others with the same rows, and gives the change that makes it.
 *
 * @returns undefined if the table has no longer all of the files that are to be replaced
 */
export async function buildReplace(
  table: LoadedTable,
  { replaced, added }: Compaction,
  making: Making,
): Promise<TableChange | undefined> {
  const begun = await beginSnapshot(table, making);
  const day = dayPartition(table.metadata);
  const paths = new Set(replaced.map(({ path }) => path));
  const removed = new Removed();
  const manifests: ManifestFile[] = [];
  for (const manifest of begun.list.manifests.filter(hasFiles)) {
    const mayHave = manifest.content === CONTENT.data && manifest.partition_spec_id === day.specId;
    const isReplaced = ({ data_file }: { data_file: { file_path: string } }) => paths.has(data_file.file_path);
    manifests.push(mayHave ? await withoutFiles(begun, manifest, day, removed, isReplaced) : manifest);
  }
  if (removed.files < paths.size) return undefined;
  const entries = added.map((file) => ({
    ...{ status: STATUS.added, snapshot_id: begun.id, sequence_number: null, file_sequence_number: null },
    data_file: avroDataFile(file),
  }));
  return finishSnapshot(begun, {
    operation: 'replace',
    manifests: [await writeManifest(making.files, manifestOf(begun, day), entries), ...manifests],
    added: {
      files: added.length,
      rows: BigInt(added.reduce((rows, file) => rows + file.rows, 0)),
      bytes: BigInt(added.reduce((bytes, file) => bytes + file.bytes, 0)),
    },
    removed,
    changedDays: removed.days.size,
  });
}
