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
import { attemptOf, timeLimits } from './edges/attempt.ts';
import { firehoseClient, firehoseSend } from './edges/firehose.ts';
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
      send: firehoseSend(firehose, limits.giveUpAt),
      now: () => new Date(),
      objectEntryDays: settings.ledgerDays,
    },
    attemptOf(context.awsRequestId, limits),
  );
  // There is no queue to go on from: failing has Lambda invoke again, which goes on from the checkpoint.
  if (result === 'unfinished')
    throw new DeliveryError(`log group ${payload.logGroup}: part of a payload not acknowledged in time`);
  // Another request has it, which may be dead and this one its redrive: look again.
  if (result === 'held')
    throw new DeliveryError(`log group ${payload.logGroup}: another request is loading the payload`);
  const { name } = source.settings;
  if (typeof result === 'string') putSkipMetric(name, result);
  else putLoadMetrics(result);
  // One filter per log group: who else wants its events has them from here, once they are loaded.
  if (trackFunction) await handOn(lambda, trackFunction, event, name);
}
