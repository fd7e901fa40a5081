import { App, Tags } from 'aws-cdk-lib';
import { Template as TemplateOf } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { ENV } from '../../lambdas/core/settings.ts';
import { DEMO_SOURCES, readConfig } from '../../lib/config/config.ts';
import { TributaryStack } from '../../lib/tributary-stack.ts';
import { readable, resource, resources, statements, templateOf } from '../helpers/template.ts';

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

/** Every source of names that an account or a Region has once, with what gives them. */
const EVERYTHING = {
  sources: [
    ...DEMO_SOURCES,
    {
      name: 'forwarded',
      format: 'alb',
      from: { bucket: 'their-logs', notifications: 'eventbridge', account: '210987654321' },
    },
  ],
  logGroupRetentionDays: 30,
  duplicates: { alarmPercent: 1 },
};

type Template = ReturnType<typeof templateOf>;

const plain = templateOf(EVERYTHING);

describe('two stacks in one account', () => {
  const other = templateOf({ ...EVERYTHING, stackName: 'Second-Lake' });
  const NAME = /^(?:\w*Name|StatementId)$/;
  const GIVEN_BY_USERS = ['LogGroupName:/demo/', 'MetricName', 'AttributeName', 'FunctionName', 'ColumnName'];

  /** Names that a resource has of itself; a reference is no name. */
  const namesOf = (template: Template) =>
    [...resources(template)].flatMap(([id, { Type, Properties }]) =>
      Object.entries(Properties ?? {})
        .filter(([key, value]) => (NAME.test(key) || key === 'Name') && typeof value === 'string')
        .map(([key, value]) => `${Type} ${id} ${key}:${value}`)
        .filter((name) => !GIVEN_BY_USERS.some((given) => name.includes(given))),
    );
  const shared = (names: readonly string[], others: readonly string[]) => names.filter((name) => others.includes(name));

  test('have no name in common', () => {
    // Names within a workgroup, a log group, a role or a bucket.
    const within = [
      'AWS::Athena::NamedQuery',
      'AWS::IAM::Policy',
      'AWS::Logs::LogStream',
      'Custom::S3BucketNotifications',
    ];
    const names = namesOf(plain);
    expect(names.length).toBeGreaterThan(10);
    expect(shared(names, namesOf(other)).filter((name) => !within.some((type) => name.startsWith(type)))).toEqual([]);
    const databases = [...resources(other, 'AWS::Glue::Database').values()].map(
      ({ Properties }) => (Properties.DatabaseInput as { readonly Name: string }).Name,
    );
    expect(databases).toEqual(['second_lake', 'second_lake_iceberg']);
    expect(resource(other, 'AWS::Athena::WorkGroup').Properties.Name).toBe('second-lake');
  });

  test('have metrics of their own', () => {
    const serviceOf = (template: Template) => {
      const { Environment } = resource(template, 'AWS::Lambda::Function', 'LoadObjects').Properties;
      return (Environment as { readonly Variables: Readonly<Record<string, unknown>> }).Variables[ENV.service];
    };
    expect([serviceOf(plain), serviceOf(other)]).toEqual(['tributary', 'second-lake']);
    const dashboard = readable(resource(other, 'AWS::CloudWatch::Dashboard').Properties.DashboardBody);
    expect(dashboard).toContain('"service","second-lake"');
    expect(dashboard).not.toContain('"service","tributary"');
  });

  test('have a bucket and log groups that no source of theirs may read', () => {
    const of = (from: object) => () =>
      templateOf({ stackName: 'Second-Lake', sources: [{ name: 'a', format: 'alb', from }] });
    expect(of({ bucket: 'second-lake-lake5f1b88ea-abcdefgh' })).toThrow('would feed itself');
    expect(of({ logGroups: ['/second-lake/load-objects'] })).toThrow('would feed itself');
    expect(of({ bucket: 'tributary-lake5f1b88ea-abcdefgh' })).not.toThrow();
  });
});

describe('Regions and partitions that lack something', () => {
  test('have no RecursiveLoop where Lambda has no API for it', () => {
    const { RecursiveLoop } = resource(plain, 'AWS::Lambda::Function', 'LoadObjects').Properties;
    const [condition, without, otherwise] = (RecursiveLoop as { readonly 'Fn::If': readonly unknown[] })['Fn::If'];
    expect([without, otherwise]).toEqual([{ Ref: 'AWS::NoValue' }, 'Allow']);
    const { [String(condition)]: regions } = plain.toJSON().Conditions;
    expect(regions['Fn::Or']).toContainEqual({ 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-gov-west-1'] });
  });

  test('call DynamoDB by its name there', () => {
    const keyed = templateOf({ kmsKey: KEY });
    const through = statements(keyed, 'LoadObjectsRole').find(({ Condition }) =>
      JSON.stringify(Condition ?? {}).includes('kms:ViaService'),
    );
    const { StringEquals } = through!.Condition as { readonly StringEquals: Readonly<Record<string, unknown>> };
    expect(readable(StringEquals['kms:ViaService'])).toBe('dynamodb.<AWS::Region>.<AWS::URLSuffix>');
  });
});

test('Firehose may take its role by the account that it acts for, or by the external id', () => {
  const roles = [...resources(plain, 'AWS::IAM::Role')].filter(([id]) => id.startsWith('Streams'));
  expect(roles.length).toBeGreaterThan(0);
  for (const [, { Properties }] of roles) {
    const { Statement } = Properties.AssumeRolePolicyDocument as { readonly Statement: readonly object[] };
    expect(Statement).toMatchObject([
      { Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } },
      { Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'AWS::AccountId' } } } },
    ]);
  }
});

