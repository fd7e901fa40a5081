/** The metadata of a table while a change is made of it. */
import type {
  IcebergSchema,
  PartitionSpec,
  Snapshot,
  SnapshotRef,
  TableMetadata,
} from '../../lambdas/core/iceberg/metadata.ts';
import { badRequest } from './glue-error.ts';
import type { SortOrder } from './requests.ts';

/** As Iceberg's Java library writes a table without a snapshot. */
export const NO_SNAPSHOT = -1n;

/** The first id of a partition field is the next one. */
const NO_PARTITION_ID = 999;

export interface LogEntry {
  readonly 'timestamp-ms': number;
  readonly 'snapshot-id': bigint;
}

/** Metadata that is being changed, and what the change has added so far, which its -1 refer to. */
export class Draft {
  readonly original: TableMetadata | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  uuid: string;
  location: string;
  lastSequenceNumber: number;
  /** Set by a change that has a time of its own. */
  updated: number | undefined;
  lastColumnId: number;
  schemas: IcebergSchema[];
  currentSchemaId: number;
  specs: PartitionSpec[];
  defaultSpecId: number;
  lastPartitionId: number;
  orders: SortOrder[];
  defaultOrderId: number;
  properties: Map<string, string>;
  currentSnapshotId: bigint;
  snapshots: Snapshot[];
  refs: Map<string, SnapshotRef>;
  log: LogEntry[];
  statistics: { readonly 'snapshot-id': bigint }[];
  readonly added: { schema?: number; spec?: number; order?: number; readonly snapshots: Set<bigint> };

  constructor(original: TableMetadata | undefined, now: number) {
    this.original = original;
    this.now = now;
    this.uuid = original?.['table-uuid'] ?? '';
    this.location = original?.location ?? '';
    this.lastSequenceNumber = original?.['last-sequence-number'] ?? 0;
    this.lastColumnId = original?.['last-column-id'] ?? 0;
    this.schemas = [...(original?.schemas ?? [])];
    this.currentSchemaId = original?.['current-schema-id'] ?? -1;
    this.specs = [...(original?.['partition-specs'] ?? [])];
    this.defaultSpecId = original?.['default-spec-id'] ?? -1;
    this.lastPartitionId = original?.['last-partition-id'] ?? NO_PARTITION_ID;
    this.orders = [...((original?.['sort-orders'] as SortOrder[] | undefined) ?? [])];
    this.defaultOrderId = (original?.['default-sort-order-id'] as number | undefined) ?? -1;
    this.properties = new Map(Object.entries(original?.properties ?? {}));
    this.currentSnapshotId = original?.['current-snapshot-id'] ?? NO_SNAPSHOT;
    this.snapshots = [...(original?.snapshots ?? [])];
    this.refs = new Map(Object.entries(original?.refs ?? {}));
    this.log = [...((original?.['snapshot-log'] as LogEntry[] | undefined) ?? [])];
    this.statistics = [...((original?.statistics as Draft['statistics'] | undefined) ?? [])];
    this.added = { snapshots: new Set() };
  }

  get schema(): IcebergSchema {
    const schema = this.schemas.find((each) => each['schema-id'] === this.currentSchemaId);
    if (!schema) throw badRequest(`there is no current schema ${this.currentSchemaId}`);
    return schema;
  }

  snapshot(id: bigint): Snapshot | undefined {
    return this.snapshots.find((each) => each['snapshot-id'] === id);
  }

  /** The metadata as the catalog writes it. `log` has the metadata files before it. */
  metadata(log: readonly object[]): TableMetadata {
    this.#requireWhole();
    return {
      ...this.original,
      'format-version': 2,
      'table-uuid': this.uuid,
      location: this.location,
      'last-sequence-number': this.lastSequenceNumber,
      'last-updated-ms': this.updated ?? this.now,
      'last-column-id': this.lastColumnId,
      schemas: this.schemas,
      'current-schema-id': this.currentSchemaId,
      'partition-specs': this.specs,
      'default-spec-id': this.defaultSpecId,
      'last-partition-id': this.lastPartitionId,
      'sort-orders': this.orders,
      'default-sort-order-id': this.defaultOrderId,
      properties: Object.fromEntries(this.properties),
      'current-snapshot-id': this.currentSnapshotId,
      snapshots: this.snapshots,
      refs: Object.fromEntries(this.refs),
      'snapshot-log': this.log,
      'metadata-log': log,
      statistics: this.statistics,
    };
  }

  #requireWhole(): void {
    const { uuid, location, defaultSpecId, defaultOrderId } = this;
    if (uuid === '') throw badRequest('a table needs assign-uuid');
    if (!/^s3:\/\/[^/]+\/[^/]/.test(location))
      throw badRequest(`location: expected s3://bucket/folder, got ${location}`);
    if (this.schema.fields.length === 0) throw badRequest('a table needs a column');
    if (!this.specs.some((each) => each['spec-id'] === defaultSpecId))
      throw badRequest('a table needs set-default-spec');
    if (!this.orders.some((each) => each['order-id'] === defaultOrderId)) {
      throw badRequest('a table needs set-default-sort-order');
    }
  }
}
