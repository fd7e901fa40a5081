import { Aws, Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BucketEncryption, type CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { ObjectSource } from './config/sources.ts';
import type { ObjectNotifications } from './object-notifications.ts';
import { OwnBucket } from './own-bucket.ts';

/** What is delivered to the landing bucket, and how long it is kept. */
export interface LandingBucketProps {
  /** The sources that read the bucket; ELB may write below each one's prefix. */
  readonly sources: readonly ObjectSource[];
  /** How long an object stays, whether or not it could be loaded. */
  readonly keepFor: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** The bucket to which Elastic Load Balancing delivers its logs. Other programs can also put objects to load there. */
export class LandingBucket extends OwnBucket {
  constructor(scope: Construct, id: string, { sources, keepFor, removalPolicy }: LandingBucketProps) {
    super(scope, id, {
      // ELB does not deliver to a bucket with a KMS key.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ expiration: keepFor, abortIncompleteMultipartUploadAfter: Duration.days(7) }],
      removalPolicy,
    });
    for (const source of sources) this.#letElbWrite(source.prefix);
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Written by ELB alone and read by one function, whose reads the lake accounts for in its table loads.',
    });
  }

  /**
   * Announces each new object of the sources to `notifications`, through the bucket's own property:
   * addEventNotification would add a Lambda function that does the same.
   */
  notify(notifications: ObjectNotifications, sources: readonly ObjectSource[]): void {
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
