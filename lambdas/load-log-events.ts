/**
 * Loads CloudWatch log events handed over by subscription filters, asynchronously: whatever fails is
 * invoked again by Lambda, then kept at the on-failure destination. Adapts and nothing else.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { DeliveryError, loadPayload } from './core/loading/load.ts';
import { readPayload } from './core/loading/payload.ts';
import { compiledSources, sourceOfLogGroup } from './core/loading/sources.ts';
import { ENV, loaderSettings, SettingsError } from './core/settings.ts';
import { unexpected } from './core/unexpected.ts';
import { attemptOf, timeLimits } from './edges/attempt.ts';
import { firehoseClient, firehoseEncode } from './edges/firehose.ts';
import { handOn, handOnClient } from './edges/hand-on.ts';
import { dynamoLedger } from './edges/ledger.ts';
import { putLoadMetrics, putSkipMetric } from './edges/metrics.ts';

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
  // Events of a group nobody declared must not vanish: failing keeps them at the on-failure destination.
  if (!source) throw new SettingsError(`log group ${payload.logGroup}: no source has it`);
  const limits = timeLimits(context);
  const result = await loadPayload(
    source,
    payload,
    {
      ...settings,
      ledger,
      encode: firehoseEncode(firehose, limits.giveUpAt),
      now: () => new Date(),
      objectEntryDays: settings.ledgerDays,
    },
    attemptOf(context.awsRequestId, limits),
  );
  const { name } = source.settings;
  switch (result.outcome) {
    case 'loaded':
      putLoadMetrics(result.loaded);
      break;
    case 'already_loaded':
    case 'replaced':
      putSkipMetric(name, result.outcome);
      break;
    case 'unfinished':
      // There is no queue to go on from: after a failure Lambda invokes again, which goes on from the checkpoint.
      throw new DeliveryError(`log group ${payload.logGroup}: part of a payload not acknowledged in time`);
    case 'held':
      // The other request may have crashed, and this one be its redrive: fail, so that Lambda invokes again.
      throw new DeliveryError(`log group ${payload.logGroup}: another request is loading the payload`);
    default:
      throw unexpected(result);
  }
  // A log group has one subscription filter for us, so the duplicate check gets its events forwarded from here.
  if (trackFunction) await handOn(lambda, trackFunction, event, name);
}
