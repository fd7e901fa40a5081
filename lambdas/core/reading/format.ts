import type { ColumnSpecs } from '../tables/table.ts';
import type { Layout } from './layout.ts';
import type { LinePiece } from './line-piece.ts';
import { didYouMean } from './nearest.ts';
import type { Row } from './row.ts';

/**
 * Result of reading one line. If `kind` is `row`, the line's values are in the `Row` that was passed; otherwise the
 * `Row` may be half written and must not be used.
 */
export type Outcome =
  | { readonly kind: 'row' }
  /** A filter left the line out; such lines are counted by the filter's name. */
  | { readonly kind: 'filtered'; readonly filter: string }
  /** Not a line of the format. `reason` is a short code; `detail` says what was expected and what was found. */
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

/** Filter of the pieces of a line, in every format, that are joined to the line's first piece: that one is the row. */
export const JOINED = 'joined';

/** Reads the lines of one source, in TypeScript. The kernel reads ordinary lines in its place. */
export interface LineReader {
  /** Each line is a JSON object; objects that follow each other in a line are lines of their own (json-objects.ts). */
  readonly objects?: boolean;
  /**
   * Reads `line` (well-formed text without a line end) into `row`. It must not throw, for any text.
   *
   * @param mayBeCut whether an object ends with this line, without a line end: a value at the end of the line may then
   *   be only the beginning of what was logged
   */
  read(line: string, row: Row, mayBeCut?: boolean): Outcome;
  /**
   * What the envelope of a line says of pieces of lines; undefined for a line without an envelope. It must not throw.
   *
   * @default - the lines of the format have no envelopes
   */
  pieceOf?(line: string): LinePiece | undefined;
}

/** Why `errors` has a value of which only the beginning may be left. */
export const BREAKS_OFF = 'the line breaks off within the value';

/** Reason of a rejected line whose reader threw an error. */
export const READER_FAILED = 'reader_failed';

/**
 * Reads a line. If the reader throws, it has a defect. The line is then rejected with the error, so that the lines
 * after it are read and the line itself can be replayed once the reader is fixed.
 */
export function readLine(reader: LineReader, line: string, row: Row, mayBeCut = false): Outcome {
  try {
    return reader.read(line, row, mayBeCut);
  } catch (error) {
    return rejected(READER_FAILED, `expected the format's reader to give an outcome, it threw ${String(error)}`);
  }
}

/**
 * Columns whose values together identify a record. The key applies to a record if the first column has a value; the
 * other columns may be null.
 */
export type RecordKey = readonly string[];

/** A format with a source's options applied. */
export interface CompiledFormat {
  readonly columns: ColumnSpecs;
  readonly reader: LineReader;
  /** Names the envelope that the reader takes off a line, such as `CRI`; undefined if the line has none. */
  readonly envelopeOf?: (line: string) => string | undefined;
  /** Describes ordinary lines to the kernel; absent if the reader must read all lines. */
  readonly layout?: Layout;
  /** Record keys, in order of preference. A record to which none applies is identified by its whole line. */
  readonly recordKeys?: readonly RecordKey[];
  /** Reads from an object's key the values that all rows of the object share, by column name. */
  readonly keyFacts?: (key: string) => ReadonlyMap<string, string>;
}

/**
 * A log format. Each format has one file under `formats/`, with its columns, parser and description, and is listed in
 * `formats/registry.ts`.
 */
export interface Format {
  /** The name that a source's `format` has in the configuration. */
  readonly name: string;
  /** One sentence for `lake formats` and docs/tables.md. */
  readonly description: string;
  /** URL of the format's definition by its owner. */
  readonly reference: string;
  /** True if an object with this base name is a log of the format. Other objects are skipped and counted. */
  readonly accepts?: (baseName: string) => boolean;
  /** The options that a source can set for the format, by name. */
  readonly options: Readonly<Record<string, FormatOption>>;
  /** Options with which the format is shown and measured. Needed only if it has no columns without options. */
  readonly exampleOptions?: FormatOptions;
  /**
   * A few ordinary lines, made up with addresses and accounts that are reserved for documentation. docs/tables.md shows
   * these lines; `npm run bench` replaces their numbers and ids at random to measure the format.
   */
  readonly exampleLines: readonly string[];
  /** Example of an object's key. Needed only if the format reads values from the key or decides by it. */
  readonly exampleKey?: string;
  /**
   * Name of the measured format whose lines are most alike. `lake plan` uses the rates of that format, and says so,
   * until `npm run bench` has measured this one.
   *
   * @default - kong, whose lines are those of a gateway
   */
  readonly ratesLike?: string;
  /** Filters that apply unless the option `filters` switches them off: a description of each, by name. */
  readonly filters?: Readonly<Record<string, string>>;
  /**
   * Applies a source's options.
   *
   * @throws OptionError with the option, what is allowed and what was found
   */
  compile(options: FormatOptions): CompiledFormat;
}

/** A source's options for its format, as in cdk.json. */
export type FormatOptions = Readonly<Record<string, unknown>>;

/** An option of a format. Configuration errors, `lake formats`, `lake parse` and docs/sources.md derive from it. */
export interface FormatOption {
  /** What the value is. The command line reads text as it stands, and an object as JSON. */
  readonly type: 'text' | 'object';
  /** The texts that are allowed; absent: any text. */
  readonly values?: readonly string[];
  /** What applies to a source that does not set the option. */
  readonly default: string;
  /** What the option is for: whole sentences. */
  readonly description: string;
  /** Options of a source that set this one. They compile. */
  readonly example: FormatOptions;
}

/**
 * The value of an option of type text, or undefined if the source does not set it.
 *
 * @throws OptionError unless the value is a text that is allowed
 */
export function textOption(
  options: FormatOptions,
  name: string,
  { values, example }: Pick<FormatOption, 'values' | 'example'>,
): string | undefined {
  const given = options[name];
  if (given === undefined) return undefined;
  if (typeof given === 'string' && (!values || values.includes(given))) return given;
  const allowed = values ? `one of ${values.join(', ')}` : `text, such as ${JSON.stringify(example[name])}`;
  throw new OptionError(name, `${name}: expected ${allowed}, got ${JSON.stringify(given)}`);
}

/**
 * @param others names besides the options that can be meant
 * @throws OptionError for an option that the format does not have
 */
export function refuseUnknownOptions(
  { name, options }: Format,
  given: FormatOptions,
  others: readonly string[] = [],
): void {
  const unknown = Object.keys(given).find((option) => !Object.hasOwn(options, option));
  if (unknown === undefined) return;
  const known = Object.keys(options);
  const meant = didYouMean(unknown, [...known, ...others]);
  const its = known.length > 0 ? `its options: ${known.join(', ')}` : 'it has no options';
  throw new OptionError(
    unknown,
    `${unknown}: unknown${meant ? `${meant} It is` : ', and'} no option of format ${name} (${its})`,
  );
}

/** An option of a source is invalid. CDK synth fails with this error. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
  readonly option: string;
  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}
