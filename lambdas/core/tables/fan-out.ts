/** The tables of a source whose rows go to a table for each value of a column. */
import { createHash } from 'node:crypto';
import { LOADS, REJECTED_LINES } from './lake-tables.ts';
import { isViewName } from './views.ts';

/** How the rows of a source are divided among tables. */
export interface FanOut {
  /** The column of text whose value decides. */
  readonly by: string;
  /** The values that have a table of their own, each once. */
  readonly allow: readonly string[];
  /**
   * Ends the name of the table for all other rows, which have another value or none.
   *
   * @default - the source's own table
   */
  readonly other?: string | undefined;
}

/** The same without the values, of which there may be thousands. */
export type Division = Pick<FanOut, 'by' | 'other'>;

/** A source, as far as it tells which tables are its own. */
export interface TableOwner {
  readonly name: string;
  readonly fanOut?: Division | undefined;
}

/**
 * Whether an Iceberg table may have rows of a source: it is its own, or its name begins as those do that have the rows of its
 * values. One of another source whose name begins with this one's may be among them: origins tell the rows apart.
 *
 * @param owners all sources
 */
export function mayHaveRowsOf(source: string, table: string, owners: readonly TableOwner[]): boolean {
  if (table === source) return true;
  const owner = owners.find(({ name }) => name === source);
  return owner?.fanOut !== undefined && table.startsWith(`${source}_`) && owners.every(({ name }) => name !== table);
}

/** A value that can end the name of a table as it is. */
const PLAIN = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;
const MAX_PLAIN_LENGTH = 48;
/** How much of any other value a name shows. Names stay far below the 255 characters that Glue allows. */
const MAX_SHOWN_LENGTH = 32;

const HASH_DIGITS = 8;
/** The letter keeps numbers of eight digits, such as those of customers, from looking like a hash. */
const HASHED = /(?:^|_)h[0-9a-f]{8}$/;

/**
 * Name of the table for a value: `app_checkout`; or, if the value cannot be in a name as it is, what it has of letters and
 * digits and a hash of it: `app_acme_eu_h06e13f8a` for `Acme/EU`. The name depends on the source and the value alone, so it
 * stays the same whatever other values are allowed. Two values have one name only if their hashes are equal, which the
 * configuration refuses.
 */
export function fanOutTable(source: string, value: string): string {
  if (isPlainValue(source, value)) return `${source}_${value}`;
  const shown = value
    .slice(0, MAX_SHOWN_LENGTH)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  const hash = createHash('sha256').update(value).digest('hex').slice(0, HASH_DIGITS);
  return [source, ...(shown ? [shown] : []), `h${hash}`].join('_');
}

/** True if the table for the value is named by it as it is: no other value, no view and no table of the lake has that name. */
export function isPlainValue(source: string, value: string): boolean {
  const name = `${source}_${value}`;
  return (
    value.length <= MAX_PLAIN_LENGTH &&
    PLAIN.test(value) &&
    !HASHED.test(value) &&
    !isViewName(name) &&
    name !== LOADS &&
    name !== REJECTED_LINES
  );
}

/** Name of the table for rows whose value has none of its own. */
export function otherTable(source: string, { other }: Pick<Division, 'other'>): string {
  return other === undefined ? source : `${source}_${other}`;
}

/** The tables of a source whose rows are divided, by the values that rows have. */
export class FanOutTables {
  /** The column whose value decides. */
  readonly by: string;
  readonly #other: string;
  readonly #tables: ReadonlyMap<string, string>;

  constructor(source: string, fanOut: FanOut) {
    this.by = fanOut.by;
    this.#other = otherTable(source, fanOut);
    this.#tables = new Map(fanOut.allow.map((value) => [value, fanOutTable(source, value)]));
  }

  /** Name of the table for rows with a value; undefined: without one. */
  of(value: string | undefined): string {
    return (value === undefined ? undefined : this.#tables.get(value)) ?? this.#other;
  }

  /** The names of all of them. */
  get names(): readonly string[] {
    return [...this.#tables.values(), this.#other];
  }
}
