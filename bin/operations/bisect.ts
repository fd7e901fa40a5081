/** Finds the bad rows in a record that Firehose could not convert. */
import { rowsOf } from '../../lambdas/core/loading/pack.ts';
import { shownTime } from '../../lambdas/core/reading/times.ts';
import { OWN, type Table } from '../../lambdas/core/tables/table.ts';
import { ConversionError, openXByKey } from '../../local/firehose/openx.ts';
import { CommandError } from '../output/command-error.ts';

/** A record Firehose could not convert. */
export interface FailedRecord {
  /** The rows, as JSON by column number. */
  readonly rows: readonly string[];
  /** As Firehose reports it, e.g. DataFormatConversion.ParseError. */
  readonly code: string;
  readonly message: string;
}

/** A row that cannot be converted. */
export interface BadRow {
  readonly origin: string | undefined;
  readonly position: number | undefined;
  /** The row as JSON by column name, or the original text if it is not a JSON object. */
  readonly raw: string;
  readonly detail: string;
}

/** A failed record's rows, sorted by what to do with them. */
export interface Bisected {
  /** Rows to send again, packed into full records. */
  readonly good: readonly string[];
  /** Groups of rows to send again, each group as a record of its own. */
  readonly pieces: readonly (readonly string[])[];
  readonly bad: readonly BadRow[];
}

/**
 * Reads a line of an error object. AWS documents the code and message both with and without the prefix `last`.
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
 *
 * @throws CommandError saying where the line is, what was expected and what the line contains
 */
export function failedRecord(line: string, where: string): FailedRecord {
  const fields = fieldsOf(line);
  const data = fields.get('rawdata');
  if (typeof data !== 'string') {
    throw new CommandError(`${where}: expected JSON with rawData, got ${line.slice(0, 80)}`);
  }
  return {
    rows: rowsOf(Buffer.from(data, 'base64')),
    code: String(fields.get('lasterrorcode') ?? fields.get('errorcode') ?? ''),
    message: String(fields.get('lasterrormessage') ?? fields.get('errormessage') ?? ''),
  };
}

/** Values of a JSON object by their names in lower case; empty if the line is not a JSON object. */
function fieldsOf(line: string): ReadonlyMap<string, unknown> {
  try {
    return new Map(Object.entries(Object(JSON.parse(line))).map(([name, value]) => [name.toLowerCase(), value]));
  } catch {
    return new Map();
  }
}

/** Number of records that a failed record is split into if its bad row is unknown. */
const PIECES = 16;

/** Error codes whose cause is the data. The cause of others, such as missing access to the table, is not in a row. */
const BLAMES_DATA = /\.(ParseError|MalformedData|InvalidType\w*)$/;

/**
 * Finds a record's bad rows by the known rules of Firehose's deserializer. If no row breaks them, Firehose has to
 * decide: the record is sent again in pieces, a piece that fails comes back and is split further, and a row that
 * fails alone is bad.
 */
export function bisected(table: Table, { rows, code, message }: FailedRecord): Bisected {
  const problemOf = checker(table);
  const good: string[] = [];
  const bad: BadRow[] = [];
  for (const row of rows) {
    const problem = problemOf(row);
    if (problem === undefined) good.push(row);
    else bad.push(badRow(table, row, problem));
  }
  if (bad.length > 0 || !BLAMES_DATA.test(code)) return { good, pieces: [], bad };
  const [only] = rows;
  if (only !== undefined && rows.length === 1) {
    return { good: [], pieces: [], bad: [badRow(table, only, `${code}: ${message}`)] };
  }
  const size = Math.ceil(rows.length / PIECES);
  const pieces = Array.from({ length: Math.ceil(rows.length / size) || 0 }, (_, index) =>
    rows.slice(index * size, (index + 1) * size),
  );
  return { good: [], pieces, bad };
}

/** Makes a function that says why a row cannot be converted; it returns undefined if the row can be. */
function checker({ columns }: Table): (row: string) => string | undefined {
  const convert = openXByKey(columns);
  return (row) => {
    try {
      convert(row);
      return undefined;
    } catch (error) {
      if (error instanceof ConversionError) return `${error.code}: ${error.message}`;
      throw error;
    }
  };
}

/** Converts a row back for people: column names instead of column numbers, and times as text. */
export function badRow({ columns }: Table, row: string, detail: string): BadRow {
  const byKey = new Map(columns.map((column) => [column.key, column]));
  let values: Record<string, unknown>;
  try {
    values = Object(JSON.parse(row));
  } catch {
    return { origin: undefined, position: undefined, raw: row, detail };
  }
  const origin = values[OWN.origin.key];
  const position = values[OWN.position.key];
  return {
    origin: typeof origin === 'string' ? origin : undefined,
    position: Number.isSafeInteger(position) ? Number(position) : undefined,
    raw: JSON.stringify(
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => {
          const { name = key, type } = byKey.get(key) ?? {};
          return [name, type === 'timestamp' ? shownTime(value) : value];
        }),
      ),
    ),
    detail,
  };
}
