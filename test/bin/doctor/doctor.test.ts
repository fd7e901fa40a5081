import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../bin/doctor/check.ts';
import { CHECKS, countsOf, findingsText } from '../../../bin/doctor/doctor.ts';
import { COMPARED } from '../../../bin/doctor/examined.ts';
import { matches } from '../../../bin/doctor/policy.ts';
import { failure, json, type Reply } from '../../helpers/fake-service.ts';
import { resources, templateOf, withoutHash } from '../../helpers/template.ts';
import {
  ACCOUNT,
  type Account,
  dataLakeSettings,
  examined,
  GOOD,
  noStack,
  policy,
  query,
  s3Error,
  serveAccount,
  stackResourcesXml,
  stackXml,
  subscriptionsXml,
  toolkit,
  xml,
} from './fake-account.ts';

const KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`;
const OWNER = '210987654321';
const TOPIC_ARN = `arn:aws:sns:us-east-1:${ACCOUNT}:ops`;

const LOGS = { name: 'app', format: 'kong', from: { logGroups: ['/ecs/app'] } };
const OURS = { name: 'ours', format: 'alb', from: { bucket: 'our-logs', prefix: 'alb/', suffix: '.gz' } };
const BUS = { name: 'bus', format: 'alb', from: { bucket: 'bus-logs', prefix: 'alb/', notifications: 'eventbridge' } };
const ICEBERG = {
  ...{ name: 'web', format: 'alb', from: { bucket: 'web-logs', prefix: 'alb/' } },
  ...{ delivery: 'direct', tableFormat: 'iceberg' },
};
const THEIRS = { name: 'theirs', format: 'alb', from: { bucket: 'their-logs', account: OWNER, kmsKeyArn: KEY } };

/** Here, because the first synthesis of a process takes seconds. */
const TEMPLATE = templateOf({ sources: [OURS, LOGS, ICEBERG], alarmEmail: 'ops@example.com' });

let account: Account = GOOD;
serveAccount(() => account);

type Options = Parameters<typeof examined>[1];

/** What one check says of a configuration, in an account that answers otherwise than a good one. */
async function of(check: string, other: Account, context: object, options?: Options): Promise<Finding[]> {
  account = { ...GOOD, ...other };
  const findings = await examined({ ...context }, options);
  return findings.filter((finding) => finding.check === check);
}

const DENIED: Reply = failure('AccessDeniedException');

describe('lake doctor, before the first deployment', () => {
  test('finds nothing in an account where everything is as it has to be', async () => {
    account = {
      ...GOOD,
      GetBucketNotificationConfiguration: (bucket) => (bucket === 'bus-logs' ? BY_EVENTBRIDGE : NONE),
    };
    const linesPerDay = new Map([['', 1e6]]);
    const context = { sources: [LOGS, OURS, BUS], kmsKey: KEY, alarmTopicArn: TOPIC_ARN };
    const findings = await examined(context, { linesPerDay });
    expect(findings.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    const asked = new Set(findings.map(({ check }) => check));
    // The stack is compared only when there is one, and so are its Iceberg tables.
    const notAsked = CHECKS.map(({ name }) => name).filter((name) => !asked.has(name));
    expect(notAsked.filter((name) => !name.startsWith('Iceberg '))).toEqual(['stack']);
    expect(findings[0]?.says).toBe(`Account ${ACCOUNT} is bootstrapped in us-east-1, version 21.`);
  });

  test('says of each question that the caller may not ask what the caller needs', async () => {
    const refused = Object.fromEntries(
      Object.keys(GOOD).map((operation): [string, () => Reply] => [operation, () => refusalOf(operation)]),
    );
    account = refused;
    const findings = await examined({ sources: [LOGS, OURS], kmsKey: KEY }, { linesPerDay: new Map([['', 1e6]]) });
    const notAsked = findings.filter(({ check }) => check !== 'Firehose throughput');
    expect(notAsked.length).toBeGreaterThan(8);
    for (const { check, outcome, says, next } of notAsked) {
      expect([check, outcome]).toEqual([check, 'not known']);
      expect(says).toMatch(/^The caller may not ask: (?:AccessDenied|status 403)/);
      expect(next).toMatch(/^allow the caller \w+:\w+/);
    }
  });

  test('goes on with the other questions when a service does not answer one', async () => {
    account = {
      ...GOOD,
      GetDataLakeSettings: () => failure('InternalServiceException', 500),
      DescribeLogGroups: () => 'cut',
    };
    const findings = await examined({ sources: [LOGS] });
    expect(findings.filter(({ outcome }) => outcome === 'not known').map(({ check, says }) => [check, says])).toEqual([
      ['Firehose throughput', expect.stringMatching(/^How many lines come is not known/)],
      ['Lake Formation', 'It could not be asked: InternalServiceException, as the test wants it.'],
      ['log group', expect.stringMatching(/^It could not be asked: /)],
    ]);
    expect(findings.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(3);
  });

  test('prints a line for each finding, what to do below it, and the counts', () => {
    const findings: Finding[] = [
      { check: 'Lake Formation', about: '', outcome: 'ok', says: 'New databases and tables are left to IAM.' },
      { check: 'log group', about: '/ecs/app', outcome: 'problem', says: 'It does not exist.', next: 'aws logs …' },
    ];
    expect(findingsText(findings, 51).split('\n')).toEqual([
      'ok         Lake Formation: New databases and tables',
      '           are left to IAM.',
      'problem    log group /ecs/app: It does not exist.',
      '           → aws logs …',
      '',
      '2 findings: 1 ok, 0 warnings, 1 problem, 0 not known.',
    ]);
    expect(countsOf(findings)).toEqual({ ok: 1, warning: 0, problem: 1, 'not known': 0 });
  });
});

const NONE = xml('<NotificationConfiguration/>');
const BY_EVENTBRIDGE = xml('<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>');

/** As each service says it. */
function refusalOf(operation: string): Reply {
  if (operation === 'HeadBucket') return { status: 403 };
  if (operation.startsWith('GetBucket')) return s3Error('AccessDenied', 403);
  if (operation === 'DescribeStacks') return queryError('AccessDenied', 403);
  return DENIED;
}

/** A topic, queue or function that a bucket notifies of new objects. */
function notifies(
  kind: 'Topic' | 'Queue' | 'CloudFunction',
  arn: string,
  prefix = '',
  suffix = '',
  event = '*',
): Reply {
  const element = kind === 'CloudFunction' ? 'CloudFunctionConfiguration' : `${kind}Configuration`;
  const rules = Object.entries({ Prefix: prefix, Suffix: suffix })
    .filter(([, value]) => value)
    .map(([name, value]) => `<FilterRule><Name>${name}</Name><Value>${value}</Value></FilterRule>`)
    .join('');
  return xml(
    `<NotificationConfiguration><${element}><Id>theirs</Id><${kind}>${arn}</${kind}><Event>s3:ObjectCreated:${event}</Event>` +
      `<Filter><S3Key>${rules}</S3Key></Filter></${element}></NotificationConfiguration>`,
  );
}

describe('the account', () => {
  test.each([
    ['that is not bootstrapped', noStack('CDKToolkit'), 'problem', 'npx cdk bootstrap'],
    ['with an old bootstrap', toolkit('5'), 'problem', 'npx cdk bootstrap'],
    ['whose bootstrap failed', toolkit('21', 'UPDATE_ROLLBACK_FAILED'), 'warning', 'npx cdk bootstrap'],
  ])('%s', async (_, reply, outcome, next) => {
    expect(await of('bootstrap', { DescribeStacks: () => reply }, {})).toMatchObject([{ outcome, next }]);
  });

  test('of ten concurrent executions is too small for a queue of fifty objects at a time', async () => {
    const ten = { GetAccountSettings: () => limits(10, 10) };
    const [finding] = await of('Lambda concurrency', ten, {});
    expect(finding).toMatchObject({ outcome: 'warning', next: expect.stringContaining('-c maxConcurrency=5') });
    expect(finding?.says).toContain('The account runs 10 functions at a time, 10 of them unreserved');
    const small = { maxConcurrency: 5, duplicates: { enabled: false } };
    expect(await of('Lambda concurrency', ten, small)).toMatchObject([{ outcome: 'ok' }]);
  });

  test('is compared with what the lines a day need', async () => {
    const volume = { linesPerDay: new Map([['', 16e9]]) };
    const [finding] = await of('Lambda concurrency', { GetAccountSettings: () => limits(10, 10) }, {}, volume);
    expect(finding).toMatchObject({ outcome: 'problem', next: expect.stringContaining('--quota-code L-B99A9384') });
    expect(await of('Lambda concurrency', {}, {}, { linesPerDay: new Map([['', 1e6]]) })).toMatchObject([
      { outcome: 'ok' },
    ]);
  });

  test.each([
    [1000, 1000, 900, []],
    [1000, 1000, 901, ['warning']],
    [1000, 1000, 991, ['problem']],
    [10, 10, 1, ['problem']],
  ])(
    'of %i concurrent executions, %i unreserved, may reserve %i',
    async (all, free, logEventsConcurrency, outcomes) => {
      const context = { sources: [LOGS], logEventsConcurrency };
      const findings = await of('Lambda concurrency', { GetAccountSettings: () => limits(all, free) }, context);
      expect(findings.slice(1).map(({ outcome }) => outcome)).toEqual(outcomes);
    },
  );

  test('where Lake Formation decides needs lakeFormation, and an administrator who deploys', async () => {
    const decides = (...admins: string[]): Account => ({
      GetDataLakeSettings: () => json(dataLakeSettings(false, admins)),
    });
    const on = { lakeFormation: true };
    const deployer = `arn:aws:iam::${ACCOUNT}:role/cdk-hnb659fds-cfn-exec-role-${ACCOUNT}-us-east-1`;
    const check = 'Lake Formation';
    expect(await of(check, decides(), {})).toMatchObject([
      { outcome: 'problem', next: 'npx cdk deploy -c lakeFormation=true' },
    ]);
    expect(await of(check, decides(`arn:aws:iam::${ACCOUNT}:role/Admin`), on)).toMatchObject([{ outcome: 'warning' }]);
    expect(await of(check, decides(deployer), on)).toMatchObject([{ outcome: 'ok' }]);
    expect(await of(check, {}, on)).toMatchObject([{ outcome: 'ok' }]);
  });

  test('with the database of an earlier lake refuses another one of its name', async () => {
    const there = { GetDatabase: () => json({ Database: { Name: 'tributary' } }) };
    expect(await of('Glue database', there, {})).toMatchObject([
      {
        about: 'tributary',
        outcome: 'problem',
        next: expect.stringContaining('aws glue delete-database --name tributary'),
      },
    ]);
    const deployed = { ...there, DescribeStacks: (name: string) => stackXml(name, 'CREATE_COMPLETE') };
    expect(await of('Glue database', deployed, {})).toMatchObject([{ outcome: 'ok' }]);
  });
});

function limits(all: number, unreserved: number): Reply {
  return json({ AccountLimit: { ConcurrentExecutions: all, UnreservedConcurrentExecutions: unreserved } });
}

describe('the throughput of Firehose', () => {
  const MUCH = { linesPerDay: new Map([['', 2e9]]) };

  test('is that of the Region, and a source that sends more needs more streams', async () => {
    const [finding] = await of('Firehose throughput', {}, { sources: [OURS] }, MUCH);
    expect(finding).toMatchObject({ about: 'ours', outcome: 'problem' });
    expect(finding?.says).toMatch(
      /^At the peak ours sends [\d.,]+ MiB\/s; its stream takes 5, by the quota of us-east-1/,
    );
    expect(finding?.next).toMatch(/^set "streamsPerTable": \d+ for ours, or ask for [\d.,]+ MiB\/s: https:/);
    const enough = { ...OURS, streamsPerTable: 50 };
    expect(await of('Firehose throughput', {}, { sources: [enough] }, MUCH)).toMatchObject([{ outcome: 'ok' }]);
  });

  test('is not asked about for sources whose rows do not go through it', async () => {
    const direct = { ...OURS, delivery: 'direct' };
    expect(await of('Firehose throughput', {}, { sources: [direct] }, MUCH)).toEqual([]);
    expect(await of('Firehose throughput', {}, { sources: [direct, BUS] }, MUCH)).toMatchObject([{ about: 'bus' }]);
  });

  test('is not known without a number of lines', async () => {
    expect(await of('Firehose throughput', {}, {})).toMatchObject([
      { outcome: 'not known', next: 'lake doctor --lines-per-day N' },
    ]);
  });
});

describe('a KMS key', () => {
  const key = (metadata: object): Account => ({
    DescribeKey: () => json({ KeyMetadata: { KeyId: 'k', KeyState: 'Enabled', AWSAccountId: ACCOUNT, ...metadata } }),
  });
  const withPolicy = (Policy: string): Account => ({ GetKeyPolicy: () => json({ Policy }) });

  test.each<[string, Account, string, string]>([
    ['that is disabled', key({ KeyState: 'Disabled' }), 'problem', `aws kms enable-key --key-id ${KEY}`],
    [
      'that will be deleted',
      key({ KeyState: 'PendingDeletion' }),
      'problem',
      `aws kms cancel-key-deletion --key-id ${KEY}`,
    ],
    ['that is asymmetric', key({ KeySpec: 'RSA_2048' }), 'problem', 'aws kms create-key'],
    ['that is not there', { DescribeKey: () => failure('NotFoundException') }, 'problem', 'aws kms list-keys'],
    ['whose policy nobody may read', { GetKeyPolicy: () => DENIED }, 'not known', 'aws kms get-key-policy'],
    [
      'whose policy names others alone',
      withPolicy(policy({ AWS: `arn:aws:iam::${ACCOUNT}:role/Other` }, 'kms:*', '*')),
      'warning',
      'docs/deploy.md',
    ],
  ])('%s', async (_, other, outcome, next) => {
    expect(await of('KMS key', other, { kmsKey: KEY })).toMatchObject([
      { about: 'the lake', outcome, next: expect.stringContaining(next) },
    ]);
  });

  test('of another Region is none for the lake', async () => {
    const kmsKey = KEY.replace('us-east-1', 'eu-west-1');
    expect(await of('KMS key', {}, { kmsKey })).toMatchObject([
      { outcome: 'problem', next: expect.stringContaining('--region us-east-1') },
    ]);
  });

  test('of a source is asked about like that of the lake', async () => {
    const findings = await of('KMS key', {}, { sources: [THEIRS], kmsKey: KEY });
    expect(findings.map(({ about, outcome }) => [about, outcome])).toEqual([
      ['the lake', 'ok'],
      ['theirs', 'ok'],
    ]);
  });
});

describe('a bucket', () => {
  const inRegion = (region: string): Account => ({
    HeadBucket: () => ({ headers: { 'x-amz-bucket-region': region } }),
  });

  test('of another Region cannot notify the topic, and needs a rule through EventBridge', async () => {
    expect(await of('bucket', inRegion('eu-west-1'), { sources: [OURS] })).toMatchObject([
      { about: 'our-logs', outcome: 'problem', next: expect.stringContaining('"notifications": "eventbridge"') },
    ]);
    expect(await of('bucket', inRegion('eu-west-1'), { sources: [BUS] })).toMatchObject([{ outcome: 'warning' }]);
  });

  test('that is not there', async () => {
    expect(await of('bucket', { HeadBucket: () => ({ status: 404 }) }, { sources: [OURS] })).toMatchObject([
      { outcome: 'problem', next: expect.stringContaining('aws s3api create-bucket --bucket our-logs') },
    ]);
  });

  test('is asked about once, however many sources read it', async () => {
    const other = { ...OURS, name: 'other', from: { ...OURS.from, prefix: 'nlb/' } };
    expect(await of('bucket', {}, { sources: [OURS, other] })).toHaveLength(1);
    expect(await of('notifications', {}, { sources: [OURS, other] })).toHaveLength(2);
  });
});

describe('notifications', () => {
  const answer = (reply: Reply): Account => ({ GetBucketNotificationConfiguration: () => reply });
  const queue = `arn:aws:sqs:us-east-1:${ACCOUNT}:theirs`;
  const topic = `arn:aws:sns:us-east-1:${ACCOUNT}:Tributary-NotificationsTopicEB7A0DF1-abc`;
  const of1 = async (reply: Reply, source: object = OURS) =>
    (await of('notifications', answer(reply), { sources: [source] }))[0];

  test('through EventBridge need it to be switched on', async () => {
    expect(await of1(BY_EVENTBRIDGE, BUS)).toMatchObject({ outcome: 'ok' });
    expect(await of1(NONE, BUS)).toMatchObject({
      outcome: 'problem',
      next: expect.stringContaining("jq '. + {EventBridgeConfiguration: {}}'"),
    });
  });

  test.each([
    ['of the whole bucket', '', ''],
    ['of a folder above', 'al', ''],
    ['of a folder below', 'alb/web/', '.gz'],
    ['of a longer suffix', 'alb/', '.log.gz'],
    ['of a shorter suffix', 'alb/', 'z'],
  ])('%s to somebody else overlap, and S3 refuses ours', async (_, prefix, suffix) => {
    expect(await of1(notifies('Queue', queue, prefix, suffix))).toMatchObject({
      outcome: 'problem',
      says: expect.stringContaining(queue),
      next: 'set "notifications": "eventbridge" for ours',
    });
  });

  test.each([
    ['of another folder', notifies('Queue', queue, 'nlb/'), 'warning'],
    ['of another suffix', notifies('CloudFunction', queue, 'alb/', '.json'), 'warning'],
    ['of the same folder by one way of creating', notifies('Topic', queue, 'alb/', '', 'Put'), 'problem'],
    ['of none', NONE, 'ok'],
    ['of the stack itself', notifies('Topic', topic, 'alb/', '.gz'), 'ok'],
  ])('%s', async (_, reply, outcome) => {
    expect(await of1(reply)).toMatchObject({ outcome });
  });

  test('of a bucket of others can be asked by its owner alone, or are to be set by its owner', async () => {
    const denied = await of1(s3Error('AccessDenied', 403), THEIRS);
    expect(denied).toMatchObject({ outcome: 'not known', says: expect.stringContaining(`account ${OWNER}`) });
    expect(await of1(NONE, THEIRS)).toMatchObject({ outcome: 'warning' });
  });

  test('of a source that is retired are not asked about', async () => {
    expect(await of1(notifies('Queue', queue), { ...OURS, retired: true })).toBeUndefined();
  });
});

describe("ELB's permission", () => {
  const answer = (body: string): Account => ({ GetBucketPolicy: () => ({ body }) });
  const below = 'arn:aws:s3:::our-logs/alb/AWSLogs/*';

  test.each<[string, Account, string]>([
    [
      'by the account that ELB has in the Region',
      answer(policy({ AWS: 'arn:aws:iam::127311923021:root' }, 's3:PutObject', below)),
      'ok',
    ],
    [
      'by its number alone, for any action',
      answer(policy({ AWS: '127311923021' }, 's3:*', 'arn:aws:s3:::our-logs/*')),
      'ok',
    ],
    ['as vended logs', answer(policy({ Service: 'delivery.logs.amazonaws.com' }, 's3:PutObject', below)), 'ok'],
    [
      'for another folder',
      answer(policy({ AWS: '127311923021' }, 's3:PutObject', 'arn:aws:s3:::our-logs/nlb/*')),
      'warning',
    ],
    ['for another Region', answer(policy({ AWS: '156460612806' }, 's3:PutObject', below)), 'warning'],
    ['in no policy at all', { GetBucketPolicy: () => s3Error('NoSuchBucketPolicy', 404) }, 'warning'],
    ['in a text that is no policy', answer('no policy'), 'warning'],
  ])('%s', async (_, other, outcome) => {
    expect(await of("ELB's permission", other, { sources: [OURS] })).toMatchObject([{ about: 'our-logs', outcome }]);
  });

  test('is asked for sources of ALB logs alone', async () => {
    expect(await of("ELB's permission", {}, { sources: [{ ...OURS, format: 'kong' }] })).toEqual([]);
  });
});

describe('a log group', () => {
  const group = (found: object): Account => ({ DescribeLogGroups: () => json({ logGroups: [found] }) });

  test('that is not there is to be made first, though another begins with its name', async () => {
    expect(await of('log group', group({ logGroupName: '/ecs/app-blue' }), { sources: [LOGS] })).toMatchObject([
      { about: '/ecs/app', outcome: 'problem', next: 'aws logs create-log-group --log-group-name /ecs/app' },
    ]);
  });

  test('may be on a later page', async () => {
    const pages: Account = {
      DescribeLogGroups: (_, { nextToken }) =>
        json(nextToken ? { logGroups: [{ logGroupName: '/ecs/app' }] } : { logGroups: [], nextToken: 'more' }),
    };
    expect(await of('log group', pages, { sources: [LOGS] })).toMatchObject([{ outcome: 'ok' }]);
  });

  test('of the class for infrequent access has no subscription filters', async () => {
    const rare = group({ logGroupName: '/ecs/app', logGroupClass: 'INFREQUENT_ACCESS' });
    expect(await of('log group', rare, { sources: [LOGS] })).toMatchObject([
      { outcome: 'problem', says: expect.stringContaining('INFREQUENT_ACCESS') },
    ]);
  });

  test.each([
    [4, 'ok'],
    [5, 'problem'],
  ])('with %i filters of others', async (count, outcome) => {
    const other = { DescribeSubscriptionFilters: () => json({ subscriptionFilters: filters(count) }) };
    expect(await of('subscription filters', other, { sources: [LOGS] })).toMatchObject([
      { about: '/ecs/app', outcome },
    ]);
  });

  test('is said not to be there once', async () => {
    const gone = { DescribeSubscriptionFilters: () => failure('ResourceNotFoundException') };
    expect(await of('subscription filters', gone, { sources: [LOGS] })).toEqual([]);
  });
});

function filters(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    filterName: `filter-${index}`,
    destinationArn: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:other-${index}`,
  }));
}

