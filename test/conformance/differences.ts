/** Compares what two engines answer to one query. */

/** What an engine answers. A whole number that a number cannot hold is a bigint, and a time is a text. */
export interface Answer {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** How many values two answers have in common, and in what they differ. */
export interface Compared {
  readonly values: number;
  /** One line for each column with other values, with one of them from either side. */
  readonly problems: readonly string[];
}

/**
 * Compares two answers as sets of rows, because no query here says a whole order.
 *
 * @param engine the name of the other one
 * @param estimates columns that each engine estimates in its own way: they need to be null in the same rows
 */
export function compare(
  duckDb: Answer,
  other: Answer,
  engine: string,
  estimates: ReadonlySet<string> = new Set(),
): Compared {
  const names = other.columns.map(({ name }) => name);
  const ours = duckDb.columns.map(({ name }) => name);
  const lowerCase = (all: readonly string[]) => all.join().toLowerCase();
  if (lowerCase(names) !== lowerCase(ours)) return { values: 0, problems: [`columns ${ours}, in ${engine} ${names}`] };
  const texts = (rows: readonly (readonly unknown[])[]) =>
    rows.map((row) => row.map((value, index) => textOf(value, estimates.has(names[index] ?? ''))));
  const [expected, found] = [texts(duckDb.rows), texts(other.rows)];
  const problems: string[] = [];
  if (expected.length !== found.length) problems.push(`${expected.length} rows, in ${engine} ${found.length}`);
  if (expected.length === 0 || found.length === 0) return { values: expected.length * names.length, problems };
  const differing = (ours: Texts, theirs: Texts) => surplus(ours, theirs, engine);
  const whole = differing(expected.map(asOne), found.map(asOne));
  if (whole !== undefined) {
    for (const [index, name] of names.entries()) {
      const surplusOf = differing(column(expected, index), column(found, index));
      if (surplusOf) problems.push(`${name}: ${surplusOf}`);
    }
    if (problems.length === 0) problems.push(`rows: ${whole}`);
  }
  return { values: expected.length * names.length, problems };
}

type Texts = readonly string[];

const asOne = (row: Texts): string => JSON.stringify(row);

const column = (rows: readonly Texts[], index: number): string[] => rows.map((row) => row[index] ?? '');

/** An element of either list that the other does not have as often, of each list one; undefined if there is none. */
function surplus(expected: Texts, found: Texts, engine: string): string | undefined {
  const counts = new Map<string, number>();
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) - 1);
  const [ours, theirs] = [1, -1].map((sign) => [...counts].filter(([, count]) => Math.sign(count) === sign));
  if (!ours?.length && !theirs?.length) return undefined;
  const shown = (texts: [string, number][] = []) => `${texts.length} values such as ${texts[0]?.[0].slice(0, 300)}`;
  return `${shown(ours)}, in ${engine} ${shown(theirs)}`;
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

/** Reads an engine's JSON, in which whole numbers beyond those that a number holds are bigints. */
export function exactJson(text: string): unknown {
  const exactly = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const isInexact = typeof value === 'number' && !Number.isSafeInteger(value);
    return isInexact && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source as string) : value;
  };
  return JSON.parse(text, exactly);
}
