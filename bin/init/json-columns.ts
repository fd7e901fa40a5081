/** Proposes the columns of a source of JSON lines, from the records of some of its lines. */
import { PRESETS } from '../../lambdas/core/formats/json-presets.ts';
import type { Member } from '../../lambdas/core/reading/json-text.ts';
import { kindOf, objectMembers, plainText } from '../../lambdas/core/reading/json-text.ts';
import { readTime } from '../../lambdas/core/reading/time-forms.ts';
import { COLUMN_NAME, type ColumnType, keyedByName, OWN, PARTITION } from '../../lambdas/core/tables/table.ts';

/** A column as a source declares it: its type, or its type and where its values are. */
export type Declared = ColumnType | { readonly type: ColumnType; readonly from: string };

/** Nested objects deeper than this stay text. */
const MAX_DEPTH = 4;
/** An object with more keys than this is a map, whose keys are values: it stays text. */
const MAX_MEMBERS = 30;
/** What no column takes is in `extra`. */
const MAX_COLUMNS = 100;
/** Longest path that a column can have. */
const MAX_FROM_CHARS = 200;

/** What one key or path has had in the records. */
interface Seen {
  readonly path: string;
  /** Values that are no objects or lists, as text; null is no value. */
  readonly values: string[];
  readonly kinds: Set<string>;
  /** By lower-case key, for the members of objects. */
  readonly members: Map<string, Seen>;
}

/**
 * A column for each key of the records, and for each member of their nested objects, with the narrowest type that all
 * values have. Keys that cannot be names of columns get a name that is like them, and `from`.
 */
export function proposeColumns(records: readonly (readonly Member[])[]): Record<string, Declared> {
  const root = seen('');
  for (const record of records) for (const member of record) note(root, member, 1);
  const names = new Names();
  const columns: Record<string, Declared> = {};
  const paths: string[] = [];
  for (const leaf of leavesOf(root)) {
    if (Object.keys(columns).length === MAX_COLUMNS) break;
    // A value that was always null says nothing of its type.
    if (leaf.path.length > MAX_FROM_CHARS || leaf.kinds.size === 0) continue;
    // `a.b` as one key and as a path, or beside an `a` with a value: only one can be a column.
    const path = leaf.path.toLowerCase();
    if (paths.some((other) => isWithin(path, other) || isWithin(other, path))) continue;
    paths.push(path);
    const type = typeOf(leaf);
    const name = names.take(leaf.path, type);
    columns[name] = name === leaf.path.toLowerCase() ? type : { type, from: leaf.path };
  }
  return columns;
}

/** Whether a path leads into what another one leads to; both in lower case. */
export function isWithin(path: string, around: string): boolean {
  return path === around || path.startsWith(`${around}.`);
}

function seen(path: string): Seen {
  return { path, values: [], kinds: new Set(), members: new Map() };
}

function note(parent: Seen, member: Member, depth: number): void {
  const { key, json } = member;
  // No column can be named by it, or by a path to it.
  if (key === '') return;
  const path = parent.path === '' ? key : `${parent.path}.${key}`;
  const at = parent.members.get(key.toLowerCase()) ?? seen(path);
  parent.members.set(key.toLowerCase(), at);
  const kind = kindOf(json);
  if (kind === 'null') return;
  at.kinds.add(kind);
  if (kind === 'object' && depth < MAX_DEPTH)
    for (const inner of objectMembers(member) ?? []) note(at, inner, depth + 1);
  else at.values.push(plainText(json));
}

/** Keys with plain values, and the plain values within objects. */
function leavesOf({ members }: Seen): Seen[] {
  return [...members.values()].flatMap((member) => {
    const isObject = member.kinds.size === 1 && member.kinds.has('object');
    const isOpen = isObject && member.members.size > 0 && member.members.size <= MAX_MEMBERS;
    return isOpen ? leavesOf(member) : [member];
  });
}

/** The type that all values have. Where one is in doubt, the type that also takes what has not been seen. */
function typeOf({ path, values, kinds }: Seen): ColumnType {
  const [kind, ...others] = kinds;
  if (others.length > 0) return 'string';
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (kind === 'boolean') return 'boolean';
  if (kind === 'number') {
    if (TIME_NAME.test(name) && values.every(isRecentTime)) return 'timestamp';
    // Whole by chance: the next may have a fraction.
    return values.every((value) => WHOLE.test(value)) && !MEASURE_NAME.test(name) ? 'bigint' : 'double';
  }
  if (kind === 'string' && values.every((value) => DATE.test(value) && readTime(value) !== undefined))
    return 'timestamp';
  return 'string';
}

/** At most 18 digits, all of which are within 64 bits. */
const WHOLE = /^-?\d{1,18}$/;
/** A date at the beginning, as the forms of times have it. */
const DATE = /^\d{4}-\d{2}-\d{2}/;
const TIME_NAME = /^@?(?:ts|t|time|timestamp|date|datetime)$|(?:_at|_time|_ts|Time|At|timestamp)$/;
const MEASURE_NAME = /duration|latency|elapsed|seconds|millis|ratio|rate|percent|score|price|amount|time|_ms$|Ms$/i;

/** Since 2001 in seconds, milliseconds, or finer. */
function isRecentTime(value: string): boolean {
  return Number(value) >= 1e9 && readTime(value) !== undefined;
}

/** Names for columns. Two columns of a source can have neither the same name nor, by chance, the same JSON key. */
class Names {
  readonly #taken = new Set<string>([...Object.values(OWN).map(({ name }) => name), PARTITION.name]);
  /** The column that has a key. Those of a preset may be beside the columns that are proposed. */
  readonly #nameOf = new Map<string, string>();

  constructor() {
    for (const { columns } of Object.values(PRESETS)) {
      for (const [name, { type }] of columns) this.#nameOf.set(keyOf(name, type), name);
    }
  }

  /** A name that is like a path, and free for a column of a type, and of text, which it may become. */
  take(path: string, type: ColumnType): string {
    const wanted = nameLike(path);
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}_${number}`;
      const keys = [keyOf(name, type), keyOf(name, 'string')];
      if (this.#taken.has(name) || keys.some((key) => (this.#nameOf.get(key) ?? name) !== name)) continue;
      this.#taken.add(name);
      for (const key of keys) this.#nameOf.set(key, name);
      return name;
    }
  }
}

function keyOf(name: string, type: ColumnType): string {
  return keyedByName({ [name]: { type, comment: '' } })[name]?.key ?? '';
}

/** `http.statusCode` as `http_status_code`. */
function nameLike(path: string): string {
  const isName = COLUMN_NAME.test(path.toLowerCase()) && (path === path.toLowerCase() || path === path.toUpperCase());
  const snake = path
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, '_')
    .replace(/^[_\d]+/, '')
    .replace(/_$/, '')
    .slice(0, 60);
  return isName ? path.toLowerCase() : snake || 'value';
}
