/**
 * Another writer of Iceberg tables, as their compaction is: it names fields otherwise, and writes fields that this
 * project does not know.
 */
import { avroFile } from '../../lambdas/core/iceberg/avro.ts';
import { avroDataFile } from '../../lambdas/core/iceberg/avro-data-file.ts';
import { type AvroObject, optional, renamed } from '../../lambdas/core/iceberg/avro-fields.ts';
import type { DataFile } from '../../lambdas/core/iceberg/data-file.ts';
import {
  CONTENT,
  MANIFEST_FILE,
  type ManifestEntry,
  type ManifestFile,
  manifestEntry,
  STATUS,
} from '../../lambdas/core/iceberg/manifest-fields.ts';
import type { ManifestList } from '../../lambdas/core/iceberg/manifests.ts';
import { MAIN, type Snapshot } from '../../lambdas/core/iceberg/metadata.ts';
import type { LoadedTable } from '../../lambdas/core/iceberg/ports.ts';
import { currentSnapshot } from '../../lambdas/core/iceberg/snapshots.ts';
import { changed, type MemoryFiles } from './iceberg-table.ts';

/** A field of files that is unknown here, under the name of another one. */
export const FILE_NOTE_ID = 901;

const ENTRY = withField(
  withField(manifestEntry(1000), optional('entry_note', 900, 'string')),
  optional('record_count', FILE_NOTE_ID, 'string'),
  'data_file',
);
const LISTED = withField(MANIFEST_FILE, optional('manifest_note', 902, 'long'));

const NAMES = new Map([
  [0, 'state'],
  [2, 'file'],
  [100, 'uri'],
  [103, 'rows'],
  [504, 'added_data_files_count'],
]);

/** The same field under the other name. */
const OTHER_NAME: Readonly<Record<string, string>> = {
  status: 'state',
  data_file: 'file',
  file_path: 'uri',
  record_count: 'rows',
  added_files_count: 'added_data_files_count',
  note: 'record_count',
};

function withField(schema: AvroObject, field: ReturnType<typeof optional>, within?: string): AvroObject {
  const fields = schema.fields ?? [];
  if (!within) return { ...schema, fields: [...fields, field] };
  return {
    ...schema,
    fields: fields.map((one) =>
      one.name === within ? { ...one, type: withField(one.type as AvroObject, field) } : one,
    ),
  };
}

function named(record: object): object {
  const values = Object.entries(record).map(([name, value]) => {
    const inner = name === 'data_file' ? named(value as object) : value;
    return [OTHER_NAME[name] ?? name, inner];
  });
  return Object.fromEntries(values);
}

/** The note that the writer leaves at each file. */
export function noteOf(path: string): string {
  return `of ${path}`;
}

/** A file that is in the table, with what is known of it. */
export interface KnownFile {
  readonly file: DataFile;
  readonly snapshotId: bigint;
  readonly sequenceNumber: bigint;
}

export interface Rewrite {
  /** All that stay, however many manifests they were in. */
  readonly kept: readonly KnownFile[];
  readonly added: readonly DataFile[];
  readonly removed: readonly KnownFile[];
  /** Other manifests of the snapshot. @default - none */
  readonly others?: readonly ManifestFile[];
}

/** A snapshot in which files are replaced by others. */
export async function rewrittenByOthers(
  table: LoadedTable,
  files: MemoryFiles,
  { kept, added, removed, others = [] }: Rewrite,
  id: bigint,
): Promise<LoadedTable> {
  const { metadata } = table;
  const number = BigInt(metadata['last-sequence-number'] + 1);
  const of = ({ file, snapshotId, sequenceNumber }: KnownFile, status: 0 | 2) => ({
    status,
    snapshot_id: status === STATUS.deleted ? id : snapshotId,
    sequence_number: sequenceNumber,
    file_sequence_number: sequenceNumber,
    data_file: avroDataFile(file),
  });
  const entries: ManifestEntry[] = [
    ...kept.map((file) => of(file, STATUS.existing)),
    ...removed.map((file) => of(file, STATUS.deleted)),
    // This writer leaves even the id of the snapshot to be inherited.
    ...added.map((file) => ({
      status: STATUS.added,
      snapshot_id: null,
      sequence_number: null,
      file_sequence_number: null,
      data_file: avroDataFile(file),
    })),
  ];
  const noted = entries.map((entry) => {
    const note = noteOf(entry.data_file.file_path);
    return named({ ...entry, entry_note: note, data_file: { ...entry.data_file, note } });
  });
  const about = { schema: '{}', 'partition-spec': '[]', 'partition-spec-id': '0', 'format-version': '2' };
  const bytes = avroFile(renamed(ENTRY, NAMES) as AvroObject, about, noted);
  const uri = `${metadata.location}/metadata/foreign-${id}.avro`;
  await files.put(uri, bytes);

  const rows = (some: readonly { rows: number }[]): bigint => some.reduce((sum, file) => sum + BigInt(file.rows), 0n);
  const manifest = {
    manifest_path: uri,
    manifest_length: BigInt(bytes.length),
    partition_spec_id: 0,
    content: CONTENT.data,
    sequence_number: number,
    min_sequence_number: [number, ...kept.map(({ sequenceNumber }) => sequenceNumber)].reduce((a, b) =>
      a < b ? a : b,
    ),
    added_snapshot_id: id,
    added_files_count: added.length,
    existing_files_count: kept.length,
    deleted_files_count: removed.length,
    added_rows_count: rows(added),
    existing_rows_count: rows(kept.map(({ file }) => file)),
    deleted_rows_count: rows(removed.map(({ file }) => file)),
    partitions: null,
    key_metadata: null,
    manifest_note: id,
  };
  return listed(table, files, { schema: LISTED, manifests: [manifest, ...others] }, id);
}

/** A snapshot of these manifests. */
async function listed(
  table: LoadedTable,
  files: MemoryFiles,
  { schema, manifests }: ManifestList,
  id: bigint,
): Promise<LoadedTable> {
  const { metadata } = table;
  const parent = currentSnapshot(metadata);
  const list = `${metadata.location}/metadata/foreign-list-${id}.avro`;
  await files.put(list, avroFile(renamed(schema, NAMES) as AvroObject, {}, manifests.map(named)));
  const all = manifests.filter(({ content }) => content === CONTENT.data);
  const sum = (name: 'files' | 'rows'): bigint =>
    all.reduce((total, one) => total + BigInt(one[`added_${name}_count`]) + BigInt(one[`existing_${name}_count`]), 0n);
  const snapshot: Snapshot = {
    'snapshot-id': id,
    ...(parent && { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': metadata['last-sequence-number'] + 1,
    'timestamp-ms': metadata['last-updated-ms'] + 1,
    'manifest-list': list,
    summary: { operation: 'replace', 'total-data-files': `${sum('files')}`, 'total-records': `${sum('rows')}` },
  };
  return changed(table, {
    requirements: [],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': MAIN, type: 'branch', 'snapshot-id': id },
    ],
  });
}
