/** Which keys of `extra` should become columns. */
import { json } from '../formats/json.ts';
import { type FormatOptions, OptionError } from '../reading/format.ts';
import type { ColumnType } from '../tables/table.ts';
import type { DayTally, TalliedKey } from './tally.ts';

/** A column to be: its values are those of a key or path of the records. */
export interface WantedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly from: string;
}

/** A key that comes often. */
export interface Suggestion extends TalliedKey {
  /** The name that a column for it would have: the key in lower case, with `_` for what no name can have. */
  readonly column: string;
  /** Share of the rows that have it, 0-1. */
  readonly share: number;
  /** Why the key cannot be a column of this name; undefined if it can. */
  readonly refused?: string;
}

/** What comes often: in so many rows of the samples and batches of two days, and in this share of the rows. */
export const OFTEN = { rows: 100, batches: 3, share: 0.01 } as const;

/** The keys that come often, the most frequent first. @param options of the source's format */
export function suggestions(
  { sampled, keys }: Pick<DayTally, 'sampled' | 'keys'>,
  options: FormatOptions,
): Suggestion[] {
  return keys
    .filter(({ rows, batches }) => rows >= OFTEN.rows && batches >= OFTEN.batches && rows >= sampled * OFTEN.share)
    .map((key) => {
      const column = nameFor(key.key);
      const refused = refusalOf({ name: column, type: 'string', from: key.key }, options);
      return { ...key, column, share: key.rows / sampled, ...(refused !== undefined && { refused }) };
    });
}

/** Names are in lower case and begin with a letter. */
export function nameFor(key: string): string {
  return key.toLowerCase().replace(/[^a-z0-9_]/g, '_');
}

/** A key that is a column's name but for its case: no other key could have been meant. */
export function isName(key: string): boolean {
  return /^[a-z][a-z0-9_]{0,62}$/i.test(key);
}

/** Why a source cannot have a column beside those that it has; undefined if it can. */
export function refusalOf(column: WantedColumn, options: FormatOptions): string | undefined {
  if (Object.hasOwn(Object(options.promoted), column.name)) return 'expected a name that no column has';
  try {
    json.compile(withPromoted(options, [column]));
    return undefined;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return error.message.replace(/^promoted(?:\.[^:]*)?: /, '');
  }
}

/** The options of a source with more promoted columns, at their end. Those that it has stay as they are. */
export function withPromoted(options: FormatOptions, columns: readonly WantedColumn[]): FormatOptions {
  if (columns.length === 0) return options;
  const has = Object(options.promoted);
  const added = Object.fromEntries(columns.map(({ name, type, from }) => [name, { type, from }]));
  return { ...options, promoted: { ...has, ...added, ...has } };
}
