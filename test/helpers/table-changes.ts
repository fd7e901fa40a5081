import type { LoadedTable, TableChange } from '../../lambdas/core/iceberg/ports.ts';
import { LAKE } from './local-catalog.ts';

/** A table with one column, as a client asks for it. */
export const ONE_COLUMN = {
  location: `s3://${LAKE}/iceberg/web`,
  fields: [{ id: 1, name: 'dt', required: false, type: 'string' }],
  partitionSpec: { 'spec-id': 0, fields: [] },
  properties: {},
};

/** A snapshot after the current one, whose list of manifests is not there: the catalog does not look at it. */
export function snapshotAfter({ metadata }: LoadedTable, id: bigint, changed: object = {}) {
  const parent = metadata['current-snapshot-id'];
  return {
    'snapshot-id': id,
    ...(parent !== null && parent !== undefined && parent >= 0n && { 'parent-snapshot-id': parent }),
    'sequence-number': metadata['last-sequence-number'] + 1,
    'timestamp-ms': Math.max(Date.now(), metadata['last-updated-ms']),
    'manifest-list': `s3://${LAKE}/iceberg/web/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
    ...changed,
  };
}

/** The change that makes a snapshot the current one, if the table still is as it was loaded. */
export function appendOf(table: LoadedTable, id: bigint, changed: object = {}): TableChange {
  const snapshot = snapshotAfter(table, id, changed);
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: table.metadata['table-uuid'] },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': snapshot['parent-snapshot-id'] ?? null },
    ],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
    ],
  };
}
