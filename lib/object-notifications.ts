import { Arn, ArnFormat, Aws, CfnOutput, CfnResource, Duration, Stack, Validations } from 'aws-cdk-lib';
import { type EventPattern, Match, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { BucketNotificationDestinationType, EventType, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ENV } from '../lambdas/core/settings.ts';
import type { WatchedQueue } from './alarms/places.ts';
import { VISIBILITY_TIMEOUTS } from './alarms/stack-alarms.ts';
import type { ObjectSource } from './config/sources.ts';
import type { LogFunction } from './log-function.ts';
import { namesIn } from './names-in.ts';

/** How notifications are delivered to the function that loads the objects. */
export interface ObjectNotificationsProps {
  /** The function's time limit. */
  readonly functionTimeout: Duration;
  /** Objects loaded at a time, 2-1,000. */
  readonly maxConcurrency: number;
}

/** The path from "object created" to the function that loads the object: topic, queue, dead-letter queue. */
export class ObjectNotifications extends Construct {
  readonly topic: Topic;
  readonly queue: Queue;
  readonly #maxConcurrency: number;
  /** Rules for buckets that notify through EventBridge. */
  readonly #rules: Rule[] = [];

  constructor(scope: Construct, id: string, { functionTimeout, maxConcurrency }: ObjectNotificationsProps) {
    super(scope, id);
    this.#maxConcurrency = maxConcurrency;
    // The topic before the queue lets other queues receive the same notifications. It is not encrypted: S3 cannot
    // publish to a topic that uses AWS's own key.
    this.topic = new Topic(this, 'Topic', { enforceSSL: true });
    this.queue = this.addQueue('Queue', 'DeadLetters', functionTimeout);
  }

  /**
   * Delivers the same notifications to another queue, for a function with its own time limit. A message that the
   * function fails five times goes to that queue's dead-letter queue.
   *
   * @param batchingWindow how long a message waits for others to fill a batch
   */
  addQueue(
    id: string,
    deadLettersId: string,
    functionTimeout: Duration,
    batchingWindow: Duration = Duration.seconds(0),
  ): Queue {
    const queue = new Queue(this, id, {
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(
        functionTimeout.toSeconds() * VISIBILITY_TIMEOUTS + batchingWindow.toSeconds(),
      ),
      // A message keeps its age in the dead-letter queue, so it must have days left when it gets there.
      retentionPeriod: Duration.days(7),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      deadLetterQueue: {
        maxReceiveCount: 5,
        queue: new Queue(this, deadLettersId, {
          retentionPeriod: Duration.days(14),
          encryption: QueueEncryption.SQS_MANAGED,
          enforceSSL: true,
        }),
      },
    });
    this.topic.addSubscription(new SqsSubscription(queue, { rawMessageDelivery: true }));
    for (const rule of this.#rules) rule.addTarget(new SqsQueue(queue));
    return queue;
  }

  /** Lets `fn` make a dead letter of an object, which then is redriven like others. */
  grantDeadLetters(fn: LogFunction): void {
    const queue = this.queue.deadLetterQueue?.queue;
    if (!queue) throw new Error(`${this.node.path}: the queue has no dead-letter queue`);
    fn.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }));
    fn.addEnvironment(ENV.deadLettersUrl, queue.queueUrl);
  }

  /** Has `fn` load each announced object, and lets it put back an object that it cannot finish in one invocation. */
  deliverTo(fn: LogFunction): void {
    fn.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }));
    fn.addEnvironment(ENV.queueUrl, this.queue.queueUrl);
    fn.addEventSource(
      new SqsEventSource(this.queue, {
        // One object per invocation: a slow or failing object does not hold up or return others.
        batchSize: 1,
        reportBatchItemFailures: true,
        maxConcurrency: this.#maxConcurrency,
      }),
    );
  }

  /**
   * Lets the stack's landing buckets publish to the topic. The policy has the beginning of their names instead of their
   * ARNs: the buckets depend on this construct, so that their ARNs would make a circle.
   */
  allowLandingBuckets(): void {
    this.#allow(
      Arn.format({
        partition: Aws.PARTITION,
        service: 's3',
        region: '',
        account: '',
        resource: `${namesIn(this).ownBuckets.landing}*`,
      }),
      Aws.ACCOUNT_ID,
    );
  }

  /** Listens to an existing bucket. */
  listenTo(bucket: IBucket, source: ObjectSource): void {
    if (source.notifications === 'eventbridge') this.#byEventBridge(bucket, source);
    else if (source.account) this.#byOwner(bucket, source.account);
    else this.#byS3(bucket, source);
  }

  /**
   * Uses CDK's custom resource, which adds this notification to those that the bucket has. CloudFormation itself can
   * set notifications only of buckets that it creates.
   */
  #byS3(bucket: IBucket, { prefix, suffix }: ObjectSource): void {
    this.#allow(bucket.bucketArn, Aws.ACCOUNT_ID);
    bucket.addEventNotification(
      EventType.OBJECT_CREATED,
      { bind: () => ({ arn: this.topic.topicArn, type: BucketNotificationDestinationType.TOPIC }) },
      ...(prefix || suffix ? [{ prefix: prefix || undefined, suffix }] : []),
    );
    bucket.node.addDependency(this);
    acknowledgeNotificationsHandler(Stack.of(this));
  }

  /** For a bucket of another account: only its owner can set its notifications. */
  #byOwner(bucket: IBucket, account: string): void {
    this.#allow(bucket.bucketArn, account);
    if (this.node.tryFindChild('TopicArn')) return;
    new CfnOutput(this, 'TopicArn', {
      value: this.topic.topicArn,
      description: 'Owners of buckets in other accounts: notify this topic of s3:ObjectCreated:*.',
    });
  }

  /**
   * For a bucket whose notifications are used by others. EventBridge must be enabled for the bucket; an owner in
   * another account forwards the events to this account's default bus.
   */
  #byEventBridge(bucket: IBucket, { name, prefix, suffix, account }: ObjectSource): void {
    const eventPattern: EventPattern = {
      source: ['aws.s3'],
      detailType: ['Object Created'],
      ...(account ? { account: [account] } : {}),
      detail: {
        bucket: { name: [bucket.bucketName] },
        ...(prefix || suffix ? { object: { key: keyPattern(prefix, suffix) } } : {}),
      },
    };
    const rule = new Rule(this, `Rule-${name}`, {
      description: `New objects of the source ${name}.`,
      eventPattern,
      targets: [new SqsQueue(this.queue)],
    });
    this.#rules.push(rule);
    if (!account || this.node.tryFindChild(`Bus-${account}`)) return;
    // A plain resource, because CDK's class warns of a deprecated property that is not even set.
    new CfnResource(this, `Bus-${account}`, {
      type: 'AWS::Events::EventBusPolicy',
      properties: {
        StatementId: `${namesIn(this).prefix}-${account}`,
        Statement: {
          Effect: 'Allow',
          Principal: { AWS: `arn:${Aws.PARTITION}:iam::${account}:root` },
          Action: 'events:PutEvents',
          Resource: Stack.of(this).formatArn({
            service: 'events',
            resource: 'event-bus',
            resourceName: 'default',
            arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
          }),
          Condition: { StringEquals: { 'events:source': 'aws.s3' } },
        },
      },
    });
  }

  #allow(bucketArn: string, account: string): void {
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { ArnLike: { 'aws:SourceArn': bucketArn }, StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
  }
}

/** The names of a queue and its dead-letter queue. */
export function namesOf(queue: Queue): WatchedQueue {
  return { queue: queue.queueName, deadLetters: queue.deadLetterQueue?.queue.queueName ?? '' };
}

function keyPattern(prefix: string, suffix = ''): string[] {
  if (!suffix) return Match.prefix(prefix);
  return prefix ? Match.wildcard(`${prefix}*${suffix}`) : Match.suffix(suffix);
}

/** Acknowledges the rules for CDK's own function behind addEventNotification, which is created once per stack. */
function acknowledgeNotificationsHandler(stack: Stack): void {
  const handler = stack.node.findChild('BucketNotificationsHandler050a0587b7544547bf325f094a3db834');
  Validations.of(handler).acknowledge(
    {
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
      reason: "CDK's function that sets the notifications of buckets named in sources; it runs at deploys only.",
    },
    {
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        "CDK's function that sets the notifications of buckets named in sources; CDK gives it no narrower policy.",
    },
    {
      id: 'AwsSolutions-L1',
      reason: "CDK's function that sets the notifications of buckets named in sources; CDK chooses its runtime.",
    },
  );
}
