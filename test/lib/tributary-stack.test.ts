import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { ENV, loaderSettings } from '../../lambdas/core/settings.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { DEMO_SOURCES, readConfig } from '../../lib/config/config.ts';
import { circleIn, readable, references, resource, resources, statements, templateOf } from '../helpers/template.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';
const OWNER = '210987654321';

/** Everything a source can come from, at once. */
const EVERY_SOURCE = [
  ...DEMO_SOURCES.slice(1),
  { name: 'landed', format: 'alb', from: { prefix: 'web/', suffix: '.gz' } },
  { name: 'notified', format: 'alb', from: { bucket: 'example-logs', prefix: 'x/', suffix: '.gz', kmsKeyArn: KEY } },
  { name: 'shared', format: 'alb', from: { bucket: 'their-logs', account: OWNER } },
  { name: 'bussed', format: 'alb', from: { bucket: 'busy-logs', prefix: 'y/', notifications: 'eventbridge' } },
  {
    name: 'forwarded',
    format: 'alb',
    from: { bucket: 'their-busy-logs', suffix: '.gz', notifications: 'eventbridge', account: OWNER },
  },
];

const plain = templateOf({});
const demo = templateOf({ sources: DEMO_SOURCES });
const every = templateOf({ sources: EVERY_SOURCE, logGroupRetentionDays: 30, kmsKey: KEY, removalPolicy: 'destroy' });

const all = [
  ['unconfigured', plain],
  ['with the demo sources', demo],
  ['with every kind of source', every],
] as const;

describe.each(all)('the stack %s', (_, template) => {
  test('has no circle in what depends on what', () => {
    expect(circleIn(template)).toBeUndefined();
  });

  test('allows no wildcard action', () => {
    const allowed = statements(template).filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.length).toBeGreaterThan(5);
    expect(allowed.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([]);
  });

  test('allows wildcard resources only for keys of a bucket', () => {
    const wild = [...resources(template)]
      .filter(([, { Type }]) => Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::Role')
      // What CDK itself brings to set notifications takes any bucket.
      .filter(([id]) => !id.startsWith('BucketNotificationsHandler'))
      .flatMap(([id]) => statements(template, id))
      .filter(({ Resource }) => JSON.stringify(Resource).includes('*'));
    const actions = new Set(wild.flatMap(({ Action }) => Action));
    expect([...actions].sort()).toEqual(
      expect.arrayContaining(['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject']),
    );
    expect(actions.size).toBe(3);
    for (const { Resource } of wild) {
      for (const each of [Resource].flat()) expect(readable(each)).toMatch(/^[^*]+\/\*$/);
    }
  });

  test('lets no bucket, topic or queue be used without TLS', () => {
    const guarded = ['AWS::S3::Bucket', 'AWS::SNS::Topic', 'AWS::SQS::Queue'].flatMap((type) => [
      ...resources(template, type).keys(),
    ]);
    const denied = statements(template)
      .filter(
        ({ Effect, Condition }) =>
          Effect === 'Deny' && JSON.stringify(Condition).includes('"aws:SecureTransport":"false"'),
      )
      .flatMap(({ Resource }) => references(Resource));
    expect(new Set(denied)).toEqual(new Set(guarded));
  });

  test('has streams, tables and log groups for its sources and for the lake itself', () => {
    const names = [...resources(template, 'AWS::Glue::Table').values()].map(
      ({ Properties }) => (Properties.TableInput as { readonly Name: string }).Name,
    );
    expect(names).toEqual(expect.arrayContaining([loadsTable.name, rejectedTable.name]));
    expect(resources(template, 'AWS::KinesisFirehose::DeliveryStream').size).toBe(names.length);
  });

  test('gives its functions an environment they can read', () => {
    for (const [, { Properties }] of resources(template, 'AWS::Lambda::Function')) {
      const variables = (Properties.Environment as { Variables: Record<string, unknown> } | undefined)?.Variables;
      // CDK's own functions have none.
      if (!variables?.[ENV.sources]) continue;
      const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, readable(value)]));
      const settings = loaderSettings(env);
      expect(settings.loadsStream).toBe('<Streamsloads>');
      expect(settings.rejectedStream).toBe('<Streamsrejectedlines>');
      expect(settings.sources.length).toBeGreaterThan(0);
      for (const { name, streams } of settings.sources) expect(streams).toEqual([`<Streams${name}>`]);
    }
  });
});

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

