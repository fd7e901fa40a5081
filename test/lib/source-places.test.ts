import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { ENV } from '../../lambdas/core/settings.ts';
import { DEMO_SOURCES } from '../../lib/config/config.ts';
import { demo, every, KEY, OWNER, plain } from '../helpers/stacks.ts';
import { readable, resource, resources, statements, templateOf } from '../helpers/template.ts';

describe('the landing bucket', () => {
  test('lets ELB write below AWSLogs of this account, and nobody else anything', () => {
    const allowed = statements(plain, 'LandingPolicy').filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.map(({ Principal, Action, Resource }) => [Principal, Action, readable(Resource)])).toEqual([
      [
        { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        's3:PutObject',
        '<Landing.Arn>/AWSLogs/<AWS::AccountId>/*',
      ],
    ]);
  });

  test.each([
    ['web/', '<Landing.Arn>/web/AWSLogs/<AWS::AccountId>/*'],
    ['web/AWSLogs/123456789012/', '<Landing.Arn>/web/AWSLogs/<AWS::AccountId>/*'],
    ['AWSLogs/', '<Landing.Arn>/AWSLogs/<AWS::AccountId>/*'],
  ])('lets ELB write where a source with the prefix %s reads', (prefix, written) => {
    const template = templateOf({ sources: [{ name: 'web', format: 'alb', from: { prefix } }] });
    const allowed = statements(template, 'LandingPolicy').filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.map(({ Resource }) => readable(Resource))).toEqual([written]);
  });

  test('keeps its own encryption, for ELB delivers to no other, whatever the key of the lake', () => {
    for (const template of [plain, every]) {
      expect(JSON.stringify(resource(template, 'AWS::S3::Bucket', 'Landing').Properties.BucketEncryption)).toContain(
        '"AES256"',
      );
    }
  });

  test('notifies the topic itself, without a function of CDK', () => {
    plain.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: {
        TopicConfigurations: [{ Event: 's3:ObjectCreated:*', Topic: { Ref: Match.stringLikeRegexp('Topic') } }],
      },
    });
    expect([...resources(demo).values()].filter(({ Type }) => Type.startsWith('Custom::'))).toEqual([]);
    const functions = [...resources(plain, 'AWS::Lambda::Function').keys()];
    expect(functions.filter((id) => !/^(LoadObjects|DuplicatesTrack|DuplicatesCount)/.test(id))).toEqual([]);
  });

  test('notifies of each source by its prefix and suffix', () => {
    every.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: {
        TopicConfigurations: [
          {
            Filter: {
              S3Key: {
                Rules: [
                  { Name: 'prefix', Value: 'web/' },
                  { Name: 'suffix', Value: '.gz' },
                ],
              },
            },
          },
        ],
      },
    });
  });

  test('is made after all that its first notification needs', () => {
    const { DependsOn = [] } = resource(plain, 'AWS::S3::Bucket', 'Landing');
    for (const type of ['AWS::SNS::TopicPolicy', 'AWS::SNS::Subscription', 'AWS::SQS::QueuePolicy']) {
      expect(DependsOn).toEqual(expect.arrayContaining([...resources(plain, type).keys()].slice(0, 1)));
    }
  });

  test('is there only for sources that use it', () => {
    const template = templateOf({ sources: [{ name: 'web', format: 'alb', from: { bucket: 'example-logs' } }] });
    expect([...resources(template, 'AWS::S3::Bucket').keys()].filter((id) => id.startsWith('Landing'))).toEqual([]);
  });

  test('may publish by the name CloudFormation gives it, from this account', () => {
    const [allowed] = statements(plain, 'NotificationsTopicPolicy').filter(({ Effect }) => Effect === 'Allow');
    expect(allowed).toMatchObject({
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'sns:Publish',
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    const { ArnLike } = allowed!.Condition as { readonly ArnLike: Readonly<Record<string, unknown>> };
    const pattern = readable(ArnLike['aws:SourceArn']);
    const [logicalId] = [...resources(plain, 'AWS::S3::Bucket').keys()].filter((id) => id.startsWith('Landing'));
    expect(pattern).toBe('arn:<AWS::Partition>:s3:::tributary-landing*');
    expect(`tributary-${logicalId?.toLowerCase()}`).toMatch(/^tributary-landing/);
  });
});

