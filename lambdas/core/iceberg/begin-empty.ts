/**
 * A table without rows, to be put in the place of another one whose rows are read again from the logs. It has another uuid, and
 * the same folder, so that its maintenance deletes the former files one day. Nothing of the former table is needed for it.
 */
import { icebergJson, type TableMetadata } from './metadata.ts';
import type { LoadedTable } from './ports.ts';
import { REPLACED } from './properties.ts';
import { layout, type WantedField } from './schema.ts';
import type { Making } from './snapshots.ts';

export interface Beginning {
  /** URI of the table's folder. */
  readonly location: string;
  readonly fields: readonly WantedField[];
  readonly properties: Readonly<Record<string, string>>;
  /** Uuids of all tables that were there before. */
  readonly replaced: readonly string[];
  /** The number in the name of the metadata file. */
  readonly version: number;
  /** Random. */
  readonly uuid: string;
}

/** Writes the metadata. If the process dies before a catalog is pointed there, it lies there unused. */
export async function writeEmptyTable(beginning: Beginning, making: Making): Promise<LoadedTable> {
  const { location, fields: wanted, replaced, version, uuid } = beginning;
  const { 'format-version': _, ...properties } = beginning.properties;
  const { fields, partitionSpec } = layout(wanted);
  const metadata: TableMetadata = {
    'format-version': 2,
    'table-uuid': uuid,
    location,
    'last-sequence-number': 0,
    'last-updated-ms': making.now,
    'last-column-id': fields.length,
    schemas: [{ type: 'struct', 'schema-id': 0, fields }],
    'current-schema-id': 0,
    'partition-specs': [partitionSpec],
    'default-spec-id': partitionSpec['spec-id'],
    'last-partition-id': Math.max(...partitionSpec.fields.map((field) => field['field-id'])),
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    properties: { ...properties, [REPLACED]: replaced.join(' ') },
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    // It names none before it: whoever looks for the newest metadata in the folder, as after the catalog has lost the table,
    // must not take this one for what counted if the command died before the catalog was pointed to it.
    'metadata-log': [],
  };
  const metadataLocation = `${location}/metadata/${String(version).padStart(5, '0')}-${making.newId()}.metadata.json`;
  await making.files.put(metadataLocation, new TextEncoder().encode(icebergJson(metadata)));
  return { metadata, metadataLocation };
}

/** The number of the last of some metadata files, in whose names Iceberg's catalogs write it. */
export function versionOf(metadataLocations: readonly string[]): number {
  return Math.max(0, ...metadataLocations.map((uri) => Number(/\/(\d+)-[^/]+$/.exec(uri)?.[1] ?? 0)));
}
