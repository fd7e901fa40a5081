import { dataFileOf } from './avro-data-file.ts';
import type { DataFile } from './data-file.ts';
import { dayPartitions } from './day-partition.ts';
import { CONTENT, type ManifestFile } from './manifest-fields.ts';
import { daysOf, hasFiles, isLive, type Manifest, readManifest, readManifestList } from './manifests.ts';
import type { TableMetadata } from './metadata.ts';
import type { LoadedTable, TableFiles } from './ports.ts';
import { assertSupported, currentSnapshot } from './snapshots.ts';
import { UnsupportedTableError } from './unsupported.ts';

/** Days, yyyy-MM-dd, both included. */
export interface Days {
  readonly from?: string;
  readonly to?: string;
}

/**
 * The files of a table's newest snapshot, those of some days if any are given. Files without a day are always among
 * them.
 *
 * @throws UnsupportedTableError if rows of files were deleted one by one, or files are not Parquet
 */
export async function* liveFiles(table: LoadedTable, files: TableFiles, days: Days = {}): AsyncGenerator<DataFile> {
  const { metadata } = table;
  assertSupported(metadata);
  const snapshot = currentSnapshot(metadata);
  if (!snapshot) return;
  const { manifests } = await readManifestList(files, snapshot);
  const withFiles = manifests.filter(hasFiles);
  assertNoDeletes(metadata, withFiles);
  const partitions = new Map(dayPartitions(metadata).map((partition) => [partition.specId, partition]));
  for (const manifest of withFiles) {
    const day = partitions.get(manifest.partition_spec_id);
    if (day && !mayHave(manifest, days)) continue;
    yield* filesOf(await readManifest(files, manifest, day), days, metadata);
  }
}

function* filesOf({ entries }: Manifest, days: Days, { location }: TableMetadata): Generator<DataFile> {
  for (const entry of entries) {
    if (!isLive(entry)) continue;
    const format = entry.data_file.file_format;
    if (format.toUpperCase() !== 'PARQUET') {
      throw new UnsupportedTableError(
        `table at ${location}: expected Parquet, got ${format}: ${entry.data_file.file_path}`,
      );
    }
    const file = dataFileOf(entry.data_file);
    if (file.partition === null || isWithin(file.partition, days)) yield file;
  }
}

function isWithin(day: string, { from, to }: Days): boolean {
  return (from === undefined || day >= from) && (to === undefined || day <= to);
}

/** Deletes name rows of data files; a reader that does not apply them gives rows that are gone. */
function assertNoDeletes({ location }: TableMetadata, manifests: readonly ManifestFile[]): void {
  const deletes = manifests.find(({ content }) => content === CONTENT.deletes);
  if (!deletes) return;
  throw new UnsupportedTableError(
    `table at ${location}: rows were deleted from it one by one (${deletes.manifest_path}), which this reader does not ` +
      'apply; compact the table first, for example with OPTIMIZE in Athena',
  );
}

/** Whether a manifest may have files of some days, as its list says. */
function mayHave(manifest: ManifestFile, { from, to }: Days): boolean {
  const days = daysOf(manifest);
  if (!days || manifest.partitions?.[0]?.contains_null) return true;
  return (to === undefined || days.first <= to) && (from === undefined || days.last >= from);
}