describe('buckets that are there already', () => {
  test('are set to notify the topic, which lets each publish from its account', () => {
    every.hasResourceProperties('Custom::S3BucketNotifications', {
      BucketName: 'example-logs',
      NotificationConfiguration: {
        TopicConfigurations: [
          { Events: ['s3:ObjectCreated:*'], Filter: { Key: { FilterRules: [{ Value: '.gz' }, { Value: 'x/' }] } } },
        ],
      },
    });
    const publishers = statements(every, 'NotificationsTopicPolicy')
      .filter(({ Effect }) => Effect === 'Allow')
      .map(({ Condition }) => {
        const { ArnLike, StringEquals } = Condition as Record<string, Record<string, unknown>>;
        return [readable(ArnLike?.['aws:SourceArn']), readable(StringEquals?.['aws:SourceAccount'])];
      });
    expect(publishers).toEqual([
      ['arn:<AWS::Partition>:s3:::tributary-landing*', '<AWS::AccountId>'],
      ['arn:<AWS::Partition>:s3:::example-logs', '<AWS::AccountId>'],
      ['arn:<AWS::Partition>:s3:::their-logs', OWNER],
    ]);
  });

  test('of another account are left to their owner, who is told the topic', () => {
    expect(resources(every, 'Custom::S3BucketNotifications').size).toBe(1);
    every.hasOutput('*', { Value: { Ref: Match.stringLikeRegexp('Topic') } });
  });

  test('are heard through EventBridge by bucket and key', () => {
    every.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: ['busy-logs'] }, object: { key: [{ prefix: 'y/' }] } },
      },
      Targets: [
        { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^NotificationsQueue'), 'Arn'] } },
        { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^NotificationsDuplicatesQueue'), 'Arn'] } },
      ],
    });
    every.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        account: [OWNER],
        detail: { bucket: { name: ['their-busy-logs'] }, object: { key: [{ suffix: '.gz' }] } },
      },
    });
  });

  test('of another account may forward only events of S3', () => {
    every.hasResourceProperties('AWS::Events::EventBusPolicy', {
      Statement: { Action: 'events:PutEvents', Condition: { StringEquals: { 'events:source': 'aws.s3' } } },
    });
  });

  test('are matched by prefix and suffix together through EventBridge', () => {
    const from = { bucket: 'busy-logs', prefix: 'y/', suffix: '.gz', notifications: 'eventbridge' };
    templateOf({ sources: [{ name: 'web', format: 'alb', from }] }).hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { detail: { object: { key: [{ wildcard: 'y/*.gz' }] } } },
    });
  });

  test('with exports of CloudWatch have a column for its time, and the function is told so', () => {
    const from = { bucket: 'old-logs', exportedLogs: true };
    const template = templateOf({ sources: [{ name: 'old', format: 'kong', from }] });
    const { TableInput } = resource(template, 'AWS::Glue::Table', 'Catalogold').Properties;
    const { StorageDescriptor } = TableInput as { StorageDescriptor: { Columns: { Name: string }[] } };
    expect(StorageDescriptor.Columns.map(({ Name }) => Name).slice(-2)).toEqual(['raw', 'logged_at']);
    const { Environment } = resource(template, 'AWS::Lambda::Function', 'LoadObjects').Properties;
    const { Variables } = Environment as { readonly Variables: Readonly<Record<string, unknown>> };
    expect(JSON.parse(readable(Variables[ENV.sources]))).toMatchObject([{ bucket: 'old-logs', exportedLogs: true }]);
  });

  test('are read below their prefixes only, with the key of their objects', () => {
    const read = statements(every, 'LoadObjectsRole')
      .filter(({ Action }) => [Action].flat().includes('s3:GetObject'))
      .flatMap(({ Resource }) => [Resource].flat().map(readable));
    expect(read).toEqual([
      '<Landing.Arn>/web/*',
      'arn:<AWS::Partition>:s3:::example-logs/x/*',
      'arn:<AWS::Partition>:s3:::their-logs/*',
      'arn:<AWS::Partition>:s3:::busy-logs/y/*',
      'arn:<AWS::Partition>:s3:::their-busy-logs/*',
    ]);
    expect(statements(every, 'LoadObjectsRole').filter(({ Action }) => Action === 'kms:Decrypt')).toMatchObject([
      { Resource: KEY },
    ]);
  });
});