describe('the topic of the alarms', () => {
  const alarmTopicArn = TOPIC_ARN;

  test.each<[string, Account, string, string]>([
    ['with a subscriber', {}, 'ok', 'A subscriber is told.'],
    ['that is not there', { GetTopicAttributes: () => queryError('NotFound', 404) }, 'problem', 'There is no topic'],
    [
      'to which CloudWatch may not publish',
      { GetTopicAttributes: () => query('GetTopicAttributes', '<Attributes/>') },
      'problem',
      'does not let CloudWatch publish',
    ],
    [
      'whose subscriber has not confirmed',
      { ListSubscriptionsByTopic: () => subscriptionsXml('PendingConfirmation') },
      'warning',
      'ops@example.com has not confirmed',
    ],
    [
      'without a subscriber',
      { ListSubscriptionsByTopic: () => subscriptionsXml() },
      'warning',
      'Nobody has subscribed',
    ],
  ])('%s', async (_, other, outcome, says) => {
    expect(await of('alarm topic', other, { alarmTopicArn })).toMatchObject([
      { about: 'ops', outcome, says: expect.stringContaining(says) },
    ]);
  });

  test('of another Region is told nothing', async () => {
    expect(
      await of('alarm topic', {}, { alarmTopicArn: alarmTopicArn.replace('us-east-1', 'eu-west-1') }),
    ).toMatchObject([{ outcome: 'problem', next: expect.stringContaining('--region us-east-1') }]);
  });
});

