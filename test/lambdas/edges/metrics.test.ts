import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deliveries } from '../../../lambdas/edges/firehose.ts';
import {
  putCountMetrics,
  putDeliveryMetrics,
  putHandingOnMetric,
  putSkipMetric,
  putSlowMetric,
  putTrackMetric,
} from '../../../lambdas/edges/metrics.ts';
import { capturePrinted } from '../../helpers/printed.ts';

const NOW = Date.parse('2026-01-05T10:30:00.500Z');
const printed = capturePrinted();

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const COUNTED = { source: 'web', sampleRate: 0.25, checked: 40, withinObject: 3, acrossObjects: -2 };
const minuteOf = (time: string) => Date.parse(time) / 60_000;

describe('metrics', () => {
  test.each([
    ['an input left alone', () => putSkipMetric('web', 'held'), { InputsSkipped: [1, 'Count'] }, { reason: 'held' }],
    ['a payload not checked', () => putHandingOnMetric('web'), { PayloadsNotChecked: [1, 'Count'] }, {}],
    [
      'an input delivered again',
      () => putTrackMetric('web', 'InputsRedelivered', 1, 's3://example-logs/a'),
      { InputsRedelivered: [1, 'Count'] },
      { label: 's3://example-logs/a' },
    ],
    [
      'records outside the window',
      () => putTrackMetric('web', 'RecordsOutsideWindow', 17, 's3://example-logs/a'),
      { RecordsOutsideWindow: [17, 'Count'] },
      { label: 's3://example-logs/a' },
    ],
    [
      'a minute that was counted',
      () => putCountMetrics({ ...COUNTED, minute: minuteOf('2026-01-05T10:20:00Z') }),
      {
        RecordsChecked: [40, 'Count'],
        DuplicatesWithinObject: [3, 'Count'],
        DuplicatesAcrossObjects: [-2, 'Count'],
      },
      { minute: '2026-01-05T10:20:00.000Z', sampleRate: '0.25' },
    ],
  ] as const)('the metrics of %s are one line, by source and nothing finer', (_, put, metrics, rest) => {
    put();
    expect(printed.metrics).toHaveLength(1);
    expect(printed.metrics).toMatchObject([
      { namespace: 'Tributary', dimensions: { service: 'tributary', source: 'web' }, metrics, rest },
    ]);
    expect(Object.keys(printed.metrics[0]?.metrics ?? {})).toEqual(Object.keys(metrics));
  });

  test.each([
    ['a load that takes long', () => putSlowMetric('web', 'UnfinishedSeconds', 90)],
    ['a payload not checked', () => putHandingOnMetric('web')],
  ])('the metric of %s has a series of the source and one of the whole stack', (_, put) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    put();
    const line = JSON.parse(String(write.mock.calls[0]?.[0]));
    expect(line._aws.CloudWatchMetrics[0].Dimensions).toEqual([['service', 'source'], ['service']]);
  });

  test('what was sent is put once, and a wait for a stream from a second on', () => {
    const deliveries = new Deliveries();
    putDeliveryMetrics('web', deliveries);
    expect(printed.metrics).toEqual([]);
    deliveries.add(5120);
    deliveries.longestWait = 999;
    putDeliveryMetrics('web', deliveries);
    deliveries.longestWait = 1500;
    putDeliveryMetrics('web', deliveries);
    expect(printed.metrics.map(({ metrics }) => metrics)).toEqual([
      { BytesBilled: [5120, 'Bytes'] },
      { ThrottledSeconds: [1.5, 'Seconds'] },
    ]);
  });

  test.each([
    ['the minute itself', '2026-01-05T10:20:00Z', Date.parse('2026-01-05T10:20:00Z')],
    ['now for a minute to come, which CloudWatch would not take', '2026-01-05T13:00:00Z', NOW],
  ])('the metrics of a count are stamped with %s', (_, time, timestamp) => {
    putCountMetrics({ ...COUNTED, minute: minuteOf(time) });
    expect(printed.metrics.map((line) => line.timestamp)).toEqual([timestamp]);
  });

  test('the metrics of one source do not come with those of the source before', () => {
    putSkipMetric('web', 'held');
    putHandingOnMetric('app');
    expect(printed.metrics.map(({ dimensions, metrics }) => [dimensions.source, Object.keys(metrics)])).toEqual([
      ['web', ['InputsSkipped']],
      ['app', ['PayloadsNotChecked']],
    ]);
  });
});
