/** The columns that a source of JSON declares: names, types, and where in a record the values are. */
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
const MAX_FROM_CHARS = 200;

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

function nameOf(key: string): string {
  if (!COLUMN_NAME.test(key)) {
    const expected = 'a name of letters, digits and _ that begins with a letter, at most 63';
    throw refused('columns', `${expected}, got ${JSON.stringify(key)}`);
  }
  const name = key.toLowerCase();
  if (RESERVED.has(name)) throw refused(`columns.${key}`, 'another name, got the name of a column of the lake itself');
  return name;
}

function columnOf(key: string, column: unknown): JsonColumn {
  if (typeof column !== 'object' || column === null || Array.isArray(column)) {
    return { type: typeOf(`columns.${key}`, column), from: key, comment: `Value of the key ${key}.` };
  }
  const { type, from = key, ...others } = column as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refused(`columns.${key}`, `type and from, got ${unknown}`);
  const known = typeOf(`columns.${key}.type`, type);
  if (typeof from !== 'string' || from.length === 0 || from.length > MAX_FROM_CHARS) {
    const got = typeof from === 'string' ? `${from.length} characters` : JSON.stringify(from);
    throw refused(`columns.${key}.from`, `a key or path of 1 to ${MAX_FROM_CHARS} characters, got ${got}`);
  }
  return { type: known, from, comment: `Value of the key or path ${shown(from)}.` };
}

function typeOf(name: string, type: unknown): ColumnType {
  const known = COLUMN_TYPES.find((columnType) => columnType === type);
  if (known) return known;
  throw refused(name, `a type of ${COLUMN_TYPES.join(', ')}, got ${JSON.stringify(type)}`);
}

/** Refuses paths of which one has the value that another one is within: only one of the two columns could have it. */
function refuseClash(columns: JsonColumns): void {
  const clash = clashOf([...columns.values()].map(({ from }) => from));
  if (!clash) return;
  const [one = '', other = ''] = clash.map((path) => [...columns].find(([, { from }]) => from === path)?.[0]);
  throw refused(
    `columns.${other}`,
    `a key or path that is not another column's, nor within it, nor around it, got ${shown(clash[1])}, and ${one} has ${shown(clash[0])}`,
  );
}

/** A path in a comment of a column, which has no control characters. */
function shown(path: string): string {
  return /^[^\p{Cc}\p{Cs}]*$/u.test(path) ? path : JSON.stringify(path).slice(0, MAX_FROM_CHARS);
}

function refused(name: string, expected: string): OptionError {
  return new OptionError('columns', `${name}: expected ${expected}`);
}
