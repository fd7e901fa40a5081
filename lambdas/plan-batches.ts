/**
 * Runs each minute: cuts the objects that wait on the direct lane into batches, and finishes what is open. This file only
 * adapts: the flow is core/direct/plan.ts.
 */
import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { requireCurrent } from './core/direct/ledger-mark.ts';
import { missedUploads } from './core/direct/missed-uploads.ts';
import { planSource } from './core/direct/plan.ts';
import { renewLists } from './core/direct/renew-lists.ts';
import type { SlowMetric } from './core/metrics.ts';
import { batchSettings } from './core/settings.ts';
import { isPast, timeLimits } from './edges/attempt.ts';
import { dynamoBatches } from './edges/batches.ts';
import { s3LakeFiles } from './edges/lake-files.ts';
import { ledgerMarks } from './edges/ledger-marks.ts';
import { logger } from './edges/logger.ts';
import { putSlowMetric } from './edges/metrics.ts';
import { openUploads } from './edges/open-uploads.ts';
import { sendBatch } from './edges/queue.ts';
import { s3Client } from './edges/s3.ts';

const settings = batchSettings(process.env);
const { direct, ledgerTable, ledgerDays, lakeBucket, writeQueueUrl } = settings;
const sources = settings.sources.map(({ name }) => name);
/** Of others, the tables say that the ledger was set back. */
const inFiles = new Set(
  settings.sources.filter(({ tableFormat }) => tableFormat !== 'iceberg').map(({ name }) => name),
);
const sqs = new SQSClient({});
const dynamodb = new DynamoDBClient({});
const ledger = dynamoBatches(dynamodb, { table: ledgerTable, entryDays: ledgerDays });
const marks = ledgerMarks(dynamodb, ledgerTable);
const s3 = s3Client();
const lake = s3LakeFiles(s3, lakeBucket);
const send = (batch: string) => sendBatch(sqs, writeQueueUrl, batch);

const MIB = 1024 * 1024;
/** A writer that has given no sign for longer than its timeout, with a minute for the clocks, has ended. */
const CLOCK_SKEW_SECONDS = 60;
const ID_BYTES = 6;
/** Beyond the wait for other objects: a batch may be written for so long. */
const LATE_SECONDS = 900;
/** Completing the files of a batch takes seconds, and minutes if a writer has died in between. */
const LATE_SEAL_SECONDS = 300;
/** Minute of the hour in which uploads are looked at, and lists are renewed. */
const HOURLY_MINUTE = 7;
/** Lists that are gone are named one by one up to this number. */
const MAX_NAMED = 10;

/** How much is left for later runs: objects that wait, and batches that are not written. */
export async function handler(event: ScheduledEvent, context: Context): Promise<{ readonly left: number }> {
  const { stopReadingAt } = timeLimits(context);
  const failures: unknown[] = [];
  let left = 0;
  for (const source of sources) {
    // One that fails, such as one whose ledger was set back, holds up no other.
    left += await plan(source, event, () => isPast(stopReadingAt)).catch((error: unknown) => {
      failures.push(error);
      return 0;
    });
  }
  const dueAt = new Date(event.time);
  if (dueAt.getUTCMinutes() === HOURLY_MINUTE && !isPast(stopReadingAt)) {
    await lookAtUploads(dueAt.getTime());
    await renewAllLists(dueAt.getTime(), () => isPast(stopReadingAt));
  }
  if (failures.length > 1) for (const failure of failures) logger.error('a source failed', failure as Error);
  if (failures.length > 0) throw failures[0];
  return { left };
}

/** @returns how much is left of a source */
async function plan(source: string, event: ScheduledEvent, outOfTime: () => boolean): Promise<number> {
  const now = () => new Date();
  const ports = {
    ...{ ledger, lake, now, send },
    requireCurrent: async () => {
      if (inFiles.has(source)) await requireCurrent(source, { marks, lake, now });
    },
  };
  const { waiting, unfinished, waitingSince, unfinishedSince, sealedSince } = await planSource(source, ports, {
    fileBytes: direct.fileMiB * MIB,
    ageMs: direct.waitSeconds * 1000,
    dueAt: Date.parse(event.time),
    maxOpen: direct.maxOpen,
    silentMs: (direct.writeSeconds + CLOCK_SKEW_SECONDS) * 1000,
    newId: () => randomBytes(ID_BYTES).toString('hex'),
    outOfTime,
  });
  putAge(source, 'WaitingSeconds', waitingSince);
  putAge(source, 'UnwrittenSeconds', unfinishedSince);
  putAge(source, 'SealedSeconds', sealedSince, LATE_SEAL_SECONDS);
  return waiting + unfinished;
}

/** What fails here holds up no batch either; each list has another turn in a week. */
async function renewAllLists(now: number, outOfTime: () => boolean): Promise<void> {
  for (const source of sources) {
    try {
      const gone = await renewLists(source, { ledger, lake, send, outOfTime }, now);
      if (gone.length > 0)
        logger.error(`${source}: lists are gone`, { lists: gone.slice(0, MAX_NAMED), count: gone.length });
    } catch (error) {
      logger.error(`${source}: the lists of its batches could not be renewed`, error as Error);
    }
  }
}

/** A look that fails holds up no batch; the next one is in an hour. */
async function lookAtUploads(now: number): Promise<void> {
  try {
    const missed = await missedUploads({ uploads: openUploads(s3, lakeBucket), ledger, lake }, now);
    for (const [source, count] of missed) putSlowMetric(source, 'UploadsNotCompleted', count);
  } catch (error) {
    logger.error('the uploads that are not completed could not be looked at', error as Error);
  }
}

/** Only of what is late: a metric that is put each minute costs more than the lane of a small source. */
function putAge(
  source: string,
  name: SlowMetric,
  since: string | undefined,
  late = direct.waitSeconds + LATE_SECONDS,
): void {
  const seconds = since === undefined ? 0 : (Date.now() - Date.parse(since)) / 1000;
  if (seconds > late) putSlowMetric(source, name, seconds);
}
