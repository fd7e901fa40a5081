import { type DayPartition, dayPartitions } from './day-partition.ts';
import { CONTENT, DAY, type ManifestFile } from './manifest-fields.ts';
import { dayOf, daysOf, hasFiles } from './manifests.ts';
import type { LoadedTable, TableChange } from './ports.ts';
import { Removed, withoutFiles } from './removed-files.ts';
import { beginSnapshot, finishSnapshot, type Making, type NewSnapshot, NOTHING } from './snapshots.ts';
import { UnsupportedTableError } from './unsupported.ts';

/** Bytes of manifests that one snapshot writes anew at most: whoever removes much makes several snapshots, each in seconds. */
const MAX_REWRITTEN_BYTES = 16 * 1024 * 1024;

/**
 * Writes what a snapshot of a table without files of old days needs, and gives the change that makes it. The files
 * themselves stay until no snapshot has them any more. Files without a day stay.
 *
 * @param before the first day that stays, yyyy-MM-dd
 * @param maxBytes of manifests, beyond which the others are left to the next snapshot
 * @returns undefined if the table has no such file
 * @throws UnsupportedTableError if files are partitioned otherwise than by day, so that nothing says how old they are
 */
export async function buildDelete(
  table: LoadedTable,
  before: string,
  making: Making,
  maxBytes = MAX_REWRITTEN_BYTES,
): Promise<TableChange | undefined> {
  const begun = await beginSnapshot(table, making);
  const removed = new Removed();
  const manifests = begun.list.manifests.filter(hasFiles);
  let bytes = 0n;
  // The oldest are the last ones.
  for (let index = manifests.length - 1; index >= 0 && bytes < maxBytes; index--) {
    const manifest = manifests[index] as ManifestFile;
    manifests[index] = await withoutDays(begun, manifest, before, removed);
    if (manifests[index] !== manifest) bytes += manifest.manifest_length;
  }
  if (removed.files === 0) return undefined;
  return finishSnapshot(begun, {
    operation: 'delete',
    manifests,
    added: NOTHING,
    removed,
    changedDays: removed.days.size,
  });
}

/** The same manifest if it has no file of such days, or else one in which these are deleted. */
async function withoutDays(
  begun: NewSnapshot,
  manifest: ManifestFile,
  before: string,
  removed: Removed,
): Promise<ManifestFile> {
  // Deletes of rows whose files are gone delete nothing.
  if (manifest.content === CONTENT.deletes) return manifest;
  const day = partitionOf(begun, manifest);
  const days = daysOf(manifest);
  if (days && days.first >= before) return manifest;
  return withoutFiles(begun, manifest, day, removed, ({ data_file }) => {
    const fileDay = dayOf(data_file);
    return fileDay !== null && fileDay < before;
  });
}

function partitionOf({ metadata }: NewSnapshot, manifest: ManifestFile): DayPartition {
  const found = dayPartitions(metadata).find(({ specId }) => specId === manifest.partition_spec_id);
  if (found) return found;
  throw new UnsupportedTableError(
    `table at ${metadata.location}: expected all files to be partitioned by ${DAY}, got files of partition spec ` +
      `${manifest.partition_spec_id} in ${manifest.manifest_path}; nothing says how old they are`,
  );
}
