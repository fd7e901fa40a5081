/**
 * Saved queries: the questions that people ask a lake, as SQL for Athena. The template saves them in the workgroup, and
 * `lake query NAME` runs them. Each reads the days that its times need and no others.
 */
import { type ColumnType, PARTITION } from '../tables/table.ts';
import type { OnceOf } from '../tables/views.ts';

/** A table as its catalog describes it: enough to know which questions it can answer. */
export interface QueriedTable {
  readonly name: string;
  /**
   * Its database.
   *
   * @default that of the lake
   */
  readonly database?: string;
  /**
   * The tables to ask, if the rows are divided.
   *
   * @default the one of this name
   */
  readonly places?: OnceOf['tables'];
  /** Which of their rows to ask for, as a condition of a query over a range. @default all */
  readonly where?: (range: TimeRange) => string;
  /** What to say of this above a query: whole sentences on one line. */
  readonly note?: string;
  /** In the table's order; the partition column may be among them. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
}

/** A question about a lake. */
export interface SavedQuery {
  /** Unique in a lake: `balance-by-day`, or `alb-top-urls` for a question about the table `alb`. */
  readonly name: string;
  /** The source whose table it asks; undefined for a question about the lake as a whole. */
  readonly source: string | undefined;
  /** One sentence: what the answer is, and the unit of its numbers. */
  readonly description: string;
  /** The query over a range of time. The times and days are literals in its first lines, for people who edit it. */
  sql(range: TimeRange): string;
}

/** A range of time, and the days on which its rows arrived. */
export interface TimeRange {
  /** The first moment of the range. */
  readonly since: Date;
  /** The end of the range, which is not part of it. */
  readonly until: Date;
  /** Days of arrival, YYYY-MM-DD, both included: the values of `dt` to read. */
  readonly days: { readonly from: string; readonly to: string };
}

const DAY_MS = 86_400_000;

/**
 * A range of time with the days on which its rows arrive: from the day before it, because days may be those of a time
 * zone, to the day after it, because a row arrives after its event. Rows that arrive later are under their own days.
 *
 * @param days the days of arrival, if they are known to be others
 */
export function rangeOf(since: Date, until: Date, days?: TimeRange['days']): TimeRange {
  const from = dayOf(since.getTime() - DAY_MS);
  const to = dayOf(Math.max(since.getTime(), until.getTime() - 1) + DAY_MS);
  return { since, until, days: days ?? { from, to } };
}

const FIRST_DAY = Date.parse('0000-01-01');
const LAST_DAY = Date.parse('9999-12-31');

/** A day of UTC: YYYY-MM-DD. Days are compared as texts, so none has another number of digits. */
function dayOf(millis: number): string {
  return new Date(Math.min(Math.max(millis, FIRST_DAY), LAST_DAY)).toISOString().slice(0, 10);
}

/** Condition on the days to read. It is a condition on literals, which Athena applies before it lists any file. */
export function onDays({ days }: Pick<TimeRange, 'days'>): string {
  return `${PARTITION.name} BETWEEN '${days.from}' AND '${days.to}'`;
}

/** Condition on a time, as an SQL expression of the type timestamp. Athena compares it with no text. */
export function between(time: string, { since, until }: TimeRange): string {
  return `${time} >= ${timestampLiteral(since)} AND ${time} < ${timestampLiteral(until)}`;
}

/**
 * `timestamp '2026-01-05 10:00:00'`; milliseconds only if there are any. The end of a range may be in the year 10000, which
 * a Date writes as `+010000`.
 */
export function timestampLiteral(time: Date): string {
  return `timestamp '${time
    .toISOString()
    .replace(/^\+0/, '')
    .slice(0, -1)
    .replace('T', ' ')
    .replace(/\.000$/, '')}'`;
}

/** The comment above a query, for people who edit its literals. */
export function heading(description: string, note?: string): string[] {
  return [
    `-- ${description}`,
    ...(note === undefined ? [] : [`-- ${note}`]),
    '-- Times are UTC. dt, the day on which rows arrived, reaches from the day before the times to the day after them.',
  ];
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
