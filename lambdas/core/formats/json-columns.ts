/** The columns that a source of JSON declares: names, types, and where in a record the values are. */
import { ENVELOPE } from '../reading/envelope.ts';
import { OptionError } from '../reading/format.ts';
import { clashOf } from '../reading/json-paths.ts';
import { type ColumnSpec, type ColumnType, OWN, PARTITION } from '../tables/table.ts';

export const COLUMN_TYPES = ['timestamp', 'string', 'int', 'bigint', 'double', 'boolean'] as const;

/** A column, and the key or path of its value in a record. */
export interface JsonColumn extends ColumnSpec {
  /** See json-paths.ts. */
  readonly from: string;
}

/** Columns by name, in lower case and in the order of the table. */
export type JsonColumns = ReadonlyMap<string, JsonColumn>;

const COLUMN_NAME = /^[a-z][a-z0-9_]{0,62}$/i;
/** Names that a declared column must not have: the lake's own columns and the partition. */
const RESERVED: ReadonlySet<string> = new Set([...Object.values(OWN).map(({ name }) => name), PARTITION.name]);
/** Longest path, in characters: a column's comment has it. */
export const MAX_FROM_CHARS = 200;

/**
 * The columns of the option `columns`, behind those of a preset, if there is one. A declared column with the name of one
 * of the preset's replaces it.
 *
 * @param declared `{ name: type }` or `{ name: { type, from } }`, where `from` is a key or a path
 * @throws OptionError naming the column, with what was expected
 */
export function jsonColumns(declared: unknown, preset: JsonColumns = new Map()): JsonColumns {
  if (typeof declared !== 'object' || declared === null || Array.isArray(declared)) {
    throw refused('columns', `an object of name: type, or of name: { type, from }, got ${JSON.stringify(declared)}`);
  }
  const columns = new Map(preset);
  const own = new Set<string>();
  for (const [key, column] of Object.entries(declared)) {
    const name = nameOf(key);
    if (own.has(name)) throw refused(`columns.${key}`, `names that differ by more than case, got ${key} twice`);
    own.add(name);
    columns.set(name, columnOf(key, column));
  }
  if (columns.size === 0) throw refused('columns', 'at least one column, got none');
  refuseClash(columns);
  return columns;
}

/** Columns of a source that were keys in `extra` first: at most so many, because readers of the table look at each. */
export const MAX_PROMOTED = 50;
/** As many columns as one line may fill, promoted ones among them, with room for those of the lake itself. */
const MAX_COLUMNS = 200;
/** Keys by which envelopes are told from records. */
const OF_ENVELOPE: readonly string[] = [...ENVELOPE.line, ...ENVELOPE.stream, ...ENVELOPE.piece];

/**
 * The columns of the option `promoted`, which follow those that are declared. They were keys in `extra` first, so they
 * change nothing else: none is a column of an envelope, and none has a value that a declared column has a part of.
 *
 * @param declared the columns of the option `columns` or of the preset
 * @param promoted as in `jsonColumns`
 * @throws OptionError naming the column, with what was expected
 */
export function promotedColumns(declared: JsonColumns, promoted: unknown): JsonColumns {
  if (promoted === undefined) return new Map();
  if (typeof promoted !== 'object' || promoted === null || Array.isArray(promoted)) {
    throw refused('promoted', `an object of name: type, or of name: { type, from }, got ${JSON.stringify(promoted)}`);
  }
  const columns = new Map<string, JsonColumn>();
  for (const [key, given] of Object.entries(promoted)) {
    const name = nameOf(key, 'promoted');
    const path = `promoted.${key}`;
    if (columns.has(name)) throw refused(path, `names that differ by more than case, got ${key} twice`);
    if (declared.has(name)) throw refused(path, 'a name that no declared column has');
    const column = columnOf(key, given, 'promoted');
    const [first = ''] = column.from.toLowerCase().split('.');
    if (OF_ENVELOPE.includes(first)) {
      throw refused(path, `another key than ${OF_ENVELOPE.join(', ')}, which tell the envelopes of records`);
    }
    columns.set(name, column);
  }
  refuseClash(new Map([...declared, ...columns]), 'promoted');
  if (columns.size > MAX_PROMOTED) throw refused('promoted', `at most ${MAX_PROMOTED} columns, got ${columns.size}`);
  const count = declared.size + columns.size;
  if (columns.size > 0 && count > MAX_COLUMNS) {
    throw refused('promoted', `at most ${MAX_COLUMNS} columns with those that are declared, got ${count}`);
  }
  return columns;
}

function nameOf(key: string, option = 'columns'): string {
  if (!COLUMN_NAME.test(key)) {
    const expected = 'a name of letters, digits and _ that begins with a letter, at most 63';
    throw refused(option, `${expected}, got ${JSON.stringify(key)}`);
  }
  const name = key.toLowerCase();
  if (RESERVED.has(name))
    throw refused(`${option}.${key}`, 'another name, got the name of a column of the lake itself');
  return name;
}

function columnOf(key: string, column: unknown, option = 'columns'): JsonColumn {
  const path = `${option}.${key}`;
  if (typeof column !== 'object' || column === null || Array.isArray(column)) {
    return { type: typeOf(path, column), from: key, comment: `Value of the key ${key}.` };
  }
  const { type, from = key, ...others } = column as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refused(path, `type and from, got ${unknown}`);
  const known = typeOf(`${path}.type`, type);
  if (typeof from !== 'string' || from.length === 0 || from.length > MAX_FROM_CHARS) {
    const got = typeof from === 'string' ? `${from.length} characters` : JSON.stringify(from);
    throw refused(`${path}.from`, `a key or path of 1 to ${MAX_FROM_CHARS} characters, got ${got}`);
  }
  return { type: known, from, comment: `Value of the key or path ${shown(from)}.` };
}

function typeOf(name: string, type: unknown): ColumnType {
  const known = COLUMN_TYPES.find((columnType) => columnType === type);
  if (known) return known;
  throw refused(
    name,
    `a type of ${COLUMN_TYPES.join(', ')}, got ${type === undefined ? 'nothing' : JSON.stringify(type)}`,
  );
}

/** Refuses paths of which one has the value that another one is within: only one of the two columns could have it. */
function refuseClash(columns: JsonColumns, option: 'columns' | 'promoted' = 'columns'): void {
  const clash = clashOf([...columns.values()].map(({ from }) => from));
  if (!clash) return;
  // The last one of the other path: both may have the same.
  const one = [...columns].find(([, { from }]) => from === clash[0])?.[0] ?? '';
  const other = [...columns].findLast(([, { from }]) => from === clash[1])?.[0] ?? '';
  throw refused(
    `${option}.${other}`,
    `a key or path that is not another column's, nor within it, nor around it, got ${shown(clash[1])}, and ${one} has ${shown(clash[0])}`,
  );
}

/** A path in a comment of a column, which has no control characters. */
function shown(path: string): string {
  return /^[^\p{Cc}\p{Cs}]*$/u.test(path) ? path : JSON.stringify(path).slice(0, MAX_FROM_CHARS);
}

function refused(name: string, expected: string): OptionError {
  return new OptionError(name.split('.')[0] ?? name, `${name}: expected ${expected}`);
}