describe('the queue', () => {
  test('is hidden for six times the function, and gives up after five receives', () => {
    const template = templateOf({ timeoutSeconds: 100, maxConcurrency: 7 });
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 600,
      RedrivePolicy: { maxReceiveCount: 5 },
      SqsManagedSseEnabled: true,
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 14 * 24 * 3600,
      RedrivePolicy: Match.absent(),
      SqsManagedSseEnabled: true,
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 7 },
    });
  });

  test("takes the bucket's own message from the topic, without an envelope", () => {
    plain.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'sqs', RawMessageDelivery: true });
  });
});

describe('the functions', () => {
  test('run on ARM with the memory and time configured, and log to a group of their own', () => {
    const template = templateOf({ memoryMiB: 512, timeoutSeconds: 60 });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      MemorySize: 512,
      Timeout: 60,
      LoggingConfig: { LogGroup: { Ref: Match.stringLikeRegexp('LoadObjectsLogs') } },
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: '/tributary/load-objects',
      RetentionInDays: 30,
    });
  });

  test('put records to exactly the streams of their sources and of the lake', () => {
    const streams = (role: string) =>
      statements(demo, role)
        .filter(({ Action }) => Action === 'firehose:PutRecordBatch')
        .flatMap(({ Resource }) => [Resource].flat().map(readable));
    const own = ['<Streamsloads.Arn>', '<Streamsrejectedlines.Arn>'];
    expect(streams('LoadObjectsRole')).toEqual(['<Streamsalb.Arn>', ...own]);
    expect(streams('LoadLogEventsRole')).toEqual(['<Streamskong.Arn>', '<Streamsapp.Arn>', ...own]);
  });

  test('are told buckets, prefixes and log groups of their own sources only', () => {
    const sources = (fn: string) => {
      const { Environment } = resource(demo, 'AWS::Lambda::Function', fn).Properties;
      const { Variables } = Environment as { readonly Variables: Readonly<Record<string, unknown>> };
      return JSON.parse(readable(Variables[ENV.sources]));
    };
    expect(sources('LoadObjects')).toEqual([
      {
        name: 'alb',
        format: 'alb',
        options: {},
        lane: 'objects',
        streams: ['<Streamsalb>'],
        keepRaw: 'on-error',
        bucket: '<Landing>',
        prefix: '',
      },
    ]);
    expect(sources('LoadLogEvents')).toMatchObject([
      { name: 'kong', lane: 'events', logGroups: ['/demo/kong'] },
      { name: 'app', options: { preset: 'server-logs' }, logGroups: ['/demo/app'] },
    ]);
  });

  test('are refused more sources than their environment holds', () => {
    const columns = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`column_of_this_name_${index}`, 'string']));
    const from = { bucket: 'example-logs' };
    const withColumns = (count: number) => ({
      sources: [{ name: 'app', format: 'json', columns: columns(count), from }],
    });
    expect(() => templateOf(withColumns(90))).not.toThrow();
    expect(() => readConfig(withColumns(130))).not.toThrow();
    expect(() => templateOf(withColumns(130))).toThrow(/^sources: got 1 for LoadObjects that take \d+ bytes/);
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

