/**
 * Makes a table anew beside a broken one: metadata with a history that begins now, and with the files of the former
 * table, which are not read again. The fresh table has another uuid, the same folder and the same ids of fields. It takes
 * the former's place when the catalog is pointed to it, in one step, and until then nobody sees it. The former table's
 * metadata stays where it is, and no catalog has it any more: so only one table maintains the files, and when its files are
 * merged or expire, no other table misses them.
 */
import { added } from './append.ts';
import { versionOf } from './begin-empty.ts';
import type { DataFile } from './data-file.ts';
import { dayPartition, dayPartitions } from './day-partition.ts';
import { uuidsOf } from './find-metadata.ts';
import { freshSchema, type SetAside } from './fresh-schema.ts';
import { liveFiles } from './live-files.ts';
import type { ManifestFile } from './manifest-fields.ts';
import { writeManifest } from './manifests.ts';
import { icebergJson, MAIN, type PartitionSpec, type TableMetadata } from './metadata.ts';
import type { LoadedTable, TableFiles } from './ports.ts';
import { COMMIT, REBUILT_FROM, TAKEN_OVER } from './properties.ts';
import type { WantedField } from './schema.ts';
import { beginSnapshot, finishSnapshot, type Making, manifestOf, NOTHING } from './snapshots.ts';
import { UnsupportedTableError } from './unsupported.ts';

/** What a fresh table is made of. */
export interface Rebuilding {
  /** The former tables: the first gives the folder, and has the say about properties. */
  readonly tables: readonly LoadedTable[];
  /** The columns that are wanted. @default - those of the tables */
  readonly wanted?: readonly WantedField[];
  /** Files besides those of the tables. @default - none */
  readonly more?: readonly DataFile[];
  /** Properties that the table has unless the former ones say otherwise, or know fewer commits. */
  readonly properties: Readonly<Record<string, string>>;
  /** Whether a file is one of the fresh table; asked once for each file of each former table, in turn. */
  readonly takes: (file: DataFile) => boolean;
  /** Random. */
  readonly uuid: string;
  /** URI of the metadata that the catalog has: by the log of the fresh table it is known to come after that. */
  readonly before?: string | undefined;
}

/** A table that was made anew, and is in no catalog yet. */
export interface FreshTable extends LoadedTable {
  readonly setAside: readonly SetAside[];
}

/** A manifest of so many files has about 2 MB. */
const FILES_OF_MANIFEST = 2_000;

/**
 * Writes a fresh table: manifests, their list and the metadata. Nobody knows of them before a catalog is pointed there: if
 * the process dies, they lie there unused.
 *
 * @throws UnsupportedTableError if the files of the tables cannot be in one table of this project
 */
export async function writeFreshTable(rebuilding: Rebuilding, making: Making): Promise<FreshTable> {
  const { schema, lastColumnId, setAside } = schemaOfFresh(rebuilding);
  const empty = { ...emptyTable(rebuilding, making.now), ...{ schemas: [schema], 'last-column-id': lastColumnId } };
  const metadata = await withFiles({ ...empty, 'current-schema-id': schema['schema-id'] }, rebuilding, making);
  const version = String(versionOf(rebuilding.tables.map((table) => table.metadataLocation)) + 1).padStart(5, '0');
  const metadataLocation = `${metadata.location}/metadata/${version}-${making.newId()}.metadata.json`;
  await making.files.put(metadataLocation, new TextEncoder().encode(icebergJson(metadata)));
  return { metadata, metadataLocation, setAside };
}

/** The columns that a fresh table gets. @throws as writeFreshTable does */
export function schemaOfFresh({ tables, wanted }: Pick<Rebuilding, 'tables' | 'wanted'>) {
  return freshSchema(
    tables.map(({ metadata }) => metadata),
    wanted,
  );
}

/**
 * All files of the newest snapshots of some tables, and more.
 *
 * @throws UnsupportedTableError for files that are not divided by days: nobody knows their day without reading them
 */
export async function* filesOfAll(
  tables: readonly LoadedTable[],
  files: TableFiles,
  more: readonly DataFile[] = [],
): AsyncGenerator<DataFile> {
  yield* more;
  for (const table of tables) {
    const { metadata } = table;
    const isByDay = dayPartitions(metadata).length === metadata['partition-specs'].length;
    for await (const file of liveFiles(table, files)) {
      if (file.partition === null && !isByDay) {
        throw new UnsupportedTableError(`${file.path}: expected a file of one day, got one of another partition spec`);
      }
      yield file;
    }
  }
}

