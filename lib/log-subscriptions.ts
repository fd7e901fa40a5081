import { ArnFormat, Aws, Duration, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSubscriptionFilter } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { acknowledgeKeys } from './acknowledge.ts';
import { ConfigError } from './config/config-error.ts';
import type { EventSource } from './config/sources.ts';
import type { LogFunction } from './log-function.ts';
import { LAKE } from './names.ts';

/** Which log groups are loaded, by which function, and where events go that no attempt could load. */
export interface LogSubscriptionsProps {
  readonly sources: readonly EventSource[];
  readonly fn: LogFunction;
  readonly lake: Bucket;
  /** Key of the lake bucket, if it has one. */
  readonly encryptionKey?: IKey;
  /**
   * Retention of the log groups, one of the values that CloudWatch accepts.
   *
   * @default - unchanged
   */
  readonly retentionDays?: number;
}

/** Limit of a function's policy, in bytes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_POLICY_BYTES = 20_480;

/** Bytes of one permission in the policy, without the log group's name but with ids and ARNs of the greatest length. */
const PERMISSION_BYTES = 420;

/** Subscribes the function that loads events to their log groups. A log group must exist before the stack does. */
export class LogSubscriptions extends Construct {
  constructor(scope: Construct, id: string, props: LogSubscriptionsProps) {
    super(scope, id);
    keepFailedEvents(props);
    const logGroups = props.sources.flatMap((source) => source.logGroups);
    refuseTooMany(logGroups);
    for (const source of props.sources) {
      for (const logGroup of source.logGroups) this.#subscribe(logGroup, source.filterPattern, props.fn);
    }
    if (props.retentionDays !== undefined) this.#setRetention(logGroups, props.retentionDays);
  }

  #subscribe(logGroup: string, filterPattern: string, fn: LogFunction): void {
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
  }

  /**
   * Calls PutRetentionPolicy directly. CloudFormation can set the retention only of a log group that this stack
   * creates, and CDK's LogRetention creates a missing group, which would hide a misspelt name.
   */
  #setRetention(logGroups: readonly string[], retentionInDays: number): void {
    for (const logGroupName of logGroups) {
      const call = {
        service: 'CloudWatchLogs',
        action: 'putRetentionPolicy',
        parameters: { logGroupName, retentionInDays },
        physicalResourceId: PhysicalResourceId.of(logGroupName),
      };
      new AwsCustomResource(this, `Retention-${logGroupName}`, {
        onCreate: call,
        onUpdate: call,
        installLatestAwsSdk: false,
        policy: AwsCustomResourcePolicy.fromStatements([
          new PolicyStatement({ actions: ['logs:PutRetentionPolicy'], resources: [logGroupArn(this, logGroupName)] }),
        ]),
      });
    }
    const handler = Stack.of(this).node.findChild('AWS679f53fac002430cb0da5b7982bd2287');
    Validations.of(handler).acknowledge(
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
        reason: "CDK's function that sets the retention of log groups named in sources; it runs at deploys only.",
      },
      {
        id: 'AwsSolutions-L1',
        reason: "CDK's function that sets the retention of log groups named in sources; CDK chooses its runtime.",
      },
    );
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
