import { expect, test } from 'vitest';
import type { Inspected, InspectedSnapshot, ListedManifest, RawEntry, ReadFile } from './inspected.ts';
import { violations } from './specification.ts';

const MANIFEST = 's3://lake/web/metadata/m.avro';

const PATH = 's3://lake/web/data/dt=2026-01-05/a.parquet';

const ENTRY: RawEntry = {
  ...{ status: 1, snapshot_id: 7, sequence_number: null, file_sequence_number: null },
  data_file: { file_path: PATH, record_count: 10, file_size_in_bytes: 1000, partition: { dt: '2026-01-05' } },
};

const FILE: ReadFile = {
  ...{ path: PATH, format: 'PARQUET', content: 0, sequenceNumber: 1, fileSequenceNumber: 1, specId: 0 },
  ...{ rows: 10, bytes: 1000, realBytes: 1000, day: '2026-01-05', splitOffsets: [4] },
  ...{ columnSizes: {}, valueCounts: {}, nullValueCounts: {}, lowerBounds: {}, upperBounds: {} },
};

const DAY = Buffer.from('2026-01-05').toString('base64');

const LISTED: ListedManifest = {
  ...{ path: MANIFEST, length: 500, realLength: 500, specId: 0, content: 0, snapshotId: 7 },
  ...{ sequenceNumber: 1, minSequenceNumber: 1, addedFiles: 1, addedRows: 10, existingFiles: 0, existingRows: 0 },
  ...{ deletedFiles: 0, deletedRows: 0 },
  partitions: [{ containsNull: false, containsNaN: false, lower: DAY, upper: DAY }],
};

const SNAPSHOT: InspectedSnapshot = {
  ...{ id: 7, sequenceNumber: 1, timestamp: 1000, operation: 'append' },
  summary: {
    ...{ 'added-data-files': '1', 'added-records': '10', 'added-files-size': '1000', 'changed-partition-count': '1' },
    ...{ 'total-data-files': '1', 'total-records': '10', 'total-files-size': '1000', 'total-delete-files': '0' },
  },
  list: {
    about: { 'format-version': '2', 'snapshot-id': '7', 'parent-snapshot-id': 'null', 'sequence-number': '1' },
  },
  manifests: [LISTED],
};

const ABOUT = {
  ...{ 'format-version': '2', content: 'data', 'partition-spec-id': '0', 'schema-id': '0' },
  ...{ schema: '{"schema-id":0}', 'partition-spec': '[]' },
};

function tableOf(changed: {
  snapshot?: object;
  listed?: object;
  entry?: object;
  file?: object;
  about?: object;
}): Inspected {
  return {
    snapshots: [{ ...SNAPSHOT, manifests: [{ ...LISTED, ...changed.listed }], ...changed.snapshot }],
    manifests: {
      [MANIFEST]: {
        about: { ...ABOUT, ...changed.about },
        records: [{ ...ENTRY, ...changed.entry }],
        files: [{ ...FILE, ...changed.file }],
      },
    },
    metrics: { [PATH]: { ...FILE, rows: 10 } },
  };
}

test('a table as the specification says breaks no rule', () => {
  expect(violations(tableOf({}))).toEqual([]);
});

test.each<[string, Parameters<typeof tableOf>[0]]>([
  ['first-row-id', { snapshot: { firstRowId: 1 } }],
  ["the list's sequence-number", { snapshot: { sequenceNumber: 2 } }],
  ['total-records', { snapshot: { summary: { ...SNAPSHOT.summary, 'total-records': '11' } } }],
  ['total-data-files', { snapshot: { summary: { ...SNAPSHOT.summary, 'total-data-files': '0' } } }],
  ['added-files-size', { snapshot: { summary: { ...SNAPSHOT.summary, 'added-files-size': '1' } } }],
  ['changed-partition-count', { snapshot: { summary: { ...SNAPSHOT.summary, 'changed-partition-count': '2' } } }],
  ['has a file twice', { snapshot: { manifests: [LISTED, LISTED] } }],
  ['adds files', { snapshot: { operation: 'delete' } }],
  ['length', { listed: { realLength: 501 } }],
  ['added files', { listed: { addedFiles: 2 } }],
  ['existing rows', { listed: { existingRows: 1 } }],
  ['min_sequence_number', { listed: { minSequenceNumber: 0 } }],
  ['contains_null', { listed: { partitions: [{ ...LISTED.partitions[0], containsNull: true }] } }],
  ['upper_bound', { listed: { partitions: [{ ...LISTED.partitions[0], upper: '' }] } }],
  ['an entry of status 0 has no sequence numbers', { entry: { status: 0 } }],
  ['an entry of status 1 is of snapshot 8', { entry: { snapshot_id: 8 } }],
  ['an entry is newer than its manifest', { entry: { sequence_number: 2 } }],
  ['data sequence number', { file: { sequenceNumber: 2 } }],
  ['file_size_in_bytes', { file: { realBytes: 999 } }],
  ['record_count', { file: { rows: 11 } }],
  ['day 2026-01-06', { file: { day: '2026-01-06' } }],
  ['content', { about: { content: 'deletes' } }],
  ['schema-id', { about: { 'schema-id': '1' } }],
])('a table that breaks a rule is found by it: %s', (rule, changed) => {
  expect(violations(tableOf(changed)).join('\n')).toContain(rule);
});
