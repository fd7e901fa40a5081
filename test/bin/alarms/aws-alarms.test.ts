import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { awsAlarms } from '../../../bin/alarms/aws-alarms.ts';
import { clientEnvironment } from '../../helpers/client-options.ts';
import {
  type FakeService,
  failure,
  json,
  openFakeService,
  type Reply,
  type ServedRequest,
} from '../../helpers/fake-service.ts';

const NAMES = Array.from({ length: 130 }, (_, index) => `logs-${index}`);
let service: FakeService;

beforeAll(async () => {
  service = await openFakeService(answer);
  for (const [name, value] of Object.entries(clientEnvironment(service.url))) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
});

const xml = (action: string, result: string): Reply => ({
  headers: { 'content-type': 'text/xml' },
  body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
});

function answer({ operation, body }: ServedRequest): Reply {
  if (operation.endsWith('.DescribeAlarms')) return json(described(JSON.parse(body)));
  const parameters = new URLSearchParams(body);
  if (parameters.get('StackName') !== 'Logs') return failure('ValidationError');
  const members = NAMES.map(
    (name) =>
      `<member><ResourceType>AWS::CloudWatch::Alarm</ResourceType><PhysicalResourceId>${name}</PhysicalResourceId></member>`,
  );
  return parameters.get('Action') === 'DescribeStacks'
    ? xml('DescribeStacks', '<Stacks><member><StackName>Logs</StackName></member></Stacks>')
    : xml('ListStackResources', `<StackResourceSummaries>${members.join('')}</StackResourceSummaries>`);
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
function described({ AlarmNames, MaxRecords }: { AlarmNames: readonly string[]; MaxRecords: number }): unknown {
  expect(AlarmNames.length).toBeLessThanOrEqual(100);
  return {
    MetricAlarms: AlarmNames.slice(0, MaxRecords).map((AlarmName) => ({
      AlarmName,
      AlarmDescription: `${AlarmName} has happened.`,
      StateValue: AlarmName === 'logs-120' ? 'ALARM' : 'OK',
      StateReason: 'Threshold Crossed: 1 datapoint [3.0 (05/01/26 10:25:00)] was greater than the threshold (0.0).',
      StateTransitionedTimestamp: 1767608700,
      ActionsEnabled: AlarmName !== 'logs-1',
      AlarmActions: AlarmName === 'logs-0' ? [] : ['arn:aws:sns:us-east-1:123456789012:pager'],
    })),
  };
}

test('the alarms of a deployed stack are those that CloudFormation made, as CloudWatch has them', async () => {
  const alarms = await awsAlarms('Logs');
  expect(alarms.map(({ name }) => name).sort()).toEqual([...NAMES].sort());
  expect(alarms[0]).toEqual({
    name: 'logs-120',
    state: 'ALARM',
    reason: 'Threshold Crossed: 1 datapoint [3.0 (05/01/26 10:25:00)] was greater than the threshold (0.0).',
    description: 'logs-120 has happened.',
    since: '2026-01-05T10:25:00.000Z',
    actions: true,
  });
  expect(alarms.filter(({ actions }) => !actions).map(({ name }) => name)).toEqual(['logs-0', 'logs-1']);
});

test('a stack that is not there is named', async () => {
  await expect(awsAlarms('Other')).rejects.toThrow(/^stack Other: .*; --stack expects the name of a deployed stack/);
});
