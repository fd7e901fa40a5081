import { describe, expect, test } from 'vitest';
import type { Alarm } from '../../bin/alarms/alarm.ts';
import { parseExpression } from '../../bin/alarms/expression.ts';
import { ALARM_KINDS } from '../../lib/alarms/alarm.ts';
import { placesOf } from '../../lib/alarms/places.ts';
import { alarmsOf } from '../../lib/alarms/stack-alarms.ts';
import { type Context, DEMO_SOURCES, readConfig } from '../../lib/config/config.ts';
import { alarmsOfStack } from '../helpers/alarms.ts';
import { readable, resources, statements, templateOf } from '../helpers/template.ts';

const logGroups = (count: number) => Array.from({ length: count }, (_, index) => `/example/${index}`);

const STACKS: readonly (readonly [string, Context])[] = [
  ['the stack without configuration', {}],
  ['a stack with every kind of input', { sources: DEMO_SOURCES }],
  ['a stack that asks for alarms of duplicates', { sources: DEMO_SOURCES, 'duplicates.alarmPercent': 2 }],
  ['a stack with many streams', { sources: DEMO_SOURCES, streamsPerTable: 8 }],
  [
    'a stack with many log groups',
    { sources: [{ name: 'app', format: 'json', columns: { n: 'int' }, from: { logGroups: logGroups(30) } }] },
  ],
  [
    'a stack with many sources',
    {
      sources: Array.from({ length: 12 }, (_, index) => ({
        name: `s${index}`,
        format: 'alb',
        from: { prefix: `${index}/` },
      })),
    },
  ],
  ['a stack with every lane', { sources: DEMO_SOURCES, keepDirectLane: true }],
  ['a stack without the duplicate check', { 'duplicates.enabled': false }],
];

/** The alarms of a configuration, without a template. */
const definitionsOf = (context: Context) => {
  const config = readConfig(context);
  return alarmsOf(config, placesOf(config, 'tributary'));
};

const sourceOf = ({ name }: Alarm) => /^tributary-(?:lines|delivery|duplicates)-(.*)$/.exec(name)?.[1];

