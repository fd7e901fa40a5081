import { type Column, type ColumnType, OWN } from '../../lambdas/core/tables/table.ts';
import { BadValue, convert } from './openx-values.ts';

/**
 * Firehose's OpenX JSON deserializer: converts records to rows of a Glue table.
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-concepts.html
 */
export interface OpenXOptions {
  /** JSON key by column name; other columns are read under their own names. */
  readonly columnToJsonKeyMappings: Readonly<Record<string, string>>;
  /** Convert the JSON's keys to lower case before they are looked up. */
  readonly caseInsensitive: boolean;
  readonly convertDotsInJsonKeysToUnderscores: boolean;
}

/** The rows of one record. */
export interface RecordRows {
  /** One JSON object per line, in the form that `writeParquet` expects. */
  readonly ndjson: string;
  readonly rows: number;
  /** Rows in which no column of the format was set. This is never normal; the rows are delivered nevertheless. */
  readonly emptyRows: number;
  /** Keys of the first empty row's JSON object. */
  readonly emptyKeys: readonly string[];
}

/** A record that cannot be converted to rows: the whole record goes to the error prefix. */
export class ConversionError extends Error {
  override readonly name = 'ConversionError';
  /** The code that Firehose reports, e.g. DataFormatConversion.ParseError. */
  readonly code: string;
  constructor(code: 'ParseError' | 'MalformedData', message: string) {
    super(message);
    this.code = `DataFormatConversion.${code}`;
  }
}

/**
 * Makes the function that reads one record: JSON objects one after the other, with or without white space between them.
 * Unknown keys are dropped, missing columns are null.
 *
 * The function throws ConversionError if any part of the record is not a JSON object or does not fit the columns.
 * Whether AWS fails the whole record for one object is not documented. It does here, which is the worse case for a
 * sender.
 */
export function openX(
  columns: readonly { readonly name: string; readonly type: ColumnType }[],
  options: OpenXOptions,
): (record: string) => RecordRows {
  const rename = keyRule(options);
  const mappings = new Map(Object.entries(options.columnToJsonKeyMappings));
  const targets: Target[] = [];
  for (const [index, { name, type }] of columns.entries()) {
    const key = mappings.get(name) ?? name;
    const other = targets.find((target) => target.key === key);
    // OpenX would fill both columns, which is never intended.
    if (other) throw new Error(`openx: columns ${other.name} and ${name} both map to key ${key}`);
    targets.push({
      name,
      key,
      type,
      output: `"${index}":`,
      own: OWN_KEYS.has(key),
      inherited: key in Object.prototype,
    });
  }

  return (record) => {
    let ndjson = '';
    let emptyRows = 0;
    let emptyKeys: readonly string[] = [];
    const { objects, sourceOf } = parseRecord(record);
    if (objects.length === 0) throw new ConversionError('MalformedData', 'the record holds no JSON object');
    for (const [index, object] of objects.entries()) {
      let parsed: JsonObject | undefined;
      const exact = () => {
        parsed ??= rename(parseExact(sourceOf(index)));
        return parsed;
      };
      const row = readRow(rename(object), targets, exact);
      ndjson += row.json;
      if (row.empty && emptyRows++ === 0) emptyKeys = Object.keys(object);
    }
    return { ndjson, rows: objects.length, emptyRows, emptyKeys };
  };
}

/** `openX` with the settings of the lake's own streams: each column is read under its key, and no key is changed. */
export function openXByKey(columns: readonly Column[]): (record: string) => RecordRows {
  return openX(columns, {
    columnToJsonKeyMappings: Object.fromEntries(columns.map(({ name, key }) => [name, key])),
    caseInsensitive: false,
    convertDotsInJsonKeysToUnderscores: false,
  });
}

