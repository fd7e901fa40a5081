import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { LAKE } from './names.ts';
import { encryptionWith, OwnBucket } from './own-bucket.ts';

/** How long the lake keeps its data, and how the data is encrypted. */
export interface LakeBucketProps {
  /**
   * How long rows stay, and also data that could not become rows: delivery errors, and events that no attempt could
   * load.
   */
  readonly keepFor: Duration;
  /** How long the lists of batches stay: nobody needs one longer than the objects that it names. */
  readonly keepListsFor: Duration;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Results are read within minutes; they are kept for a month so that a query can be looked up again. */
const KEEP_QUERY_RESULTS = Duration.days(30);

/**
 * An upload of the direct lane may be sealed and not completed as long as nobody can publish it. After this time its rows
 * would be lost.
 */
const KEEP_UPLOADS = Duration.days(14);

/** The bucket for tables, delivery errors, failed events and query results. */
export class LakeBucket extends OwnBucket {
  constructor(scope: Construct, id: string, { keepFor, keepListsFor, encryptionKey, removalPolicy }: LakeBucketProps) {
    super(scope, id, {
      ...encryptionWith(encryptionKey),
      lifecycleRules: [
        ...[LAKE.data, LAKE.errors, LAKE.failedEvents].map((prefix) => ({ prefix, expiration: keepFor })),
        { prefix: LAKE.queryResults, expiration: KEEP_QUERY_RESULTS },
        { prefix: LAKE.lists, expiration: keepListsFor },
        { abortIncompleteMultipartUploadAfter: KEEP_UPLOADS },
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
