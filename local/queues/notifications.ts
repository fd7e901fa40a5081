import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ACCOUNT, arnOf, nameOfArn, REGION } from '../account.ts';
import type { Need } from '../iam/needs.ts';
import { isSchedule } from '../lambda/schedules.ts';
import type { CreatedObject } from '../s3/object-store.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import { compiledPattern, patternShape } from './event-pattern.ts';

/** Sends a message to the queue with the given ARN. */
export type SendToQueue = (queueArn: string, body: string) => Promise<void>;

/** What the stack's notifications are made of. */
export interface NotificationOptions {
  readonly resources: readonly Resource[];
  readonly sendToQueue: SendToQueue;
  /** @default Tributary */
  readonly stackName?: string;
}

/** S3's notifications, as configured by the stack. */
export interface Notifications {
  /** Buckets that the stack does not create but listens to; the emulation assumes that they exist. */
  readonly importedBuckets: readonly string[];
  /** What S3, SNS and EventBridge must be allowed. */
  readonly needs: readonly Need[];
  /** Announces a new object to all subscribers: through SNS to SQS, and through EventBridge to SQS. */
  created(object: CreatedObject): Promise<void>;
}

/**
 * Reads the stack's notifications.
 *
 * @throws TemplateError naming a target or a pattern that is not emulated.
 */
export function notificationsOf({
  resources,
  sendToQueue,
  stackName = 'Tributary',
}: NotificationOptions): Notifications {
  const topics = subscriptionsOf(resources, sendToQueue);
  const routes = routesOf(resources, topics, sendToQueue);
  const rules = rulesOf(resources, sendToQueue);
  const own = new Map(
    resources.filter(({ type }) => type === 'AWS::S3::Bucket').map((bucket) => [bucket.localName, bucket]),
  );
  const named = [...routes.map(({ bucket }) => bucket), ...rules.flatMap(({ buckets }) => buckets)];
  return {
    importedBuckets: [...new Set(named)].filter((bucket) => !own.has(bucket)),
    needs: [
      ...routes.map((route) => needOf(route, stackName)),
      ...topics.needs,
      ...rules.flatMap(({ needs }) => needs),
    ],
    created: async (object) => {
      for (const route of routes) {
        const { bucket, events, prefix, suffix, deliver } = route;
        if (!events.some((event) => event === 's3:ObjectCreated:*' || event === `s3:ObjectCreated:${object.by}`))
          continue;
        if (bucket !== object.bucket || !object.key.startsWith(prefix) || !object.key.endsWith(suffix)) continue;
        await deliver(JSON.stringify(s3Event(object, route.id)));
      }
      const bucket = own.get(object.bucket);
      // The owner of a bucket outside the stack decides whether it notifies EventBridge. A rule for the bucket shows
      // that it does.
      if (bucket && !propertiesOf(bucket, bucketProperties).NotificationConfiguration.EventBridgeConfiguration) return;
      const event = eventBridgeEvent(object);
      for (const { matches, deliver } of rules) if (matches(event)) await deliver(JSON.stringify(event));
    },
  };
}

const rule = z.object({ Name: z.string(), Value: z.string() });
const s3Key = z.object({ Rules: z.array(rule).default([]) });
const topicConfiguration = z.object({
  Event: z.string(),
  Topic: z.string(),
  Filter: z.object({ S3Key: s3Key }).optional(),
});
const queueConfiguration = z.object({
  Event: z.string(),
  Queue: z.string(),
  Filter: z.object({ S3Key: s3Key }).optional(),
});
const bucketProperties = z.object({
  NotificationConfiguration: z
    .object({
      TopicConfigurations: z.array(topicConfiguration).default([]),
      QueueConfigurations: z.array(queueConfiguration).default([]),
      LambdaConfigurations: refused,
      EventBridgeConfiguration: z.object({}).optional(),
    })
    .default({ TopicConfigurations: [], QueueConfigurations: [] }),
});

/** The custom resource uses the names of S3's API; a bucket's properties use those of CloudFormation. */
const importedConfiguration = z.object({
  Events: z.array(z.string()),
  TopicArn: z.string().optional(),
  QueueArn: z.string().optional(),
  Filter: z.object({ Key: z.object({ FilterRules: z.array(rule).default([]) }) }).optional(),
});
const importedProperties = z.object({
  BucketName: z.string(),
  NotificationConfiguration: z.object({
    TopicConfigurations: z.array(importedConfiguration).default([]),
    QueueConfigurations: z.array(importedConfiguration).default([]),
    LambdaFunctionConfigurations: refused,
  }),
});

