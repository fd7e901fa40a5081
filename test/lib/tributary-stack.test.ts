import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { ENV, loaderSettings } from '../../lambdas/core/settings.ts';
import { loadsTable, rejectedTable } from '../../lambdas/core/tables/lake-tables.ts';
import { readConfig } from '../../lib/config/config.ts';
import { demo, every, plain } from '../helpers/stacks.ts';
import { circleIn, readable, references, resource, resources, statements, templateOf } from '../helpers/template.ts';

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
      { Prefix: 'direct/', ExpirationInDays: 30 },
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
