/** Rows of the lake's own tables `loads` and `rejected_lines`, as JSON by column key. */

import { isoTime, rowTime } from '../reading/times.ts';
import { LOADS_COLUMNS, PARSER_VERSION, REJECTED_COLUMNS } from '../tables/lake-tables.ts';
import { type Column, numbered, OWN } from '../tables/table.ts';

/**
 * Characters of a rejected line that are kept. JSON can turn one character into six bytes, and the row must still fit
 * into a Firehose record.
 */
export const KEPT_RAW_CHARS = 65_536;

/** A column's value; undefined if null, which is left out of the JSON. Timestamps are ISO 8601 in UTC. */
type Value = string | number | undefined;

export type LoadsRow = Readonly<Partial<Record<keyof typeof LOADS_COLUMNS, Value>>>;

export function loadsRow(origin: string, row: LoadsRow): string {
  return json(LOADS, row, origin);
}

/** A line that the source's format could not read. */
export interface RejectedLine {
  readonly source: string;
  readonly reason: string;
  readonly detail: string;
  readonly raw: string;
  /** Milliseconds since the epoch, if the line is the message of an event. */
  readonly timestamp?: number | undefined;
  /** The values of the columns that say of which payload it is, if its origin is an object of payloads. */
  readonly ofPayload?: Readonly<Record<string, Value>>;
}

export function rejectedRow(origin: string, position: number, line: RejectedLine, rejectedAt: Date): string {
  const { source, reason, detail, raw, timestamp, ofPayload } = line;
  const row = {
    source,
    reason,
    detail,
    raw: raw.slice(0, KEPT_RAW_CHARS),
    parser_version: PARSER_VERSION,
    rejected_at: rejectedAt.toISOString(),
    logged_at: timestamp === undefined ? undefined : isoTime(timestamp),
    ...ofPayload,
  };
  return json(REJECTED, row, origin, position);
}

const LOADS = numbered(LOADS_COLUMNS);
const REJECTED = [...numbered(REJECTED_COLUMNS), ...[OWN.logGroup, OWN.logStream, OWN.payload, OWN.payloadPosition]];

function json(
  columns: readonly Column[],
  values: Readonly<Record<string, Value>>,
  origin: string,
  position?: number,
): string {
  const row: Record<string, Value> = { [OWN.origin.key]: origin, [OWN.position.key]: position };
  for (const column of columns) row[column.key] = valueInRow(column, values[column.name]);
  return JSON.stringify(row);
}

function valueInRow({ name, type }: Column, value: Value): Value {
  if (typeof value !== 'string') return value;
  if (type !== 'timestamp') return value.toWellFormed();
  const time = rowTime(value);
  if (!time) throw new TypeError(`${name}: expected a time in UTC, got ${value}`);
  return time.value;
}
