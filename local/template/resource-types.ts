import { ACCOUNT, arnOf, iamArn } from '../account.ts';

/** The facts about a resource type that the template reader needs to evaluate `Ref` and `Fn::GetAtt`. */
export interface ResourceType {
  /** Path of the property that contains the physical name, if there is one. */
  readonly nameProperty?: readonly string[];
  /** The value of `Ref`; default: the name. */
  ref?(name: string, urls: LocalUrls): string;
  attributes(name: string, urls: LocalUrls): Readonly<Record<string, string>>;
}

/** Addresses that become part of the stack's own settings. */
export interface LocalUrls {
  /** URL of the SQS endpoint, without a trailing slash: queue URLs begin with it. */
  readonly sqs: string;
}

/** The URL of a queue: the SDK connects to the host in it. */
export function queueUrl(name: string, urls: LocalUrls): string {
  return `${urls.sqs}/${ACCOUNT}/${name}`;
}

/** Types that are emulated. */
export const LOCAL_TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::S3::Bucket': {
    nameProperty: ['BucketName'],
    attributes: (name) => ({
      Arn: `arn:aws:s3:::${name}`,
      DomainName: `${name}.s3.amazonaws.com`,
      RegionalDomainName: `${name}.s3.us-east-1.amazonaws.com`,
    }),
  },
  'AWS::SNS::Topic': {
    nameProperty: ['TopicName'],
    ref: (name) => arnOf('sns', name),
    attributes: (name) => ({ TopicArn: arnOf('sns', name), TopicName: name }),
  },
  'AWS::SNS::Subscription': { attributes: () => ({}) },
  'AWS::SQS::Queue': {
    nameProperty: ['QueueName'],
    ref: queueUrl,
    attributes: (name, urls) => ({ Arn: arnOf('sqs', name), QueueName: name, QueueUrl: queueUrl(name, urls) }),
  },
  'AWS::Lambda::Function': {
    nameProperty: ['FunctionName'],
    attributes: (name) => ({ Arn: arnOf('lambda', `function:${name}`) }),
  },
  'AWS::Lambda::EventSourceMapping': { attributes: () => ({}) },
  'AWS::Lambda::EventInvokeConfig': { attributes: () => ({}) },
  'AWS::Events::Rule': { nameProperty: ['Name'], attributes: (name) => ({ Arn: arnOf('events', `rule/${name}`) }) },
  'AWS::Logs::SubscriptionFilter': { nameProperty: ['FilterName'], attributes: () => ({}) },
  'AWS::KinesisFirehose::DeliveryStream': {
    nameProperty: ['DeliveryStreamName'],
    attributes: (name) => ({ Arn: arnOf('firehose', `deliverystream/${name}`) }),
  },
  'AWS::DynamoDB::Table': {
    nameProperty: ['TableName'],
    attributes: (name) => ({ Arn: arnOf('dynamodb', `table/${name}`) }),
  },
  'AWS::Glue::Database': { nameProperty: ['DatabaseInput', 'Name'], attributes: () => ({}) },
  'AWS::Glue::Table': { nameProperty: ['TableInput', 'Name'], attributes: () => ({}) },
  'AWS::Athena::NamedQuery': { nameProperty: ['Name'], attributes: () => ({}) },
  'Custom::S3BucketNotifications': { attributes: () => ({}) },
  'Custom::IcebergTables': { attributes: () => ({}) },
  // What they allow: iam/permissions.ts.
  'AWS::IAM::Role': { nameProperty: ['RoleName'], attributes: (name) => ({ Arn: iamArn('role', name) }) },
  'AWS::IAM::Policy': { attributes: () => ({}) },
  'AWS::IAM::ManagedPolicy': {
    nameProperty: ['ManagedPolicyName'],
    ref: (name) => iamArn('policy', name),
    attributes: () => ({}),
  },
  'AWS::S3::BucketPolicy': { attributes: () => ({}) },
  'AWS::SNS::TopicPolicy': { attributes: () => ({}) },
  'AWS::SQS::QueuePolicy': { attributes: () => ({}) },
  'AWS::Lambda::Permission': { attributes: () => ({}) },
  // `lake alarms` evaluates them; nobody is told.
  'AWS::CloudWatch::Alarm': {
    nameProperty: ['AlarmName'],
    attributes: (name) => ({ Arn: arnOf('cloudwatch', `alarm:${name}`) }),
  },
};

/**
 * Types that do nothing on this machine, each with the reason. Their properties are not read, but other resources may
 * refer to their names and ARNs.
 */
export const TYPES_WITHOUT_BEHAVIOUR: Readonly<
  Record<string, { readonly reason: string; readonly nameProperty?: readonly string[]; readonly arn?: string }>
> = {
  'AWS::KMS::Key': { reason: 'files lie here unencrypted', arn: 'kms:key/' },
  'AWS::KMS::Alias': { reason: 'files lie here unencrypted' },
  'AWS::Logs::LogGroup': {
    reason: 'what functions print goes to logs/<function>.log',
    nameProperty: ['LogGroupName'],
    arn: 'logs:log-group:',
  },
  'AWS::Logs::LogStream': {
    reason: 'what functions print goes to logs/<function>.log',
    nameProperty: ['LogStreamName'],
  },
  'Custom::LogGroupRetention': { reason: 'nothing expires here' },
  'Custom::S3AutoDeleteObjects': { reason: 'whoever deletes the folder of the lake deletes its objects' },
  'AWS::LakeFormation::PrincipalPermissions': { reason: 'Lake Formation allows everything here' },
  'AWS::Events::EventBusPolicy': { reason: 'there is no other account here' },
  'AWS::Athena::WorkGroup': { reason: 'queries run in DuckDB, without scan limits', nameProperty: ['Name'] },
  'AWS::CloudWatch::CompositeAlarm': { reason: 'nobody is alarmed here', nameProperty: ['AlarmName'] },
  'AWS::CloudWatch::Dashboard': { reason: 'metrics stay in the functions’ logs', nameProperty: ['DashboardName'] },
  'AWS::CDK::Metadata': { reason: 'says only which constructs were used' },
};
