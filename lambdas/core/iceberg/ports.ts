/** What reading and writing Iceberg tables asks of the catalog and of the buckets. */
import type { IcebergField, IcebergSchema, PartitionSpec, Snapshot, SnapshotId, TableMetadata } from './metadata.ts';

/** The tables of one namespace (a database of Glue) of an Iceberg catalog. */
export interface IcebergCatalog {
  /** @returns undefined if there is no such table */
  load(table: string): Promise<LoadedTable | undefined>;
  /** @returns undefined if there is such a table already */
  create(table: string, wanted: CreateTable): Promise<LoadedTable | undefined>;
  /**
   * Asks once for a change of a table; the request is repeated only if the catalog has refused to read it.
   *
   * @throws CommitRefusedError if the catalog has surely not made the change: a requirement does not hold any more
   * @throws ChangeDeniedError if asking again helps only once somebody has mended something
   * @throws whatever else comes as an answer, or no answer: the change may have been made, or may still be
   */
  commit(table: string, change: TableChange): Promise<LoadedTable>;
}

/** A table as the catalog has it at one moment. */
export interface LoadedTable {
  readonly metadata: TableMetadata;
  readonly metadataLocation: string;
}

export interface CreateTable {
  /** URI of the folder for the table's files; the catalog may choose another one. */
  readonly location: string;
  readonly fields: readonly IcebergField[];
  readonly partitionSpec: PartitionSpec;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * A change that is made as a whole or not at all.
 * https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml, CommitTableRequest
 */
export interface TableChange {
  readonly requirements: readonly Requirement[];
  readonly updates: readonly Update[];
}

export type Requirement =
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  /** null: the branch must not exist. */
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: string; readonly 'snapshot-id': SnapshotId | null }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number };

export type Update =
  | { readonly action: 'add-schema'; readonly schema: IcebergSchema; readonly 'last-column-id': number }
  /** -1: the schema that this change adds. */
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | {
      readonly action: 'set-snapshot-ref';
      readonly 'ref-name': string;
      readonly type: 'branch';
      readonly 'snapshot-id': SnapshotId;
    }
  | { readonly action: 'remove-snapshots'; readonly 'snapshot-ids': readonly SnapshotId[] }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] };

/** A requirement of a change does not hold: the table is another one than the change was made for. */
export class CommitRefusedError extends Error {
  override readonly name = 'CommitRefusedError';
}

/** The catalog will not make a change, whoever asks how often: a permission is missing, or it takes no such change. */
export class ChangeDeniedError extends Error {
  override readonly name = 'ChangeDeniedError';
}

/** Files of tables, by their URIs (s3://bucket/key). */
export interface TableFiles {
  /** @throws if there is none */
  get(uri: string): Promise<Uint8Array>;
  /** Puts a file under a name that was never used. */
  put(uri: string, bytes: Uint8Array): Promise<void>;
}
