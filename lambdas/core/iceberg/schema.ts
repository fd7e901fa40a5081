/** The columns of an Iceberg table: made with the table, and changed as the source's columns change. */
import { type Column, type ColumnType, ICEBERG_PREFIX, PARTITION, type Table } from '../tables/table.ts';
import type { IcebergField, IcebergSchema, TableMetadata } from './metadata.ts';
import type { CreateTable, IcebergCatalog, LoadedTable, TableChange } from './ports.ts';
import { SOURCE } from './properties.ts';

/**
 * The Iceberg types of our column types. A timestamp is one without a zone, in microseconds.
 * https://iceberg.apache.org/spec/#primitive-types
 */
export const ICEBERG_TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'string',
  int: 'int',
  bigint: 'long',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp',
};

/** What a writer of files must know of an Iceberg table. */
export interface IcebergTable {
  readonly name: string;
  readonly uuid: string;
  /** URI of the table's folder, without a slash at its end. */
  readonly location: string;
  readonly schemaId: number;
  /** Ids of the fields by the names of the columns, of `dt` too, and of columns that the source has no more. */
  readonly ids: Readonly<Record<string, number>>;
}

/** The table in the catalog cannot become the one that is wanted. The cause is the configuration, never a log line. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/** A column as it is wanted, without its id, which is up to the table. */
export interface WantedField {
  readonly name: string;
  readonly type: string;
  readonly doc: string;
}

/** The fields that the Iceberg table of a table has, in order: its columns, and `dt` last. */
export function schemaOf({ columns }: Table): readonly WantedField[] {
  const fieldOf = ({ name, type, comment }: Column) => ({ name, type: ICEBERG_TYPES[type], doc: comment });
  return [...columns.map(fieldOf), { name: PARTITION.name, type: ICEBERG_TYPES.string, doc: PARTITION.comment }];
}

/** Properties that the Iceberg table of a source is made with. https://iceberg.apache.org/docs/latest/configuration/ */
export function tableProperties(source: string): Readonly<Record<string, string>> {
  return {
    'format-version': '2',
    'write.format.default': 'parquet',
    'write.parquet.compression-codec': 'zstd',
    'write.metadata.delete-after-commit.enabled': 'true',
    'write.metadata.previous-versions-max': '20',
    'history.expire.max-snapshot-age-ms': '172800000', // 2 days
    'history.expire.min-snapshots-to-keep': '1',
    [SOURCE]: source,
  };
}

/** How a table is made, and what of one that is there is taken as it is. */
export interface EnsureOptions extends Pick<CreateTable, 'location' | 'properties'> {
  /**
   * Whether a column may be wider than the source's. A function of an earlier version finds that while a deployment goes on:
   * its files have the narrower type, which is read as the wider one.
   *
   * @default false
   */
  readonly acceptWider?: boolean;
}

/** How the Iceberg table of a source is made. @param lakeBucket name of the bucket for its files */
export function madeFor(
  source: string,
  table: Table,
  lakeBucket: string,
): Pick<CreateTable, 'location' | 'properties'> {
  return { location: `s3://${lakeBucket}/${ICEBERG_PREFIX}${table.name}`, properties: tableProperties(source) };
}

/** A change is refused only if another one was made meanwhile. */
const TRIES = 10;

/**
 * Makes the Iceberg table if there is none, and adds the columns that it lacks. Columns that the source has no more stay,
 * and an int becomes a bigint. Any number of these may run at the same time. If the process dies on any line, the table is
 * as before or as wanted; a request that comes late is refused, as it names the schema that it was made for.
 *
 * @throws SchemaError if a column would need another type, or the table is not one of ours
 * @throws whatever the catalog last threw, if it cannot be reached
 */
export async function ensureTable(catalog: IcebergCatalog, table: Table, made: EnsureOptions): Promise<IcebergTable> {
  const { location, properties, acceptWider = false } = made;
  const wanted = schemaOf(table);
  let failure: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const loaded =
      (await catalog.load(table.name)) ??
      (await catalog.create(table.name, { location, properties, ...layout(wanted) }));
    // Somebody else made the table in between.
    if (!loaded) continue;
    requireOurs(table.name, loaded);
    const change = missingIn(table.name, loaded, wanted, acceptWider);
    if (!change) return icebergTable(table.name, loaded);
    // Refused, or the answer is lost: the next round sees what became of it.
    await catalog.commit(table.name, change).catch((error: unknown) => {
      failure = error;
    });
  }
  throw failure ?? new Error(`Iceberg table ${table.name}: expected to find it or make it, got neither`);
}

/** The table as its current schema has it. */
export function icebergTable(name: string, { metadata }: LoadedTable): IcebergTable {
  const { 'schema-id': schemaId, fields } = currentSchema(metadata);
  return {
    name,
    uuid: metadata['table-uuid'],
    location: metadata.location,
    schemaId,
    ids: Object.fromEntries(fields.map((field) => [field.name, field.id])),
  };
}

