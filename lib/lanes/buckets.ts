import { Duration } from 'aws-cdk-lib';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { ObjectSource } from '../config/sources.ts';
import { LandingBucket } from '../landing-bucket.ts';
import type { ObjectNotifications } from '../object-notifications.ts';
import { type LaneProps, output } from './lane.ts';

/** The buckets of the sources by name, each set to notify. The landing bucket's name is ''. */
export function bucketsOf(
  sources: readonly ObjectSource[],
  notifications: ObjectNotifications,
  { stack, config, removalPolicy }: LaneProps,
): ReadonlyMap<string, IBucket> {
  const buckets = new Map<string, IBucket>();
  const landing = sources.filter(({ bucket }) => bucket === undefined);
  if (landing.length > 0) {
    const bucket = new LandingBucket(stack, 'Landing', {
      elbSources: landing,
      keepFor: Duration.days(config.landingRetentionDays),
      removalPolicy,
    });
    notifications.allowLandingBuckets();
    bucket.notify(
      notifications,
      landing.filter(({ retired }) => !retired),
    );
    buckets.set('', bucket);
    output(stack, 'LandingBucket', bucket.bucketName, 'Deliver logs here, e.g. those of a load balancer.');
  }
  for (const source of sources) {
    if (source.bucket === undefined) continue;
    const bucket = buckets.get(source.bucket) ?? Bucket.fromBucketName(stack, `Bucket-${source.bucket}`, source.bucket);
    buckets.set(source.bucket, bucket);
    if (!source.retired) notifications.listenTo(bucket, source);
  }
  return buckets;
}

/** The bucket of a source. */
export function bucketOf(source: ObjectSource, buckets: ReadonlyMap<string, IBucket>): IBucket {
  const bucket = buckets.get(source.bucket ?? '');
  if (!bucket) throw new Error(`source ${source.name}: its bucket was not made`);
  return bucket;
}
