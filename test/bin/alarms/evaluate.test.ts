import { describe, expect, test } from 'vitest';
import type { Alarm } from '../../../bin/alarms/alarm.ts';
import { evaluate } from '../../../bin/alarms/evaluate.ts';
import { DEMO_SOURCES } from '../../../lib/config/config.ts';
import { alarmsOfStack, samplesOf, type Values } from '../../helpers/alarms.ts';

const NOW = Date.parse('2026-01-05T10:30:00Z');

const METRIC = { id: 'm', namespace: 'Example', name: 'Value', dimensions: {}, statistic: 'Maximum' } as const;
const alarmOf = (more: Partial<Alarm>): Alarm => ({
  ...{ name: 'example', description: '', metrics: [METRIC], threshold: 5, periodSeconds: 60 },
  ...{ evaluationPeriods: 3, datapointsToAlarm: 3, treatMissingData: 'notBreaching' },
  ...more,
});

/** The state after periods with these values, the newest last. */
const stateOf = (alarm: Alarm, values: readonly (number | undefined)[]) =>
  evaluate(
    alarm,
    samplesOf(
      alarm,
      values.map((Value) => (Value === undefined ? undefined : { Value })),
      NOW,
    ),
    NOW,
  ).state;

describe('an alarm', () => {
  const gap = undefined;

  // The examples of alarm-evaluation.html and alarms-and-missing-data.html: three of three, five periods looked at.
  test.each([
    ['OK', [0, 9, 9]],
    ['ALARM', [9, 9, 9]],
    ['OK', [9, 9, 9, 0]],
    ['OK', [5, 5, 5]],
    ['ALARM', [9, gap, 9, gap, 9]],
    ['OK', [0, gap, 9, gap, 9]],
    ['OK', [gap, gap, gap, gap, 9]],
    ['OK', [9, 9, 9, gap, gap, gap]],
    ['OK', []],
  ] as const)('of three bad periods in three is %s after %j', (state, values) => {
    expect(stateOf(alarmOf({}), values)).toBe(state);
  });

  test.each([
    ['OK', [0, 9, 0]],
    ['ALARM', [9, 0, 9]],
    ['ALARM', [9, gap, 9]],
    ['OK', [9, 9, 0, 0]],
  ] as const)('of two bad periods in three is %s after %j', (state, values) => {
    expect(stateOf(alarmOf({ datapointsToAlarm: 2 }), values)).toBe(state);
  });

  test.each([
    ['INSUFFICIENT_DATA', 'missing'],
    ['ALARM', 'breaching'],
    ['OK', 'notBreaching'],
  ] as const)('without any data is %s if that is %s', (state, treatMissingData) => {
    expect(stateOf(alarmOf({ treatMissingData }), [])).toBe(state);
  });

  test('says which values made its state', () => {
    const alarm = alarmOf({ datapointsToAlarm: 2, periodSeconds: 300 });
    const { state, reason } = evaluate(alarm, samplesOf(alarm, [{ Value: 7 }, undefined, { Value: 12.346 }], NOW), NOW);
    expect([state, reason]).toEqual([
      'ALARM',
      '2 of the last 3 periods of 5 min above 5 (raised by 2): Value 12.35; 1 had no data',
    ]);
  });

  test('says of several metrics what each of them was when it was bad the last time', () => {
    const metric = (id: string, name: string) => ({ ...METRIC, id, name });
    const metrics = [metric('e', 'Errors'), metric('t', 'Throttles'), metric('i', 'Invocations')];
    const alarm = alarmOf({ metrics, expression: 'IF((e > 1) OR (t > 1), 1, 0)', threshold: 0, datapointsToAlarm: 1 });
    const periods = [
      { Errors: 9, Throttles: 0, Invocations: 9 },
      { Errors: 5, Throttles: 0, Invocations: 6 },
      { Errors: 0, Throttles: 0, Invocations: 7 },
    ];
    expect(evaluate(alarm, samplesOf(alarm, periods, NOW), NOW).reason).toBe(
      '2 of the last 3 periods of 1 min above 0 (raised by 1): Errors 5, Invocations 6',
    );
  });

  test('takes the sum or the maximum of a period, and no sample of the future', () => {
    const samples = () => [2, 3, 4].map((value) => ({ at: NOW - 1000, value })).concat({ at: NOW + 1000, value: 99 });
    const once = { evaluationPeriods: 1, datapointsToAlarm: 1 };
    expect(evaluate(alarmOf({ ...once, threshold: 4 }), samples, NOW).state).toBe('OK');
    const sum = alarmOf({ ...once, threshold: 8, metrics: [{ ...METRIC, statistic: 'Sum' }] });
    expect(evaluate(sum, samples, NOW).reason).toContain(': Value 9');
  });
});

