/**
 * The records of manifests and of lists of manifests in format version 2, by the names of the specification.
 * https://iceberg.apache.org/spec/#manifests, https://iceberg.apache.org/spec/#manifest-lists
 */
import { type AvroObject, type AvroSchema, namesById, optional, record, required } from './avro-fields.ts';

/** What a list says of one manifest. */
export interface ManifestFile {
  readonly manifest_path: string;
  /** Bytes. */
  readonly manifest_length: bigint;
  readonly partition_spec_id: number;
  readonly content: (typeof CONTENT)[keyof typeof CONTENT];
  /** Of the snapshot that added the manifest; files that it added have it too. */
  readonly sequence_number: bigint;
  /** The least of the manifest's files. */
  readonly min_sequence_number: bigint;
  readonly added_snapshot_id: bigint;
  readonly added_files_count: number;
  readonly existing_files_count: number;
  readonly deleted_files_count: number;
  readonly added_rows_count: bigint;
  readonly existing_rows_count: bigint;
  readonly deleted_rows_count: bigint;
  /** One for each field of the partition spec; null if the writer has written none. */
  readonly partitions: readonly PartitionSummary[] | null;
  readonly key_metadata: Buffer | null;
}

/** What values one field of the partition has among the files of a manifest. */
export interface PartitionSummary {
  readonly contains_null: boolean;
  readonly contains_nan: boolean | null;
  /** As https://iceberg.apache.org/spec/#binary-single-value-serialization; null if no file has a value. */
  readonly lower_bound: Buffer | null;
  readonly upper_bound: Buffer | null;
}

/** What a manifest lists. */
export const CONTENT = { data: 0, deletes: 1 } as const;

/** What a manifest says of one file. */
export interface ManifestEntry {
  readonly status: (typeof STATUS)[keyof typeof STATUS];
  /** That added the file or, if it is deleted, that deleted it. */
  readonly snapshot_id: bigint | null;
  /** null in a manifest that adds the file: it is that of the snapshot, which is known once it is committed. */
  readonly sequence_number: bigint | null;
  /** As above. Older writers did not write it; it then stays unknown. */
  readonly file_sequence_number: bigint | null;
  readonly data_file: AvroDataFile;
}

export const STATUS = { existing: 0, added: 1, deleted: 2 } as const;

export interface AvroDataFile {
  readonly content: number;
  readonly file_path: string;
  readonly file_format: string;
  /** By the names of the partition spec's fields. */
  readonly partition: Readonly<Record<string, unknown>>;
  readonly record_count: bigint;
  readonly file_size_in_bytes: bigint;
  readonly column_sizes: readonly Pair<bigint>[] | null;
  readonly value_counts: readonly Pair<bigint>[] | null;
  readonly null_value_counts: readonly Pair<bigint>[] | null;
  readonly lower_bounds: readonly Pair<Buffer>[] | null;
  readonly upper_bounds: readonly Pair<Buffer>[] | null;
  readonly split_offsets: readonly bigint[] | null;
}

/** Of a map whose keys are ids of fields. */
export interface Pair<T> {
  readonly key: number;
  readonly value: T;
}

const PARTITION_SUMMARY = record('r508', [
  required('contains_null', 509, 'boolean'),
  optional('contains_nan', 518, 'boolean'),
  optional('lower_bound', 510, 'bytes'),
  optional('upper_bound', 511, 'bytes'),
]);

export const MANIFEST_FILE = record('manifest_file', [
  required('manifest_path', 500, 'string'),
  required('manifest_length', 501, 'long'),
  required('partition_spec_id', 502, 'int'),
  required('content', 517, 'int'),
  required('sequence_number', 515, 'long'),
  required('min_sequence_number', 516, 'long'),
  required('added_snapshot_id', 503, 'long'),
  required('added_files_count', 504, 'int'),
  required('existing_files_count', 505, 'int'),
  required('deleted_files_count', 506, 'int'),
  required('added_rows_count', 512, 'long'),
  required('existing_rows_count', 513, 'long'),
  required('deleted_rows_count', 514, 'long'),
  optional('partitions', 507, { type: 'array', items: PARTITION_SUMMARY, 'element-id': 508 }),
  optional('key_metadata', 519, 'bytes'),
]);

/** The name of a table's one partition field in its manifests, as this project reads and writes them. */
export const DAY = 'dt';

/** The schema of a manifest of files that are partitioned by the day, by the id of this field of the partition spec. */
export function manifestEntry(dayFieldId: number): AvroObject {
  return record('manifest_entry', [
    required('status', 0, 'int'),
    optional('snapshot_id', 1, 'long'),
    optional('sequence_number', 3, 'long'),
    optional('file_sequence_number', 4, 'long'),
    required('data_file', 2, record('r2', dataFile(record('r102', [optional(DAY, dayFieldId, 'string')])))),
  ]);
}

function dataFile(partition: AvroSchema) {
  return [
    required('content', 134, 'int'),
    required('file_path', 100, 'string'),
    required('file_format', 101, 'string'),
    required('partition', 102, partition),
    required('record_count', 103, 'long'),
    required('file_size_in_bytes', 104, 'long'),
    optional('column_sizes', 108, byFieldId(117, 118, 'long')),
    optional('value_counts', 109, byFieldId(119, 120, 'long')),
    optional('null_value_counts', 110, byFieldId(121, 122, 'long')),
    optional('nan_value_counts', 137, byFieldId(138, 139, 'long')),
    optional('lower_bounds', 125, byFieldId(126, 127, 'bytes')),
    optional('upper_bounds', 128, byFieldId(129, 130, 'bytes')),
    optional('key_metadata', 131, 'bytes'),
    optional('split_offsets', 132, { type: 'array', items: 'long', 'element-id': 133 }),
    optional('equality_ids', 135, { type: 'array', items: 'int', 'element-id': 136 }),
    optional('sort_order_id', 140, 'int'),
    optional('referenced_data_file', 143, 'string'),
  ];
}

/** Avro's maps have texts as keys; Iceberg writes others as lists of pairs. https://iceberg.apache.org/spec/#avro */
function byFieldId(keyId: number, valueId: number, type: AvroSchema): AvroSchema {
  const pair = record(`k${keyId}_v${valueId}`, [required('key', keyId, 'int'), required('value', valueId, type)]);
  return { type: 'array', logicalType: 'map', items: pair };
}

/**
 * Fields of older versions that version 2 forbids to write: block_size_in_bytes, file_ordinal, sort_columns and
 * distinct_counts.
 */
export const DROPPED_FIELDS: readonly number[] = [105, 106, 107, 111];

export const MANIFEST_FILE_NAMES: ReadonlyMap<number, string> = namesById(MANIFEST_FILE);
