import { createHash } from 'node:crypto';

/**
 * A table is written once: the Glue schema, the JSON keys sent to Firehose, the docs and the local Parquet files all
 * derive from it.
 */

/** Column types, by their Glue (Hive) names. Timestamps are UTC without a zone, in microseconds. */
export type ColumnType = 'string' | 'int' | 'bigint' | 'double' | 'boolean' | 'timestamp';

/** A column without its key. */
export interface ColumnSpec<Type extends ColumnType = ColumnType> {
  readonly type: Type;
  /** One sentence: meaning, unit, and the meaning of null. At most 255 characters, because Glue refuses more. */
  readonly comment: string;
  /**
   * The column's JSON key, if it does not follow from the column's place: see `keyedByName`.
   *
   * @default - `keyOf` of its place among the format's columns
   */
  readonly key?: string;
}

/** A column of a table. */
export interface Column extends ColumnSpec {
  readonly name: string;
  /**
   * The column's key in the JSON records sent to Firehose. Short, because Firehose bills bytes. A key is assigned once
   * and never reused: Firehose reads records that it has buffered with the mapping of the day it delivers them.
   */
  readonly key: string;
}

/** A table: columns in the order a user sees them. The partition column `dt` is not among them. */
export interface Table {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly Column[];
}

/** Columns by name, in order. New ones are added at the end; no column is renamed, retyped, moved or removed. */
export type ColumnSpecs = Readonly<Record<string, ColumnSpec>>;

/** A column's name in a table: Glue keeps names in lower case, so that a capital would name another column. */
export const COLUMN_NAME = /^[a-z][a-z0-9_]{0,62}$/;

/** Refuses names with capitals where they are written. */
type LowerCase<Specs> = {
  readonly [Name in keyof Specs]: Name extends Lowercase<Name & string>
    ? ColumnSpec
    : 'a column name is written in lower case';
};

/**
 * The columns of a format, as written in its file.
 *
 * @throws Error naming a column whose name a table cannot have.
 * @example
 * const columns = defineColumns({ time: timestamp('When the request ended, UTC.'), status: int('Status code.') });
 */
export function defineColumns<const Specs extends ColumnSpecs & LowerCase<Specs>>(specs: Specs): Specs {
  for (const name of Object.keys(specs)) {
    if (COLUMN_NAME.test(name)) continue;
    throw new Error(
      `column ${name}: expected a name of a-z, 0-9 and _ that begins with a letter, at most 63 characters`,
    );
  }
  return specs;
}

const column =
  <Type extends ColumnType>(type: Type) =>
  (comment: string): ColumnSpec<Type> => ({ type, comment });

export const text = column('string');
export const int = column('int');
export const bigint = column('bigint');
export const double = column('double');
export const boolean = column('boolean');
export const timestamp = column('timestamp');

/** The partition column of every table. Athena projects partitions, so there is no crawler and nothing to repair. */
export const PARTITION = {
  name: 'dt',
  comment: 'Day, YYYY-MM-DD: of the event on the direct lane, else the one on which Firehose received the row.',
} as const;

/** Prefix in the lake bucket of the files of all tables that are no Iceberg tables. */
export const DATA_PREFIX = 'data/';

/** Prefix in the lake bucket of the Iceberg tables, each in the folder of its name. No file there expires by its age. */
export const ICEBERG_PREFIX = 'iceberg/';

/** Key of a file of a table, in the partition of a day. */
export function fileKey(table: string, day: string, name: string): string {
  return `${DATA_PREFIX}${table}/${PARTITION.name}=${day}/${name}.parquet`;
}

/**
 * The lake's own columns, last in every table. They have the lowest numbers (0-9) and a format's columns begin at
 * FIRST_FORMAT_KEY, so that a format can add columns at its end.
 */
