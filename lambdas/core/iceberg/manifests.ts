/** Reads and writes manifests and lists of manifests. */
import { avroFile, readAvroFile } from './avro.ts';
import { type AvroObject, namesById, withUnknownFields } from './avro-fields.ts';
import type { DayPartition } from './day-partition.ts';
import {
  type AvroDataFile,
  CONTENT,
  DAY,
  DROPPED_FIELDS,
  MANIFEST_FILE,
  MANIFEST_FILE_NAMES,
  type ManifestEntry,
  type ManifestFile,
  manifestEntry,
  STATUS,
} from './manifest-fields.ts';
import { icebergJson, type Snapshot, type TableMetadata } from './metadata.ts';
import type { TableFiles } from './ports.ts';

/** A manifest's entries, and the schema by which they are written again. */
export interface Manifest {
  /** With the fields that are unknown here and that its writer has written, if there are any. */
  readonly schema: AvroObject;
  /** Decoded each time they are read. What an entry inherits from its manifest is filled in. */
  readonly entries: Iterable<ManifestEntry>;
}

/** Reads a manifest of files, or of deletes, that are partitioned by the day, or by whatever else if no day is given. */
export async function readManifest(files: TableFiles, manifest: ManifestFile, day?: DayPartition): Promise<Manifest> {
  const ours = manifestEntry(day?.fieldId ?? -1);
  const file = await readAt(files, manifest.manifest_path, namesById(ours));
  return {
    schema: withUnknownFields(ours, file.schema, DROPPED_FIELDS),
    entries: { [Symbol.iterator]: () => inherited(file.records as Iterable<ManifestEntry>, manifest) },
  };
}

/**
 * Fills in what entries inherit, and what manifests of version 1 do not have.
 * https://iceberg.apache.org/spec/#inheritance
 */
function* inherited(entries: Iterable<ManifestEntry>, manifest: ManifestFile): Generator<ManifestEntry> {
  for (const entry of entries) {
    // Files of version 1 have the number 0 throughout.
    const inherits = entry.status === STATUS.added || manifest.sequence_number === 0n;
    const number = inherits ? manifest.sequence_number : null;
    yield {
      ...entry,
      snapshot_id: entry.snapshot_id ?? manifest.added_snapshot_id,
      sequence_number: entry.sequence_number ?? number,
      file_sequence_number: entry.file_sequence_number ?? number,
      data_file: { ...entry.data_file, content: entry.data_file.content ?? CONTENT.data },
    };
  }
}

/** Whether a file belongs to the snapshot: entries of others say what a snapshot has deleted. */
export function isLive(entry: ManifestEntry): boolean {
  return entry.status !== STATUS.deleted;
}

/** An entry as manifests of later snapshots have it: what it had inherited is written. */
export function existing(entry: ManifestEntry): ManifestEntry {
  if (entry.sequence_number === null) {
    throw new Error(`${entry.data_file.file_path}: expected a sequence number, as the file is not new, got none`);
  }
  return { ...entry, status: STATUS.existing };
}

/** Whether a manifest is of use to later snapshots: entries of deleted files only say what its own has deleted. */
export function hasFiles({ added_files_count, existing_files_count }: ManifestFile): boolean {
  return added_files_count + existing_files_count > 0;
}

/** What a manifest is written for. */
export interface ManifestOf {
  readonly metadata: TableMetadata;
  readonly day: DayPartition;
  readonly uri: string;
  readonly snapshotId: bigint;
  /** Of the snapshot that adds the manifest. */
  readonly sequenceNumber: bigint;
}

/**
 * Writes a manifest of data files. Entries of files that are added have no sequence number: they inherit that of the
 * snapshot.
 *
 * @param schema of the entries, if they have fields that are unknown here
 */
export async function writeManifest(
  files: TableFiles,
  { metadata, day, uri, snapshotId, sequenceNumber }: ManifestOf,
  entries: Iterable<ManifestEntry>,
  schema = manifestEntry(day.fieldId),
): Promise<ManifestFile> {
  const schemaId = metadata['current-schema-id'];
  const tableSchema = metadata.schemas.find((one) => one['schema-id'] === schemaId);
  const about = {
    schema: icebergJson(tableSchema),
    'schema-id': String(schemaId),
    'partition-spec': icebergJson(day.spec.fields),
    'partition-spec-id': String(day.specId),
    'format-version': '2',
    content: 'data',
  };
  const totals = new Totals(sequenceNumber);
  const bytes = avroFile(schema, about, totals.counting(entries));
  await files.put(uri, bytes);
  return {
    manifest_path: uri,
    manifest_length: BigInt(bytes.length),
    partition_spec_id: day.specId,
    content: CONTENT.data,
    sequence_number: sequenceNumber,
    added_snapshot_id: snapshotId,
    ...totals.summary(),
    key_metadata: null,
  };
}

/** Counts entries on their way into a manifest. */
class Totals {
  readonly #sequenceNumber: bigint;
  readonly #files = { [STATUS.existing]: 0, [STATUS.added]: 0, [STATUS.deleted]: 0 };
  readonly #rows = { [STATUS.existing]: 0n, [STATUS.added]: 0n, [STATUS.deleted]: 0n };
  #least: bigint | undefined;
  #containsNull = false;
  #lower: Buffer | null = null;
  #upper: Buffer | null = null;

