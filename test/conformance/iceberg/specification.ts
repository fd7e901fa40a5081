/**
 * What Iceberg's specification asks of the snapshots, lists and manifests of a table of format version 2, one rule after
 * the other. https://iceberg.apache.org/spec/
 */
import type { Inspected, InspectedSnapshot, ListedManifest, RawEntry, Whole } from './inspected.ts';

const [EXISTING, ADDED, DELETED] = [0, 1, 2] as const;

/** @returns a line for each rule that something of the table breaks */
export function violations(table: Inspected): string[] {
  const found: string[] = [];
  const sequenceOf = new Map<Whole, number>(table.snapshots.map(({ id, sequenceNumber }) => [id, sequenceNumber]));
  for (const snapshot of table.snapshots) {
    const broken = (rule: string) => found.push(`snapshot ${snapshot.sequenceNumber}, ${snapshot.operation}: ${rule}`);
    snapshotRules(snapshot, table, broken);
    for (const listed of snapshot.manifests) {
      const name = listed.path.split('/').at(-1);
      manifestRules(listed, table, sequenceOf, (rule) => broken(`manifest ${name}: ${rule}`));
    }
  }
  return [...new Set(found)];
}

type Broken = (rule: string) => void;

function snapshotRules(snapshot: InspectedSnapshot, table: Inspected, broken: Broken): void {
  const expect = expecting(broken);
  const parent = table.snapshots.find(({ id }) => id === snapshot.parent);
  if (parent) {
    if (snapshot.sequenceNumber <= parent.sequenceNumber) broken(`its parent has number ${parent.sequenceNumber}`);
    if (snapshot.timestamp < parent.timestamp) broken('is older than its parent');
  }
  expect('first-row-id', snapshot.firstRowId, undefined);
  const { about } = snapshot.list;
  expect("the list's format-version", about['format-version'], '2');
  expect("the list's snapshot-id", about['snapshot-id'], String(snapshot.id));
  expect("the list's parent-snapshot-id", about['parent-snapshot-id'], String(snapshot.parent ?? 'null'));
  expect("the list's sequence-number", about['sequence-number'], String(snapshot.sequenceNumber));

  const entries = entriesOf(snapshot, table);
  const live = entries.filter(({ entry }) => entry.status !== DELETED);
  const own = entries.filter(({ listed }) => listed.snapshotId === snapshot.id);
  const of = (status: number) => own.filter(({ entry }) => entry.status === status);
  const [added, deleted] = [of(ADDED), of(DELETED)];
  const total = (name: string, value: number) => {
    const said = snapshot.summary[name];
    if (said !== undefined || value !== 0) expect(name, said, String(value));
  };
  const data = (some: Entries) => some.filter(({ listed }) => listed.content === 0);
  total('total-data-files', data(live).length);
  total('total-delete-files', live.length - data(live).length);
  total('total-records', rows(data(live)));
  total('total-files-size', bytes(live));
  total('added-data-files', data(added).length);
  total('added-records', rows(data(added)));
  total('added-files-size', bytes(added));
  total('deleted-data-files', data(deleted).length);
  total('deleted-records', rows(data(deleted)));
  total('removed-files-size', bytes(deleted));
  const days = new Set([...added, ...deleted].map(({ entry }) => dayOf(entry)));
  total('changed-partition-count', days.size);

  const paths = pathsOf(live);
  if (new Set(paths).size !== paths.length) broken('has a file twice');
  if (parent) {
    const before = pathsOf(entriesOf(parent, table).filter(({ entry }) => entry.status !== DELETED));
    const gone = new Set(pathsOf(deleted));
    const after = [...before.filter((path) => !gone.has(path)), ...pathsOf(added)];
    if (after.sort().join() !== paths.sort().join()) broken('has other files than its parent and its changes');
  }
  const { operation } = snapshot;
  if (operation === 'append' && deleted.length > 0) broken('deletes files');
  if (operation === 'delete' && data(added).length > 0) broken('adds files');
  if (operation === 'replace' && rows(data(added)) > rows(data(deleted))) broken('has more rows');
}

