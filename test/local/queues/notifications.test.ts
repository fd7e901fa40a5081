import { describe, expect, test } from 'vitest';
import { type Notifications, notificationsOf } from '../../../local/queues/notifications.ts';
import type { CreatedObject } from '../../../local/s3/object-store.ts';
import type { Resource } from '../../../local/template/resource.ts';

const QUEUE = 'arn:aws:sqs:us-east-1:123456789012:load';
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:created';

function of(type: string, localName: string, properties: Record<string, unknown>): Resource {
  return { logicalId: localName, type, localName, properties };
}

function landing(notificationConfiguration: unknown): Resource {
  return of('AWS::S3::Bucket', 'landing', { NotificationConfiguration: notificationConfiguration });
}

function opened(...resources: Resource[]): Notifications & { messages: { arn: string; body: string }[] } {
  const messages: { arn: string; body: string }[] = [];
  const sendToQueue = async (arn: string, body: string): Promise<void> => void messages.push({ arn, body });
  return { ...notificationsOf({ resources, sendToQueue }), messages };
}

function object(key: string, bucket = 'landing'): CreatedObject {
  const modified = new Date('2026-03-04T05:06:07.089Z');
  return { bucket, key, size: 12, etag: 'd41d8cd98f00b204e9800998ecf8427e', modified, sequencer: '0F', by: 'Put' };
}

const prefixAndSuffix = {
  S3Key: {
    Rules: [
      { Name: 'prefix', Value: 'AWSLogs/' },
      { Name: 'suffix', Value: '.gz' },
    ],
  },
};

describe('S3 to SNS to SQS', () => {
  const bucket = landing({
    TopicConfigurations: [{ Event: 's3:ObjectCreated:*', Topic: TOPIC, Filter: prefixAndSuffix }],
  });
  const subscription = { TopicArn: TOPIC, Protocol: 'sqs', Endpoint: QUEUE };

  test('gives the queue S3’s own event when messages are raw', async () => {
    const raw = of('AWS::SNS::Subscription', 's', { ...subscription, RawMessageDelivery: true });
    const { created, messages } = opened(bucket, raw);
    await created(object('AWSLogs/a b+ä=1.gz'));
    expect(messages.map(({ arn }) => arn)).toEqual([QUEUE]);
    expect(JSON.parse(messages[0]?.body ?? '').Records).toMatchObject([
      {
        eventSource: 'aws:s3',
        eventName: 'ObjectCreated:Put',
        eventTime: '2026-03-04T05:06:07.089Z',
        s3: {
          bucket: { name: 'landing', arn: 'arn:aws:s3:::landing' },
          object: {
            key: 'AWSLogs/a+b%2B%C3%A4%3D1.gz',
            size: 12,
            eTag: 'd41d8cd98f00b204e9800998ecf8427e',
            sequencer: '0F',
          },
        },
      },
    ]);
  });

  test('puts it into SNS’s envelope when they are not', async () => {
    const { created, messages } = opened(bucket, of('AWS::SNS::Subscription', 's', subscription));
    await created(object('AWSLogs/x.gz'));
    const envelope = JSON.parse(messages[0]?.body ?? '');
    expect(envelope).toMatchObject({ Type: 'Notification', TopicArn: TOPIC });
    expect(JSON.parse(envelope.Message).Records[0].s3.object.key).toBe('AWSLogs/x.gz');
  });

  test.each(['other/x.gz', 'AWSLogs/x.txt'])('keeps %s, which the filter leaves out, to itself', async (key) => {
    const { created, messages } = opened(bucket, of('AWS::SNS::Subscription', 's', subscription));
    await created(object(key));
    expect(messages).toEqual([]);
  });

  test('refuses a subscriber that is neither a queue nor an address', () => {
    const phone = of('AWS::SNS::Subscription', 's', { ...subscription, Protocol: 'sms' });
    expect(() => opened(phone)).toThrow('resource s (AWS::SNS::Subscription): Protocol: expected sqs or email');
  });

  test('sends no mail', () => {
    const mail = { ...subscription, Protocol: 'email', Endpoint: 'oncall@example.com' };
    expect(() => opened(of('AWS::SNS::Subscription', 's', mail))).not.toThrow();
  });
});

test('a bucket that is not the stack’s tells as its custom resource says', async () => {
  const { created, messages, importedBuckets } = opened(
    of('Custom::S3BucketNotifications', 'n', {
      BucketName: 'existing',
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Events: ['s3:ObjectCreated:*'],
            QueueArn: QUEUE,
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'a/' }] } },
          },
        ],
      },
    }),
  );
  expect(importedBuckets).toEqual(['existing']);
  await created(object('a/1', 'existing'));
  await created(object('b/1', 'existing'));
  expect(messages.map(({ body }) => JSON.parse(body).Records[0].s3.object.key)).toEqual(['a/1']);
});

describe('S3 to EventBridge to SQS', () => {
  function rule(key: unknown[]): Resource {
    return of('AWS::Events::Rule', 'r', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: ['existing'] }, object: { key } },
      },
      Targets: [{ Arn: QUEUE, Id: 'T' }],
    });
  }

  test.each([
    ['a prefix', { prefix: 'a/' }],
    ['a suffix', { suffix: '.gz' }],
    ['a wildcard', { wildcard: 'a/*.gz' }],
  ])('takes %s of the key', async (_name, matcher) => {
    const { created, messages, importedBuckets } = opened(rule([matcher]));
    expect(importedBuckets).toEqual(['existing']);
    await created(object('a/b c.gz', 'existing'));
    await created(object('b/c', 'existing'));
    await created(object('a/b c.gz', 'landing'));
    expect(messages.map(({ body }) => JSON.parse(body))).toMatchObject([
      { source: 'aws.s3', detail: { bucket: { name: 'existing' }, object: { key: 'a/b c.gz', size: 12 } } },
    ]);
  });

  test('gets nothing from a bucket of the stack that does not tell EventBridge', async () => {
    const all = of('AWS::Events::Rule', 'r', { EventPattern: { source: ['aws.s3'] }, Targets: [{ Arn: QUEUE }] });
    const silent = opened(landing({}), all);
    const telling = opened(landing({ EventBridgeConfiguration: { EventBridgeEnabled: true } }), all);
    for (const { created } of [silent, telling]) await created(object('x'));
    expect(silent.messages).toEqual([]);
    expect(telling.messages).toHaveLength(1);
  });

  test('refuses a matcher it does not know by its place', () => {
    expect(() => opened(rule([{ cidr: '192.0.2.0/24' }]))).toThrow('rule r.detail.object.key: matcher {"cidr"');
  });
});
