/**
 * Reads lines of fields separated by single spaces, some in double quotes: Elastic Load Balancing's logs. A format
 * declares its fields in order; this file finds them in a line and writes them to a row. Only a field's position
 * identifies it: AWS appends fields before it documents them.
 */

import type { ColumnSpec } from '../tables/table.ts';
import { BREAKS_OFF, type LineReader, type Outcome, ROW, rejected } from './format.ts';
import { type DelimitedLayout, type LayoutField, OP_OF_TYPE } from './layout.ts';
import type { Row } from './row.ts';

/** One field of a line. */
export interface Field {
  /** Writes the field's value, which is never `-`, to the row. */
  readonly write: (row: Row, value: string) => void;
  /** AWS always quotes this field: a line without these quotes is not of the format. */
  readonly quoted?: true;
  /** Pattern at the beginning of every value of this field, which reveals a line that was split at the wrong places. */
  readonly looks?: RegExp;
  /** Describes the field to the kernel. */
  readonly layout: LayoutField;
  /** Pattern of one item of this list. Without quotes around the list, each item looks like a field of its own. */
  readonly item?: RegExp;
  /** Whether a value is whole, if it shows that: at the end of a line, a value may be cut. */
  readonly isWhole?: (value: string) => boolean;
}

/** A row's methods that take text, by column type. */
const WRITE = { string: 'text', int: 'int', bigint: 'bigint', double: 'double', timestamp: 'timestamp' } as const;

const TIMESTAMP = /^\d{4}-\d\d-\d\dT/;

/** Columns that a delimited format can have. */
export type DelimitedSpecs = Readonly<Record<string, ColumnSpec<keyof typeof WRITE>>>;

/** Functions that make fields; the column names passed to them are checked against the format's columns. */
export function fieldsOf<Specs extends DelimitedSpecs>(specs: Specs) {
  type Name = keyof Specs & string;
  return {
    /** A field that fills one column. */
    column: (name: Name, isWhole?: (value: string) => boolean): Field => {
      const { type } = specs[name] as DelimitedSpecs[string];
      const method = WRITE[type];
      const looks = type === 'timestamp' ? { looks: TIMESTAMP } : {};
      return {
        ...looks,
        ...(isWhole && { isWhole }),
        layout: { op: OP_OF_TYPE[type], columns: [name] },
        write: (row, value) => row[method](name, value),
      };
    },
    /** `address:port`, with or without brackets around an IPv6 address: the port follows the last colon. */
    address: (ip: Name, port: Name): Field => ({
      layout: { op: 'address', columns: [ip, port] },
      write: (row, value) => {
        const colon = value.lastIndexOf(':');
        const bare = colon < 0 || value.endsWith(']');
        const address = bare ? value : value.slice(0, colon);
        row.text(ip, address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address);
        if (!bare && value.slice(colon + 1) !== '-') row.int(port, value.slice(colon + 1));
      },
    }),
    /** A duration in seconds; AWS writes -1 for "did not happen". */
    seconds: (name: Name): Field => ({
      layout: { op: 'seconds', columns: [name] },
      write: (row, value) => {
        if (value !== '-1') row.double(name, value);
      },
    }),
    /** `METHOD URL PROTOCOL`. The URL may contain spaces, and each part may be `-`. */
    request: (verb: Name, url: Name, proto: Name): Field => ({
      quoted: true,
      layout: { op: 'request', columns: [verb, url, proto], quoted: true },
      write: (row, value) => {
        const request = value.trimEnd();
        const first = request.indexOf(' ');
        if (first < 0) {
          if (request !== '-') row.error(url, value, 'not METHOD URL PROTOCOL');
          return;
        }
        const last = request.lastIndexOf(' ');
        const end = request.slice(last + 1);
        const hasProto = last > first && (end === '-' || end.startsWith('HTTP/'));
        const parts = [
          [verb, request.slice(0, first)],
          [url, request.slice(first + 1, hasProto ? last : undefined)],
          [proto, hasProto ? end : '-'],
        ] as const;
        for (const [name, part] of parts) if (part !== '-') row.text(name, part);
      },
    }),
    /** A field that fills one column and is always quoted by AWS. */
    quoted: (name: Name): Field => ({
      quoted: true,
      layout: { op: 'text', columns: [name], quoted: true },
      write: (row, value) => row.text(name, value),
    }),
    /** A list of `item`s separated by spaces. Some files have no quotes around the list. */
    list: (name: Name, item: RegExp): Field => ({
      item,
      layout: { op: 'text', columns: [name], list: true },
      write: (row, value) => row.text(name, value),
    }),
  };
}

/** The shape of a delimited format's lines. */
export interface LineShape {
  /** Fields by position, as the log's owner writes them. Further fields go to `extra` under their position. */
  readonly fields: readonly Field[];
  /**
   * The numbers of fields that lines have had, in order, up to that of `fields`. A line with fewer fields than the first
   * is not of the format. A line with a number in between breaks off, and so may its last value.
   */
  readonly lengths: readonly number[];
  /** A line with more fields is not of the format. */
  readonly maxFields: number;
}

/** Describes the shape to the kernel. */
export function delimitedLayout({ fields, lengths, maxFields }: LineShape): DelimitedLayout {
  return {
    kind: 'delimited',
    fields: fields.map(({ layout }) => layout),
    minFields: lengths[0] ?? 0,
    maxFields,
    lengths: lengths.filter((length) => !fields[length - 1]?.isWhole),
  };
}