function manifestRules(
  listed: ListedManifest,
  table: Inspected,
  sequenceOf: ReadonlyMap<Whole, number>,
  broken: Broken,
): void {
  const expect = expecting(broken);
  const manifest = table.manifests[listed.path];
  if (!manifest) {
    broken('is missing');
    return;
  }
  const { about, records, files } = manifest;
  expect('length', listed.length, listed.realLength);
  expect('first_row_id', listed.firstRowId, undefined);
  expect('format-version', about['format-version'], '2');
  expect('content', about.content, listed.content === 0 ? 'data' : 'deletes');
  expect('partition-spec-id', about['partition-spec-id'], String(listed.specId));
  // Iceberg's own writers leave the id out.
  const schemaId = String(JSON.parse(about.schema ?? '{}')['schema-id']);
  expect('schema-id', about['schema-id'] ?? schemaId, schemaId);
  if (!Array.isArray(JSON.parse(about['partition-spec'] ?? 'null'))) broken('has no partition-spec');
  expect('sequence_number', listed.sequenceNumber, sequenceOf.get(listed.snapshotId) ?? listed.sequenceNumber);

  const of = (status: number) => records.filter((entry) => entry.status === status);
  const counted = (some: readonly RawEntry[]) => some.reduce((sum, { data_file }) => sum + data_file.record_count, 0);
  expect('added files', listed.addedFiles, of(ADDED).length);
  expect('existing files', listed.existingFiles, of(EXISTING).length);
  expect('deleted files', listed.deletedFiles, of(DELETED).length);
  expect('added rows', listed.addedRows, counted(of(ADDED)));
  expect('existing rows', listed.existingRows, counted(of(EXISTING)));
  expect('deleted rows', listed.deletedRows, counted(of(DELETED)));
  if (records.length === 0) broken('has no entries');

  for (const entry of records) entryRules(entry, listed, broken);
  const live = records.filter(({ status }) => status !== DELETED);
  const numbers = live.map((entry) => entry.sequence_number ?? listed.sequenceNumber);
  if (numbers.length > 0) expect('min_sequence_number', listed.minSequenceNumber, Math.min(...numbers));
  const days = records.map(dayOf);
  const named = days.filter((day) => day !== null).sort();
  const base64 = (day: string | undefined) => (day === undefined ? day : Buffer.from(day).toString('base64'));
  const [summary] = listed.partitions;
  expect('contains_null', summary?.containsNull, days.includes(null));
  expect('contains_nan', summary?.containsNaN ?? false, false);
  expect('lower_bound', summary?.lower, base64(named[0]));
  expect('upper_bound', summary?.upper, base64(named.at(-1)));

  if (listed.content !== 0) return;
  expect('files that are read', files.length, live.length);
  for (const file of files) {
    const entry = live.find(({ data_file }) => data_file.file_path === file.path);
    const readers = expecting((rule) => broken(`${file.path.split('/').at(-1)}: ${rule}`));
    readers('data sequence number', file.sequenceNumber, entry?.sequence_number ?? listed.sequenceNumber);
    readers('file sequence number', file.fileSequenceNumber, entry?.file_sequence_number ?? listed.sequenceNumber);
    readers('first_row_id', file.firstRowId, undefined);
    readers('content', file.content, 0);
    readers('file_format', file.format, 'PARQUET');
    readers('file_size_in_bytes', file.bytes, file.realBytes);
    readers('record_count', file.rows, Number(table.metrics[file.path]?.rows));
    if (!file.path.includes(file.day === null ? 'dt=null' : `dt=${file.day}`)) broken(`${file.path}: day ${file.day}`);
  }
}

function entryRules({ status, ...entry }: RawEntry, listed: ListedManifest, broken: Broken): void {
  const inherits = entry.sequence_number === null || entry.file_sequence_number === null;
  if (status !== ADDED && inherits) broken(`an entry of status ${status} has no sequence numbers`);
  if (status !== EXISTING && (entry.snapshot_id ?? listed.snapshotId) !== listed.snapshotId) {
    broken(`an entry of status ${status} is of snapshot ${entry.snapshot_id}`);
  }
  if (status === EXISTING && entry.snapshot_id === null) broken('an existing entry has no snapshot');
  for (const number of [entry.sequence_number, entry.file_sequence_number]) {
    if (number !== null && number > listed.sequenceNumber) broken(`an entry is newer than its manifest: ${number}`);
  }
}

type Entries = readonly { readonly listed: ListedManifest; readonly entry: RawEntry }[];

function entriesOf({ manifests }: InspectedSnapshot, table: Inspected): Entries {
  return manifests.flatMap((listed) =>
    (table.manifests[listed.path]?.records ?? []).map((entry) => ({ listed, entry })),
  );
}

const rows = (entries: Entries): number => entries.reduce((sum, { entry }) => sum + entry.data_file.record_count, 0);

const bytes = (entries: Entries): number =>
  entries.reduce((sum, { entry }) => sum + entry.data_file.file_size_in_bytes, 0);

const pathsOf = (entries: Entries): string[] => entries.map(({ entry }) => entry.data_file.file_path);

function dayOf({ data_file }: RawEntry): string | null {
  return Object.values(data_file.partition)[0] ?? null;
}

function expecting(broken: Broken) {
  return (what: string, got: unknown, expected: unknown) => {
    if (got !== expected) broken(`${what}: expected ${expected}, got ${got}`);
  };
}
