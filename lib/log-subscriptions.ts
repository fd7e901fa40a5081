import { ArnFormat, Aws, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSubscriptionFilter, type CfnSubscriptionFilterProps } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeKeys } from './acknowledge.ts';
import type { Subscription } from './alarms/watched.ts';
import { ConfigError } from './config/config-error.ts';
import type { EventSource } from './config/sources.ts';
import { LogFunction } from './log-function.ts';
import { LAKE } from './names.ts';

/** Which log groups are loaded, by which function or stream, and where events go that no attempt could load. */
export interface LogSubscriptionsProps {
  readonly sources: readonly EventSource[];
  readonly fn: LogFunction;
  /** ARN of the stream that the log groups of a source write to; undefined if they invoke the function. */
  readonly streamOf: (source: string) => string | undefined;
  readonly lake: Bucket;
  /** Key of the lake bucket, if it has one. */
  readonly encryptionKey?: IKey;
}

/** Limit of a function's policy, in bytes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_POLICY_BYTES = 20_480;

/** Bytes of one permission in the policy, without the log group's name but with ids and ARNs of the greatest length. */
const PERMISSION_BYTES = 420;

/**
 * Subscribes the function that loads events to their log groups, or a stream on the direct lane. A log group must exist
 * before the stack does.
 */
export class LogSubscriptions extends Construct {
  /** The filters by the source that they load. */
  readonly #filters = new Map<string, Subscription[]>();

  constructor(scope: Construct, id: string, props: LogSubscriptionsProps) {
    super(scope, id);
    keepFailedEvents(props);
    const subscribed = props.sources.filter(({ retired }) => !retired);
    refuseTooMany(subscribed.flatMap(({ name, logGroups }) => (props.streamOf(name) ? [] : logGroups)));
    for (const { name, logGroups, filterPattern } of subscribed) {
      const stream = props.streamOf(name);
      const subscribe = stream === undefined ? this.#toFunction(props.fn) : this.#toStream(name, stream);
      this.#filters.set(
        name,
        logGroups.map((logGroup) => ({ logGroup, filter: subscribe(logGroup, filterPattern) })),
      );
    }
    this.#setRetentions(props.sources);
  }

  /** The subscriptions of a source's log groups. */
  filtersOf(source: string): readonly Subscription[] {
    return this.#filters.get(source) ?? [];
  }

  /** @returns what subscribes the function to a log group, and returns the filter's name */
  #toFunction(fn: LogFunction): (logGroup: string, filterPattern: string) => string {
    return (logGroup, filterPattern) => {
      const filter = this.#filter(logGroup, { filterPattern, destinationArn: fn.functionArn });
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
      const permission = `LogGroup-${logGroup}`;
      fn.addPermission(permission, {
        principal: new ServicePrincipal('logs.amazonaws.com'),
        sourceArn: logGroupArn(this, `${logGroup}:*`),
        sourceAccount: Aws.ACCOUNT_ID,
      });
      // CloudWatch tests the function when the filter is created, and skips events while it may not invoke the function.
      filter.node.addDependency(fn.node.findChild(permission));
      return filter.ref;
    };
  }

  /**
   * CloudWatch writes to the stream by a role, which it can assume only for log groups of this account.
   *
   * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample
   */
  #toStream(source: string, streamArn: string): (logGroup: string, filterPattern: string) => string {
    const role = new Role(this, `Role-${source}`, {
      assumedBy: new ServicePrincipal('logs.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: { 'aws:SourceArn': `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:*` },
        },
      }),
      description: `Has the log groups of ${source} write to its stream.`,
      inlinePolicies: {
        Write: new PolicyDocument({
          statements: [
            new PolicyStatement({
              actions: ['firehose:PutRecord', 'firehose:PutRecordBatch'],
              resources: [streamArn],
            }),
          ],
        }),
      },
    });
    return (logGroup, filterPattern) =>
      this.#filter(logGroup, { filterPattern, destinationArn: streamArn, roleArn: role.roleArn }).ref;
  }

  /**
   * A filter has the same id whatever its destination is: a source that changes its lane keeps its filters, so that no event
   * is missed meanwhile and none is handed on twice.
   */
  #filter(logGroup: string, props: Omit<CfnSubscriptionFilterProps, 'logGroupName'>): CfnSubscriptionFilter {
    return new CfnSubscriptionFilter(this, logGroup, { logGroupName: logGroup, ...props });
  }

  /**
   * Through a function of the lake. CloudFormation can set the retention only of a log group that this stack creates.
   * CDK's LogRetention creates a missing group, which would hide a misspelt name, and CDK's AwsCustomResource calls the
   * service once, which is refused if the permission was granted a moment ago.
   */
  #setRetentions(sources: readonly EventSource[]): void {
    const retentions = sources.flatMap(({ logGroups, logGroupRetentionDays: days }) =>
      days === undefined ? [] : logGroups.map((name) => ({ name, days })),
    );
    if (retentions.length === 0) return;
    const fn = new LogFunction(this, 'SetRetention', {
      entry: 'log-group-retention',
      description: 'Sets the retention of log groups named in sources, at deployments only.',
      memoryMiB: 256,
      timeout: Duration.minutes(5),
    });
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['logs:PutRetentionPolicy'],
        resources: retentions.map(({ name }) => logGroupArn(this, name)),
      }),
    );
    for (const { name, days } of retentions) {
      const retention = new CustomResource(this, `Retention-${name}`, {
        resourceType: 'Custom::LogGroupRetention',
        serviceToken: fn.functionArn,
        serviceTimeout: Duration.minutes(6),
        properties: { LogGroup: name, Days: days },
      });
      if (fn.role) retention.node.addDependency(fn.role);
    }
  }
}

/**
 * CloudWatch invokes asynchronously. If the function fails after Lambda has accepted an event, only Lambda retries it;
 * after the last retry the event goes to the lake bucket.
 */
function keepFailedEvents({ fn, lake, encryptionKey }: LogSubscriptionsProps): void {
  const keys = `${LAKE.failedEvents}*`;
  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:PutObject'], resources: [lake.arnForObjects(keys)] }));
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [lake.bucketArn] }));
  if (encryptionKey) {
    fn.addToRolePolicy(
      new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [encryptionKey.keyArn] }),
    );
  }
  fn.configureAsyncInvoke({
    retryAttempts: 2,
    maxEventAge: Duration.hours(6),
    // CDK's S3Destination would let the function read and write the whole bucket.
    onFailure: { bind: () => ({ destination: lake.bucketArn }) },
  });
  if (!fn.role) throw new Error(`${fn.node.path}: has no role`);
  // Lambda tests the role when the destination is set.
  fn.node.findChild('EventInvokeConfig').node.addDependency(fn.role);
  acknowledgeKeys(fn.role, lake, keys, 'Lambda names the objects of failed events itself, below this prefix.');
}

function refuseTooMany(logGroups: readonly string[]): void {
  const bytes = logGroups.reduce((sum, logGroup) => sum + PERMISSION_BYTES + logGroup.length, 0);
  if (bytes <= MAX_POLICY_BYTES) return;
  throw new ConfigError(
    'sources',
    `got ${logGroups.length} log groups, whose permissions take ${bytes} bytes of the function's policy, ` +
      `allowed: ${MAX_POLICY_BYTES}, about ${Math.floor(MAX_POLICY_BYTES / (PERMISSION_BYTES + 30))} log groups`,
  );
}

function logGroupArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