/** Sets of values for periods, the newest last, by which each alarm is raised or not. */
interface Cases {
  readonly raised: readonly (readonly (Values | undefined)[])[];
  readonly quiet: readonly (readonly (Values | undefined)[])[];
}

const many = (count: number, values: Values) => Array.from({ length: count }, () => values);
const load = (more: Values): Values => ({
  ...{ LinesRead: 1000, RowsAcknowledged: 1000, LinesRejected: 0, EmptyRows: 0, RejectedObjects: 0, EmptyObjects: 0 },
  ...more,
});
const deadLetters: Cases = {
  raised: [[{ ApproximateNumberOfMessagesVisible: 1 }]],
  quiet: [
    [{ ApproximateNumberOfMessagesVisible: 0 }],
    [{ ApproximateNumberOfMessagesVisible: 1 }, undefined, undefined, undefined],
  ],
};
const delivery: Cases = {
  raised: [
    [{ 'DeliveryToS3.DataFreshness': 1501 }],
    [{ 'FailedConversion.Records': 1 }, ...many(11, { 'FailedConversion.Records': 0 })],
  ],
  // A buffer that fills for five minutes, and a file that takes five more.
  quiet: [[{ 'DeliveryToS3.DataFreshness': 600, 'FailedConversion.Records': 0 }]],
};
const lines: Cases = {
  raised: [
    [load({ LinesRejected: 120, RowsAcknowledged: 1000 })],
    [load({ EmptyRows: 300, RowsAcknowledged: 1000 })],
    // A quiet source whose lines are all of another format.
    [load({ LinesRejected: 12, RowsAcknowledged: 0 }), undefined],
  ],
  quiet: [
    [load({})],
    // A night of health checks, which are filtered.
    [load({ RowsAcknowledged: 0, EmptyObjects: 1 })],
    // Stray lines.
    [load({ LinesRejected: 3, RowsAcknowledged: 20 }), load({ LinesRejected: 9, RowsAcknowledged: 1000 })],
  ],
};
const subscribed: Cases = {
  raised: [...delivery.raised, [{ DeliveryErrors: 1 }], [{ DeliveryThrottling: 1 }]],
  quiet: [...delivery.quiet, [{ DeliveryErrors: 0, DeliveryThrottling: 0 }]],
};
const failing: Cases = {
  raised: [
    [{ Errors: 3, Throttles: 0, Invocations: 100 }],
    [{ Throttles: 5 }],
    [{ Errors: 3, Throttles: 0, Invocations: 3 }, undefined, undefined, undefined],
  ],
  quiet: [[{ Errors: 2, Throttles: 0, Invocations: 2 }], [{ Errors: 5, Throttles: 5, Invocations: 100_000 }]],
};
const DAY_OF_OBJECTS = many(12, { NumberOfMessagesSent: 12, RowsAcknowledged: 0 });

