/**
 * Runs each minute: cuts the objects that wait on the direct lane into batches, and finishes what is open. This file only
 * adapts: the flow is core/direct/plan.ts.
 */
import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { planSource } from './core/direct/plan.ts';
import type { SlowMetric } from './core/metrics.ts';
import { batchSettings } from './core/settings.ts';
import { isPast, timeLimits } from './edges/attempt.ts';
import { dynamoBatches } from './edges/batches.ts';
import { s3LakeFiles } from './edges/lake-files.ts';
import { putSlowMetric } from './edges/metrics.ts';
import { sendBatch } from './edges/queue.ts';
import { s3Client } from './edges/s3.ts';

const settings = batchSettings(process.env);
const { direct, ledgerTable, ledgerDays, lakeBucket, writeQueueUrl } = settings;
const sources = settings.sources.map(({ name }) => name);
const sqs = new SQSClient({});
const ledger = dynamoBatches(new DynamoDBClient({}), { table: ledgerTable, entryDays: ledgerDays });
const lake = s3LakeFiles(s3Client(), lakeBucket);

const MIB = 1024 * 1024;
/** A writer that has given no sign for longer than its timeout, with a minute for the clocks, has ended. */
const CLOCK_SKEW_SECONDS = 60;
const ID_BYTES = 6;
/** Beyond the wait for other objects: a batch may be written for so long. */
const LATE_SECONDS = 900;

/** How much is left for later runs: objects that wait, and batches that are not written. */
export async function handler(event: ScheduledEvent, context: Context): Promise<{ readonly left: number }> {
  const { stopReadingAt } = timeLimits(context);
  let left = 0;
  for (const source of sources) {
    const { waiting, unfinished, waitingSince, unfinishedSince } = await planSource(
      source,
      { ledger, lake, now: () => new Date(), send: (batch) => sendBatch(sqs, writeQueueUrl, batch) },
      {
        fileBytes: direct.fileMiB * MIB,
        ageMs: direct.waitSeconds * 1000,
        dueAt: Date.parse(event.time),
        maxOpen: direct.maxOpen,
        silentMs: (direct.writeSeconds + CLOCK_SKEW_SECONDS) * 1000,
        newId: () => randomBytes(ID_BYTES).toString('hex'),
        outOfTime: () => isPast(stopReadingAt),
      },
    );
    left += waiting + unfinished;
    putAge(source, 'WaitingSeconds', waitingSince);
    putAge(source, 'UnwrittenSeconds', unfinishedSince);
  }
  return { left };
}

/** Only of what is late: a metric that is put each minute costs more than the lane of a small source. */
function putAge(source: string, name: SlowMetric, since: string | undefined): void {
  const seconds = since === undefined ? 0 : (Date.now() - Date.parse(since)) / 1000;
  if (seconds > direct.waitSeconds + LATE_SECONDS) putSlowMetric(source, name, seconds);
}
