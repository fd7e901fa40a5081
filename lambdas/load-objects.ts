/**
 * Lambda function that loads the S3 objects announced by an SQS queue. It only connects the services: the main flow is
 * in core/loading/load.ts.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { announceObject } from './core/direct/announce.ts';
import { FencedError } from './core/loading/ledger.ts';
import { loadObject, type Source } from './core/loading/load.ts';
import { type CreatedObject, createdObjects } from './core/loading/notification.ts';
import { compiledSources, sourceOfObject } from './core/loading/sources.ts';
import { ENV, loaderSettings, required } from './core/settings.ts';
import { unexpected } from './core/unexpected.ts';
import { attemptOf, type TimeLimits, timeLimits } from './edges/attempt.ts';
import { dynamoBatches } from './edges/batches.ts';
import { Deliveries, firehoseClient, firehoseEncode } from './edges/firehose.ts';
import { s3LakeFiles } from './edges/lake-files.ts';
import { dynamoLedger } from './edges/ledger.ts';
import { logger } from './edges/logger.ts';
import {
  putDeliveryMetrics,
  putLoadMetrics,
  putNotLoadedMetric,
  putSkipMetric,
  putSlowMetric,
} from './edges/metrics.ts';
import { askAgainLater, continueLater, lookAgainLater, returnLater } from './edges/queue.ts';
import { openObject, s3Client } from './edges/s3.ts';

const settings = loaderSettings(process.env);
const queueUrl = required(process.env, ENV.queueUrl);
const sources = compiledSources(settings.sources);
const dynamodb = new DynamoDBClient({});
const s3 = s3Client();
// Set where the stack has the direct lane.
const lakeBucket = process.env[ENV.lakeBucket];
const lists = lakeBucket === undefined ? undefined : s3LakeFiles(s3, lakeBucket);
const ledger = dynamoLedger(dynamodb, settings.ledgerTable, lists);
const batches = dynamoBatches(dynamodb, { table: settings.ledgerTable, entryDays: settings.ledgerDays });
const sqs = new SQSClient({});
const firehose = firehoseClient();

/** Every message whose objects could not be handled is reported as failed and is delivered again. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const limits = timeLimits(context);
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    try {
      for (const object of createdObjects(record.body)) await load(object, record, limits);
    } catch (error) {
      logger.error('message not loaded', { messageId: record.messageId, error: error as Error });
      batchItemFailures.push({ itemIdentifier: record.messageId });
      // After a FencedError, another attempt is loading the object of this same message. If the message returned soon,
      // it would overtake that attempt, so it keeps its long visibility timeout.
      if (!(error instanceof FencedError)) await returnLater(sqs, queueUrl, record);
    }
  }
  return { batchItemFailures };
}

async function load(object: CreatedObject, record: SQSRecord, limits: TimeLimits): Promise<void> {
  const match = sourceOfObject(sources, object);
  if (match.outcome === 'skipped') return putSkipMetric('none', match.reason);
  const { source } = match;
  const { name, lane, delivery } = source.settings;
  // An object of payloads is always for the direct lane, also if the source's log groups have gone back to the other one.
  const isDirect = delivery === 'direct' || lane === 'events';
  if (isDirect && (await announce(name, object))) return;
  const deliveries = new Deliveries();
  try {
    await loadFrom(source, object, { record, limits, deliveries });
  } finally {
    putDeliveryMetrics(name, deliveries);
  }
}

interface Delivery {
  readonly record: SQSRecord;
  readonly limits: TimeLimits;
  readonly deliveries: Deliveries;
}

async function loadFrom(source: Source, object: CreatedObject, delivery: Delivery): Promise<void> {
  const { record, limits, deliveries } = delivery;
  const result = await loadObject(
    source,
    object,
    () => openObject(s3, object),
    {
      ...settings,
      ledger,
      encode: firehoseEncode(firehose, limits.giveUpAt, deliveries),
      now: () => new Date(),
      objectEntryDays: settings.ledgerDays,
    },
    attemptOf(record.messageId, limits),
  );
  const { name } = source.settings;
  switch (result.outcome) {
    case 'loaded':
      return putLoadMetrics(result.loaded, deliveries);
    case 'unfinished': {
      const since = object.unfinishedSince ?? Number(record.attributes.SentTimestamp);
      putSlowMetric(name, 'UnfinishedSeconds', (Date.now() - since) / 1000);
      // If the process crashes before the continuation is sent, this message is delivered again and goes on itself.
      return await continueLater(sqs, queueUrl, { ...object, unfinishedSince: since }, result.stuckAt);
    }
    case 'held':
      // All invocations have the same timeout, so the lease of an earlier invocation ends before `limits.endedBy`. If a
      // later invocation holds the object, the object is found held once more and announced again.
      await lookAgainLater(sqs, queueUrl, object, limits.endedBy);
      return putSkipMetric(name, result.outcome);
    case 'unavailable':
      // If the process crashes before the message is sent, this message is delivered again and asks itself.
      return await askAgainLater(sqs, queueUrl, object, result.waited);
    case 'not_loaded':
      return putNotLoadedMetric(name, result.reason);
    case 'already_loaded':
    case 'replaced':
      return putSkipMetric(name, result.outcome);
    case 'on_direct_lane':
      await announce(name, object);
      return;
    default:
      throw unexpected(result);
  }
}

/** Makes an object wait on the direct lane. @returns false if the other lane has begun it, and must end it */
async function announce(source: string, object: CreatedObject): Promise<boolean> {
  const result = await announceObject(source, object, {
    ledger: batches,
    now: () => new Date(),
    entryDays: settings.ledgerDays,
  });
  if (result === 'loading_by_firehose') return false;
  if (result === 'older_than_ledger') putSkipMetric(source, result);
  else if (result !== 'waiting') putSkipMetric(source, 'already_loaded');
  return true;
}