export const OWN = {
  origin: {
    name: 'origin',
    key: '0',
    ...text('Short id of the source and the object version or payload the row came from; join loads on it.'),
  },
  position: {
    name: 'position',
    key: '1',
    ...bigint('Number of the line in its object, or of the event in its payload, from 1.'),
  },
  extra: {
    name: 'extra',
    key: '2',
    ...text('JSON object of what the line held beyond the declared columns, by position or key; null when nothing.'),
  },
  errors: {
    name: 'errors',
    key: '3',
    ...text('JSON object by column of values that did not convert, each with value and reason; null when all did.'),
  },
  raw: { name: 'raw', key: '4', ...text("The line as it came, kept as the source's keepRaw says.") },
  logGroup: { name: 'log_group', key: '5', ...text('CloudWatch log group the event came from.') },
  logStream: { name: 'log_stream', key: '6', ...text('CloudWatch log stream the event came from.') },
  loggedAt: {
    name: 'logged_at',
    key: '7',
    ...timestamp("CloudWatch's time of the event, UTC: the event's time where its message has none."),
  },
  payload: {
    name: 'payload',
    key: '8',
    ...text(
      'On the direct lane, short id of the payload in which CloudWatch handed the event on: a payload that came twice has it twice; null if the origin is the payload.',
    ),
  },
  payloadPosition: {
    name: 'payload_position',
    key: '9',
    ...bigint('On the direct lane, number of the event in its payload, from 1; null if the position is that.'),
  },
} as const satisfies Record<string, Column>;

/** What tells the events of a payload from each other and from those of other payloads, where the origin is an object. */
const OF_PAYLOAD = [OWN.payload, OWN.payloadPosition];

/** The first number of a format's columns: the key `a`. */
export const FIRST_FORMAT_KEY = 10;

/** Where a source's records come from: S3 objects, or CloudWatch log events. */
export type Lane = 'objects' | 'events';

/** Keys after the digits and lower-case letters. No capitals: software that ignores case would confuse two keys. */
const SIGNS = '!#$%&*+-/:;<=>?@^_|~';
const LETTERS_END = 36;

/** The JSON key for a column's number: one character up to 55, from there on the number in base 36. */
export function keyOf(number: number): string {
  return SIGNS[number - LETTERS_END] ?? number.toString(36);
}

/** Makes columns of specs: adds each one's name and key. */
export function numbered(specs: ColumnSpecs): Column[] {
  return Object.entries(specs).map(([name, spec], index) => ({
    name,
    key: keyOf(FIRST_FORMAT_KEY + index),
    ...spec,
  }));
}

/** Digits, lower-case letters and signs: the characters of keys. */
const KEY_CHARACTERS = `0123456789abcdefghijklmnopqrstuvwxyz${SIGNS}`;
const NAMED_KEY_LENGTH = 3;

/**
 * Gives each column the key of its name and type: three characters of a hash. For the columns that a user declares,
 * because these are added, moved and removed: a key that followed from the place would then be another column's, and
 * rows that Firehose still holds would land in the wrong one. A column of another type has another key, so that no value
 * is read as a type that it was not written for.
 */
export function keyedByName(specs: ColumnSpecs): Readonly<Record<string, ColumnSpec & { readonly key: string }>> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, { ...spec, key: keyOfName(name, spec.type) }]),
  );
}

function keyOfName(name: string, type: ColumnType): string {
  let rest = createHash('sha256').update(`${name}:${type}`).digest().readUInt32BE();
  let key = '';
  for (let index = 0; index < NAMED_KEY_LENGTH; index++) {
    key += KEY_CHARACTERS[rest % KEY_CHARACTERS.length];
    rest = Math.floor(rest / KEY_CHARACTERS.length);
  }
  return key;
}

/** Two columns whose keys are equal: of 20 that a user declares, one time in 900. Undefined if there are none. */
export function sameKey(specs: ColumnSpecs): readonly [string, string] | undefined {
  const names = new Map<string, string>();
  for (const { name, key } of numbered(specs)) {
    const other = names.get(key);
    if (other !== undefined) return [other, name];
    names.set(key, name);
  }
  return undefined;
}

/** Names of columns, in the order in which the columns are declared. */
export function inOrder(names: readonly string[], specs: ColumnSpecs): string[] {
  return Object.keys(specs).filter((name) => names.includes(name));
}

/**
 * A source's table: its format's columns, then the lake's own.
 *
 * @param exported whether the objects of the source were exported by CloudWatch, with a time before each event
 */
export function sourceTable(
  name: string,
  description: string,
  specs: ColumnSpecs,
  lane: Lane,
  exported = false,
): Table {
  const own = [OWN.origin, OWN.position, OWN.extra, OWN.errors, OWN.raw];
  const ofEvents = [OWN.logGroup, OWN.logStream, OWN.loggedAt, ...OF_PAYLOAD];
  const laneOwn = lane === 'events' ? ofEvents : exported ? [OWN.loggedAt] : [];
  return { name, description, columns: [...numbered(specs), ...own, ...laneOwn] };
}
