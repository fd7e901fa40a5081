/** An Iceberg table in memory: its files, and a catalog's part in changing it. */
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import { MAIN, type Snapshot, type TableMetadata } from '../../lambdas/core/iceberg/metadata.ts';
import {
  CommitRefusedError,
  type LoadedTable,
  type TableChange,
  type TableFiles,
} from '../../lambdas/core/iceberg/ports.ts';
import type { Making } from '../../lambdas/core/iceberg/snapshots.ts';

const LOCATION = 's3://lake/iceberg/alb';

/** A table as it is made, without a file: columns `status` and `path`, and the day. */
export function newTable(): LoadedTable {
  const metadata: TableMetadata = {
    'format-version': 2,
    'table-uuid': '0f3c1d9e-5a3b-4a51-8f5e-2f6f0c0f7a11',
    location: LOCATION,
    'last-sequence-number': 0,
    'last-updated-ms': 0,
    'last-column-id': 3,
    schemas: [
      {
        type: 'struct',
        'schema-id': 0,
        fields: [
          { id: 1, name: 'status', required: false, type: 'int' },
          { id: 2, name: 'path', required: false, type: 'string' },
          { id: 3, name: 'dt', required: false, type: 'string' },
        ],
      },
    ],
    'current-schema-id': 0,
    'partition-specs': [
      { 'spec-id': 0, fields: [{ 'source-id': 3, 'field-id': 1000, name: 'dt', transform: 'identity' }] },
    ],
    'default-spec-id': 0,
    'last-partition-id': 1000,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    properties: {},
    snapshots: [],
    refs: {},
  };
  return { metadata, metadataLocation: `${LOCATION}/metadata/00000.metadata.json` };
}

export function withProperties(table: LoadedTable, properties: Readonly<Record<string, string>>): LoadedTable {
  return { ...table, metadata: { ...table.metadata, properties } };
}

/** Files in memory; a name may be used once. */
export class MemoryFiles implements TableFiles {
  readonly stored = new Map<string, Uint8Array>();
  readonly read: string[] = [];

  async get(uri: string): Promise<Uint8Array> {
    this.read.push(uri);
    const bytes = this.stored.get(uri);
    if (!bytes) throw new Error(`there is no file ${uri}`);
    return bytes;
  }

  async put(uri: string, bytes: Uint8Array): Promise<void> {
    if (this.stored.has(uri)) throw new Error(`there is a file ${uri} already`);
    this.stored.set(uri, bytes);
  }
}

/** What is needed to make snapshots: names and ids count up, ids from beyond what a number holds. */
export function makingOf(files: TableFiles, { now = 1_700_000_000_000, ...others }: Partial<Making> = {}): Making {
  return {
    files,
    newId: () => `file-${++made}`,
    snapshotId: () => 2n ** 62n + BigInt(++made),
    now,
    ...others,
  };
}

let made = 0;

/** A file of a day with metrics of both columns. */
export function dataFile(partition: string | null, name: string, { rows = 10, bytes = 1000 } = {}): DataFile {
  return {
    path: `${LOCATION}/data/dt=${partition}/${name}.parquet`,
    partition,
    rows,
    bytes,
    metrics: {
      columnSizes: { 1: 40, 2: 400 },
      valueCounts: { 1: rows, 2: rows },
      nullCounts: { 1: 0, 2: 1 },
      lower: { 1: int(200), 2: text('/') },
      upper: { 1: int(504), 2: text('/zz') },
      splitOffsets: [4],
    },
  };
}

function int(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('base64');
}

function text(value: string): string {
  return Buffer.from(value, 'utf8').toString('base64');
}

/**
 * Makes a change as a catalog does.
 *
 * @throws CommitRefusedError if a requirement does not hold
 */
export function changed(table: LoadedTable, change: TableChange): LoadedTable {
  for (const requirement of change.requirements) assertHolds(table.metadata, requirement);
  return { ...table, metadata: change.updates.reduce(updated, table.metadata) };
}

function assertHolds(
  { 'table-uuid': uuid, refs }: TableMetadata,
  requirement: TableChange['requirements'][number],
): void {
  const holds =
    requirement.type === 'assert-table-uuid'
      ? requirement.uuid === uuid
      : requirement.type === 'assert-ref-snapshot-id'
        ? requirement['snapshot-id'] === (refs?.[requirement.ref]?.['snapshot-id'] ?? null)
        : false;
  if (!holds) throw new CommitRefusedError(`requirement failed: ${requirement.type}`);
}

function updated(metadata: TableMetadata, update: TableChange['updates'][number]): TableMetadata {
  switch (update.action) {
    case 'add-snapshot':
      return withSnapshot(metadata, update.snapshot);
    case 'set-snapshot-ref': {
      const ref = { 'snapshot-id': update['snapshot-id'], type: update.type };
      const current = update['ref-name'] === MAIN && { 'current-snapshot-id': update['snapshot-id'] };
      return { ...metadata, refs: { ...metadata.refs, [update['ref-name']]: ref }, ...current };
    }
    case 'remove-snapshots': {
      const gone = new Set(update['snapshot-ids']);
      return { ...metadata, snapshots: metadata.snapshots?.filter((one) => !gone.has(one['snapshot-id'])) };
    }
    case 'set-properties':
      return { ...metadata, properties: { ...metadata.properties, ...update.updates } };
    default:
      throw new Error(`this catalog does not know ${update.action}`);
  }
}

function withSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  const number = snapshot['sequence-number'];
  if (number <= metadata['last-sequence-number']) throw new CommitRefusedError(`sequence number ${number} is used`);
  return {
    ...metadata,
    'last-sequence-number': number,
    'last-updated-ms': snapshot['timestamp-ms'],
    snapshots: [...(metadata.snapshots ?? []), snapshot],
  };
}
