/**
 * Writes the batches of the direct lane that its queue names. This file only adapts: the flow is core/direct/write.ts.
 */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { EventDays } from './core/direct/event-days.ts';
import type { Published } from './core/direct/publish.ts';
import { writeBatch } from './core/direct/write.ts';
import { compiledSources } from './core/loading/sources.ts';
import { openParquetFile } from './core/parquet/file.ts';
import { batchSettings, ENV, icebergSettings, required } from './core/settings.ts';
import { isPast, type TimeLimits, timeLimits } from './edges/attempt.ts';
import { dynamoBatches } from './edges/batches.ts';
import { withFanOut } from './edges/fan-out-values.ts';
import { icebergCatalog } from './edges/iceberg-catalog.ts';
import { icebergTables } from './edges/iceberg-tables.ts';
import { s3LakeFiles } from './edges/lake-files.ts';
import { logger } from './edges/logger.ts';
import { keepingLostTables } from './edges/lost-tables.ts';
import { putLoadMetrics, putNotLoadedMetric, putSkipMetric } from './edges/metrics.ts';
import { dynamoPromotedRecords } from './edges/promoted-records.ts';
import { deadLetter, returnLater, sendBatch } from './edges/queue.ts';
import { openMember, s3Client } from './edges/s3.ts';
import { isServiceError } from './edges/service-error.ts';
import { diskSpill } from './edges/spill.ts';
import { dynamoTallies } from './edges/tallies.ts';

const settings = batchSettings(process.env);
const { direct, ledgerTable, ledgerDays, lakeBucket, writeQueueUrl } = settings;
const deadLettersUrl = required(process.env, ENV.deadLettersUrl);
const sources = withFanOut(compiledSources(settings.sources), import.meta.url);
const sqs = new SQSClient({});
const s3 = s3Client();
const dynamodb = new DynamoDBClient({});
const tallies = dynamoTallies(dynamodb, ledgerTable);
const records = dynamoPromotedRecords(dynamodb, ledgerTable);
const lake = s3LakeFiles(s3, lakeBucket);
const ledger = dynamoBatches(dynamodb, { table: ledgerTable, entryDays: ledgerDays, lists: lake });
const catalog = keepingLostTables(
  icebergCatalog({ ...icebergSettings(process.env), credentials: s3.config.credentials }),
  s3,
);
const tables = icebergTables(catalog, lakeBucket, sources);

/** A message that fails returns soon; if it is lost, the planner sends another one. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const limits = timeLimits(context);
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    try {
      await write(record.body, limits);
    } catch (error) {
      logger.error('batch not written', { batch: record.body, error: error as Error });
      batchItemFailures.push({ itemIdentifier: record.messageId });
      await returnLater(sqs, writeQueueUrl, record);
    }
  }
  return { batchItemFailures };
}

async function write(batch: string, { stopReadingAt }: TimeLimits): Promise<void> {
  const spill = await diskSpill();
  try {
    const result = await writeBatch(batch, {
      ledger,
      lake,
      spill,
      sources,
      promoted: async (source) => (await records.read(source)).columns,
      open: (member) => openMember(s3, member),
      openFile: openParquetFile,
      tables,
      days: new EventDays(direct.timeZone, direct.retentionDays, Date.now()),
      now: () => new Date(),
      entryDays: ledgerDays,
      newAttempt: randomUUID,
      isServiceError,
      outOfTime: () => isPast(stopReadingAt),
      send: (id) => sendBatch(sqs, writeQueueUrl, id),
      deadLetter: (member, reason) => deadLetter(sqs, deadLettersUrl, member, reason),
    });
    if (result.outcome === 'written') {
      putMetrics(result.published);
      await countUnknown(result.published);
    }
  } finally {
    await spill.remove();
  }
}

/**
 * Adds what was no column to what is known of the source. Only whoever ended the batch comes here, so a batch counts once.
 * If the process dies before, or the ledger refuses, it does not count: others do.
 */
async function countUnknown({ source, unknown }: Published): Promise<void> {
  if (!unknown) return;
  try {
    await tallies.add(source, unknown, new Date());
  } catch (error) {
    logger.warn('unknown keys not counted', { source, error: error as Error });
  }
}

function putMetrics({ source, loaded, notLoaded, replaced }: Published): void {
  for (const each of loaded) putLoadMetrics(each);
  for (const reason of notLoaded) putNotLoadedMetric(source, reason);
  for (let count = 0; count < replaced; count++) putSkipMetric(source, 'replaced');
}
