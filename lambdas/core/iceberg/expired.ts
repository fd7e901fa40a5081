import { numberProperty, type SnapshotId, type TableMetadata } from './metadata.ts';

/**
 * Snapshots that are left to whoever expires snapshots of the table. Above, a commit removes those that are old enough:
 * each makes the table's metadata larger by about 1 KB, and Glue refuses metadata of more than 20 MB.
 */
const LEFT_TO_OTHERS = 2_000;

/** No table has more: the oldest are removed, however young they are. */
const MAX_SNAPSHOTS = 10_000;

/** The age from which snapshots may be removed, where the table does not say so: two days. */
const MAX_AGE_MS = 48 * 60 * 60 * 1000;

/**
 * The snapshots that a commit removes, so that the table's metadata stays bounded though nobody else expires them. What
 * branches and tags name stays. Files that only these snapshots have are left to the removal of orphan files.
 *
 * @param now milliseconds since the epoch
 */
export function expired(metadata: TableMetadata, now: number): SnapshotId[] {
  const { snapshots = [], refs = {} } = metadata;
  if (snapshots.length <= LEFT_TO_OTHERS) return [];
  const maxAge = numberProperty(metadata, 'history.expire.max-snapshot-age-ms', MAX_AGE_MS);
  const named = new Set(Object.values(refs).map((ref) => ref['snapshot-id']));
  return snapshots
    .toSorted((a, b) => a['timestamp-ms'] - b['timestamp-ms'])
    .filter((snapshot, index) => now - snapshot['timestamp-ms'] > maxAge || index < snapshots.length - MAX_SNAPSHOTS)
    .map((snapshot) => snapshot['snapshot-id'])
    .filter((id) => !named.has(id));
}