const CASES: Readonly<Record<string, Cases>> = {
  'queue-late': {
    raised: [many(3, { ApproximateAgeOfOldestMessage: 1801 })],
    quiet: [
      [{ ApproximateAgeOfOldestMessage: 3000 }, { ApproximateAgeOfOldestMessage: 10 }],
      many(3, { ApproximateAgeOfOldestMessage: 900 }),
    ],
  },
  'dead-letters': deadLetters,
  'load-objects': failing,
  unfinished: { raised: [[{ UnfinishedSeconds: 7300 }]], quiet: [many(12, { UnfinishedSeconds: 1200 })] },
  'no-rows': {
    raised: [DAY_OF_OBJECTS],
    // Nobody sends anything; and one row in between.
    quiet: [
      many(12, { NumberOfMessagesSent: 0 }),
      [...DAY_OF_OBJECTS, { NumberOfMessagesSent: 1, RowsAcknowledged: 1 }],
    ],
  },
  'load-log-events': {
    raised: [...failing.raised, [{ Duration: 271_000 }]],
    quiet: [...failing.quiet, [{ Duration: 60_000 }]],
  },
  'events-given-up': {
    raised: [[{ AsyncEventsDropped: 1 }], [{ DestinationDeliveryFailures: 1 }]],
    quiet: [[{ AsyncEventsDropped: 0 }]],
  },
  throttled: {
    raised: [many(6, { ThrottledSeconds: 61 })],
    quiet: [many(6, { ThrottledSeconds: 20 }), [{ ThrottledSeconds: 200 }]],
  },
  'lake-tables': delivery,
  'new-fields': { raised: [[{ UnknownFields: 1 }, undefined]], quiet: [[{ UnknownFields: 0 }]] },
  check: {
    raised: [
      // One of each of the three functions.
      [{ Errors: 1 }],
      [{ Duration: 271_000 }],
      [{ AsyncEventsDropped: 1 }],
      [{ PayloadsNotChecked: 1 }],
      [{ ApproximateNumberOfMessagesVisible: 1 }],
    ],
    quiet: [[{ Errors: 0, Duration: 30_000 }]],
  },
  direct: {
    raised: [
      [{ Errors: 2 }],
      [{ ApproximateNumberOfMessagesVisible: 1 }],
      [{ WaitingSeconds: 3601 }],
      [{ UnwrittenSeconds: 3901 }],
      [{ SealedSeconds: 901 }],
      [{ UploadsNotCompleted: 1 }],
    ],
    quiet: [
      [{ Errors: 1, ApproximateNumberOfMessagesVisible: 0 }],
      [{ WaitingSeconds: 1300, UnwrittenSeconds: 1300, SealedSeconds: 400 }],
    ],
  },
  commits: {
    raised: [[{ Errors: 3 }], [{ UncommittedSeconds: 2101 }], [{ TableMetadataBytes: 15_000_001 }]],
    quiet: [[{ Errors: 2, UncommittedSeconds: 1000, TableMetadataBytes: 3_000_000 }]],
  },
  'lines-alb': {
    raised: [...lines.raised, [load({ RejectedObjects: 1, LinesRejected: 1 })]],
    quiet: [...lines.quiet.slice(0, 2), [load({ LinesRejected: 9 })]],
  },
  'delivery-alb': delivery,
  'lines-kong': { raised: lines.raised, quiet: [...lines.quiet, [load({ RejectedObjects: 1, LinesRejected: 1 })]] },
  'delivery-kong': subscribed,
  'lines-app': lines,
  'delivery-app': subscribed,
  'duplicates-alb': {
    raised: [[{ RecordsChecked: 100, DuplicatesWithinObject: 2, DuplicatesAcrossObjects: 1 }]],
    quiet: [
      [{ RecordsChecked: 100, DuplicatesWithinObject: 2, DuplicatesAcrossObjects: 0 }],
      [{ RecordsChecked: 0, DuplicatesWithinObject: 0, DuplicatesAcrossObjects: 0 }],
    ],
  },
};
const LIKE_ALB = ['duplicates-kong', 'duplicates-app'];

test('the alarm of the direct lane is raised by three failures of the function that promotes columns, and by no two', () => {
  const sources = [
    { name: 'app', format: 'json', columns: { a: 'string' }, delivery: 'direct', schemaEvolution: 'auto' },
  ];
  const alarm = alarmsOfStack({ sources }).find(({ name }) => name === 'tributary-direct');
  if (!alarm) throw new Error('expected an alarm of the direct lane');
  const stateAfter = (failures: number) => {
    const samples = samplesOf(alarm, [{ Errors: failures }], NOW);
    const ofPromote: typeof samples = (metric) =>
      JSON.stringify(metric.dimensions).includes('Promote') ? samples(metric) : [];
    return evaluate(alarm, ofPromote, NOW).state;
  };
  expect([2, 3].map(stateAfter)).toEqual(['OK', 'ALARM']);
});

describe('the alarms of the stack', () => {
  const alarms = alarmsOfStack({ sources: DEMO_SOURCES, 'duplicates.alarmPercent': 2, keepDirectLane: true });
  const named = alarms.map((alarm) => [alarm.name.replace('tributary-', ''), alarm] as const);
  const casesOf = (name: string) => CASES[LIKE_ALB.includes(name) ? 'duplicates-alb' : name];

  test('have cases, each of them', () => {
    expect(
      named
        .map(([name]) => name)
        .filter((name) => !LIKE_ALB.includes(name))
        .sort(),
    ).toEqual(Object.keys(CASES).sort());
  });

  test.each(named)('%s is raised by what it is there for, and not by an ordinary day', (name, alarm) => {
    const stateAfter = (periods: readonly (Values | undefined)[]) =>
      evaluate(alarm, samplesOf(alarm, periods, NOW), NOW).state;
    for (const periods of casesOf(name)?.raised ?? [])
      expect([periods, stateAfter(periods)]).toEqual([periods, 'ALARM']);
    for (const periods of casesOf(name)?.quiet ?? []) expect([periods, stateAfter(periods)]).toEqual([periods, 'OK']);
    // A stack to which nothing comes.
    expect(stateAfter([])).toBe('OK');
  });
});
