/** The range of time that a saved query is asked for. */
import { rangeOf, type SavedQuery, type TimeRange, timestampLiteral } from '../../lambdas/core/queries/saved-query.ts';
import { LOADS } from '../../lambdas/core/tables/lake-tables.ts';
import { toJson } from '../../local/athena/query-result.ts';
import { sqlText, timeOf } from '../operations/lake-handle.ts';
import type { OpenQueries } from './open-queries.ts';

/** What the user said of it. */
export interface AskedRange {
  readonly since?: Date;
  readonly until?: Date;
  readonly arrived?: TimeRange['days'];
}

const DAY_MS = 86_400_000;

/** The range that was asked for: without any times, the day up to now. */
export function askedRange({ since, until = new Date(), arrived }: AskedRange): TimeRange {
  return rangeOf(since ?? new Date(until.getTime() - DAY_MS), until, arrived);
}

/**
 * The range of all that was loaded of the query's source, or of the lake, by `loads`: for a lake on this machine, which is
 * small. Undefined if nothing was loaded.
 */
export async function wholeRange(queries: OpenQueries, { source }: SavedQuery): Promise<TimeRange | undefined> {
  const { database } = await queries.lake();
  const { result } = await queries.run(
    'SELECT min(first_event_time) AS first_event, max(last_event_time) AS last_event, min(finished_at) AS first_load,' +
      ` max(finished_at) AS last_load, min(dt) AS first_day, max(dt) AS last_day FROM "${database}"."${LOADS}"` +
      (source === undefined ? '' : ` WHERE source = ${sqlText(source)}`),
  );
  const [row] = toJson(result);
  if (!row || row.first_day === null) return undefined;
  // A question about the lake is about its loads, and about the events that were loaded.
  const times = ['first_event', 'last_event', ...(source === undefined ? ['first_load', 'last_load'] : [])];
  const millis = times.flatMap((name) => (row[name] === null ? [] : timeOf(row[name]).getTime()));
  if (millis.length === 0) return undefined;
  // Whole seconds: times of the tables are rounded to the millisecond, and those of loads are cut there.
  const [first, last] = [Math.min(...millis), Math.max(...millis) + 1].map((time) => Math.floor(time / 1000) * 1000);
  const range = rangeOf(new Date(first ?? 0), new Date((last ?? 0) + 1000));
  // Rows lie under the days on which they were loaded, the last ones perhaps a day later, or under those of their events.
  const loaded = rangeOf(new Date(String(row.first_day)), new Date(String(row.last_day)));
  const days = [range.days, loaded.days].flatMap(({ from, to }) => [from, to]).sort();
  return { ...range, days: { from: days[0] ?? '', to: days.at(-1) ?? '' } };
}

/** `2026-11-28 10:00:00 to 2026-11-28 11:00:00 UTC, dt from 2026-11-27 to 2026-11-29`. */
export function rangeText({ since, until, days }: TimeRange): string {
  const text = (time: Date) => timestampLiteral(time).replace(/^timestamp '(.*)'$/, '$1');
  return `${text(since)} to ${text(until)} UTC, dt from ${days.from} to ${days.to}`;
}
