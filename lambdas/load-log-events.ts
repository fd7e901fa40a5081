/**
 * Loads CloudWatch log events handed over by subscription filters, asynchronously: whatever fails is
 * invoked again by Lambda, then kept at the on-failure destination. Adapts and nothing else.
 */
import type { Context } from 'aws-lambda';
import { loadPayload } from './core/load.ts';
import { readPayload } from './core/payload.ts';
import { loaderSettings, SettingsError } from './core/settings.ts';
import { compiledSources, sourceOfLogGroup } from './core/sources.ts';
import { firehoseClient, firehoseSend } from './edges/firehose.ts';
import { putLoadMetrics } from './edges/metrics.ts';

/** Time kept at the end of an invocation to report what failed. */
const MARGIN_MS = 3000;

const settings = loaderSettings(process.env);
const sources = compiledSources(settings.sources);
const firehose = firehoseClient();

export async function handler(event: unknown, context: Context): Promise<void> {
  const giveUpAt = Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS;
  const payload = readPayload(event);
  if (!payload) return;
  const source = sourceOfLogGroup(sources, payload.logGroup);
  // Events of a group nobody declared must not vanish: failing keeps them at the on-failure destination.
  if (!source) throw new SettingsError(`log group ${payload.logGroup}: no source has it`);
  const send = firehoseSend(firehose, () => giveUpAt);
  putLoadMetrics(await loadPayload(source, payload, { ...settings, send, now: () => new Date() }));
}
