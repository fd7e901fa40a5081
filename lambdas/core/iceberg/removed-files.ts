import type { DayPartition } from './day-partition.ts';
import { type ManifestEntry, type ManifestFile, STATUS } from './manifest-fields.ts';
import { dayOf, existing, isLive, readManifest, writeManifest } from './manifests.ts';
import { type Difference, manifestOf, type NewSnapshot } from './snapshots.ts';

/** Counts the files that a snapshot removes. */
export class Removed implements Difference {
  files = 0;
  rows = 0n;
  bytes = 0n;
  readonly days = new Set<string | null>();

  /** @returns the entry by which a snapshot says that it has removed the file */
  remove(entry: ManifestEntry, snapshotId: bigint): ManifestEntry {
    this.files++;
    this.rows += entry.data_file.record_count;
    this.bytes += entry.data_file.file_size_in_bytes;
    this.days.add(dayOf(entry.data_file));
    return { ...entry, status: STATUS.deleted, snapshot_id: snapshotId };
  }
}

/** The same manifest if no file of it is to be removed, or else one in which these are deleted. */
export async function withoutFiles(
  begun: NewSnapshot,
  manifest: ManifestFile,
  day: DayPartition,
  removed: Removed,
  isRemoved: (entry: ManifestEntry) => boolean,
): Promise<ManifestFile> {
  const { entries, schema } = await readManifest(begun.making.files, manifest, day);
  if (!Iterator.from(entries).some((entry) => isLive(entry) && isRemoved(entry))) return manifest;
  const live = Iterator.from(entries).filter(isLive);
  return writeManifest(
    begun.making.files,
    manifestOf(begun, day),
    live.map((entry) => (isRemoved(entry) ? removed.remove(entry, begun.id) : existing(entry))),
    schema,
  );
}
