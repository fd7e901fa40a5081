/** Finds the rows of each table and day among packed rows. */

import type { BatchTimes } from '../loading/line-batcher.ts';
import { rowTimeMillis } from '../reading/times.ts';
import type { FanOutTables } from '../tables/fan-out.ts';
import { type ColumnSpecs, numbered, OWN, type Table } from '../tables/table.ts';
import type { EventDays } from './event-days.ts';

/** Rows of one table and day that follow one another. */
export interface RowsOfDay {
  readonly table: Table;
  readonly day: string;
  readonly rows: Uint8Array;
}

/** Where one row of a record begins, and what decides where it belongs. */
interface FoundRow {
  readonly start: number;
  readonly millis: number | undefined;
  readonly table: Table;
}

/** Values of which the tables are remembered as the rows have them; as many as a source may list, and others. */
const MAX_REMEMBERED = 20_000;
/** Bytes of JSON that a value with a table of its own may take: each of its 1,024 characters at most six. */
const MAX_VALUE_BYTES = 6 * 1024 + 2;

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Divides the rows of a source by the tables that they belong to, and by the days of their events. */
export class RowDivider {
  readonly #days: EventDays;
  readonly #table: Table;
  readonly #timeKeys: ReadonlySet<string>;
  readonly #fanOut: FanOutTables | undefined;
  /** JSON key of the column that decides on the table. */
  readonly #by: string | undefined;
  readonly #tables = new Map<string, Table>();
  /** The tables by the values, as JSON. */
  readonly #remembered = new Map<string, Table>();

  /**
   * @param table of the source
   * @param specs columns of the source's format: a row's event has the time of the first one that the row sets
   * @param fanOut undefined: all rows belong to the source's table
   */
  constructor(days: EventDays, table: Table, specs: ColumnSpecs, fanOut?: FanOutTables) {
    this.#days = days;
    this.#table = table;
    this.#timeKeys = new Set(
      numbered(specs)
        .filter(({ type }) => type === 'timestamp')
        .map(({ key }) => key),
    );
    this.#fanOut = fanOut;
    this.#by = fanOut && keyOfColumn(table, fanOut.by);
  }

  /**
   * @param records packed rows, as the LineBatcher gives them
   * @param times of these rows, if they are known: rows are looked at one by one only if they may be of several days, or
   * of several tables
   * @param otherwise day of rows without a time that is believed
   */
  *divide(
    records: readonly Uint8Array[],
    times: Readonly<BatchTimes> | undefined,
    otherwise: string,
  ): Generator<RowsOfDay> {
    const day = times && this.#onlyDay(times, otherwise);
    for (const record of records) {
      if (day === undefined || this.#fanOut) yield* this.#byRow(record, day, otherwise);
      else yield { table: this.#table, day, rows: record };
    }
  }

  /** The day of all rows, if the times of the first and of the last event tell it. */
  #onlyDay({ rows, timed, first, last }: Readonly<BatchTimes>, otherwise: string): string | undefined {
    const days = this.#days;
    if (first === undefined || last === undefined) return otherwise;
    if (!days.isBelieved(first) || !days.isBelieved(last)) return undefined;
    const day = days.dayOf(first);
    return day === days.dayOf(last) && (timed === rows || day === otherwise) ? day : undefined;
  }

  /** @param onlyDay of all rows, if it is known */
  *#byRow(record: Uint8Array, onlyDay: string | undefined, otherwise: string): Generator<RowsOfDay> {
    let from = 0;
    let last: { readonly table: Table; readonly day: string } | undefined;
    for (const { start, millis, table } of this.#rowsOf(record)) {
      const day = onlyDay ?? this.#days.dayOfRow(millis, otherwise);
      if (last && (day !== last.day || table !== last.table)) {
        yield { ...last, rows: record.subarray(from, start) };
        from = start;
      }
      last = { table, day };
    }
    if (last) yield { ...last, rows: record.subarray(from) };
  }

  *#rowsOf(record: Uint8Array): Generator<FoundRow> {
    const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
    for (let at = 0; at < bytes.length; ) {
      if (bytes[at] !== OPEN) throw new RangeError(`packed rows: expected a row at ${at}, got byte ${bytes[at]}`);
      const start = at++;
      let millis: number | undefined;
      let loggedAt: number | undefined;
      let table = this.#fanOut ? undefined : this.#table;
      while (bytes[at] !== CLOSE) {
        if (bytes[at] === COMMA) at++;
        // Keys need no escapes.
        const keyEnd = bytes.indexOf(QUOTE, at + 1);
        const key = bytes.toString('latin1', at + 1, keyEnd);
        const valueStart = keyEnd + 2;
        at = valueEnd(bytes, valueStart);
        if (key === this.#by) table = this.#tableFor(bytes, valueStart, at);
        if (key === OWN.loggedAt.key) loggedAt = timeIn(bytes, valueStart, at);
        else if (this.#timeKeys.has(key)) millis ??= timeIn(bytes, valueStart, at);
      }
      at++;
      yield { start, millis: millis ?? loggedAt, table: table ?? this.#named(this.#fanOut?.of(undefined)) };
    }
  }

  /** The table of a row whose value is this, as JSON. */
  #tableFor(bytes: Buffer, start: number, end: number): Table {
    if (end - start > MAX_VALUE_BYTES) return this.#named(this.#fanOut?.of(undefined));
    const json = bytes.toString('utf8', start, end);
    const known = this.#remembered.get(json);
    if (known) return known;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    const table = this.#named(this.#fanOut?.of(JSON.parse(json)));
    this.#remembered.set(json, table);
    return table;
  }

  /** The table of this name; the same each time. */
  #named(name: string = this.#table.name): Table {
    const known = this.#tables.get(name) ?? (name === this.#table.name ? this.#table : { ...this.#table, name });
    this.#tables.set(name, known);
    return known;
  }
}

/** @throws Error for a column that the table does not have: the configuration allows none */
function keyOfColumn({ name, columns }: Table, by: string): string {
  const column = columns.find((each) => each.name === by);
  if (column) return column.key;
  throw new Error(`source ${name}: expected a column ${by} to divide its rows by, got none`);
}

function valueEnd(bytes: Buffer, start: number): number {
  let at = start;
  if (bytes[at] !== QUOTE) {
    while (bytes[at] !== COMMA && bytes[at] !== CLOSE) at++;
    return at;
  }
  for (at++; bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
  return at + 1;
}

function timeIn(bytes: Buffer, start: number, end: number): number | undefined {
  return rowTimeMillis(JSON.parse(bytes.toString('latin1', start, end)));
}
