import {
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';

/** The result of a query. */
export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Values as returned by `plainValue`. */
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * Converts a DuckDB value to null, boolean, number, bigint, text, or arrays and objects of these. A timestamp is text,
 * `YYYY-MM-DD HH:MM:SS.ffffff`, followed by ` UTC` if it has a zone.
 */
export function plainValue(value: DuckDBValue): unknown {
  if (value instanceof DuckDBTimestampValue) return microseconds(value.toString());
  if (value instanceof DuckDBTimestampTZValue) {
    return `${microseconds(new DuckDBTimestampValue(value.micros).toString())} UTC`;
  }
  if (value instanceof DuckDBDecimalValue) return decimal(value);
  if (value instanceof DuckDBListValue) return value.items.map(plainValue);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, item]) => [name, plainValue(item)]));
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(value.entries.map(({ key, value: item }) => [String(plainValue(key)), plainValue(item)]));
  }
  return typeof value === 'object' && value !== null ? value.toString() : value;
}

function microseconds(timestamp: string): string {
  const [seconds = '', fraction = ''] = timestamp.split('.');
  return /\d$/.test(seconds) ? `${seconds}.${fraction.padEnd(6, '0')}` : timestamp;
}

/** A double represents any decimal of up to 15 digits exactly enough to print it unchanged. */
function decimal(value: DuckDBDecimalValue): number | string {
  const digits = value.toString();
  return digits.replace(/\D/g, '').length <= 15 ? Number(digits) : digits;
}

/**
 * Rows as objects by column name, ready for JSON.stringify. A bigint is a number if that is exact, else text; NaN and
 * the infinities are text. Of several columns with one name, the second has the name `name_2`, and so on.
 */
export function toJson({ columns, rows }: QueryResult): Record<string, unknown>[] {
  const names = differentNames(columns.map(({ name }) => name));
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, jsonValue(row[index])])));
}

function differentNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const given = new Set<string>();
  return names.map((name) => {
    let different = name;
    for (let count = 2; given.has(different); count++) {
      // A column that has this name of its own keeps it.
      if (!taken.has(`${name}_${count}`)) different = `${name}_${count}`;
    }
    given.add(different);
    return different;
  });
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonValue(item)]));
}

/**
 * Rows as CSV with a header line; null is an empty field, an empty text is `""`. https://www.rfc-editor.org/rfc/rfc4180
 *
 * @param shown changes each text before it is quoted: for a terminal, which obeys control characters
 */
export function toCsv({ columns, rows }: QueryResult, shown: (text: string) => string = (text) => text): string {
  const lines = [columns.map(({ name }) => name), ...rows];
  return lines.map((line) => `${line.map((value) => csvField(value, shown)).join(',')}\r\n`).join('');
}

function csvField(value: unknown, shown: (text: string) => string): string {
  if (value === null || value === undefined) return '';
  if (value === '') return '""';
  const text = shown(typeof value === 'object' ? JSON.stringify(jsonValue(value)) : String(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
