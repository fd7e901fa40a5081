/** What an operation that loads old logs says of the days under which their rows will lie. */

import type { Source } from '../../lambdas/core/loading/load.ts';
import { rolesOf } from '../../lambdas/core/queries/column-roles.ts';
import { between, onDays, rangeOf } from '../../lambdas/core/queries/saved-query.ts';
import { tableOf } from './lake-handle.ts';

/** The days of arrival of rows that are loaded from now on, and the condition by which a query finds them. */
export interface ArrivalNote {
  /** Lines for people. */
  readonly lines: readonly string[];
  /** SQL for WHERE. */
  readonly where: string;
}

/**
 * Firehose puts a row under the day on which it gets it, whatever its event's day is. Undefined if none of the sources is
 * loaded so: the direct lane puts rows under the days of their events.
 *
 * @param events the times of the events, if they are known
 * @param now when the operation begins; it may last past midnight, and days may be those of a time zone
 */
export function arrivalNote(
  sources: readonly Source[],
  now: Date,
  events?: { readonly since: Date; readonly until: Date },
): ArrivalNote | undefined {
  const late = sources.filter(({ settings }) => settings.delivery !== 'direct');
  const [first] = late;
  if (!first) return undefined;
  const { days } = rangeOf(now, now);
  const time = rolesOf(tableOf(first)).time;
  const where =
    events && time ? `${between(time, rangeOf(events.since, events.until))} AND ${onDays({ days })}` : onDays({ days });
  return {
    lines: [
      `Rows of ${late.map(({ settings }) => settings.name).join(', ')} will lie under the day on which they arrive, not under the days ` +
        'of their events: Firehose delivers them. With "delivery": "direct" they would lie under the days of their events.',
      `Queries find them by ${where}${events ? '' : ', and by the times of their events beside it'}; ` +
        `saved queries by --arrived ${days.from}..${days.to}.`,
    ],
    where,
  };
}

/** Whether what was logged or written at this time lies, if it arrives now, under a day that queries of its own day do not read. */
export function isOld(time: Date, now: Date): boolean {
  return rangeOf(time, time).days.to < now.toISOString().slice(0, 10);
}