/** Makes a reader of lines with the given shape. */
export function delimitedReader(shape: LineShape): LineReader {
  return {
    read(line, row, mayBeCut = false) {
      // AWS documents no rule for escaping. `\\"` is read as an escaped quote; if that does not give a line of this
      // shape, the backslash may have been the last character of the field itself, unless the line ends with it.
      const escaped = splitFields(line, shape, true);
      const problem = problemOf(escaped, shape);
      if (!problem) return write(escaped, shape, row, mayBeCut);
      if (!line.includes('\\" ')) return problem;
      const plain = splitFields(line, shape, false);
      return problemOf(plain, shape) || line.trimEnd().endsWith('\\"') ? problem : write(plain, shape, row, mayBeCut);
    },
  };
}

/** A line's fields without their quotes. */
interface Split {
  readonly fields: readonly string[];
  /** The last field is in quotes, so that its value is whole. */
  readonly endsQuoted: boolean;
  /** Why the line is not of the format, if its fields show that. */
  readonly problem?: Outcome;
}

/** Why the fields are not those of a line of the format. A value in the place of another one would be a wrong value. */
function problemOf({ fields, problem }: Split, shape: LineShape): Outcome | undefined {
  if (problem) return problem;
  const wrong = fields.findIndex((value, index) => value !== '-' && shape.fields[index]?.looks?.test(value) === false);
  if (wrong < 0) return undefined;
  return rejected(
    'not_this_format',
    `field ${wrong + 1} does not look like one of ${shape.fields[wrong]?.layout.columns}`,
  );
}

function write({ fields: values, endsQuoted }: Split, shape: LineShape, row: Row, mayBeCut: boolean): Outcome {
  const cut = !endsQuoted && (mayBeCut || isCut(values, shape)) ? values.length - 1 : -1;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as string;
    if (value === '-') continue;
    const field = shape.fields[index];
    if (index === cut) row.error(field?.layout.columns[0] ?? String(index + 1), value, BREAKS_OFF);
    else if (field) field.write(row, value);
    else row.extra(String(index + 1), value);
  }
  return ROW;
}

/** True if the line breaks off, so that its last value may be only the beginning of what was logged. */
function isCut(values: readonly string[], { fields, lengths }: LineShape): boolean {
  const last = fields[values.length - 1];
  if (!last) return false;
  return !lengths.includes(values.length) || last.isWhole?.(values.at(-1) ?? '') === false;
}

/** Splits a line into fields; the text between quotes is kept as logged. */
function splitFields(line: string, shape: LineShape, escapes: boolean): Split {
  const fields: string[] = [];
  const { length } = line.trimEnd();
  let endsQuoted = false;
  const problem = (reason: string, detail: string): Split => ({
    fields,
    endsQuoted,
    problem: rejected(reason, detail),
  });
  let at = 0;
  while (at < length) {
    const field = shape.fields[fields.length];
    endsQuoted = line.charCodeAt(at) === QUOTE;
    if (endsQuoted) {
      const close = closingQuote(line, at + 1, length, escapes);
      if (close < 0)
        return problem('unterminated_quote', `field ${fields.length + 1} opens a quote that is not closed`);
      fields.push(line.slice(at + 1, close));
      at = line.charCodeAt(close + 1) === SPACE ? close + 2 : close + 1;
      continue;
    }
    if (field?.quoted) return problem('not_this_format', `field ${fields.length + 1} is not in quotes`);
    let end = endOfField(line, at, length);
    if (field?.item?.test(line.slice(at, end))) {
      while (end < length) {
        const next = endOfField(line, end + 1, length);
        if (!field.item.test(line.slice(end + 1, next))) break;
        end = next;
      }
    }
    fields.push(line.slice(at, end));
    at = end + 1;
  }
  const {
    lengths: [minFields = 0],
    maxFields,
  } = shape;
  if (fields.length < minFields) {
    return problem('too_few_fields', `expected at least ${minFields} fields, got ${fields.length}`);
  }
  if (fields.length > maxFields) {
    return problem('too_many_fields', `expected at most ${maxFields} fields, got ${fields.length}`);
  }
  return { fields, endsQuoted };
}

const QUOTE = 0x22;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
const HYPHEN = 0x2d;

function endOfField(line: string, from: number, length: number): number {
  const space = line.indexOf(' ', from);
  return space < 0 || space > length ? length : space;
}

/**
 * Finds the quote that closes a field: the first one that a space or the end of the line follows. Other quotes are part
 * of the text. `"-"` is a whole field whatever follows it: in AWS's own example of a wss line, no space follows one.
 */
function closingQuote(line: string, from: number, length: number, escapes: boolean): number {
  for (let at = line.indexOf('"', from); at >= 0 && at < length; at = line.indexOf('"', at + 1)) {
    const missing = at === from + 1 && line.charCodeAt(from) === HYPHEN;
    if (at + 1 < length && line.charCodeAt(at + 1) !== SPACE && !missing) continue;
    if (escapes && backslashesBefore(line, at, from) % 2 === 1) continue;
    return at;
  }
  return -1;
}

function backslashesBefore(line: string, at: number, from: number): number {
  let count = 0;
  while (at - count - 1 >= from && line.charCodeAt(at - count - 1) === BACKSLASH) count++;
  return count;
}
