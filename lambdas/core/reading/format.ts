import type { ColumnSpecs } from '../tables/table.ts';
import type { Layout } from './layout.ts';
import type { Row } from './row.ts';

/**
 * What became of one line. A row has been written to the `Row` given; anything else leaves the row
 * to be thrown away.
 */
export type Outcome =
  | { readonly kind: 'row' }
  /** Left out by a filter, which is counted by its name. */
  | { readonly kind: 'filtered'; readonly filter: string }
  /** Not a line of this format. `reason` is a short code, `detail` says what was expected and what came. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly detail: string };

export const ROW: Outcome = { kind: 'row' };

export function rejected(reason: string, detail: string): Outcome {
  return { kind: 'rejected', reason, detail };
}

export function filtered(filter: string): Outcome {
  return { kind: 'filtered', filter };
}

/** Filter of lines without any text, in every format: such a line is counted and never a row. */
export const BLANK_LINE = 'blank_line';

/** Reads lines of one source: a format with its options applied. */
export interface LineReader {
  /** Reads `line` (well-formed text, no line end) into `row`. It must not throw, whatever the text. */
  read(line: string, row: Row): Outcome;
}

/** Reason of a line whose reader threw. */
export const READER_FAILED = 'reader_failed';

/**
 * Reads a line. A reader that throws has a defect; the line is rejected, so that it is kept with what was thrown and can
 * be replayed once the reader is mended, and the lines after it are read.
 */
export function readLine(reader: LineReader, line: string, row: Row): Outcome {
  try {
    return reader.read(line, row);
  } catch (error) {
    return rejected(READER_FAILED, `expected the format's reader to give an outcome, it threw ${String(error)}`);
  }
}

/**
 * Columns that tell a record from every other. They count where the first of them has a value; the
 * others may be null.
 */
export type RecordKey = readonly string[];

/** A format with a source's options applied. */
export interface CompiledFormat {
  readonly columns: ColumnSpecs;
  readonly reader: LineReader;
  /** How lines mostly look, so that the kernel can read them; absent: the reader reads all. */
  readonly layout?: Layout;
  /** What a record is known by, best first; where none counts, it is the whole line. */
  readonly recordKeys?: readonly RecordKey[];
  /** Values every row of one object shares, told by the object's key; columns by name. */
  readonly keyFacts?: (key: string) => ReadonlyMap<string, string>;
}

/**
 * A log format: columns, parser and description in one file under `formats/`, joined in `formats/registry.ts`.
 */
export interface Format {
  /** As written in a source's `format`. */
  readonly name: string;
  /** One sentence for `lake formats` and docs/tables.md. */
  readonly description: string;
  /** Where the format is defined, by its owner. */
  readonly reference: string;
  /** Does the base name of an object belong to this format? Objects that do not are skipped and counted. */
  readonly accepts?: (baseName: string) => boolean;
  /** Names of the source options this format takes, for error messages. */
  readonly options: readonly string[];
  /** Options to show and to measure the format with. Needed only if it has no columns without options. */
  readonly exampleOptions?: FormatOptions;
  /**
   * A few everyday lines, made up with addresses and accounts reserved for documentation. docs/tables.md shows them,
   * and `npm run bench` draws their numbers and ids anew to measure the format.
   */
  readonly exampleLines: readonly string[];
  /** The key of an object as the format's writer names it, if the format reads anything from the name. */
  readonly exampleKey?: string;
  /**
   * The measured format that is read most alike: `lake plan` takes its rates, and says so, until `npm run bench` has
   * measured this one.
   *
   * @default - kong, lines of a gateway
   */
  readonly ratesLike?: string;
  /** Filters that apply unless the option `filters` switches them off: what each leaves out, by name. */
  readonly filters?: Readonly<Record<string, string>>;
  /**
   * Applies a source's options.
   *
   * @throws OptionError naming the option, what is allowed and what came.
   */
  compile(options: FormatOptions): CompiledFormat;
}

/** A source's options for its format, as in cdk.json. */
export type FormatOptions = Readonly<Record<string, unknown>>;

/** A source's option that cannot be used; stops synth. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
  readonly option: string;
  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}
