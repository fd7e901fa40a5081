import { Duration } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { hasDirectLane, type Places } from '../alarms/places.ts';
import type { ObjectSource } from '../config/sources.ts';
import { LogFunction } from '../log-function.ts';
import { ObjectNotifications } from '../object-notifications.ts';
import { payloadsPrefix } from '../payload-stream.ts';
import { eventsPlace, loadingSettings, objectsPlace } from '../source-settings.ts';
import { bucketOf, bucketsOf } from './buckets.ts';
import { writeDirectly } from './direct.ts';
import { grantRead, type LaneProps, type ObjectInput, output, roleArnOf, tablesOf } from './lane.ts';
import { type Payloads, placeOf } from './payloads.ts';

/** How the objects of sources are announced, where they are, and what takes them. */
export interface LoadedObjects {
  readonly notifications: ObjectNotifications;
  readonly inputs: readonly ObjectInput[];
  readonly fn: LogFunction;
  /** The direct lane, if the stack has it. */
  readonly direct: Places['direct'];
}

/** Buckets → topic → queue → function → streams, or → batches → files. */
export function loadObjects(
  sources: readonly ObjectSource[],
  payloads: Payloads | undefined,
  lane: LaneProps,
): LoadedObjects {
  const { stack, config, streams, ledger } = lane;
  const timeout = Duration.seconds(config.timeoutSeconds);
  const notifications = new ObjectNotifications(stack, 'Notifications', {
    functionTimeout: timeout,
    maxConcurrency: config.maxConcurrency,
  });
  const buckets = bucketsOf(sources, notifications, lane);
  if (payloads) {
    if (!buckets.has('')) notifications.allowLandingBuckets();
    const prefixes = payloads.sources.map(({ name }) => ({ prefix: payloadsPrefix(name) }));
    payloads.bucket.notify(notifications, prefixes);
  }
  const inputs = inputsOf(sources, payloads, buckets, lane);
  const fn = new LogFunction(stack, 'LoadObjects', {
    entry: 'load-objects',
    description: 'Loads log objects from S3 into the tables of their sources.',
    memoryMiB: config.memoryMiB,
    timeout,
    continuesThroughItsQueue: true,
  });
  // Objects of payloads are only announced here: the direct lane reads them.
  for (const input of inputs) if (input.source.lane === 'objects') grantRead(fn, input);
  output(stack, 'ReadingRole', roleArnOf(fn), 'Reads the objects: for policies of buckets and keys of others.');
  outputAfterNewColumns(sources, buckets, lane);
  streams.grantLoad(fn, tablesOf(sources));
  ledger.grantObjects(fn);
  const settings = inputs.map(({ source, place }) => ({
    ...loadingSettings(source, streams.namesFor(source.name)),
    ...place,
    // The environment of a function has little room: only what differs.
    ...(source.retentionDays !== config.retentionDays && { retentionDays: source.retentionDays }),
  }));
  fn.setSources(settings);
  notifications.deliverTo(fn);
  const direct = hasDirectLane(config)
    ? writeDirectly({ inputs, settings, notifications, announce: fn }, lane)
    : undefined;
  return { notifications, inputs, fn, direct };
}

function inputsOf(
  sources: readonly ObjectSource[],
  payloads: Payloads | undefined,
  buckets: ReadonlyMap<string, IBucket>,
  { encryptionKey }: LaneProps,
): ObjectInput[] {
  return [
    ...sources.map((source) => {
      const bucket = bucketOf(source, buckets);
      return { source, bucket, prefix: source.prefix, place: objectsPlace(source, bucket), kmsKey: source.kmsKeyArn };
    }),
    ...(payloads?.sources ?? []).map((source) => ({
      source,
      bucket: (payloads as Payloads).bucket,
      prefix: payloadsPrefix(source.name),
      place: eventsPlace(source, placeOf(payloads, source)),
      kmsKey: encryptionKey?.keyArn,
    })),
  ];
}

/** Until the stream has the mapping of a deployment, Firehose drops the values of columns that are new in it. */
function outputAfterNewColumns(
  [source]: readonly ObjectSource[],
  buckets: ReadonlyMap<string, IBucket>,
  { stack }: LaneProps,
): void {
  if (!source) return;
  const place = `s3://${bucketOf(source, buckets).bucketName}/${source.prefix}`;
  output(
    stack,
    'AfterNewColumns',
    `npm run lake -- backfill ${place} --stack ${stack.stackName} --since 1h --reload`,
    `After a deployment with new columns, for each source that has them: loads again what came meanwhile (${source.name}).`,
  );
}