function queryError(code: string, status: number): Reply {
  return xml(
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
    status,
  );
}

describe('lake doctor --stack', () => {
  const TOPIC = `arn:aws:sns:us-east-1:${ACCOUNT}:Logs-NotificationsTopicEB7A0DF1-abc`;
  const FUNCTIONS = `arn:aws:lambda:us-east-1:${ACCOUNT}:function`;
  const CONTEXT = { sources: [OURS, LOGS], stackName: 'Logs' };
  const OBJECTS = {
    name: 'ours',
    format: 'alb',
    options: {},
    lane: 'objects',
    bucket: 'our-logs',
    prefix: 'alb/',
    suffix: '.gz',
  };
  const EVENTS = { name: 'app', format: 'kong', options: {}, lane: 'events', logGroups: ['/ecs/app'] };
  const STREAMS = { streams: ['Logs-Streams-1'], keepRaw: 'on-error' };

  /** A stack with the two sources. */
  function deployed(objects: object = OBJECTS, status = 'UPDATE_COMPLETE'): Account {
    const sources: Record<string, object[]> = {
      'Logs-LoadObjects': [{ ...objects, ...STREAMS }],
      'Logs-LoadLogEvents': [{ ...EVENTS, ...STREAMS }],
    };
    return {
      DescribeStacks: (name) => (name === 'Logs' ? stackXml(name, status) : toolkit('21')),
      ListStackResources: () =>
        stackResourcesXml([
          ['NotificationsTopicEB7A0DF1', 'AWS::SNS::Topic', TOPIC],
          ['AlarmsTopic0C8B14CE', 'AWS::SNS::Topic', `arn:aws:sns:us-east-1:${ACCOUNT}:Logs-AlarmsTopic`],
          ['LoadObjectsB03C9D3A', 'AWS::Lambda::Function', 'Logs-LoadObjects'],
          ['LoadLogEvents1A2B3C4D', 'AWS::Lambda::Function', 'Logs-LoadLogEvents'],
        ]),
      GetFunctionConfiguration: (name) =>
        json({
          FunctionName: name,
          FunctionArn: `${FUNCTIONS}:${name}`,
          Environment: { Variables: { TRIBUTARY_SOURCES: JSON.stringify(sources[name]) } },
        }),
      GetBucketNotificationConfiguration: () => notifies('Topic', TOPIC, 'alb/', '.gz'),
      DescribeSubscriptionFilters: () =>
        json({ subscriptionFilters: [{ filterName: 'ours', destinationArn: `${FUNCTIONS}:Logs-LoadLogEvents` }] }),
    };
  }

  test('knows the resources that it compares by the ids of the template', () => {
    const ids = [...resources(TEMPLATE).keys()].map(withoutHash);
    for (const id of Object.values(COMPARED)) expect(ids).toContain(id);
  });

  test('finds nothing in a stack that is as cdk.json has it', async () => {
    account = { ...GOOD, ...deployed() };
    const findings = await examined(CONTEXT, { stack: 'Logs', linesPerDay: new Map([['', 1e6]]) });
    expect(findings.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['stack', 'alarm topic']));
  });

  test.each([
    ['CREATE_COMPLETE', 'ok'],
    ['UPDATE_ROLLBACK_COMPLETE', 'warning'],
    ['UPDATE_IN_PROGRESS', 'warning'],
    ['UPDATE_ROLLBACK_FAILED', 'problem'],
  ])('says of a stack that is %s: %s', async (status, outcome) => {
    const [finding] = await of('stack', deployed(OBJECTS, status), CONTEXT, { stack: 'Logs' });
    expect(finding).toMatchObject({ about: 'Logs', outcome });
  });

  test.each([
    ['another prefix', { ...OBJECTS, prefix: 'web/' }],
    ['another format', { ...OBJECTS, format: 'nginx' }],
    ['other content', { ...OBJECTS, exportedLogs: true }],
    ['another lane', { ...OBJECTS, delivery: 'direct' }],
    ['other options', { ...OBJECTS, options: { filters: ['no_http'] } }],
  ])('names a source that is deployed with %s', async (_, objects) => {
    const findings = await of('stack', deployed(objects), CONTEXT, { stack: 'Logs' });
    expect(findings.slice(1)).toMatchObject([
      { outcome: 'warning', says: 'The source ours is deployed otherwise than cdk.json has it.' },
    ]);
  });

  test('names sources that only one of the two has', async () => {
    const findings = await of('stack', deployed({ ...OBJECTS, name: 'before' }), CONTEXT, { stack: 'Logs' });
    expect(findings.slice(1).map(({ says }) => says)).toEqual([
      'The source ours of cdk.json is not deployed.',
      'The source before is deployed and not in cdk.json: a deployment would remove it.',
    ]);
  });

  test('finds notifications that the owner of the bucket has overwritten', async () => {
    const other = { ...deployed(), GetBucketNotificationConfiguration: () => NONE };
    expect(await of('notifications', other, CONTEXT, { stack: 'Logs' })).toMatchObject([
      { outcome: 'problem', next: expect.stringContaining('lake -- audit --stack Logs --fix') },
    ]);
  });

  test('finds a log group whose filter was deleted', async () => {
    const other = { ...deployed(), DescribeSubscriptionFilters: () => json({ subscriptionFilters: filters(1) }) };
    expect(await of('subscription filters', other, CONTEXT, { stack: 'Logs' })).toMatchObject([
      { outcome: 'problem', says: 'The stack is not subscribed to it: its events are not loaded.' },
    ]);
  });

  test('takes the quota that the stream itself publishes', async () => {
    const quota: Record<string, number> = {
      BytesPerSecondLimit: 100 * 2 ** 20,
      RecordsPerSecondLimit: 5e5,
      PutRequestsPerSecondLimit: 2000,
    };
    const at = (minutes: number) => new Date(Date.parse('2026-01-05T10:00:00Z') + minutes * 60_000).getTime() / 1000;
    const other: Account = {
      ...deployed(),
      GetMetricStatistics: (name) =>
        json({
          Datapoints: [
            { Timestamp: at(60), Maximum: quota[name] },
            { Timestamp: at(0), Maximum: 1 },
          ],
        }),
    };
    const volume = { stack: 'Logs', linesPerDay: new Map([['ours', 4e9]]) };
    const [finding] = await of('Firehose throughput', other, CONTEXT, volume);
    expect(finding).toMatchObject({
      outcome: 'ok',
      says: expect.stringContaining('takes 100, as Firehose itself says'),
    });
  });

  test('refuses the name of a stack that is not there', async () => {
    account = GOOD;
    await expect(examined(CONTEXT, { stack: 'Logs' })).rejects.toThrow(
      'stack Logs: Stack with id Logs does not exist; --stack expects the name of a deployed stack',
    );
  });
});

