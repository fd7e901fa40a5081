/**
 * Stores the fingerprints of the records of each input, for count-duplicates. Inputs are S3 objects, which are
 * announced by a queue, and CloudWatch subscription payloads, which the function that loads them hands on. This file
 * only adapts: the flow is core/duplicates/track.ts.
 */
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type InputToCheck, objectToCheck, payloadToCheck } from './core/duplicates/input-to-check.ts';
import { type CheckResult, type TrackPorts, track } from './core/duplicates/track.ts';
import { createdObjects } from './core/loading/notification.ts';
import { readPayload } from './core/loading/payload.ts';
import { compiledSources, sourceOfLogGroup, sourceOfObject } from './core/loading/sources.ts';
import { askAgain, UnavailableError } from './core/loading/unavailable.ts';
import { ENV, required, SettingsError, TRACK_BATCH, trackerSettings } from './core/settings.ts';
import { isPast, timeLimits } from './edges/attempt.ts';
import { duplicatesClient, dynamoDuplicates } from './edges/duplicates.ts';
import { logger } from './edges/logger.ts';
import { putTrackMetric } from './edges/metrics.ts';
import { askAgainLater, deleteNow, returnLater } from './edges/queue.ts';
import { openObject, s3Client } from './edges/s3.ts';

const settings = trackerSettings(process.env);
const sources = compiledSources(settings.sources);
const dynamodb = duplicatesClient();
const s3 = s3Client();
const sqs = new SQSClient({});

/**
 * Extra wait between messages that failed together, so that they mostly come back in different batches. Otherwise
 * objects so large that one of them takes all of an invocation's time would always compete for that time.
 */
const APART_SECONDS = 2 * TRACK_BATCH.windowSeconds;

export async function handler(event: SQSEvent | object, context: Context): Promise<SQSBatchResponse | undefined> {
  if ('Records' in event) return await trackObjects(event.Records, context);
  await trackPayload(event, context);
  return undefined;
}

/** Every message that was not checked completely is reported as failed and is delivered again; the others are done. */
async function trackObjects(records: readonly SQSRecord[], context: Context): Promise<SQSBatchResponse> {
  const queueUrl = required(process.env, ENV.queueUrl);
  const errors = new Map<string, unknown>();
  const unreported = new Map<string, number>();
  const inputs = records.flatMap((record) => {
    try {
      const found = inputsOf(record);
      unreported.set(record.messageId, found.length);
      return found;
    } catch (error) {
      errors.set(record.messageId, error);
      return [];
    }
  });
  // Lambda deletes messages when the invocation ends. If this invocation crashes, messages already processed would
  // return too: delete them now.
  const deleteEarly = inputs.some(({ retried }) => retried);
  const settled = async (result: CheckResult) => {
    const { holder } = result.input;
    if (result.outcome !== 'failed') putMetrics(result);
    else if (result.error instanceof UnavailableError) {
      try {
        await askAgainOrGiveUp(result.input, queueUrl);
      } catch (error) {
        errors.set(holder, error);
      }
    } else errors.set(holder, result.error);
    unreported.set(holder, (unreported.get(holder) ?? 0) - 1);
    const record = records.find(({ messageId }) => messageId === holder);
    if (deleteEarly && record && unreported.get(holder) === 0 && !errors.has(holder))
      await deleteNow(sqs, queueUrl, record);
  };
  // No object of a source in this message: it is done.
  if (deleteEarly)
    for (const record of records) if (unreported.get(record.messageId) === 0) await deleteNow(sqs, queueUrl, record);
  await track(inputs, { ...portsOf(context), settled });
  // A message counts as done only if each of its objects was reported.
  const failed = records.filter(({ messageId }) => errors.has(messageId) || (unreported.get(messageId) ?? 0) > 0);
  for (const [index, record] of failed.entries()) {
    const { messageId } = record;
    logger.error('message not checked for duplicates', { messageId, error: errors.get(messageId) as Error });
    await returnLater(sqs, queueUrl, record, index * APART_SECONDS);
  }
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/**
 * Has an object that S3 does not give asked for again, or leaves it unchecked: load-objects counts the objects that are
 * given up. If the process crashes before the message is sent, this message is delivered again.
 */
async function askAgainOrGiveUp({ object }: InputToCheck, queueUrl: string): Promise<void> {
  const waited = object && askAgain(object.waited);
  if (waited) await askAgainLater(sqs, queueUrl, object, waited);
}

function inputsOf({ body, messageId, attributes }: SQSRecord): InputToCheck[] {
  return createdObjects(body).flatMap((object) => {
    const match = sourceOfObject(sources, object);
    // Objects of no source are counted as skipped by load-objects.
    if (match.outcome === 'skipped') return [];
    const delivery = {
      holder: messageId,
      arrivedAt: Number(attributes.SentTimestamp),
      retried: Number(attributes.ApproximateReceiveCount) > 1,
    };
    return objectToCheck(match.source, object, delivery, () => openObject(s3, object));
  });
}

async function trackPayload(event: unknown, context: Context): Promise<void> {
  const payload = readPayload(event);
  if (!payload) return;
  const source = sourceOfLogGroup(sources, payload.logGroup);
  if (!source) throw new SettingsError(`log group ${payload.logGroup}: no source has it`);
  for (const result of await track([payloadToCheck(source, payload, context.awsRequestId)], portsOf(context))) {
    if (result.outcome === 'failed') throw result.error;
    putMetrics(result);
  }
}

function portsOf(context: Context): TrackPorts {
  const { stopReadingAt, giveUpAt } = timeLimits(context);
  const { table, sampleRate, windowHours } = settings;
  return {
    store: dynamoDuplicates(dynamodb, { table, windowHours, giveUpAt }),
    now: () => new Date(),
    outOfTime: () => isPast(stopReadingAt),
    sampleRate,
    windowHours,
  };
}

function putMetrics({ input, outcome, outsideWindow }: CheckResult): void {
  const { name } = input.source.settings;
  if (outcome === 'redelivered') putTrackMetric(name, 'InputsRedelivered', 1, input.label);
  if (outsideWindow > 0) putTrackMetric(name, 'RecordsOutsideWindow', outsideWindow, input.label);
}
