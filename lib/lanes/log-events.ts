import { Duration } from 'aws-cdk-lib';
import type { EventSource } from '../config/sources.ts';
import { LogFunction } from '../log-function.ts';
import { LogSubscriptions } from '../log-subscriptions.ts';
import { eventsPlace, loadingSettings } from '../source-settings.ts';
import { type LaneProps, tablesOf } from './lane.ts';
import { isDirect, type Payloads, placeOf } from './payloads.ts';

/** What loads the events of log groups, and what hands them to it. */
export interface LoadedEvents {
  readonly fn: LogFunction;
  readonly subscriptions: LogSubscriptions;
}

/**
 * Log groups → function → streams; events that could not be loaded go to the lake bucket. The function stays when log
 * groups change to the direct lane: it may have got events that Lambda tries again, and redrives failed ones.
 */
export function loadLogEvents(
  sources: readonly EventSource[],
  payloads: Payloads | undefined,
  { stack, config, streams, ledger, lake, encryptionKey }: LaneProps,
): LoadedEvents {
  const fn = new LogFunction(stack, 'LoadLogEvents', {
    entry: 'load-log-events',
    description: 'Loads events of CloudWatch log groups into the tables of their sources.',
    memoryMiB: config.logEventsMemoryMiB,
    timeout: Duration.seconds(config.timeoutSeconds),
    reservedConcurrency: config.logEventsConcurrency,
  });
  streams.grantLoad(fn, tablesOf(sources));
  ledger.grantUse(fn);
  fn.setSources(
    sources.map((source) => ({
      ...loadingSettings(source, streams.namesFor(source.name)),
      ...eventsPlace(source, placeOf(payloads, source)),
    })),
  );
  const subscriptions = new LogSubscriptions(stack, 'Subscriptions', {
    sources,
    fn,
    streamOf: (name) => (isDirect(sources, name) ? payloads?.arns.get(name) : undefined),
    lake,
    encryptionKey,
  });
  return { fn, subscriptions };
}
