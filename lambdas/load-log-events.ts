/**
 * Lambda function that loads CloudWatch log events, which subscription filters send asynchronously: Lambda retries an
 * invocation that fails, then keeps its event at the on-failure destination. This file only connects the services: the
 * main flow is in core/loading/load.ts.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { DeliveryError, loadPayload, type Source } from './core/loading/load.ts';
import { type Payload, readPayload } from './core/loading/payload.ts';
import { compiledSources, sourceOfLogGroup } from './core/loading/sources.ts';
import { ENV, loaderSettings, SettingsError } from './core/settings.ts';
import { unexpected } from './core/unexpected.ts';
import { attemptOf, timeLimits } from './edges/attempt.ts';
import { Deliveries, firehoseClient, firehoseEncode } from './edges/firehose.ts';
import { handOn, handOnClient } from './edges/hand-on.ts';
import { dynamoLedger } from './edges/ledger.ts';
import { putDeliveryMetrics, putLoadMetrics, putSkipMetric } from './edges/metrics.ts';

const settings = loaderSettings(process.env);
const sources = compiledSources(settings.sources);
const ledger = dynamoLedger(new DynamoDBClient({}), settings.ledgerTable);
const firehose = firehoseClient();
const trackFunction = process.env[ENV.trackFunction];
const lambda = handOnClient();

export async function handler(event: unknown, context: Context): Promise<void> {
  const payload = readPayload(event);
  if (!payload) return;
  const source = sourceOfLogGroup(sources, payload.logGroup);
  // Events of a log group without a source must not be lost: a failure keeps them at the on-failure destination.
  if (!source) throw new SettingsError(`log group ${payload.logGroup}: no source has it`);
  const deliveries = new Deliveries();
  try {
    await load(source, payload, context, deliveries);
  } finally {
    putDeliveryMetrics(source.settings.name, deliveries);
  }
  // A log group has only one subscription filter for this stack, so the duplicate check gets the events from here.
  if (trackFunction) await handOn(lambda, trackFunction, event, source.settings.name);
}

async function load(source: Source, payload: Payload, context: Context, deliveries: Deliveries): Promise<void> {
  const limits = timeLimits(context);
  const result = await loadPayload(
    source,
    payload,
    {
      ...settings,
      ledger,
      encode: firehoseEncode(firehose, limits.giveUpAt, deliveries),
      now: () => new Date(),
      objectEntryDays: settings.ledgerDays,
    },
    attemptOf(context.awsRequestId, limits),
  );
  const { name } = source.settings;
  switch (result.outcome) {
    case 'loaded':
      return putLoadMetrics(result.loaded, deliveries);
    case 'already_loaded':
      return putSkipMetric(name, result.outcome);
    case 'replaced':
    case 'on_direct_lane':
    case 'unavailable':
    case 'not_loaded':
      throw new Error(`log group ${payload.logGroup}: expected what can come of a payload, got ${result.outcome}`);
    case 'unfinished':
      // There is no queue to send a continuation to. After a failure, Lambda's retry goes on from the checkpoint.
      throw new DeliveryError(`log group ${payload.logGroup}: part of a payload not acknowledged in time`);
    case 'held':
      // The other request may have crashed, and this request may be its redrive. After a failure, Lambda retries.
      throw new DeliveryError(`log group ${payload.logGroup}: another request is loading the payload`);
    default:
      throw unexpected(result);
  }
}