interface Target {
  readonly name: string;
  readonly key: string;
  readonly type: ColumnType;
  readonly output: string;
  /** One of the lake's own columns, which every row has: a row with only these columns is empty. */
  readonly own: boolean;
  /** Every JavaScript object inherits a property with this key, which is not part of the JSON. */
  readonly inherited: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

function readRow(
  object: JsonObject,
  targets: readonly Target[],
  exact: () => JsonObject,
): { json: string; empty: boolean } {
  let json = '';
  let declared = false;
  for (const target of targets) {
    const value = target.inherited && !Object.hasOwn(object, target.key) ? undefined : object[target.key];
    if (value === undefined || value === null) continue;
    json += `${json ? ',' : '{'}${target.output}${columnValue(target, value, exact)}`;
    declared ||= !target.own;
  }
  return { json: json ? `${json}}\n` : '{}\n', empty: !declared && (!json || hasForeignKeys(object, targets)) };
}

function hasForeignKeys(object: JsonObject, targets: readonly Target[]): boolean {
  return Object.keys(object).some((key) => targets.find((target) => target.key === key)?.own !== true);
}

function columnValue({ name, key, type }: Target, value: unknown, exact: () => JsonObject): string {
  try {
    return convert(type, value, () => JSON.stringify(exact()[key]));
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new ConversionError('MalformedData', `column ${name} (key ${key}): ${error.message}`);
  }
}

/** Makes the function that changes an object's keys before they are looked up. */
function keyRule(options: OpenXOptions): (object: JsonObject) => JsonObject {
  const { caseInsensitive, convertDotsInJsonKeysToUnderscores: dots } = options;
  if (!caseInsensitive && !dots) return (object) => object;
  return (object) => {
    const renamed = Object.create(null) as Record<string, unknown>;
    for (const key of Object.keys(object)) {
      const spelled = dots ? key.replaceAll('.', '_') : key;
      const name = caseInsensitive ? spelled.toLowerCase() : spelled;
      // OpenX keeps an object in a map that refuses a second key of the same name.
      if (name in renamed) throw new ConversionError('MalformedData', `key ${key}: the object has ${name} twice`);
      renamed[name] = object[key];
    }
    return renamed;
  };
}

const OWN_KEYS: ReadonlySet<string> = new Set(Object.values(OWN).map(({ key }) => key));

interface ParsedRecord {
  readonly objects: readonly JsonObject[];
  /** The text of the object at `index`. */
  readonly sourceOf: (index: number) => string;
}

function parseRecord(record: string): ParsedRecord {
  return parseLines(record) ?? parseConcatenated(record);
}

/**
 * Parses a record whose objects begin like the lake's rows, or have a line each, with one call for all of them. Text in
 * JSON contains no bare line feed, so `}\n{` always separates two objects. So does `}{"0":`, because no digit follows a
 * quote that ends a string.
 */
function parseLines(record: string): ParsedRecord | undefined {
  const listed = record.replaceAll('}\n{', '},\n{').replaceAll('}{"0":', '},{"0":');
  const objects = tryParse(`[${listed}]`);
  const seams = listed.length - record.length;
  if (!Array.isArray(objects) || objects.length !== seams + 1) return undefined;
  let sources: string[] | undefined;
  const sourceOf = (index: number) => {
    sources ??= record.split(/(?<=\})(?:\n(?=\{)|(?=\{"0":))/);
    return sources[index] ?? '';
  };
  return { objects: objects.map(asObject), sourceOf };
}

function parseConcatenated(record: string): ParsedRecord {
  const objects: JsonObject[] = [];
  const sources: string[] = [];
  for (let at = skipBlank(record, 0); at < record.length; ) {
    const end = record[at] === '{' ? endOfObject(record, at) : record.length;
    const text = record.slice(at, end);
    const object = tryParse(text);
    if (object === undefined) {
      throw new ConversionError('ParseError', `malformed JSON at character ${at}: ${excerpt(text)}`);
    }
    objects.push(asObject(object));
    sources.push(text);
    at = skipBlank(record, end);
  }
  return { objects, sourceOf: (index) => sources[index] ?? '' };
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): JsonObject {
  if (isObject(value)) return value;
  const got = Array.isArray(value) ? 'an array' : excerpt(JSON.stringify(value));
  throw new ConversionError('MalformedData', `expected JSON objects one after the other, got ${got}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** End of the object that opens at `from`, or the end of the text if the object is not closed. */
function endOfObject(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = closingQuote(text, at + 1);
    else if (char === OPEN) depth++;
    else if (char === CLOSE && --depth === 0) return at + 1;
  }
  return text.length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

function skipBlank(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text[at] as string)) at++;
  return at;
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

declare global {
  // Part of ECMAScript 2026; TypeScript's library does not have them yet.
  interface JSON {
    parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
    rawJSON(text: string): object;
  }
}

/** Parses and keeps numbers as they are written: JSON.parse alone loses the digits beyond 2^53. */
function parseExact(text: string): JsonObject {
  try {
    return asObject(
      JSON.parse(text, (_key, value, { source }) => (typeof value === 'number' ? JSON.rawJSON(source) : value)),
    );
  } catch (error) {
    // The reviver recurses; Java's parser would also run out of stack on such nesting.
    if (error instanceof RangeError) throw new ConversionError('MalformedData', 'nested too deeply');
    throw error;
  }
}