export function currentSchema(metadata: TableMetadata): IcebergSchema {
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id']);
  if (schema) return schema;
  throw new Error(`table ${metadata['table-uuid']} has no schema ${metadata['current-schema-id']}, its current one`);
}

/** Fields with ids from 1, and the partition by day, whose id is the first that Iceberg gives to one. */
export function layout(wanted: readonly WantedField[]): Pick<CreateTable, 'fields' | 'partitionSpec'> {
  const fields = wanted.map((field, index) => ({ id: index + 1, required: false, ...field }));
  const { name } = PARTITION;
  return {
    fields,
    partitionSpec: {
      'spec-id': 0,
      fields: [{ 'source-id': fields.length, 'field-id': 1000, name, transform: 'identity' }],
    },
  };
}

/** Another table under our name must not get our files, which its readers would not find by its partitions. */
function requireOurs(name: string, { metadata }: LoadedTable): void {
  const version = metadata['format-version'];
  if (version !== 2) throw new SchemaError(`Iceberg table ${name}: expected format version 2, got ${version}`);
  const spec = metadata['partition-specs'].find((each) => each['spec-id'] === metadata['default-spec-id']);
  const [by, ...more] = spec?.fields ?? [];
  const day = currentSchema(metadata).fields.find((field) => field.name === PARTITION.name);
  if (by && more.length === 0 && by.transform === 'identity' && by['source-id'] === day?.id) return;
  const got = spec?.fields.map((field) => `${field.transform}(${field.name})`).join(', ') || 'none';
  throw new SchemaError(`Iceberg table ${name}: expected a partition by identity(${PARTITION.name}), got ${got}`);
}

/** The change that gives a table the fields it lacks; undefined if it has all. */
function missingIn(
  name: string,
  { metadata }: LoadedTable,
  wanted: readonly WantedField[],
  acceptWider: boolean,
): TableChange | undefined {
  const { 'schema-id': schemaId, fields: there } = currentSchema(metadata);
  const lastId = metadata['last-column-id'];
  let nextId = lastId + 1;
  const fields = wanted.map((field): IcebergField => {
    const existing = there.find((each) => each.name === field.name);
    if (!existing) return { id: nextId++, required: false, ...field };
    const type = acceptWider && isPromotion(field.type, existing.type) ? 'long' : field.type;
    requirePromotion(name, existing, { ...field, type });
    // A column that rows must have is one that rows without a value would be refused in.
    return { ...existing, required: false, type };
  });
  const same = fields.every((field) => there.some((each) => isSame(each, field)));
  if (same) return undefined;
  const kept = there.filter((field) => !wanted.some((each) => each.name === field.name));
  fields.splice(-1, 0, ...kept);
  const schema: IcebergSchema = { type: 'struct', 'schema-id': nextSchemaId(metadata), fields };
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': lastId },
      { type: 'assert-current-schema-id', 'current-schema-id': schemaId },
    ],
    updates: [
      { action: 'add-schema', schema, 'last-column-id': nextId - 1 },
      { action: 'set-current-schema', 'schema-id': -1 },
    ],
  };
}

function isSame(a: IcebergField, b: IcebergField): boolean {
  return a.id === b.id && a.type === b.type && a.required === b.required;
}

function nextSchemaId({ schemas }: TableMetadata): number {
  return Math.max(...schemas.map((schema) => schema['schema-id'])) + 1;
}

function requirePromotion(table: string, { type: from, name }: IcebergField, { type: to }: WantedField): void {
  if (isReadAs(from, to)) return;
  const had = typeof from === 'string' ? from : JSON.stringify(from);
  throw new SchemaError(
    `Iceberg table ${table}, column ${name}: the table has the type ${had}, and the source now has ${to}. ` +
      'An Iceberg column can only become wider, from int to long: ' +
      'give the column its former type or another name, or write the table anew with `lake rebuild`',
  );
}

/** Whether values of one type are read as those of another one without becoming others. Nested types are objects. */
export function isReadAs(from: IcebergField['type'], to: IcebergField['type']): boolean {
  return JSON.stringify(from) === JSON.stringify(to) || isPromotion(from, to);
}

/** The type of a field as columns of the lake are declared; Iceberg's own for a type that none of these has. */
export function columnTypeOf(type: IcebergField['type']): string {
  const [known] = Object.entries(ICEBERG_TYPES).find(([, iceberg]) => iceberg === type) ?? [];
  return known ?? (typeof type === 'string' ? type : String((type as { type?: unknown }).type));
}

/** Iceberg reads an int of an old file as a long. https://iceberg.apache.org/spec/#schema-evolution */
function isPromotion(from: IcebergField['type'], to: IcebergField['type']): boolean {
  return from === 'int' && to === 'long';
}
