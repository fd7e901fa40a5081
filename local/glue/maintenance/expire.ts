import {
  numberProperty,
  type Snapshot,
  type SnapshotId,
  type SnapshotRef,
  type TableMetadata,
} from '../../../lambdas/core/iceberg/metadata.ts';
import { filesOf } from './files-of.ts';
import type { MaintainedTable } from './maintained-table.ts';

export interface Retention {
  /**
   * Snapshots that are older are removed.
   *
   * @default the table's property, or 5 days
   */
  readonly days?: number | undefined;
  /**
   * The newest ones of each branch that stay, however old they are.
   *
   * @default the table's property, or 1
   */
  readonly count?: number | undefined;
  /** Whether files that only they had are deleted. */
  readonly cleanFiles: boolean;
}

const DAY_MS = 86_400_000;
const DEFAULT_AGE_MS = 5 * DAY_MS;

/**
 * Removes old snapshots of a table, as Iceberg's `expireSnapshots` does, except that branches and tags stay. If the process
 * dies after the commit, files are left that no snapshot has, for the removal of orphans.
 *
 * https://iceberg.apache.org/spec/#snapshot-retention-policy
 *
 * @returns the files that were deleted
 */
export async function expireSnapshots(table: MaintainedTable, retention: Retention): Promise<string[]> {
  for (;;) {
    const { metadata } = await table.load();
    const expired = expiredOf(metadata, retention, table.now);
    if (expired.length === 0) return [];
    const had = retention.cleanFiles ? await filesOf(table.files, expired) : new Set<string>();
    const after = await table.commit({
      requirements: [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }],
      updates: [{ action: 'remove-snapshots', 'snapshot-ids': expired.map((each) => each['snapshot-id']) }],
    });
    if (!after) continue;
    const kept = await filesOf(table.files, after.metadata.snapshots ?? []);
    const left = [...had].filter((uri) => !kept.has(uri));
    await table.delete(left);
    return left;
  }
}

/** A branch may have limits of its own. https://iceberg.apache.org/spec/#snapshot-references */
interface RetainedRef extends SnapshotRef {
  readonly 'min-snapshots-to-keep'?: number;
  readonly 'max-snapshot-age-ms'?: number;
}

function expiredOf(metadata: TableMetadata, { days, count }: Retention, now: number): Snapshot[] {
  const age =
    days === undefined ? numberProperty(metadata, 'history.expire.max-snapshot-age-ms', DEFAULT_AGE_MS) : days * DAY_MS;
  const atLeast = count ?? numberProperty(metadata, 'history.expire.min-snapshots-to-keep', 1);
  const { snapshots = [], refs = {} } = metadata;
  const byId = new Map(snapshots.map((each) => [each['snapshot-id'], each]));
  const kept = new Set<SnapshotId>();
  const ofBranches = new Set<SnapshotId>();
  for (const ref of Object.values(refs) as RetainedRef[]) {
    kept.add(ref['snapshot-id']);
    if (ref.type !== 'branch') continue;
    const { 'min-snapshots-to-keep': least = atLeast, 'max-snapshot-age-ms': most = age } = ref;
    let isKept = true;
    for (const [index, snapshot] of history(byId, ref['snapshot-id']).entries()) {
      ofBranches.add(snapshot['snapshot-id']);
      isKept &&= index < least || now - snapshot['timestamp-ms'] <= most;
      if (isKept) kept.add(snapshot['snapshot-id']);
    }
  }
  // What is in no branch may still be read by whoever has begun to.
  const isYoung = (each: Snapshot) => !ofBranches.has(each['snapshot-id']) && now - each['timestamp-ms'] <= age;
  return snapshots.filter((each) => !kept.has(each['snapshot-id']) && !isYoung(each));
}

/** A snapshot and those before it, the newest first, as far as they are known. */
function history(byId: ReadonlyMap<SnapshotId, Snapshot>, newest: SnapshotId): Snapshot[] {
  const found: Snapshot[] = [];
  let id: SnapshotId | undefined = newest;
  while (id !== undefined) {
    const snapshot = byId.get(id);
    if (!snapshot) break;
    found.push(snapshot);
    id = snapshot['parent-snapshot-id'];
  }
  return found;
}
