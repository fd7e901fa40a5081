/** Finds the rows of each day among packed rows. */

import type { BatchTimes } from '../loading/line-batcher.ts';
import { rowTimeMillis } from '../reading/times.ts';
import { type ColumnSpecs, numbered, OWN } from '../tables/table.ts';
import type { EventDays } from './event-days.ts';

/** Rows of one day that follow one another. */
export interface RowsOfDay {
  readonly day: string;
  readonly rows: Uint8Array;
}

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Divides the rows of a source by the days of their events. */
export class DayDivider {
  readonly #days: EventDays;
  readonly #timeKeys: ReadonlySet<string>;

  /** @param specs columns of the source's format: a row's event has the time of the first one that the row sets */
  constructor(days: EventDays, specs: ColumnSpecs) {
    this.#days = days;
    this.#timeKeys = new Set(
      numbered(specs)
        .filter(({ type }) => type === 'timestamp')
        .map(({ key }) => key),
    );
  }

  /**
   * @param records packed rows, as the LineBatcher gives them
   * @param times of these rows, if they are known: rows are looked at one by one only if they may be of several days
   * @param otherwise day of rows without a time that is believed
   */
  *divide(
    records: readonly Uint8Array[],
    times: Readonly<BatchTimes> | undefined,
    otherwise: string,
  ): Generator<RowsOfDay> {
    const day = times && this.#onlyDay(times, otherwise);
    for (const record of records) {
      if (day === undefined) yield* this.#byRow(record, otherwise);
      else yield { day, rows: record };
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

  *#byRow(record: Uint8Array, otherwise: string): Generator<RowsOfDay> {
    let from = 0;
    let day: string | undefined;
    for (const { start, millis } of this.#rowsOf(record)) {
      const next = this.#days.dayOfRow(millis, otherwise);
      if (day !== undefined && next !== day) {
        yield { day, rows: record.subarray(from, start) };
        from = start;
      }
      day = next;
    }
    if (day !== undefined) yield { day, rows: record.subarray(from) };
  }

  /** Where each row of a record begins, and the time of its event. */
  *#rowsOf(record: Uint8Array): Generator<{ start: number; millis: number | undefined }> {
    const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
    for (let at = 0; at < bytes.length; ) {
      if (bytes[at] !== OPEN) throw new RangeError(`packed rows: expected a row at ${at}, got byte ${bytes[at]}`);
      const start = at++;
      let millis: number | undefined;
      let loggedAt: number | undefined;
      while (bytes[at] !== CLOSE) {
        if (bytes[at] === COMMA) at++;
        // Keys need no escapes.
        const keyEnd = bytes.indexOf(QUOTE, at + 1);
        const key = bytes.toString('latin1', at + 1, keyEnd);
        const valueStart = keyEnd + 2;
        at = valueEnd(bytes, valueStart);
        if (key === OWN.loggedAt.key) loggedAt = timeIn(bytes, valueStart, at);
        else if (this.#timeKeys.has(key)) millis ??= timeIn(bytes, valueStart, at);
      }
      at++;
      yield { start, millis: millis ?? loggedAt };
    }
  }
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