interface Route {
  readonly id: string;
  readonly bucket: string;
  /** Whether the stack makes the bucket and lets CloudFormation name it. */
  readonly isNamedByStack: boolean;
  /** ARN of a topic or a queue. */
  readonly to: string;
  /** Event types: `s3:ObjectCreated:*` and others. */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
  deliver(message: string): Promise<void>;
}

function routesOf(resources: readonly Resource[], topics: Topics, sendToQueue: SendToQueue): Route[] {
  const routes: Route[] = [];
  const add = (resource: Resource, bucket: string, configuration: Configuration): void => {
    const value = (name: string): string =>
      configuration.rules.find((one) => one.Name.toLowerCase() === name)?.Value ?? '';
    const { events, topic, queue = '' } = configuration;
    const deliver = (message: string): Promise<void> =>
      topic === undefined ? sendToQueue(queue, message) : topics.publish(topic, message);
    const [prefix, suffix] = [value('prefix'), value('suffix')];
    const isNamedByStack = resource.type === 'AWS::S3::Bucket' && resource.properties.BucketName === undefined;
    const to = topic ?? queue;
    routes.push({ id: resource.logicalId, bucket, isNamedByStack, to, events, prefix, suffix, deliver });
  };
  for (const resource of resources) {
    if (resource.type === 'AWS::S3::Bucket') {
      const { NotificationConfiguration: configuration } = propertiesOf(resource, bucketProperties);
      for (const { Event, Topic, Filter } of configuration.TopicConfigurations) {
        add(resource, resource.localName, { events: [Event], topic: Topic, rules: Filter?.S3Key.Rules ?? [] });
      }
      for (const { Event, Queue, Filter } of configuration.QueueConfigurations) {
        add(resource, resource.localName, { events: [Event], queue: Queue, rules: Filter?.S3Key.Rules ?? [] });
      }
    } else if (resource.type === 'Custom::S3BucketNotifications') {
      const { BucketName, NotificationConfiguration: configuration } = propertiesOf(resource, importedProperties);
      for (const { Events, TopicArn, QueueArn, Filter } of [
        ...configuration.TopicConfigurations,
        ...configuration.QueueConfigurations,
      ]) {
        const rules = Filter?.Key.FilterRules ?? [];
        add(resource, BucketName, { events: Events, topic: TopicArn, queue: QueueArn, rules });
      }
    }
  }
  return routes;
}

/** S3 announces objects; the names of buckets that CloudFormation makes begin with that of the stack. */
function needOf({ id, bucket, isNamedByStack, to }: Route, stackName: string): Need {
  const name = isNamedByStack ? `${stackName}-${id}-abcdefghijkl`.toLowerCase() : bucket;
  return {
    ...{ what: `bucket ${bucket}`, service: 's3.amazonaws.com', source: `arn:aws:s3:::${name}` },
    ...{ actions: [to.split(':')[2] === 'sns' ? 'sns:Publish' : 'sqs:SendMessage'], resource: to },
  };
}

interface Configuration {
  readonly events: readonly string[];
  readonly topic?: string;
  readonly queue?: string;
  readonly rules: readonly z.infer<typeof rule>[];
}

const subscriptionProperties = z.object({
  TopicArn: z.string(),
  Protocol: z.enum(['sqs', 'email'], 'expected sqs or email: other subscribers have no local behaviour'),
  Endpoint: z.string(),
  RawMessageDelivery: z.boolean().default(false),
  FilterPolicy: refused,
});

interface Topics {
  readonly needs: readonly Need[];
  publish(topicArn: string, message: string): Promise<void>;
}

