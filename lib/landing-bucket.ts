import { Aws, Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { ObjectSource } from './config/sources.ts';
import type { ObjectNotifications } from './object-notifications.ts';
import { encryptionWith, OwnBucket } from './own-bucket.ts';

/** What is delivered to the landing bucket, and how long it is kept. */
export interface LandingBucketProps {
  /** The sources below whose prefixes ELB may write. */
  readonly elbSources: readonly ObjectSource[];
  /** ELB does not deliver to a bucket with a KMS key. @default - S3's own encryption */
  readonly encryptionKey?: IKey | undefined;
  /** How long an object stays, whether or not it could be loaded. */
  readonly keepFor: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The bucket to which Elastic Load Balancing delivers its logs, or Firehose the payloads of log groups. Other programs can
 * also put objects to load there.
 */
export class LandingBucket extends OwnBucket {
  constructor(scope: Construct, id: string, { elbSources, encryptionKey, keepFor, removalPolicy }: LandingBucketProps) {
    super(scope, id, {
      ...encryptionWith(encryptionKey),
      lifecycleRules: [{ expiration: keepFor, abortIncompleteMultipartUploadAfter: Duration.days(7) }],
      removalPolicy,
    });
    for (const source of elbSources) this.#letElbWrite(source.prefix);
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Written by AWS alone and read by functions of the lake, which accounts for their reads in its table loads.',
    });
  }

  /**
   * Announces each new object of the sources to `notifications`, through the bucket's own property:
   * addEventNotification would add a Lambda function that does the same.
   */
  notify(notifications: ObjectNotifications, sources: readonly Pick<ObjectSource, 'prefix' | 'suffix'>[]): void {
    if (sources.length === 0) return;
    const resource = this.node.defaultChild as CfnBucket;
    resource.notificationConfiguration = {
      topicConfigurations: sources.map(({ prefix, suffix }) => {
        const rules = [
          ...(prefix ? [{ name: 'prefix', value: prefix }] : []),
          ...(suffix ? [{ name: 'suffix', value: suffix }] : []),
        ];
        return {
          // ELB writes by PutObject, by POST and by multipart upload.
          event: 's3:ObjectCreated:*',
          topic: notifications.topic.topicArn,
          filter: rules.length > 0 ? { s3Key: { rules } } : undefined,
        };
      }),
    };
    // S3 tests the topic and its policy when the bucket is created, and notifications before the queue is subscribed
    // would be lost.
    this.node.addDependency(notifications);
  }

  /** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html */
  #letElbWrite(prefix: string): void {
    const [elbPrefix = ''] = prefix.split('AWSLogs/');
    this.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [this.arnForObjects(`${elbPrefix}AWSLogs/${Aws.ACCOUNT_ID}/*`)],
      }),
    );
  }
}