describe('an account in which Lake Formation decides', () => {
  const TYPE = 'AWS::LakeFormation::PrincipalPermissions';

  test('is asked for what each delivery role needs, before its stream is made', () => {
    const template = templateOf({ lakeFormation: true });
    for (const table of ['alb', 'loads', 'rejectedlines']) {
      const grants = [...resources(template, TYPE)].filter(([id]) => id.startsWith(`Streams${table}`));
      expect(grants.map(([, { Properties }]) => Properties)).toMatchObject([
        {
          Principal: { DataLakePrincipalIdentifier: { 'Fn::GetAtt': [expect.stringContaining('Role'), 'Arn'] } },
          Resource: { Database: { CatalogId: { Ref: 'AWS::AccountId' } } },
          Permissions: ['DESCRIBE'],
        },
        { Resource: { Table: { CatalogId: { Ref: 'AWS::AccountId' } } }, Permissions: ['DESCRIBE', 'SELECT'] },
      ]);
      const { DependsOn } = resource(template, 'AWS::KinesisFirehose::DeliveryStream', `Streams${table}`);
      for (const [id] of grants) expect(DependsOn).toContain(id);
    }
  });

  test('is no other account', () => {
    expect(resources(plain, TYPE).size).toBe(0);
  });
});

test('readers may query the tables and nothing else', () => {
  const allowed = statements(plain, 'ReadersPolicy').flatMap(({ Action }) => Action);
  const writing = allowed.filter((action) => /Put|Create|Delete|Update|Start/.test(action));
  expect(writing.sort()).toEqual(['athena:StartQueryExecution', 's3:PutObject']);
  const writes = statements(plain, 'ReadersPolicy').find(({ Action }) => [Action].flat().includes('s3:PutObject'));
  expect(readable(writes?.Resource)).toBe('<Lake.Arn>/athena-results/*');
  plain.hasOutput('ReadersPolicy', {});
});

describe('outputs', () => {
  const outputOf = (template: Template, name: string): string => {
    const { [name]: output } = template.toJSON().Outputs;
    return readable(output?.Value);
  };

  test('name the roles that owners of buckets and keys have to allow', () => {
    expect(outputOf(plain, 'ReadingRole')).toBe('<LoadObjectsRole.Arn>');
    expect(outputOf(plain, 'CheckingRole')).toBe('<DuplicatesTrackRole.Arn>');
    const events = templateOf({ sources: DEMO_SOURCES.slice(1) });
    expect(Object.keys(events.toJSON().Outputs)).not.toContain('ReadingRole');
  });

  test('give the command for columns that are new in a deployment', () => {
    const one = templateOf({ stackName: 'Web', sources: [{ name: 'web', format: 'alb', from: { prefix: 'web/' } }] });
    expect(outputOf(one, 'AfterNewColumns')).toBe(
      'npm run lake -- backfill s3://<Landing>/web/ --stack Web --since 1h --reload',
    );
  });
});

describe("in an app of one's own", () => {
  const app = new App({
    builtinCloudFormationValidation: false,
    context: { 'aws:cdk:bundling-stacks': [], '@aws-cdk/core:permissionsBoundary': { name: 'Boundary' } },
  });
  const config = readConfig({
    stackName: 'Lake',
    sources: [...DEMO_SOURCES, { name: 'notified', format: 'alb', from: { bucket: 'example-logs' } }],
    logGroupRetentionDays: 30,
    removalPolicy: 'destroy',
  });
  const stack = new TributaryStack(app, 'AnyId', { config });
  Tags.of(stack).add('team', 'platform');
  const template = TemplateOf.fromStack(stack);

  test('has the name of the configuration, whatever its id is', () => {
    expect(stack.stackName).toBe('Lake');
    expect(resource(template, 'AWS::Athena::WorkGroup').Properties.Name).toBe('lake');
  });

  test('has the permissions boundary on every role', () => {
    for (const [id, { Properties }] of resources(template, 'AWS::IAM::Role')) {
      expect([id, JSON.stringify(Properties.PermissionsBoundary ?? '')]).toEqual([
        id,
        expect.stringContaining(':policy/Boundary'),
      ]);
    }
  });

  test('has its tags on what has data', () => {
    for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KinesisFirehose::DeliveryStream']) {
      for (const [, { Properties }] of resources(template, type)) {
        expect(Properties.Tags).toContainEqual({ Key: 'team', Value: 'platform' });
      }
    }
  });
});
