import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { LAKE } from './names.ts';

/** How long the lake keeps what, and how it is encrypted. */
export interface LakeBucketProps {
  /** How long rows stay; also what could not become rows: delivery errors and events no attempt could load. */
  readonly keepFor: Duration;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Results are read within minutes; kept a month for whoever looks a query up again. */
const KEEP_QUERY_RESULTS = Duration.days(30);

/** Where tables, delivery errors, failed events and query results lie. */
export class LakeBucket extends Bucket {
  constructor(scope: Construct, id: string, { keepFor, encryptionKey, removalPolicy }: LakeBucketProps) {
    super(scope, id, {
      ...(encryptionKey
        ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        ...[LAKE.data, LAKE.errors, LAKE.failedEvents].map((prefix) => ({ prefix, expiration: keepFor })),
        { prefix: LAKE.queryResults, expiration: KEEP_QUERY_RESULTS },
        { abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
      removalPolicy,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Written by Firehose, which logs its failures, and read through Athena, which keeps a history of queries.',
    });
  }
}