describe('the command', { timeout: 60_000 }, () => {
  const LAKE = fileURLToPath(new URL('../../../bin/lake.ts', import.meta.url));

  async function doctor(...args: readonly string[]) {
    const child = spawn(process.execPath, [LAKE, 'doctor', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code, stdout, stderr };
  }

  test('ends with 3 if it found a problem, and with 0 otherwise', async () => {
    account = GOOD;
    const sources = JSON.stringify([LOGS]);
    const good = await doctor('-c', `sources=${sources}`, '--lines-per-day', '1e6', '--json');
    expect([good.code, good.stderr]).toEqual([0, '']);
    expect(JSON.parse(good.stdout)).toMatchObject({ region: 'us-east-1', stack: null, problem: 0, 'not known': 0 });
    account = { ...GOOD, DescribeLogGroups: () => json({ logGroups: [] }) };
    const bad = await doctor('-c', `sources=${sources}`);
    expect([bad.code, bad.stderr]).toEqual([3, '']);
    expect(bad.stdout).toMatch(/^problem {4}log group \/ecs\/app: It does not exist in us-east-1/m);
    expect(bad.stdout).toMatch(/1 problem, 1 not known\.\n$/);
  });
});

describe('docs/operations.md', () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

  test('has a row for each check, with what it finds, and names every action that the caller needs', () => {
    const section = /^## lake doctor\n([\s\S]*?)^## /m.exec(page)?.[1] ?? '';
    for (const { name } of CHECKS) expect(section).toContain(`\n| ${name} |`);
    expect(section.match(/^\| (?!check|---)/gm)).toHaveLength(CHECKS.length);
    const [, permissions = ''] = /^\| `lake doctor` \|(.*)\|$/m.exec(page) ?? [];
    const actions = new Set(CHECKS.flatMap((check) => check.actions));
    for (const action of actions) expect(permissions).toContain(`\`${action}\``);
    expect(new Set(permissions.match(/\w+:\w+/g))).toEqual(actions);
  });
});

describe('a pattern of IAM', () => {
  test.each([
    ['arn:aws:s3:::our-logs/*', 'arn:aws:s3:::our-logs/a/b', true],
    ['arn:aws:s3:::our-logs/*/AWSLogs/*', 'arn:aws:s3:::our-logs/a/b/AWSLogs/c', true],
    ['arn:aws:s3:::our-logs/AWSLogs/*', 'arn:aws:s3:::our-logs/a/AWSLogs/c', false],
    ['s3:Put?bject', 's3:PutObject', true],
    ['*', '', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXcYb', false],
    ['', 'a', false],
  ])('%s with %s: %s', (pattern, value, expected) => {
    expect(matches(pattern, value)).toBe(expected);
  });

  test('agrees with a regular expression', () => {
    const letters = (of: string) => fc.string({ unit: fc.constantFrom(...of), maxLength: 12 });
    fc.assert(
      fc.property(letters('ab*?'), letters('ab'), (pattern, value) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(matches(pattern, value)).toBe(expression.test(value));
      }),
    );
  });
});
