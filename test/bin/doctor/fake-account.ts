import { afterAll, beforeAll, vi } from 'vitest';
import { planFor, type VolumeOptions } from '../../../bin/commands/plan.ts';
import type { Finding } from '../../../bin/doctor/check.ts';
import { openClients } from '../../../bin/doctor/clients.ts';
import { examine } from '../../../bin/doctor/doctor.ts';
import { deployedStack } from '../../../bin/doctor/examined.ts';
import { listPrices } from '../../../bin/plan/prices.ts';
import { type Context, readConfig } from '../../../lib/config/config.ts';
import { clientEnvironment } from '../../helpers/client-options.ts';
import {
  type FakeService,
  failure,
  json,
  openFakeService,
  type Reply,
  type ServedRequest,
} from '../../helpers/fake-service.ts';

export const ACCOUNT = '123456789012';

/** What an account answers, by operation: a value, or what becomes of the request. */
export interface Account {
  readonly [operation: string]: (about: string, input: Readonly<Record<string, unknown>>) => Reply;
}

/** An account in which everything is as a lake needs it, and nothing is there yet. */
export const GOOD: Account = {
  DescribeStacks: (name) => (name === 'CDKToolkit' ? toolkit('21') : noStack(name)),
  GetAccountSettings: () =>
    json({ AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 1000 }, AccountUsage: {} }),
  GetDataLakeSettings: () => json(dataLakeSettings(true)),
  GetDatabase: () => failure('EntityNotFoundException'),
  DescribeKey: () => json({ KeyMetadata: { KeyId: 'k', KeyState: 'Enabled', AWSAccountId: ACCOUNT } }),
  GetKeyPolicy: () => json({ Policy: policy({ AWS: `arn:aws:iam::${ACCOUNT}:root` }, 'kms:*', '*') }),
  HeadBucket: () => ({ headers: { 'x-amz-bucket-region': 'us-east-1' } }),
  GetBucketNotificationConfiguration: () => xml('<NotificationConfiguration/>'),
  GetBucketPolicy: (bucket) => ({
    body: policy(
      { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
      's3:PutObject',
      `arn:aws:s3:::${bucket}/alb/AWSLogs/${ACCOUNT}/*`,
    ),
  }),
  DescribeLogGroups: (name) =>
    json({ logGroups: [{ logGroupName: `${name}-blue` }, { logGroupName: name, logGroupClass: 'STANDARD' }] }),
  DescribeSubscriptionFilters: () => json({ subscriptionFilters: [] }),
  GetTopicAttributes: (arn) =>
    query(
      'GetTopicAttributes',
      `<Attributes><entry><key>Policy</key><value>${escaped(
        policy({ Service: 'cloudwatch.amazonaws.com' }, 'sns:Publish', arn),
      )}</value></entry></Attributes>`,
    ),
  ListSubscriptionsByTopic: (arn) => subscriptionsXml(`${arn}:11111111-2222-3333-4444-555555555555`),
  GetMetricStatistics: () => json({ Datapoints: [] }),
};

/** Has the services of AWS answer as the account that a test has at the time, while the tests of a file run. */
export function serveAccount(account: () => Account): { readonly requests: FakeService['requests'] } {
  let service: FakeService | undefined;
  beforeAll(async () => {
    service = await openFakeService((request) => answerOf(account(), request));
    const environment = { ...clientEnvironment(service.url), AWS_MAX_ATTEMPTS: '1' };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await service?.close();
  });
  return {
    get requests() {
      return service?.requests ?? [];
    },
  };
}

/** Answers a request of any of the services that are asked, each in its own protocol. */
function answerOf(account: Account, { method, path, operation: target, body }: ServedRequest): Reply {
  const input = body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {};
  const [operation, about] = operationOf(method, path, target, body, input);
  const answer = account[operation];
  if (!answer) throw new Error(`nobody answers ${operation}`);
  return answer(about, input);
}

