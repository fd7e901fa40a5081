import { ArnFormat, Aws, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSubscriptionFilter } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeKeys } from './acknowledge.ts';
import type { Subscription } from './alarms/watched.ts';
import { ConfigError } from './config/config-error.ts';
import type { EventSource } from './config/sources.ts';
import { LogFunction } from './log-function.ts';
import { LAKE } from './names.ts';

/** Which log groups are loaded, by which function, and where events go that no attempt could load. */
export interface LogSubscriptionsProps {
  readonly sources: readonly EventSource[];
  readonly fn: LogFunction;
  readonly lake: Bucket;
  /** Key of the lake bucket, if it has one. */
  readonly encryptionKey?: IKey;
}

/** Limit of a function's policy, in bytes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_POLICY_BYTES = 20_480;

/** Bytes of one permission in the policy, without the log group's name but with ids and ARNs of the greatest length. */
const PERMISSION_BYTES = 420;

/** Subscribes the function that loads events to their log groups. A log group must exist before the stack does. */
export class LogSubscriptions extends Construct {
  /** The filters by the source that they load. */
  readonly #filters = new Map<string, Subscription[]>();

  constructor(scope: Construct, id: string, props: LogSubscriptionsProps) {
    super(scope, id);
    keepFailedEvents(props);
    const subscribed = props.sources.filter(({ retired }) => !retired);
    refuseTooMany(subscribed.flatMap(({ logGroups }) => logGroups));
    for (const { name, logGroups, filterPattern } of subscribed) {
      this.#filters.set(
        name,
        logGroups.map((logGroup) => ({ logGroup, filter: this.#subscribe(logGroup, filterPattern, props.fn) })),
      );
    }
    this.#setRetentions(props.sources);
  }

  /** The subscriptions of a source's log groups. */
  filtersOf(source: string): readonly Subscription[] {
    return this.#filters.get(source) ?? [];
  }

  /** @returns the filter's name */
  #subscribe(logGroup: string, filterPattern: string, fn: LogFunction): string {
    const filter = new CfnSubscriptionFilter(this, logGroup, {
      logGroupName: logGroup,
      filterPattern,
      destinationArn: fn.functionArn,
    });
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
