/**
 * Runs on a schedule and counts the duplicates of each minute that is ready. This file only adapts: the flow is
 * core/duplicates/count.ts.
 */
import type { Context, ScheduledEvent } from 'aws-lambda';
import { type CountRun, countDue } from './core/duplicates/count.ts';
import { ENV, required } from './core/settings.ts';
import { isPast, timeLimits } from './edges/attempt.ts';
import { duplicatesClient, dynamoDuplicates } from './edges/duplicates.ts';
import { putCountMetrics } from './edges/metrics.ts';

/** The schedule runs every minute: if no minute is begun after this time, a run seldom overlaps with the next one. */
const LONGEST_RUN_MS = 50_000;

const table = required(process.env, ENV.duplicatesTable);
const dynamodb = duplicatesClient();

export async function handler(event: ScheduledEvent, context: Context): Promise<CountRun> {
  const { stopReadingAt, giveUpAt } = timeLimits(context);
  const stopAt = Math.min(stopReadingAt, performance.now() + LONGEST_RUN_MS);
  return await countDue({
    store: dynamoDuplicates(dynamodb, { table, giveUpAt }),
    now: new Date(event.time),
    outOfTime: () => isPast(stopAt),
    emit: putCountMetrics,
  });
}
