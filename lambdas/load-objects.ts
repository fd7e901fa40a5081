/**
 * Loads S3 objects announced by an SQS queue. Adapts and nothing else: the flow is core/load.ts.
 */
import { S3Client } from '@aws-sdk/client-s3';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { loadObject } from './core/load.ts';
import { type CreatedObject, createdObjects } from './core/notification.ts';
import { loaderSettings } from './core/settings.ts';
import { compiledSources, sourceOfObject } from './core/sources.ts';
import { firehoseClient, firehoseSend } from './edges/firehose.ts';
import { logger } from './edges/logger.ts';
import { putLoadMetrics, putSkipMetric } from './edges/metrics.ts';
import { openObject } from './edges/s3.ts';

/** Time kept at the end of an invocation to report what failed. */
const MARGIN_MS = 3000;

const settings = loaderSettings(process.env);
const sources = compiledSources(settings.sources);
const s3 = new S3Client({});
const firehose = firehoseClient();

/** Every message that is not loaded whole is reported as failed and comes back; the others are done. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const giveUpAt = Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS;
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { messageId, body } of event.Records) {
    try {
      for (const object of createdObjects(body)) await load(object, giveUpAt);
    } catch (error) {
      logger.error('message not loaded', { messageId, error: error as Error });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}

async function load(object: CreatedObject, giveUpAt: number): Promise<void> {
  const source = sourceOfObject(sources, object);
  if (typeof source === 'string') return putSkipMetric('none', source);
  const body = await openObject(s3, object);
  if (!body) return putSkipMetric(source.settings.name, 'replaced');
  const send = firehoseSend(firehose, () => giveUpAt);
  putLoadMetrics(await loadObject(source, object, body, { ...settings, send, now: () => new Date() }));
}
