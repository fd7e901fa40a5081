import { describe, expect, test } from 'vitest';
import { DEMO_SOURCES } from '../../lib/config/config.ts';
import { references, resources, statements, templateOf } from '../helpers/template.ts';

const [alb, kong, app] = DEMO_SOURCES;
const NOTIFIED = { name: 'notified', format: 'alb', from: { bucket: 'example-logs', prefix: 'x/' } };
const BUSSED = { name: 'bussed', format: 'alb', from: { bucket: 'busy-logs', notifications: 'eventbridge' } };
const retired = (source: object = {}) => ({ ...source, retired: true });

type Template = ReturnType<typeof templateOf>;

/** Types without data of users, and without which nothing is delivered. */
const DELETED = (template: Template, types: readonly string[]) =>
  types.flatMap((type) => [...resources(template, type)]);

const KEPT = [
  'AWS::S3::Bucket',
  'AWS::DynamoDB::Table',
  'AWS::Glue::Database',
  'AWS::Glue::Table',
  'AWS::KinesisFirehose::DeliveryStream',
];

const retain = templateOf({ sources: [alb, kong, app], streamsPerTable: 2, lakeFormation: true });
const destroy = templateOf({ sources: [alb, kong, app], streamsPerTable: 2, removalPolicy: 'destroy' });

describe('a stack that is retained', () => {
  test('keeps what has data when it is removed, and leaves nothing when its first deployment fails', () => {
    for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of DELETED(retain, KEPT)) {
      expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, 'RetainExceptOnCreate', 'Retain']);
    }
  });

  test('keeps with each stream all that the stream needs to deliver what it holds', () => {
    const all = resources(retain);
    const visit = (id: string, needed: Set<string>): Set<string> => {
      if (needed.has(id)) return needed;
      needed.add(id);
      for (const next of references(all.get(id)?.Properties)) visit(next, needed);
      return needed;
    };
    // Firehose only writes to these why it could not deliver.
    const logs = ['AWS::Logs::LogGroup', 'AWS::Logs::LogStream'];
    for (const [id] of resources(retain, 'AWS::KinesisFirehose::DeliveryStream')) {
      const needed = [...visit(id, new Set())].filter((each) => !logs.includes(all.get(each)?.Type ?? ''));
      expect(needed.length).toBeGreaterThanOrEqual(5);
      for (const each of needed) expect([each, all.get(each)?.DeletionPolicy]).toEqual([each, 'RetainExceptOnCreate']);
    }
    const role = [...resources(retain, 'AWS::IAM::Role').keys()].filter((id) => id.startsWith('Streams'));
    const policies = [...resources(retain, 'AWS::IAM::Policy').keys()].filter((id) => id.startsWith('Streams'));
    expect([role.length, policies]).toEqual([5, []]);
    for (const [, { DeletionPolicy }] of resources(retain, 'AWS::LakeFormation::PrincipalPermissions')) {
      expect(DeletionPolicy).toBe('RetainExceptOnCreate');
    }
  });
});

describe('a stack that is destroyed', () => {
  test('keeps nothing', () => {
    for (const [id, { DeletionPolicy }] of DELETED(destroy, KEPT)) {
      expect([id, DeletionPolicy]).toEqual([id, 'Delete']);
    }
  });

  test('empties its buckets when nothing writes to them any more', () => {
    const emptying = [...resources(destroy, 'Custom::S3AutoDeleteObjects')];
    const buckets = [...resources(destroy, 'AWS::S3::Bucket').keys()];
    expect(emptying.flatMap(([, { Properties }]) => references(Properties.BucketName))).toEqual(buckets);
    const [lakeEmptied] = emptying.map(([id]) => id).filter((id) => id.startsWith('Lake'));
    // CloudFormation deletes what depends on something before it.
    for (const [, { DependsOn }] of resources(destroy, 'AWS::KinesisFirehose::DeliveryStream')) {
      expect(DependsOn).toContain(lakeEmptied);
    }
  });

  test('lets its buckets be emptied by what is needed for that alone', () => {
    const allowed = statements(destroy, 'LakePolicy').filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.map(({ Action }) => Action)).toEqual([
      [
        's3:GetBucketTagging',
        's3:GetBucketPolicy',
        's3:PutBucketPolicy',
        's3:ListBucketVersions',
        's3:DeleteObject',
        's3:DeleteObjectVersion',
      ],
    ]);
  });
});

describe('a source that is retired', () => {
  const before = templateOf({ sources: [alb, kong, NOTIFIED, BUSSED] });
  const after = templateOf({ sources: [alb, kong, NOTIFIED, BUSSED].map(retired) });

  test('is announced nothing new', () => {
    const announced = (template: Template) => [
      JSON.stringify([...resources(template, 'AWS::S3::Bucket').values()]).includes('TopicConfigurations'),
      resources(template, 'Custom::S3BucketNotifications').size,
      [...resources(template, 'AWS::Events::Rule').keys()].filter((id) => id.startsWith('Notifications')).length,
      resources(template, 'AWS::Logs::SubscriptionFilter').size,
    ];
    expect(announced(before)).toEqual([true, 1, 1, 1]);
    expect(announced(after)).toEqual([false, 0, 0, 0]);
  });

  test('is still loaded and delivered what it has got', () => {
    const kept = (template: Template) =>
      ['AWS::Lambda::Function', 'AWS::SQS::Queue', 'AWS::Lambda::EventSourceMapping'].map((type) =>
        [...resources(template, type)]
          .filter(([id]) => !id.startsWith('BucketNotificationsHandler'))
          .map(([id, { Properties }]) => [id, Properties]),
      );
    expect(kept(after)).toEqual(kept(before));
    for (const type of KEPT) {
      expect([...resources(after, type).keys()]).toEqual([...resources(before, type).keys()]);
    }
    for (const id of ['LoadObjectsRole', 'LoadLogEventsRole']) {
      expect(statements(after, id)).toEqual(statements(before, id));
    }
  });

  test('leaves no stream, role and table when it is removed, while another source does', () => {
    const one = templateOf({ sources: [alb, retired(kong)], streamsPerTable: 2 });
    const policies = (name: string) =>
      [...resources(one)]
        .filter(([id]) => id.startsWith(`Streams${name}`) || id.startsWith(`Catalog${name}`))
        .filter(([, { Type }]) => KEPT.includes(Type) || Type === 'AWS::IAM::Role')
        .map(([, { DeletionPolicy }]) => DeletionPolicy);
    expect(policies('kong')).toEqual(['Delete', 'Delete', 'Delete', 'Delete']);
    expect(policies('alb')).toEqual(Array(4).fill('RetainExceptOnCreate'));
  });
});