  constructor(sequenceNumber: bigint) {
    this.#sequenceNumber = sequenceNumber;
  }

  *counting(entries: Iterable<ManifestEntry>): Generator<ManifestEntry> {
    for (const entry of entries) {
      this.#count(entry);
      yield entry;
    }
  }

  #count({ status, sequence_number, data_file }: ManifestEntry): void {
    this.#files[status]++;
    this.#rows[status] += data_file.record_count;
    this.#countDay(dayOf(data_file));
    if (status === STATUS.deleted) return;
    const number = sequence_number ?? this.#sequenceNumber;
    if (this.#least === undefined || number < this.#least) this.#least = number;
  }

  #countDay(day: string | null): void {
    if (day === null) {
      this.#containsNull = true;
      return;
    }
    const bytes = Buffer.from(day, 'utf8');
    if (this.#lower === null || bytes.compare(this.#lower) < 0) this.#lower = bytes;
    if (this.#upper === null || bytes.compare(this.#upper) > 0) this.#upper = bytes;
  }

  summary() {
    return {
      min_sequence_number: this.#least ?? this.#sequenceNumber,
      added_files_count: this.#files[STATUS.added],
      existing_files_count: this.#files[STATUS.existing],
      deleted_files_count: this.#files[STATUS.deleted],
      added_rows_count: this.#rows[STATUS.added],
      existing_rows_count: this.#rows[STATUS.existing],
      deleted_rows_count: this.#rows[STATUS.deleted],
      partitions: [
        {
          contains_null: this.#containsNull,
          contains_nan: false,
          lower_bound: this.#lower,
          upper_bound: this.#upper,
        },
      ],
    };
  }
}

/** The day of a file that is partitioned by the day; null too if it is partitioned by something else. */
export function dayOf({ partition }: AvroDataFile): string | null {
  const day = partition[DAY];
  return typeof day === 'string' ? day : null;
}

/** The days of a manifest's files as its list says; undefined if that is not known, or if no file has a day. */
export function daysOf({ partitions }: ManifestFile): { readonly first: string; readonly last: string } | undefined {
  const [summary] = partitions ?? [];
  if (!summary?.lower_bound || !summary.upper_bound) return undefined;
  return { first: summary.lower_bound.toString('utf8'), last: summary.upper_bound.toString('utf8') };
}

/** The manifests of a snapshot, in its order: the newest first, as all writers have it. */
export interface ManifestList {
  /** With the fields that are unknown here and that its writer has written, if there are any. */
  readonly schema: AvroObject;
  readonly manifests: readonly ManifestFile[];
}

/** What a table without a snapshot has. */
export const NO_MANIFESTS: ManifestList = { schema: MANIFEST_FILE, manifests: [] };

/** Reads a snapshot's list of manifests. What lists of version 1 do not have is filled in. */
export async function readManifestList(files: TableFiles, snapshot: Snapshot): Promise<ManifestList> {
  const file = await readAt(files, snapshot['manifest-list'], MANIFEST_FILE_NAMES);
  const manifests: ManifestFile[] = [];
  for (const manifest of file.records as Iterable<ManifestFile>) {
    const complete = {
      ...manifest,
      content: manifest.content ?? CONTENT.data,
      sequence_number: manifest.sequence_number ?? 0n,
      min_sequence_number: manifest.min_sequence_number ?? 0n,
      partitions: manifest.partitions ?? null,
      key_metadata: manifest.key_metadata ?? null,
    };
    manifests.push(isCounted(complete) ? complete : { ...complete, ...(await countsOf(files, complete)) });
  }
  return { schema: withUnknownFields(MANIFEST_FILE, file.schema, []), manifests };
}

/** The numbers of files and rows are optional in version 1. */
function isCounted(manifest: ManifestFile): boolean {
  const { added_files_count, existing_files_count, deleted_files_count } = manifest;
  const { added_rows_count, existing_rows_count, deleted_rows_count } = manifest;
  const rows = [added_rows_count, existing_rows_count, deleted_rows_count];
  return [added_files_count, existing_files_count, deleted_files_count, ...rows].every((count) => count != null);
}

async function countsOf(files: TableFiles, manifest: ManifestFile) {
  const { entries } = await readManifest(files, manifest);
  const totals = new Totals(manifest.sequence_number);
  for (const _ of totals.counting(entries));
  const { partitions: _partitions, min_sequence_number: _least, ...counts } = totals.summary();
  return counts;
}

/** Writes a snapshot's list of manifests. */
export async function writeManifestList(
  files: TableFiles,
  snapshot: Snapshot,
  { schema, manifests }: ManifestList,
): Promise<void> {
  const about = {
    'format-version': '2',
    'snapshot-id': String(snapshot['snapshot-id']),
    'parent-snapshot-id': String(snapshot['parent-snapshot-id'] ?? 'null'),
    'sequence-number': String(snapshot['sequence-number']),
  };
  await files.put(snapshot['manifest-list'], avroFile(schema, about, manifests));
}

async function readAt(files: TableFiles, uri: string, names: ReadonlyMap<number, string>) {
  const bytes = await files.get(uri);
  try {
    return readAvroFile(bytes, names);
  } catch (error) {
    throw new Error(`${uri}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