function subscriptionsOf(resources: readonly Resource[], sendToQueue: SendToQueue): Topics {
  const subscriptions = resources
    .filter(({ type }) => type === 'AWS::SNS::Subscription')
    .map((resource) => propertiesOf(resource, subscriptionProperties))
    // Nobody gets mail from a machine of one's own.
    .filter(({ Protocol }) => Protocol === 'sqs');
  return {
    needs: subscriptions.map(({ TopicArn, Endpoint }) => ({
      ...{ what: `topic ${nameOfArn(TopicArn)}`, service: 'sns.amazonaws.com', source: TopicArn },
      ...{ actions: ['sqs:SendMessage'], resource: Endpoint },
    })),
    publish: async (topicArn, message) => {
      for (const { TopicArn, Endpoint, RawMessageDelivery } of subscriptions) {
        if (TopicArn !== topicArn) continue;
        await sendToQueue(Endpoint, RawMessageDelivery ? message : snsEnvelope(topicArn, message));
      }
    },
  };
}

/** @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
function snsEnvelope(topicArn: string, message: string): string {
  return JSON.stringify({
    Type: 'Notification',
    MessageId: randomUUID(),
    TopicArn: topicArn,
    Subject: 'Amazon S3 Notification',
    Message: message,
    Timestamp: new Date().toISOString(),
    SignatureVersion: '1',
  });
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
function s3Event(
  { bucket, key, size, etag, sequencer, modified, by }: CreatedObject,
  configurationId: string,
): unknown {
  const record = {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: REGION,
    eventTime: modified.toISOString(),
    eventName: `ObjectCreated:${by}`,
    userIdentity: { principalId: `AWS:${ACCOUNT}` },
    requestParameters: { sourceIPAddress: '192.0.2.1' },
    responseElements: { 'x-amz-request-id': randomUUID() },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId,
      bucket: { name: bucket, ownerIdentity: { principalId: ACCOUNT }, arn: `arn:aws:s3:::${bucket}` },
      object: { key: formEncoded(key), size, eTag: etag, sequencer },
    },
  };
  return { Records: [record] };
}

/** S3's own events encode keys like forms: percent-encoded except for slashes, with a plus sign for a space. */
function formEncoded(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
function eventBridgeEvent({ bucket, key, size, etag, sequencer, modified, by }: CreatedObject): unknown {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: ACCOUNT,
    time: modified.toISOString().replace(/\.\d+Z$/, 'Z'),
    region: REGION,
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: { key, size, etag, sequencer },
      'request-id': randomUUID(),
      requester: ACCOUNT,
      'source-ip-address': '192.0.2.1',
      reason: by === 'Put' ? 'PutObject' : by,
    },
  };
}

const target = z.object({ Arn: z.string(), Input: refused, InputPath: refused, InputTransformer: refused });
const ruleProperties = z.object({
  EventPattern: patternShape,
  State: z.string().default('ENABLED'),
  Targets: z.array(target).default([]),
});

interface Rule {
  /** The buckets named in the rule's pattern. */
  readonly buckets: readonly string[];
  readonly needs: readonly Need[];
  matches(event: unknown): boolean;
  deliver(message: string): Promise<void>;
}

function rulesOf(resources: readonly Resource[], sendToQueue: SendToQueue): Rule[] {
  const rules: Rule[] = [];
  for (const resource of resources
    .filter(({ type }) => type === 'AWS::Events::Rule')
    .filter((rule) => !isSchedule(rule))) {
    const { EventPattern, State, Targets } = propertiesOf(resource, ruleProperties);
    if (State === 'DISABLED') continue;
    for (const { Arn } of Targets) {
      if (Arn !== arnOf('sqs', nameOfArn(Arn))) {
        throw new TemplateError(
          `rule ${resource.localName}: target ${Arn} is no queue; others have no local behaviour`,
        );
      }
    }
    const what = `rule ${resource.localName}`;
    const source = arnOf('events', `rule/${resource.localName}`);
    rules.push({
      needs: Targets.map(({ Arn }) => ({
        ...{ what, service: 'events.amazonaws.com', source, actions: ['sqs:SendMessage'], resource: Arn },
      })),
      buckets: bucketsOf(EventPattern),
      matches: compiledPattern(EventPattern, `rule ${resource.localName}`),
      deliver: async (message) => {
        for (const { Arn } of Targets) await sendToQueue(Arn, message);
      },
    });
  }
  return rules;
}

function bucketsOf(pattern: unknown): string[] {
  const named = z.object({ detail: z.object({ bucket: z.object({ name: z.array(z.string()) }) }) }).safeParse(pattern);
  return named.success ? named.data.detail.bucket.name : [];
}