describe('what the parts of the stack keep', () => {
  test('objects expire when configured', () => {
    const template = templateOf({ retentionDays: 90, landingRetentionDays: 3 });
    const rules = (id: string) =>
      (resource(template, 'AWS::S3::Bucket', id).Properties.LifecycleConfiguration as { Rules: object[] }).Rules;
    expect(rules('Landing')).toMatchObject([{ ExpirationInDays: 3 }]);
    expect(rules('Lake')).toMatchObject([
      { Prefix: 'data/', ExpirationInDays: 90 },
      { Prefix: 'errors/', ExpirationInDays: 90 },
      { Prefix: 'aws/lambda/async/', ExpirationInDays: 90 },
      { Prefix: 'athena-results/', ExpirationInDays: 30 },
      { Prefix: 'direct/', ExpirationInDays: 14 },
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 14 } },
    ]);
  });

  test('a source keeps its rows and its delivery errors as long as it says, and Athena looks as far back', () => {
    const template = templateOf({
      sources: [
        { name: 'web', format: 'alb', from: { prefix: 'web/' }, retentionDays: 30, delivery: 'direct' },
        { name: 'pay', format: 'alb', from: { prefix: 'pay/' }, retentionDays: 2000, archiveAfterDays: 60 },
        { name: 'api', format: 'alb', from: { prefix: 'api/' } },
      ],
      retentionDays: 400,
      archiveAfterDays: 100,
    });
    const { Rules } = resource(template, 'AWS::S3::Bucket', 'Lake').Properties.LifecycleConfiguration as {
      Rules: { Prefix?: string; ExpirationInDays?: number; Transitions?: object[] }[];
    };
    const moves = (days: number) => [{ StorageClass: 'GLACIER_IR', TransitionInDays: days }];
    const rules = new Map(
      Rules.map(({ Prefix, ExpirationInDays, Transitions }) => [Prefix, [ExpirationInDays, Transitions]]),
    );
    expect([...rules].filter(([prefix]) => /^(data|errors)/.test(prefix ?? ''))).toEqual([
      // What no other rule is about, such as a source that is no more.
      ['data/', [2000, undefined]],
      ['data/loads/', [400, undefined]],
      ['data/rejected_lines/', [400, undefined]],
      ['data/web/', [30, undefined]],
      ['data/pay/', [2000, moves(60)]],
      ['data/api/', [400, moves(100)]],
      ['errors/', [2000, undefined]],
      ['errors/loads/', [400, undefined]],
      ['errors/rejected_lines/', [400, undefined]],
      ['errors/web/', [30, undefined]],
      ['errors/api/', [400, undefined]],
    ]);
    const range = (table: string) => {
      const { TableInput } = resource(template, 'AWS::Glue::Table', `Catalog${table}`).Properties;
      return (TableInput as { Parameters: Record<string, string> }).Parameters['projection.dt.range'];
    };
    expect(['web', 'pay', 'api', 'loads'].map(range)).toEqual(
      [32, 2002, 402, 402].map((days) => `NOW-${days}DAYS,NOW+1DAY`),
    );
    const { Environment } = resource(template, 'AWS::Lambda::Function', 'DirectWrite').Properties;
    const { Variables } = Environment as { Variables: Record<string, unknown> };
    const settings = JSON.stringify(Variables.TRIBUTARY_SOURCES);
    expect(settings).toMatch(/retentionDays\W+30\b/);
    expect(settings).toMatch(/retentionDays\W+2000\b/);
  });

  test('a source brings at most two rules, of the thousand that a bucket may have', () => {
    const rules = (count: number) => {
      const sources = Array.from({ length: count }, (_, index) => ({
        ...{ name: `s${index}`, format: 'alb', from: { prefix: `s${index}/` } },
        ...{ retentionDays: 100 + index, archiveAfterDays: 50 },
      }));
      const { Properties } = resource(templateOf({ sources }), 'AWS::S3::Bucket', 'Lake');
      return (Properties.LifecycleConfiguration as { Rules: object[] }).Rules.length;
    };
    expect(rules(8) - rules(4)).toBe(4 * 2);
  });
});
