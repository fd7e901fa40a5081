import { withUnknownFields } from './avro-fields.ts';
import type { DayPartition } from './day-partition.ts';
import { CONTENT, DROPPED_FIELDS, type ManifestFile, manifestEntry } from './manifest-fields.ts';
import { existing, isLive, readManifest, writeManifest } from './manifests.ts';
import { numberProperty } from './metadata.ts';
import { manifestOf, type NewSnapshot } from './snapshots.ts';

/** Manifests are merged up to this size, where the table's properties do not say otherwise. */
const TARGET_BYTES = 8 * 1024 * 1024;

/** Manifests are merged once so many can become one. */
const MIN_COUNT = 100;

/** Bytes of manifests that one commit merges at most: the others wait for the next commit. */
const MAX_MERGED_BYTES = 64 * 1024 * 1024;

/**
 * Merges small manifests of a table, so that planning a query reads few: the oldest with each other, as files of the same
 * days then lie together. Manifests of deletes or of another partition spec are left as they are.
 *
 * @param manifests the newest first
 * @returns the manifests that have the same files
 */
export async function mergeSmall(
  begun: NewSnapshot,
  day: DayPartition,
  manifests: readonly ManifestFile[],
): Promise<readonly ManifestFile[]> {
  // Iceberg's own writers heed the same properties: https://iceberg.apache.org/docs/latest/configuration/#table-behavior-properties
  const targetBytes = BigInt(numberProperty(begun.metadata, 'commit.manifest.target-size-bytes', TARGET_BYTES));
  const minCount = numberProperty(begun.metadata, 'commit.manifest.min-count-to-merge', MIN_COUNT);
  const small = manifests.filter((manifest) => isOurs(manifest, day) && manifest.manifest_length < targetBytes);
  const bins = binsOf(small.toReversed(), targetBytes);
  const fewer = small.length - bins.length;
  if (fewer === 0 || fewer + 1 < minCount) return manifests;
  const replaced = new Set<ManifestFile>();
  const merged: ManifestFile[] = [];
  let bytes = 0n;
  for (const bin of bins) {
    if (bin.length === 1) continue;
    bytes += bytesOf(bin);
    if (merged.length > 0 && bytes > MAX_MERGED_BYTES) break;
    merged.unshift(await mergedInto(begun, day, bin));
    for (const manifest of bin) replaced.add(manifest);
  }
  return [...manifests.filter((manifest) => !replaced.has(manifest)), ...merged];
}

/** Whether a manifest could be one that this project has written. */
function isOurs(manifest: ManifestFile, day: DayPartition): boolean {
  const isEncrypted = manifest.key_metadata !== null;
  return !isEncrypted && manifest.content === CONTENT.data && manifest.partition_spec_id === day.specId;
}

/** Neighbours that fill a manifest together. */
function binsOf(manifests: readonly ManifestFile[], targetBytes: bigint): ManifestFile[][] {
  const bins: ManifestFile[][] = [];
  let room = 0n;
  for (const manifest of manifests) {
    if (manifest.manifest_length > room) {
      bins.push([]);
      room = targetBytes;
    }
    bins.at(-1)?.push(manifest);
    room -= manifest.manifest_length;
  }
  return bins;
}

function bytesOf(bin: readonly ManifestFile[]): bigint {
  return bin.reduce((bytes, { manifest_length }) => bytes + manifest_length, 0n);
}

async function mergedInto(begun: NewSnapshot, day: DayPartition, bin: readonly ManifestFile[]): Promise<ManifestFile> {
  const { files } = begun.making;
  const read = await Promise.all(bin.map((manifest) => readManifest(files, manifest, day)));
  const schema = read.reduce(
    (schema, manifest) => withUnknownFields(schema, manifest.schema, DROPPED_FIELDS),
    manifestEntry(day.fieldId),
  );
  const entries = read.values().flatMap((manifest) => manifest.entries);
  return writeManifest(files, manifestOf(begun, day), entries.filter(isLive).map(existing), schema);
}