describe.each(STACKS)('%s', (_, context) => {
  const alarms = alarmsOfStack(context);

  test('has at most thirteen alarms of its own and two of each source, besides the one that is asked for', () => {
    const ofStack = alarms.filter((alarm) => sourceOf(alarm) === undefined);
    expect(ofStack.length).toBeGreaterThan(3);
    expect(ofStack.length).toBeLessThanOrEqual(13);
    const asked = context['duplicates.alarmPercent'] === undefined ? 0 : 1;
    for (const { name } of readConfig(context).sources)
      expect(alarms.filter((alarm) => sourceOf(alarm) === name)).toHaveLength(2 + asked);
  });

  test('has alarms as CloudWatch takes them', () => {
    expect(new Set(alarms.map(({ name }) => name)).size).toBe(alarms.length);
    for (const alarm of alarms) {
      const { metrics, expression, periodSeconds, evaluationPeriods, datapointsToAlarm, description } = alarm;
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
      expect(metrics.length).toBeLessThanOrEqual(10);
      expect(periodSeconds % 60).toBe(0);
      expect(periodSeconds * evaluationPeriods).toBeLessThanOrEqual(86_400);
      expect(datapointsToAlarm).toBeLessThanOrEqual(evaluationPeriods);
      expect(description.length).toBeLessThanOrEqual(1024);
      expect(expression?.length ?? 0).toBeLessThanOrEqual(1024);
      const ids = metrics.map(({ id }) => id);
      for (const id of ids) expect(id).toMatch(/^[a-z]\w*$/);
      expect(new Set(ids).size).toBe(ids.length);
      if (expression === undefined) expect(ids).toHaveLength(1);
      // Every metric is used, and every name is one.
      const used = new Set<string>();
      parseExpression(expression ?? ids[0] ?? '')((id) => {
        used.add(id);
        return undefined;
      });
      for (const id of ids) expect(expression ?? id).toMatch(new RegExp(`\\b${id}\\b`));
      expect([...used].filter((id) => !ids.includes(id))).toEqual([]);
    }
  });

  test('treats periods without data as good ones', () => {
    expect(new Set(alarms.map(({ treatMissingData }) => treatMissingData))).toEqual(new Set(['notBreaching']));
  });

  test('says in each message what has happened, what to type and where to read on', () => {
    for (const { description } of alarms)
      expect(description).toMatch(
        /^[A-Z].*\.(?: Begin with: npm run lake -- .* --stack Tributary)? \(docs\/operations\.md#alarm-[\w-]+\)$/,
      );
  });

  test('has the metrics that lake plan counts', () => {
    expect(definitionsOf(context).map(({ metrics }) => Object.keys(metrics))).toEqual(
      alarms.map(({ metrics }) => metrics.map(({ id }) => id)),
    );
  });
});

test('every kind of alarm is in a stack with everything', () => {
  const everything = definitionsOf({ sources: DEMO_SOURCES, 'duplicates.alarmPercent': 2, keepDirectLane: true });
  const kinds = new Set(everything.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual([...ALARM_KINDS].sort());
});

test('a source that is retired has no alarms of its own', () => {
  const sources = [
    { name: 'alb', format: 'alb', from: { prefix: 'new/' } },
    { name: 'old', format: 'alb', from: { prefix: 'old/' }, retired: true },
  ];
  const named = new Set(definitionsOf({ sources }).map(({ source }) => source));
  expect([...named]).toEqual([undefined, 'alb']);
});

test('a slow function has its message back before the queue is late', () => {
  const [late] = definitionsOf({ timeoutSeconds: 900 }).filter(({ kind }) => kind === 'queue-late');
  expect(late?.above).toBe(5400);
});

describe('whom the alarms tell', () => {
  const EMAIL = 'oncall@example.com';
  const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:pager';
  type Template = ReturnType<typeof templateOf>;
  // Here, because a synthesis takes seconds on a busy machine.
  const nobody = templateOf({});
  const topic = templateOf({ alarmTopicArn: TOPIC });
  const both = templateOf({ alarmEmail: EMAIL, alarmTopicArn: TOPIC });
  const actions = (template: Template) => [
    ...new Set(
      [...resources(template, 'AWS::CloudWatch::Alarm').values()].map(({ Properties }) =>
        JSON.stringify([Properties.AlarmActions, Properties.OKActions]),
      ),
    ),
  ];

  test('is nobody by default', () => {
    expect(actions(nobody)).toEqual(['[null,null]']);
    expect(
      [...resources(nobody, 'AWS::SNS::Subscription').values()].map(({ Properties }) => Properties.Protocol),
    ).toEqual(['sqs', 'sqs']);
  });

  test('is a topic that is given', () => {
    expect(actions(topic)).toEqual([JSON.stringify([[TOPIC], [TOPIC]])]);
  });

  test('is an address, through a topic of the stack, and both if both are given', () => {
    const [found = ''] = actions(both);
    expect(found).toMatch(/^\[\[\{"Ref":"AlarmsTopic\w+"\},"arn:aws:sns:eu-west-1:123456789012:pager"\]/);
    const mails = [...resources(both, 'AWS::SNS::Subscription').values()].filter(
      ({ Properties }) => Properties.Protocol === 'email',
    );
    expect(mails.map(({ Properties }) => Properties.Endpoint)).toEqual([EMAIL]);
  });

  test('hears it over TLS only, from the alarms of this stack only', () => {
    const [secure, publish] = statements(both, 'AlarmsTopicPolicy');
    expect(secure).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
    expect(publish).toMatchObject({
      Effect: 'Allow',
      Action: 'sns:Publish',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    const { ArnLike } = (publish?.Condition ?? {}) as { ArnLike?: Record<string, unknown> };
    expect(readable(ArnLike?.['aws:SourceArn'])).toBe(
      'arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:tributary-*',
    );
  });
});