function operationOf(
  method: string,
  path: string,
  target: string,
  body: string,
  input: Readonly<Record<string, unknown>>,
): readonly [operation: string, about: string] {
  if (target) {
    const { Name, KeyId, logGroupNamePrefix, logGroupName, MetricName, Type } = input;
    const about = Name ?? KeyId ?? logGroupNamePrefix ?? logGroupName ?? MetricName ?? Type;
    return [target.split('.')[1] ?? '', String(about)];
  }
  if (path.startsWith('/2016-08-19/account-settings')) return ['GetAccountSettings', ''];
  const [, functionName] = /\/functions\/([^/]+)\/configuration/.exec(path) ?? [];
  if (functionName) return ['GetFunctionConfiguration', functionName];
  if (path === '/GetDataLakeSettings') return ['GetDataLakeSettings', ''];
  const form = new URLSearchParams(body);
  if (form.has('Action')) return [form.get('Action') ?? '', form.get('StackName') ?? form.get('TopicArn') ?? ''];
  const [, bucket = '', key = ''] = path.split(/[/?]/);
  if (method === 'HEAD') return [key ? 'HeadObject' : 'HeadBucket', bucket];
  if (path.includes('list-type=2')) return ['ListObjectsV2', bucket];
  if (path.includes('?notification')) return ['GetBucketNotificationConfiguration', bucket];
  return ['GetBucketPolicy', bucket];
}

/** Examines a configuration in the account that the environment's endpoint answers for. */
export async function examined(
  context: Context,
  { stack, ...volume }: { readonly stack?: string } & Partial<VolumeOptions> = {},
): Promise<Finding[]> {
  const { clients, region } = await openClients();
  const config = readConfig(context);
  const { linesPerDay, peak = 2 } = volume;
  return examine(clients, {
    config,
    region,
    plan: linesPerDay && planFor(config, { ...volume, linesPerDay, peak }, listPrices()).made,
    stack: stack === undefined ? undefined : await deployedStack(clients, stack),
  });
}

export function xml(body: string, status = 200): Reply {
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function s3Error(code: string, status: number): Reply {
  return xml(`<Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`, status);
}

export function noStack(name: string): Reply {
  const error = `<Code>ValidationError</Code><Message>Stack with id ${name} does not exist</Message>`;
  return xml(`<ErrorResponse><Error><Type>Sender</Type>${error}</Error></ErrorResponse>`, 400);
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html */
export function stackXml(name: string, status: string, outputs: Readonly<Record<string, string>> = {}): Reply {
  const id = `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/${name}/11111111-2222-3333-4444-555555555555`;
  const members = Object.entries(outputs)
    .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
    .join('');
  return xml(
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>${name}</StackName><StackId>${id}</StackId>` +
      `<StackStatus>${status}</StackStatus><Outputs>${members}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  );
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html */
export function stackResourcesXml(
  resources: readonly (readonly [logicalId: string, type: string, physicalId: string])[],
): Reply {
  const members = resources.map(
    ([id, type, physical]) =>
      `<member><LogicalResourceId>${id}</LogicalResourceId><ResourceType>${type}</ResourceType><PhysicalResourceId>${physical}</PhysicalResourceId></member>`,
  );
  return query('ListStackResources', `<StackResourceSummaries>${members.join('')}</StackResourceSummaries>`);
}

export function toolkit(version: string, status = 'UPDATE_COMPLETE'): Reply {
  return stackXml('CDKToolkit', status, { BootstrapVersion: version });
}

/** https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html */
export function subscriptionsXml(...arns: readonly string[]): Reply {
  const members = arns.map(
    (arn) => `<member><SubscriptionArn>${arn}</SubscriptionArn><Endpoint>ops@example.com</Endpoint></member>`,
  );
  return query('ListSubscriptionsByTopic', `<Subscriptions>${members.join('')}</Subscriptions>`);
}

/** A result in the query protocol. */
export function query(operation: string, result: string): Reply {
  return xml(`<${operation}Response><${operation}Result>${result}</${operation}Result></${operation}Response>`);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

/** @param byIam whether new databases and tables are left to IAM */
export function dataLakeSettings(byIam: boolean, admins: readonly string[] = []): object {
  const permissions = byIam
    ? [{ Principal: { DataLakePrincipalIdentifier: 'IAM_ALLOWED_PRINCIPALS' }, Permissions: ['ALL'] }]
    : [];
  return {
    DataLakeSettings: {
      DataLakeAdmins: admins.map((arn) => ({ DataLakePrincipalIdentifier: arn })),
      CreateDatabaseDefaultPermissions: permissions,
      CreateTableDefaultPermissions: permissions,
    },
  };
}

export function policy(principal: unknown, action: string, resource: string): string {
  const statement = { Effect: 'Allow', Principal: principal, Action: action, Resource: resource };
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}
