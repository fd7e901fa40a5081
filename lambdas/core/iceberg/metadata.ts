/**
 * The metadata of an Iceberg table, as its catalog gives it and as its metadata file has it.
 * https://iceberg.apache.org/spec/#table-metadata-fields
 */

/** Ids of snapshots have 63 bits, more than a number holds. */
export type SnapshotId = bigint;

/** Metadata of a table of format version 2. Fields that this project does not use are kept as they are. */
export interface TableMetadata {
  readonly 'format-version': number;
  readonly 'table-uuid': string;
  /** URI of the table's folder, without a slash at its end. */
  readonly location: string;
  readonly 'last-sequence-number': number;
  /** Milliseconds since the epoch. */
  readonly 'last-updated-ms': number;
  readonly 'last-column-id': number;
  readonly schemas: readonly IcebergSchema[];
  readonly 'current-schema-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'default-spec-id': number;
  readonly 'last-partition-id': number;
  readonly properties?: Readonly<Record<string, string>>;
  readonly 'current-snapshot-id'?: SnapshotId | null;
  readonly snapshots?: readonly Snapshot[];
  readonly refs?: Readonly<Record<string, SnapshotRef>>;
  readonly [other: string]: unknown;
}

export interface IcebergSchema {
  readonly type: 'struct';
  readonly 'schema-id': number;
  readonly fields: readonly IcebergField[];
  readonly 'identifier-field-ids'?: readonly number[];
}

export interface IcebergField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  /** The name of a primitive type. Tables of others may have nested types, which are objects. */
  readonly type: string | object;
  readonly doc?: string;
}

export interface PartitionSpec {
  readonly 'spec-id': number;
  readonly fields: readonly {
    readonly 'source-id': number;
    readonly 'field-id': number;
    readonly name: string;
    readonly transform: string;
  }[];
}

export interface Snapshot {
  readonly 'snapshot-id': SnapshotId;
  readonly 'parent-snapshot-id'?: SnapshotId;
  readonly 'sequence-number': number;
  /** Milliseconds since the epoch. */
  readonly 'timestamp-ms': number;
  /** URI of the list of manifests. */
  readonly 'manifest-list': string;
  readonly summary: Readonly<Record<string, string>> & { readonly operation: string };
  readonly 'schema-id'?: number;
}

export interface SnapshotRef {
  readonly 'snapshot-id': SnapshotId;
  readonly type: 'branch' | 'tag';
}

/** The branch that readers read. */
export const MAIN = 'main';

/**
 * Reads JSON whose integers may be larger than a number holds: these are bigints, and so are ids of snapshots whatever
 * their size.
 *
 * @throws SyntaxError if it is no JSON
 */
export function parseIcebergJson(text: string): unknown {
  // The third argument has the number as it is written: https://github.com/tc39/proposal-json-parse-with-source
  const reviver = (key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (key === 'snapshot-ids' && Array.isArray(value)) return value.map(toId);
    if (typeof value !== 'number') return value;
    const isId = key.endsWith('snapshot-id');
    const isInteger = context?.source !== undefined && /^-?\d+$/.test(context.source);
    return isInteger && (isId || !Number.isSafeInteger(value)) ? BigInt(context.source as string) : value;
  };
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

function toId(value: unknown): unknown {
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}

/**
 * A property of a table that tunes its writers.
 *
 * @returns the default too if its value is not a whole number, as a slip of the pen must not stop commits
 */
export function numberProperty({ properties }: TableMetadata, name: string, byDefault: number): number {
  const text = properties?.[name] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : byDefault;
}

/** Writes JSON in which bigints are numbers. */
export function icebergJson(value: unknown): string {
  const replacer = (_key: string, part: unknown): unknown =>
    typeof part === 'bigint' ? (JSON as unknown as RawJson).rawJSON(String(part)) : part;
  return JSON.stringify(value, replacer);
}

/** Not yet in the types: https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Global_Objects/JSON/rawJSON */
interface RawJson {
  rawJSON(text: string): object;
}
