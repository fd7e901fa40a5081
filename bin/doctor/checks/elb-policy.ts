import { GetBucketPolicyCommand } from '@aws-sdk/client-s3';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { check, isDenied, notKnown, ok, type Verdict, warning } from '../check.ts';
import { type BucketSource, bucketSources } from '../examined.ts';
import { allows } from '../policy.ts';

/** Empty if the bucket has no policy; undefined if its owner, another account, does not let us ask. */
type Policy = string | undefined;

/** Services that deliver the logs of load balancers, the second as vended logs. */
const SERVICES = ['logdelivery.elasticloadbalancing.amazonaws.com', 'delivery.logs.amazonaws.com'];

/**
 * Whether load balancers may deliver into the buckets of sources of ALB logs.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
export const elbPolicy = check<BucketSource, Policy>({
  name: "ELB's permission",
  actions: ['s3:GetBucketPolicy'],
  things: (lake) => bucketSources(lake).filter(({ format }) => format === 'alb'),
  about: ({ bucket }) => bucket,
  async ask({ s3 }, { bucket, account }) {
    try {
      const { Policy = '' } = await s3.send(new GetBucketPolicyCommand({ Bucket: bucket }));
      return Policy;
    } catch (error) {
      if (error instanceof Error && error.name === 'NoSuchBucketPolicy') return '';
      if (account && isDenied(error)) return undefined;
      throw error;
    }
  },
  judge(policy, { bucket, prefix, account }, { region }): readonly Verdict[] {
    if (policy === undefined) {
      return [notKnown(`Only the owner, account ${account}, can read the policy of the bucket.`)];
    }
    const [elbPrefix = ''] = prefix.split('AWSLogs/');
    const legacy = RegionInfo.get(region).elbv2Account;
    const partition = RegionInfo.get(region).partition ?? 'aws';
    const principals = [...SERVICES, ...(legacy ? [legacy, `arn:${partition}:iam::${legacy}:root`] : [])];
    // The account of the load balancers is not known: whatever is below AWSLogs.
    const key = `${elbPrefix}AWSLogs/ACCOUNT/elasticloadbalancing/log`;
    const object = `arn:${partition}:s3:::${bucket}/${key}`;
    const anyAccount = policy.replaceAll(/AWSLogs\/\d{12}\//g, 'AWSLogs/ACCOUNT/');
    if (allows(anyAccount, principals, 's3:PutObject', object)) return [ok('Load balancers may deliver into it.')];
    return [
      warning(
        `The policy of the bucket lets no load balancer deliver below ${elbPrefix}AWSLogs/: logs come only if something else ` +
          'puts them there.',
        'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html',
      ),
    ];
  },
});