describe('log groups', () => {
  test('are subscribed to once CloudWatch may invoke the function, for that group alone', () => {
    const [, filter] = [...resources(demo, 'AWS::Logs::SubscriptionFilter')].find(
      ([, { Properties }]) => Properties.LogGroupName === '/demo/kong',
    )!;
    const [permissionId = ''] = filter.DependsOn ?? [];
    const permission = resource(demo, 'AWS::Lambda::Permission', permissionId).Properties;
    expect(permission).toMatchObject({
      Action: 'lambda:InvokeFunction',
      Principal: 'logs.amazonaws.com',
      SourceAccount: { Ref: 'AWS::AccountId' },
    });
    expect(readable(permission.SourceArn)).toBe(
      'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/demo/kong:*',
    );
  });

  test('are filtered by the pattern of their source', () => {
    const from = { logGroups: ['/example/app'], filterPattern: '?ERROR ?WARN' };
    templateOf({ sources: [{ name: 'app', format: 'kong', from }] }).hasResourceProperties(
      'AWS::Logs::SubscriptionFilter',
      { LogGroupName: '/example/app', FilterPattern: '?ERROR ?WARN' },
    );
  });

  test('write to a stream that converts nothing, by a role for it alone, on the direct lane', () => {
    const from = { logGroups: ['/example/app'] };
    const template = templateOf({ sources: [{ name: 'app', format: 'kong', from, delivery: 'direct' }] });
    const filter = resource(template, 'AWS::Logs::SubscriptionFilter', '');
    expect(readable(filter.Properties.DestinationArn)).toBe('<Payloadsapp.Arn>');
    expect(readable(filter.Properties.RoleArn)).toBe('<SubscriptionsRoleapp.Arn>');
    template.hasResourceProperties('AWS::KinesisFirehose::DeliveryStream', {
      ExtendedS3DestinationConfiguration: {
        Prefix: 'log-groups/app/!{timestamp:yyyy/MM/dd}/',
        FileExtension: '.gz',
        CompressionFormat: 'UNCOMPRESSED',
        DataFormatConversionConfiguration: Match.absent(),
      },
    });
  });

  test.each([
    ['alone', []],
    ['beside objects that go through Firehose', [{ name: 'alb', format: 'alb' }]],
  ])('have functions that plan and write their batches on the direct lane, and its alarms, %s', (_, others) => {
    const app = { name: 'app', format: 'kong', from: { logGroups: ['/example/app'] }, delivery: 'direct' };
    const template = templateOf({ sources: [...others, app] });
    const functions = [...resources(template, 'AWS::Lambda::Function').keys()].join(' ');
    for (const name of ['LoadObjects', 'DirectPlan', 'DirectWrite', 'IcebergCommit']) expect(functions).toContain(name);
    const alarms = [...resources(template, 'AWS::CloudWatch::Alarm').values()];
    const names = alarms.map(({ Properties }) => Properties.AlarmName);
    expect(names).toEqual(expect.arrayContaining(['tributary-direct', 'tributary-commits', 'tributary-dead-letters']));
  });

  test('have events that no attempt could load kept in the lake bucket', () => {
    demo.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 21_600,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Lake'), 'Arn'] } } },
    });
    const written = statements(demo, 'LoadLogEventsRole').filter(({ Action }) => Action === 's3:PutObject');
    expect(written.map(({ Resource }) => readable(Resource))).toEqual(['<Lake.Arn>/aws/lambda/async/*']);
    const config = resource(demo, 'AWS::Lambda::EventInvokeConfig', 'LoadLogEvents');
    expect(config.DependsOn).toContainEqual(expect.stringContaining('LoadLogEventsRoleDefaultPolicy'));
  });

  test('keep their retention unless one is configured', () => {
    const retentions = (template: typeof demo) =>
      [...resources(template, 'Custom::LogGroupRetention').values()].map(({ Properties }) => [
        Properties.LogGroup,
        Properties.Days,
      ]);
    expect(retentions(demo)).toEqual([]);
    expect(retentions(every)).toEqual([
      ['/demo/kong', 30],
      ['/demo/app', 30],
    ]);
    const [alb, kong, app] = DEMO_SOURCES;
    expect(retentions(templateOf({ sources: [alb, kong, { ...app, logGroupRetentionDays: 7 }] }))).toEqual([
      ['/demo/app', 7],
    ]);
  });

  test('have their retention set by a function that may set it for these log groups alone, once it may', () => {
    const allowed = statements(every, 'SubscriptionsSetRetention').filter(
      ({ Action }) => Action === 'logs:PutRetentionPolicy',
    );
    expect(allowed.map(({ Resource }) => [Resource].flat().map(readable))).toEqual([
      ['/demo/kong', '/demo/app'].map(
        (name) => `arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:${name}`,
      ),
    ]);
    for (const [, { DependsOn }] of resources(every, 'Custom::LogGroupRetention')) {
      expect(DependsOn).toContainEqual(expect.stringContaining('SetRetentionRoleDefaultPolicy'));
    }
  });

  test('are refused when their permissions outgrow the policy of a function', () => {
    const sources = (count: number) => [
      {
        name: 'app',
        format: 'kong',
        from: { logGroups: Array.from({ length: count }, (_, index) => `/example/service-${index}`) },
      },
    ];
    expect(() => templateOf({ sources: sources(40) })).not.toThrow();
    expect(() => templateOf({ sources: sources(60) })).toThrow(/^sources: got 60 log groups/);
  });
});
