/**
 * Runs each minute: commits what the direct lane has stored to its Iceberg tables, and removes their old days. This file
 * only adapts: the flow is core/direct/commit-tables.ts.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { commitTables } from './core/direct/commit-tables.ts';
import { EventDays } from './core/direct/event-days.ts';
import { OPTIMIZERS_OF_PARTS } from './core/iceberg/optimizers.ts';
import { batchSettings, ENV, icebergSettings } from './core/settings.ts';
import { isPast, timeLimits } from './edges/attempt.ts';
import { icebergCatalog } from './edges/iceberg-catalog.ts';
import { s3LakeFiles } from './edges/lake-files.ts';
import { logger } from './edges/logger.ts';
import { putCommitMetrics, putSlowMetric } from './edges/metrics.ts';
import { sendBatch } from './edges/queue.ts';
import { s3Client } from './edges/s3.ts';
import { dynamoCommits } from './edges/table-commits.ts';
import { s3TableFiles } from './edges/table-files.ts';
import { maintain } from './edges/table-optimizers.ts';

const settings = batchSettings(process.env);
const { sources, direct, ledgerTable, ledgerDays, lakeBucket, writeQueueUrl } = settings;
const iceberg = icebergSettings(process.env);
const { warehouse: catalogId, database } = iceberg;
const sqs = new SQSClient({});
const s3 = s3Client();
const ledger = dynamoCommits(new DynamoDBClient({}), { table: ledgerTable, entryDays: ledgerDays });
const lake = s3LakeFiles(s3, lakeBucket);
const catalog = icebergCatalog({ ...iceberg, credentials: s3.config.credentials });
/** There if a source has tables that are made at their first rows. */
const optimizerRole = process.env[ENV.optimizerRole];
const glue = new GlueClient({});
const names = new Set(sources.map(({ name }) => name));

const DAY_MS = 86_400_000;
const LONGEST_WAIT_MS = 5_000;
/** Beyond the interval: a commit may fail for some minutes, as long as the next run makes it. */
const LATE_SECONDS = 600;
/** Tables that fail are named one by one up to this number. */
const MAX_NAMED = 10;

/**
 * How many batches are left for later runs.
 *
 * @throws if a table could not be committed to, after the others were: its files wait for the next run
 */
export async function handler(event: ScheduledEvent, context: Context): Promise<{ readonly left: number }> {
  const { stopReadingAt } = timeLimits(context);
  const dueAt = Date.parse(event.time);
  const { left, committed, failed, waitingSince } = await commitTables(
    {
      ...{ ledger, lake, catalog },
      making: { files: s3TableFiles(s3), newId: randomUUID, snapshotId: () => randomBytes(8).readBigUInt64BE() >> 1n },
      now: () => new Date(),
      ...(optimizerRole !== undefined && {
        maintain: (table) => maintain(glue, { catalogId, database, table }, OPTIMIZERS_OF_PARTS, optimizerRole),
      }),
      wait: (tried) => sleep(Math.random() * Math.min(LONGEST_WAIT_MS, 100 * 2 ** tried)),
      send: (batch) => sendBatch(sqs, writeQueueUrl, batch),
      outOfTime: () => isPast(stopReadingAt),
    },
    {
      sources: [...names],
      dueAt,
      intervalMs: iceberg.commitSeconds * 1000,
      isQuiet: (table) => !names.has(table),
      keepFrom,
      newId: randomUUID,
    },
  );
  for (const [source, each] of Map.groupBy(committed, ({ source }) => source)) putCommitMetrics(source, each);
  for (const [source, since] of waitingSince) {
    const seconds = (Date.now() - Date.parse(since)) / 1000;
    if (seconds > iceberg.commitSeconds + LATE_SECONDS) putSlowMetric(source, 'UncommittedSeconds', seconds);
  }
  if (failed.length === 0) return { left };
  for (const { name, error, retryAt } of failed.slice(0, MAX_NAMED)) {
    logger.error(`${name}: not committed`, { error: error as Error, ...(retryAt !== undefined && { retryAt }) });
  }
  throw new Error(`${failed.length} tables or batches could not be committed, the first of them ${failed[0]?.name}`);
}

/** What a source without its own keeps; of a source that is no more, the longest of all. */
function retentionDays(source: string): number {
  const found = sources.find(({ name }) => name === source);
  if (found) return found.retentionDays ?? direct.retentionDays;
  return Math.max(direct.retentionDays, ...sources.map(({ retentionDays = 0 }) => retentionDays));
}

/** A day more than rows are kept: files of a day have all of its hours. */
function keepFrom(source: string): string {
  const days = retentionDays(source);
  const now = Date.now();
  return new EventDays(direct.timeZone, days, now).dayOf(now - (days + 1) * DAY_MS);
}
