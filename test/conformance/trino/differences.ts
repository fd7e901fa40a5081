/** Compares what two engines answer to one query. */
import type { QueryResult } from '../../../local/athena/query-result.ts';
import type { TrinoResult } from './server.ts';

/** How many values two answers have in common, and in what they differ. */
export interface Compared {
  readonly values: number;
  /** One line for each column with other values, with one of them from either side. */
  readonly problems: readonly string[];
}

/**
 * Compares two answers as sets of rows, because no query here says a whole order.
 *
 * @param estimates columns that each engine estimates in its own way: they need to be null in the same rows
 */
export function compare(duckDb: QueryResult, trino: TrinoResult, estimates: ReadonlySet<string> = new Set()): Compared {
  const names = trino.columns.map(({ name }) => name);
  const ours = duckDb.columns.map(({ name }) => name);
  const lowerCase = (all: readonly string[]) => all.join().toLowerCase();
  if (lowerCase(names) !== lowerCase(ours)) return { values: 0, problems: [`columns ${ours}, in Trino ${names}`] };
  const texts = (rows: readonly (readonly unknown[])[]) =>
    rows.map((row) => row.map((value, index) => textOf(value, estimates.has(names[index] ?? ''))));
  const [expected, found] = [texts(duckDb.rows), texts(trino.rows)];
  const problems: string[] = [];
  if (expected.length !== found.length) problems.push(`${expected.length} rows, in Trino ${found.length}`);
  const whole = surplus(expected.map(asOne), found.map(asOne));
  if (whole !== undefined) {
    for (const [index, name] of names.entries()) {
      const differing = surplus(column(expected, index), column(found, index));
      if (differing) problems.push(`${name}: ${differing}`);
    }
    if (problems.length === 0) problems.push(`rows: ${whole}`);
  }
  return { values: expected.length * names.length, problems };
}

type Texts = readonly string[];

const asOne = (row: Texts): string => JSON.stringify(row);

const column = (rows: readonly Texts[], index: number): string[] => rows.map((row) => row[index] ?? '');

/** An element of either list that the other does not have as often, of each list one; undefined if there is none. */
function surplus(expected: Texts, found: Texts): string | undefined {
  const counts = new Map<string, number>();
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) - 1);
  const [ours, theirs] = [1, -1].map((sign) => [...counts].filter(([, count]) => Math.sign(count) === sign));
  if (!ours?.length && !theirs?.length) return undefined;
  const shown = (texts: [string, number][] = []) => `${texts.length} values such as ${texts[0]?.[0].slice(0, 300)}`;
  return `${shown(ours)}, in Trino ${shown(theirs)}`;
}

/** A value as text: of a time always the microseconds, of a number whatever its type. */
function textOf(value: unknown, isEstimate: boolean): string {
  if (value === null || value === undefined) return 'NULL';
  if (isEstimate) return 'an estimate';
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return asText(value);
  const [, time, fraction = ''] = /^\+?(-?\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/.exec(value) ?? [];
  if (time !== undefined) return `${time}.${fraction.padEnd(6, '0')}`;
  return /^-?\d+(?:\.\d+)?$/.test(value) ? value : JSON.stringify(value);
}

/** Lists and objects. */
function asText(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item));
}
