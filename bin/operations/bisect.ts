/** One failed record of Firehose: which of its rows are bad. */
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
  /** The row as JSON by column name; the text as it came where it is no JSON object. */
  readonly raw: string;
  readonly detail: string;
}

/** A failed record taken apart. */
export interface Bisected {
  /** Rows to send again in records filled as usual. */
  readonly good: readonly string[];
  /** Rows to send again in records of their own. */
  readonly pieces: readonly (readonly string[])[];
  readonly bad: readonly BadRow[];
}

/**
 * Reads a line of an error object. AWS spells the names of code and message both with `last` before
 * them and without.
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
 *
 * @throws CommandError saying where, what was expected and what came.
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

/** Values of a JSON object by their names in lower case; none where it is no object. */
function fieldsOf(line: string): ReadonlyMap<string, unknown> {
  try {
    return new Map(Object.entries(Object(JSON.parse(line))).map(([name, value]) => [name.toLowerCase(), value]));
  } catch {
    return new Map();
  }
}

/** Records that a record is sent again as, where nothing tells which of its rows is the bad one. */
const PIECES = 16;

/** Codes that blame the data; others (no access to the table, a fault of the service) blame no row. */
const BLAMES_DATA = /\.(ParseError|MalformedData|InvalidType\w*)$/;

/**
 * Finds a record's bad rows by the deserializer's rules as they are known. Where by these none is bad,
 * Firehose must tell: the record goes again in pieces, a piece that fails comes back and is cut
 * further, and a row that fails alone is a bad one.
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

/** Tells what keeps a row from being converted; undefined where nothing does. */
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

/** Undoes the mapping of names to numbers, and of times. */
function badRow({ columns }: Table, row: string, detail: string): BadRow {
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
