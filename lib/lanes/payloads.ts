import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { ObjectsIn } from '../../lambdas/core/settings.ts';
import type { EventSource } from '../config/sources.ts';
import { LandingBucket } from '../landing-bucket.ts';
import { PayloadStream, payloadsPrefix } from '../payload-stream.ts';
import type { LaneProps } from './lane.ts';

/** The log groups of the direct lane: the bucket of their payloads, and the ARN of each source's stream. */
export interface Payloads {
  readonly sources: readonly EventSource[];
  readonly bucket: LandingBucket;
  readonly arns: ReadonlyMap<string, string>;
}

/** Log groups of the direct lane → streams → a landing bucket of their own, which may have a KMS key. */
export function payloadsOf(events: readonly EventSource[], lane: LaneProps): Payloads | undefined {
  const { stack, config, streams, encryptionKey } = lane;
  const { keepDirectLane, landingRetentionDays } = config;
  const sources = events.filter(({ delivery }) => keepDirectLane || delivery === 'direct');
  if (sources.length === 0) return undefined;
  // Not the landing bucket of the objects: S3 refuses notifications of prefixes that overlap, and a source may have all of
  // that bucket.
  const bucket = new LandingBucket(stack, 'LandingPayloads', {
    elbSources: [],
    keepFor: Duration.days(landingRetentionDays),
    encryptionKey,
    removalPolicy: lane.removalPolicy,
  });
  const arns = sources.map(({ name, retired }): [string, string] => {
    const removalPolicy = retired ? RemovalPolicy.DESTROY : lane.removalPolicy;
    const of = { source: name, bucket, logs: streams.logs, encryptionKey, removalPolicy };
    return [name, new PayloadStream(stack, `Payloads-${name}`, of).arn];
  });
  return { sources, bucket, arns: new Map(arns) };
}

/** Where the payloads of a source come as objects, if they do. */
export function placeOf(payloads: Payloads | undefined, { name }: EventSource): ObjectsIn | undefined {
  return payloads?.arns.has(name) ? { bucket: payloads.bucket.bucketName, prefix: payloadsPrefix(name) } : undefined;
}

/** Whether the source of a name is on the direct lane. */
export function isDirect(sources: readonly EventSource[], name: string): boolean {
  return sources.some((source) => source.name === name && source.delivery === 'direct');
}
