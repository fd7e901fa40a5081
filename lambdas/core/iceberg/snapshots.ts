/** Makes snapshots of tables: each is the list of the manifests that its files are in. */
import type { DayPartition } from './day-partition.ts';
import { expired } from './expired.ts';
import { type ManifestList, type ManifestOf, NO_MANIFESTS, readManifestList, writeManifestList } from './manifests.ts';
import { MAIN, type Snapshot, type SnapshotId, type TableMetadata } from './metadata.ts';
import type { LoadedTable, TableChange, TableFiles, Update } from './ports.ts';
import { UnsupportedTableError } from './unsupported.ts';

/** What a new snapshot of a table needs besides the table. */
export interface Making {
  readonly files: TableFiles;
  /** A name that was never used: each try of a commit writes files of its own. */
  newId(): string;
  /** A random number of 63 bits. */
  snapshotId(): SnapshotId;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Properties of the table that are set together with the snapshot. */
  readonly properties?: Readonly<Record<string, string>>;
  /** What people are to know of the snapshot, by names of the project's own: it goes when the snapshot expires. */
  readonly summary?: Readonly<Record<string, string>>;
}

/** A snapshot that is being made: its manifests are written before it. */
export interface NewSnapshot {
  readonly metadata: TableMetadata;
  readonly making: Making;
  readonly parent: Snapshot | undefined;
  /** The parent's. */
  readonly list: ManifestList;
  readonly id: SnapshotId;
  readonly sequenceNumber: number;
  /** @returns a URI for a new file of the table's metadata */
  uri(name: string): string;
}

/**
 * Begins a snapshot that follows the newest of a table.
 *
 * @throws UnsupportedTableError if the table has another format version than 2
 */
export async function beginSnapshot({ metadata }: LoadedTable, making: Making): Promise<NewSnapshot> {
  assertSupported(metadata);
  const parent = currentSnapshot(metadata);
  return {
    metadata,
    making,
    parent,
    list: parent ? await readManifestList(making.files, parent) : NO_MANIFESTS,
    id: making.snapshotId(),
    sequenceNumber: metadata['last-sequence-number'] + 1,
    uri: (name) => `${metadata.location}/metadata/${name}`,
  };
}

/** Version 3 numbers rows, which writers must carry on; version 1 has no sequence numbers. */
export function assertSupported({ 'format-version': version, location }: TableMetadata): void {
  if (version !== 2) throw new UnsupportedTableError(`table at ${location}: expected format version 2, got ${version}`);
}

/** What readers of the table read; undefined if nothing was ever written. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata.refs?.[MAIN]?.['snapshot-id'] ?? metadata['current-snapshot-id'];
  // Some writers say -1 for none.
  if (id === undefined || id === null || id === -1n) return undefined;
  const snapshot = metadata.snapshots?.find((one) => one['snapshot-id'] === id);
  if (!snapshot) throw new Error(`table at ${metadata.location}: its snapshot ${id} is not among its snapshots`);
  return snapshot;
}

/** What a manifest of a snapshot is written for, in a file of its own. */
export function manifestOf(begun: NewSnapshot, day: DayPartition): ManifestOf {
  return {
    metadata: begun.metadata,
    day,
    uri: begun.uri(`${begun.making.newId()}.avro`),
    snapshotId: begun.id,
    sequenceNumber: BigInt(begun.sequenceNumber),
  };
}

/** What a snapshot adds or removes. */
export interface Difference {
  readonly files: number;
  readonly rows: bigint;
  readonly bytes: bigint;
}

export const NOTHING: Difference = { files: 0, rows: 0n, bytes: 0n };

export interface SnapshotContents {
  /** https://iceberg.apache.org/spec/#snapshots */
  readonly operation: 'append' | 'delete' | 'replace';
  /** All manifests of the snapshot, the newest first. */
  readonly manifests: ManifestList['manifests'];
  readonly added: Difference;
  readonly removed: Difference;
  /** How many days have files that were added or removed. */
  readonly changedDays: number;
}

/** Writes the list of manifests of a snapshot and gives the change that makes it the newest of the table. */
export async function finishSnapshot(begun: NewSnapshot, contents: SnapshotContents): Promise<TableChange> {
  const { metadata, making, parent, id } = begun;
  const snapshot: Snapshot = {
    'snapshot-id': id,
    ...(parent && { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': begun.sequenceNumber,
    // Clocks differ, and the history of a table must not go backwards.
    'timestamp-ms': Math.max(making.now, metadata['last-updated-ms']),
    'manifest-list': begun.uri(`snap-${id}-${making.newId()}.avro`),
    summary: { ...making.summary, operation: contents.operation, ...summaryOf(contents, parent) },
    'schema-id': metadata['current-schema-id'],
  };
  await writeManifestList(making.files, snapshot, { schema: begun.list.schema, manifests: contents.manifests });
  const updates: Update[] = [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': MAIN, type: 'branch', 'snapshot-id': id },
  ];
  if (making.properties) updates.push({ action: 'set-properties', updates: making.properties });
  const old = expired(metadata, making.now);
  if (old.length > 0) updates.push({ action: 'remove-snapshots', 'snapshot-ids': old });
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-ref-snapshot-id', ref: MAIN, 'snapshot-id': parent?.['snapshot-id'] ?? null },
    ],
    updates,
  };
}

/**
 * The numbers that tools show of a snapshot. A total that the parent's writer has not written stays unknown.
 * https://iceberg.apache.org/spec/#optional-snapshot-summary-fields
 */
function summaryOf({ added, removed, changedDays }: SnapshotContents, parent: Snapshot | undefined) {
  const summary: Record<string, string> = {};
  const say = (name: string, value: bigint): void => {
    if (value !== 0n) summary[name] = String(value);
  };
  say('added-data-files', BigInt(added.files));
  say('added-records', added.rows);
  say('added-files-size', added.bytes);
  say('deleted-data-files', BigInt(removed.files));
  say('deleted-records', removed.rows);
  say('removed-files-size', removed.bytes);
  say('changed-partition-count', BigInt(changedDays));

  const total = (name: string, change: bigint): void => {
    const before = parent ? parent.summary[name] : '0';
    if (before !== undefined && /^\d+$/.test(before)) summary[name] = String(BigInt(before) + change);
  };
  total('total-data-files', BigInt(added.files) - BigInt(removed.files));
  total('total-records', added.rows - removed.rows);
  total('total-files-size', added.bytes - removed.bytes);
  total('total-delete-files', 0n);
  total('total-position-deletes', 0n);
  total('total-equality-deletes', 0n);
  return summary;
}