function emptyTable({ tables, properties, uuid, before }: Rebuilding, now: number): TableMetadata {
  const all = tables.map(({ metadata }) => metadata);
  const [first] = all as [TableMetadata];
  const greatest = (name: 'last-sequence-number' | 'last-updated-ms' | 'last-partition-id') =>
    Math.max(...all.map((table) => table[name]));
  const spec = dayOrNew(first);
  return {
    'format-version': 2,
    'table-uuid': uuid,
    location: first.location,
    // Files that others have yet to add have numbers of before.
    'last-sequence-number': greatest('last-sequence-number'),
    'last-updated-ms': Math.max(now, greatest('last-updated-ms')),
    'last-column-id': first['last-column-id'],
    schemas: [],
    'current-schema-id': 0,
    'partition-specs': [spec],
    'default-spec-id': spec['spec-id'],
    'last-partition-id': greatest('last-partition-id'),
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    properties: propertiesOf(tables, properties),
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [...new Set([...tables.map(({ metadataLocation }) => metadataLocation), before ?? []].flat())].map(
      (file) => ({ 'timestamp-ms': greatest('last-updated-ms'), 'metadata-file': file }),
    ),
  };
}

function dayOrNew(metadata: TableMetadata): PartitionSpec {
  const { specId } = dayPartitions(metadata)[0] ?? dayPartition(metadata);
  return metadata['partition-specs'].find((spec) => spec['spec-id'] === specId) as PartitionSpec;
}

/**
 * What the former tables say of commits holds for the fresh one, as it has their files: a commit that was made is not made
 * again, and files that wait for their commit to a former table belong to this one.
 */
function propertiesOf(tables: readonly LoadedTable[], byDefault: Readonly<Record<string, string>>) {
  // A property of the request that makes a table, and none of the table.
  const { 'format-version': _, ...given } = byDefault;
  const properties: Record<string, string> = { ...given };
  for (const { metadata } of tables.toReversed()) {
    for (const [name, value] of Object.entries(metadata.properties ?? {})) {
      const before = properties[name];
      if (name.startsWith(COMMIT) && before !== undefined && numberIn(before) > numberIn(value)) continue;
      properties[name] = value;
    }
  }
  properties[TAKEN_OVER] = [...new Set(tables.flatMap(uuidsOf))].join(' ');
  properties[REBUILT_FROM] = tables.map(({ metadataLocation }) => metadataLocation).join(' ');
  return properties;
}

function numberIn(commit: string): number {
  return Number(/^\d+/.exec(commit)?.[0] ?? 0);
}

async function withFiles(
  empty: TableMetadata,
  { tables, takes, more }: Rebuilding,
  making: Making,
): Promise<TableMetadata> {
  const begun = await beginSnapshot({ metadata: empty, metadataLocation: '' }, making);
  const day = dayPartition(empty);
  const manifests: ManifestFile[] = [];
  const days = new Set<string | null>();
  let [files, rows, bytes] = [0, 0n, 0n];
  let some: DataFile[] = [];
  const write = async (): Promise<void> => {
    const entries = some.map((file) => added(file, begun.id));
    manifests.push(await writeManifest(making.files, manifestOf(begun, day), entries));
    some = [];
  };
  for await (const file of filesOfAll(tables, making.files, more)) {
    if (!takes(file)) continue;
    some.push(file);
    days.add(file.partition);
    files++;
    rows += BigInt(file.rows);
    bytes += BigInt(file.bytes);
    if (some.length === FILES_OF_MANIFEST) await write();
  }
  if (some.length > 0) await write();
  if (files === 0) return empty;
  const { updates } = await finishSnapshot(begun, {
    ...{ operation: 'append', manifests, added: { files, rows, bytes }, removed: NOTHING, changedDays: days.size },
  });
  const snapshot = updates.find((update) => update.action === 'add-snapshot')?.snapshot;
  if (!snapshot) throw new Error('expected a change that adds a snapshot');
  const [id, time] = [snapshot['snapshot-id'], snapshot['timestamp-ms']];
  return {
    ...empty,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': time,
    'current-snapshot-id': id,
    snapshots: [snapshot],
    refs: { [MAIN]: { 'snapshot-id': id, type: 'branch' } },
    'snapshot-log': [{ 'timestamp-ms': time, 'snapshot-id': id }],
  };
}
