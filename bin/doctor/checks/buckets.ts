import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { check, ok, problem, type Verdict, warning } from '../check.ts';
import { type BucketSource, bucketSources } from '../examined.ts';

/** Region of a bucket; undefined if there is no such bucket. */
type Place = { readonly region: string } | undefined;

/** Whether the buckets of sources are there, and where. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
export const buckets = check<BucketSource, Place>({
  name: 'bucket',
  actions: ['s3:ListBucket'],
  things: (lake) => [...new Map(bucketSources(lake).map((source) => [source.bucket, source])).values()],
  about: ({ bucket }) => bucket,
  async ask({ s3 }, { bucket }) {
    try {
      const { BucketRegion: region } = await s3.send(new HeadBucketCommand({ Bucket: bucket }));
      if (!region) throw new Error('S3 named no Region');
      return { region };
    } catch (error) {
      if (error instanceof Error && /^(?:NotFound|NoSuchBucket|404)$/.test(error.name)) return undefined;
      throw error;
    }
  },
  judge(place, source, { region }): readonly Verdict[] {
    const { bucket, name, notifications, account } = source;
    if (!place) {
      return [
        problem(
          `There is no bucket ${bucket}, which the source ${name} reads: the deployment would fail, or load nothing.`,
          `aws s3api create-bucket --bucket ${bucket}, or correct the name in cdk.json`,
        ),
      ];
    }
    if (place.region === region)
      return [ok(`It is in ${region}${account ? `, and belongs to account ${account}` : ''}.`)];
    if (notifications === 's3') {
      return [
        problem(
          `It is in ${place.region}, and the stack in ${region}: S3 notifies only topics of its own Region.`,
          `set "notifications": "eventbridge" for ${name}, and forward its events: docs/deploy.md, "A bucket in another Region"`,
        ),
      ];
    }
    return [
      warning(
        `It is in ${place.region}, and the stack in ${region}: a rule there has to forward its events, and S3 charges the transfer.`,
        'docs/deploy.md, "A bucket in another Region"',
      ),
    ];
  },
});
