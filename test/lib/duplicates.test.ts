import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { DUPLICATES } from '../../lambdas/core/duplicates/store.ts';
import { ENV, trackerSettings } from '../../lambdas/core/settings.ts';
import { DEMO_SOURCES } from '../../lib/config/config.ts';
import { readable, resource, resources, statements, templateOf } from '../helpers/template.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

const demo = templateOf({ sources: DEMO_SOURCES });
const off = templateOf({ sources: DEMO_SOURCES, 'duplicates.enabled': false });

const variablesOf = (template: typeof demo, function_: string) => {
  const { Environment } = resource(template, 'AWS::Lambda::Function', function_).Properties;
  return (Environment as { Variables: Record<string, unknown> }).Variables;
};

const actionsOf = (template: typeof demo, role: string) =>
  statements(template, role).flatMap(({ Action, Resource }) =>
    [Action].flat().map((action) => [action, readable([Resource].flat()[0])]),
  );

describe('the duplicate check', () => {
  test('leaves nothing in the stack when it is switched off', () => {
    expect([...resources(off).keys()].filter((id) => id.includes('Duplicates'))).toEqual([]);
    expect(Object.keys(variablesOf(off, 'LoadLogEvents'))).not.toContain(ENV.trackFunction);
  });

  test('changes nothing of the loading functions but to whom payloads are handed on', () => {
    for (const id of ['LoadObjects', 'LoadLogEvents']) {
      const { [ENV.trackFunction]: handedOn, ...rest } = variablesOf(demo, id);
      expect(rest).toEqual(variablesOf(off, id));
      expect(handedOn).toEqual(
        id === 'LoadObjects' ? undefined : { Ref: expect.stringMatching(/^DuplicatesLogEventsTrack/) },
      );
    }
  });

  test('hears of the same objects through a queue of its own, with dead letters, and longer than its function may take', () => {
    demo.hasResourceProperties('AWS::SNS::Subscription', {
      Endpoint: { 'Fn::GetAtt': [Match.stringLikeRegexp('^NotificationsDuplicatesQueue'), 'Arn'] },
      TopicArn: { Ref: Match.stringLikeRegexp('^NotificationsTopic') },
      RawMessageDelivery: true,
    });
    const { Properties } = resource(demo, 'AWS::SQS::Queue', 'NotificationsDuplicatesQueue');
    const { Timeout } = resource(demo, 'AWS::Lambda::Function', 'DuplicatesTrack').Properties;
    const [mapping] = [...resources(demo, 'AWS::Lambda::EventSourceMapping').values()]
      .map((each) => each.Properties)
      .filter(({ FunctionName }) => readable(FunctionName) === '<DuplicatesTrack>');
    const { BatchSize, MaximumBatchingWindowInSeconds: window } = mapping ?? {};
    expect([BatchSize, window]).toEqual([10, 60]);
    expect(Number(Properties.VisibilityTimeout)).toBeGreaterThanOrEqual(6 * Number(Timeout) + Number(window));
    expect(Properties.RedrivePolicy).toMatchObject({ maxReceiveCount: 5 });
    demo.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionName: { Ref: Match.stringLikeRegexp('^DuplicatesTrack') },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  test('tells its functions all they need', () => {
    const recordKey = ['trace_id', 'time'];
    const template = templateOf({
      sources: [
        { name: 'alb', format: 'alb', recordKey, from: { bucket: 'logs', prefix: 'web/' } },
        ...DEMO_SOURCES.slice(1),
      ],
      'duplicates.sampleRate': 0.1,
      'duplicates.windowHours': 24,
    });
    const variables = variablesOf(template, 'DuplicatesTrack');
    const settings = trackerSettings({
      ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, readable(value)])),
    });
    expect(settings).toMatchObject({
      table: '<DuplicatesTable>',
      sampleRate: 0.1,
      windowHours: 24,
      sources: [{ name: 'alb', format: 'alb', lane: 'objects', recordKey, bucket: 'logs', prefix: 'web/' }],
    });
    const ofEvents = variablesOf(template, 'DuplicatesLogEventsTrack');
    expect(JSON.parse(String(ofEvents[ENV.trackedSources]))).toMatchObject([
      { name: 'kong', logGroups: ['/demo/kong'] },
      { name: 'app', options: { preset: 'server-logs' }, logGroups: ['/demo/app'] },
    ]);
    expect(Object.keys(ofEvents)).not.toContain(ENV.queueUrl);
    expect(variables[ENV.queueUrl]).toEqual({ Ref: expect.stringMatching(/^NotificationsDuplicatesQueue/) });
    expect(variablesOf(template, 'DuplicatesCount')).toMatchObject({
      [ENV.duplicatesTable]: { Ref: expect.stringMatching(/^DuplicatesTable/) },
    });
  });

  test('gives each function only what it does to the table', () => {
    const onTable = (role: string) =>
      actionsOf(demo, role).filter(([action]) => String(action).startsWith('dynamodb:'));
    expect(onTable('DuplicatesTrackRole').sort()).toEqual([
      ['dynamodb:BatchGetItem', '<DuplicatesTable.Arn>'],
      ['dynamodb:BatchWriteItem', '<DuplicatesTable.Arn>'],
      ['dynamodb:UpdateItem', '<DuplicatesTable.Arn>'],
    ]);
    expect(onTable('DuplicatesCountRole').sort()).toEqual([
      ['dynamodb:BatchGetItem', '<DuplicatesTable.Arn>'],
      ['dynamodb:BatchWriteItem', '<DuplicatesTable.Arn>'],
      ['dynamodb:PutItem', '<DuplicatesTable.Arn>'],
      ['dynamodb:Query', '<DuplicatesTable.Arn>'],
    ]);
    expect(actionsOf(demo, 'LoadLogEventsRole')).toContainEqual([
      'lambda:InvokeFunction',
      '<DuplicatesLogEventsTrack.Arn>',
    ]);
    expect(onTable('DuplicatesLogEventsTrackRole')).toEqual(onTable('DuplicatesTrackRole'));
    expect(
      actionsOf(demo, 'DuplicatesLogEventsTrackRole').filter(([action]) => /^(s3|sqs):/.test(String(action))),
    ).toEqual([]);
  });

  test('has only the functions that its sources need', () => {
    const functions = (sources: readonly object[]) =>
      [...resources(templateOf({ sources }), 'AWS::Lambda::Function').keys()]
        .filter((id) => id.includes('Track'))
        .map((id) => id.replace(/[0-9A-F]{8}$/, ''));
    const [objects, ...events] = DEMO_SOURCES as [object, ...object[]];
    expect(functions([objects])).toEqual(['DuplicatesTrack']);
    expect(functions(events)).toEqual(['DuplicatesLogEventsTrack']);
  });

  test('leaves each function its own log group', () => {
    const names = [...resources(demo, 'AWS::Logs::LogGroup').values()].map(({ Properties }) => Properties.LogGroupName);
    expect(names).toContain('/tributary/track-duplicates');
    expect(new Set(names).size).toBe(names.length);
  });

  test('and loading take log events with less memory than objects', () => {
    const template = templateOf({ sources: DEMO_SOURCES, memoryMiB: 2048, logEventsMemoryMiB: 400 });
    const memory = (id: string) => resource(template, 'AWS::Lambda::Function', id).Properties.MemorySize;
    expect(['LoadObjects', 'DuplicatesTrack', 'DuplicatesCount'].map((id) => memory(id))).toEqual([2048, 2048, 2048]);
    expect(['LoadLogEvents', 'DuplicatesLogEventsTrack'].map((id) => memory(id))).toEqual([400, 400]);
  });

  test('reads of the buckets what the loading function reads', () => {
    const read = (role: string) => actionsOf(demo, role).filter(([action]) => String(action).startsWith('s3:'));
    expect(read('DuplicatesTrackRole')).toEqual(read('LoadObjectsRole'));
    expect(read('DuplicatesTrackRole').length).toBeGreaterThan(0);
  });

  test('lets pages expire, and keeps them with the key of the stack', () => {
    const keyed = templateOf({ kmsKey: KEY });
    keyed.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: DUPLICATES.partition, KeyType: 'HASH' },
        { AttributeName: DUPLICATES.sort, KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: DUPLICATES.expiry, Enabled: true },
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { KMSMasterKeyId: KEY },
    });
    for (const role of ['DuplicatesTrackRole', 'DuplicatesCountRole']) {
      expect(actionsOf(keyed, role)).toContainEqual(['kms:Decrypt', KEY]);
    }
  });

  test('counts every minute, and tries no run again: the next one finds what it left', () => {
    demo.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DuplicatesCount'), 'Arn'] } }],
    });
    demo.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp('^DuplicatesCount') },
      MaximumRetryAttempts: 0,
    });
  });

  test('raises no alarm of duplicates unless it is asked to, and then one for each source', () => {
    const thresholds = (template: typeof demo) =>
      [...resources(template, 'AWS::CloudWatch::Alarm').values()]
        .map(({ Properties: { AlarmName, Threshold } }) => [AlarmName, Threshold])
        .filter(([name]) => String(name).startsWith('tributary-duplicates-'));
    expect(thresholds(demo)).toEqual([]);
    expect(thresholds(templateOf({ sources: DEMO_SOURCES, 'duplicates.alarmPercent': 2 }))).toEqual([
      ['tributary-duplicates-alb', 2],
      ['tributary-duplicates-kong', 2],
      ['tributary-duplicates-app', 2],
    ]);
  });

  test('is on the dashboard, each source with its rate, unless it is switched off', () => {
    const body = (template: typeof demo) =>
      JSON.stringify(resource(template, 'AWS::CloudWatch::Dashboard').Properties.DashboardBody);
    for (const index of [0, 1, 2])
      expect(body(demo)).toContain(`100 * (within${index} + across${index}) / checked${index}`);
    for (const metric of ['RecordsChecked', 'InputsRedelivered', 'RecordsOutsideWindow', 'PayloadsNotChecked']) {
      expect(body(demo)).toContain(metric);
      expect(body(off)).not.toContain(metric);
    }
  });

  test('can be audited by a saved query for each source', () => {
    const queries = [...resources(demo, 'AWS::Athena::NamedQuery').values()].map(({ Properties }) => Properties);
    const audit = queries.find(({ Name }) => Name === 'duplicates of kong, exactly');
    expect(readable(audit?.QueryString)).toContain('WHEN "request_id" IS NOT NULL THEN');
    expect(readable(audit?.QueryString)).toContain('FROM "<CatalogDatabase>"."kong"');
  });
});
