import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { localAlarms } from '../../../bin/alarms/local-alarms.ts';
import { localSamples } from '../../../bin/alarms/local-samples.ts';
import { writeLakeVersion } from '../../../local/lake-version.ts';
import { deliveryLine, droppedLine, reportLine } from '../../../local/lambda/log-lines.ts';
import { resource, writeAssembly } from '../../helpers/assembly.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const NOW = Date.parse('2026-01-05T10:30:00Z');
const ago = (minutes: number) => NOW - minutes * 60_000;
const timed = (minutes: number, line: string) => `${new Date(ago(minutes)).toISOString()} ${line}\n`;

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

function write(file: string, text: string): string {
  const path = join(dir, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A message that was sent so many minutes ago, and came to the queue so many minutes ago. */
function message(queue: string, id: string, sent: number, came = sent): void {
  const path = write(`queues/${queue}/${id}.json`, JSON.stringify({ id, sentAt: ago(sent) }));
  utimesSync(path, ago(came) / 1000, ago(came) / 1000);
}

const embedded = (minutes: number, values: Readonly<Record<string, unknown>>, sets: readonly (readonly string[])[]) =>
  `${JSON.stringify({
    _aws: {
      Timestamp: ago(minutes),
      CloudWatchMetrics: [{ Namespace: 'Tributary', Dimensions: sets, Metrics: [{ Name: 'RowsAcknowledged' }] }],
    },
    service: 'tributary',
    ...values,
  })}\n`;

const rows = (dimensions: Readonly<Record<string, string>>) => ({
  namespace: 'Tributary',
  name: 'RowsAcknowledged',
  dimensions,
});

describe('the metrics of a local lake', () => {
  test('are what the functions log, for each set of dimensions', () => {
    const both = [['service', 'source'], ['service']];
    write('logs/load-objects.log.1', embedded(9, { source: 'web', RowsAcknowledged: 5 }, both));
    write('logs/load-objects.log', `${embedded(3, { source: 'app', RowsAcknowledged: 7 }, both)}{"_aws": torn`);
    const samples = localSamples(dir, NOW);
    expect(samples(rows({ source: 'web', service: 'tributary' }))).toEqual([{ at: ago(9), value: 5 }]);
    expect(
      samples(rows({ service: 'tributary' }))
        .map(({ value }) => value)
        .sort(),
    ).toEqual([5, 7]);
    expect(samples(rows({ source: 'other', service: 'tributary' }))).toEqual([]);
  });

  test('are the invocations, errors and dropped events of a function', () => {
    write(
      'logs/load-log-events.log',
      timed(4, reportLine('r-1', 12.345, true)) + timed(3, reportLine('r-2', 90, false)) + timed(2, droppedLine('r-2')),
    );
    const of = (name: string) =>
      localSamples(dir, NOW)({ namespace: 'AWS/Lambda', name, dimensions: { FunctionName: 'load-log-events' } });
    expect(of('Invocations').map(({ value }) => value)).toEqual([1, 1]);
    expect(of('Errors')).toEqual([
      { at: ago(4), value: 0 },
      { at: ago(3), value: 1 },
    ]);
    expect(of('Duration').map(({ value }) => value)).toEqual([12.35, 90]);
    expect(of('AsyncEventsDropped')).toEqual([{ at: ago(2), value: 1 }]);
  });

  test('are the deliveries of a stream', () => {
    write(
      'logs/delivery.log',
      timed(2, deliveryLine({ stream: 'streams-web', freshnessSeconds: 61, failedRecords: 2, message: 'no row' })),
    );
    const of = (name: string, DeliveryStreamName = 'streams-web') =>
      localSamples(dir, NOW)({ namespace: 'AWS/Firehose', name, dimensions: { DeliveryStreamName } });
    expect(of('DeliveryToS3.DataFreshness')).toEqual([{ at: ago(2), value: 61 }]);
    expect(of('FailedConversion.Records')).toEqual([{ at: ago(2), value: 2 }]);
    expect(of('FailedConversion.Records', 'streams-other')).toEqual([]);
  });

  test('are the age and the number of messages of a queue, minute by minute', () => {
    message('queue', 'first', 40);
    message('queue', 'second', 3, 2);
    write('queues/queue/damaged.json', 'no message');
    const of = (name: string) =>
      localSamples(dir, NOW)({ namespace: 'AWS/SQS', name, dimensions: { QueueName: 'queue' } });
    const at = (name: string, minutes: number) => of(name).find((sample) => sample.at === ago(minutes))?.value;
    expect([0, 2, 3, 40, 41].map((minutes) => at('ApproximateNumberOfMessagesVisible', minutes))).toEqual([
      2, 2, 1, 1, 0,
    ]);
    expect([0, 10, 41].map((minutes) => at('ApproximateAgeOfOldestMessage', minutes))).toEqual([2400, 1800, 0]);
  });
});

describe('the alarms of a local lake', () => {
  const alarm = (name: string, metric: string, namespace = 'AWS/SQS') =>
    resource('AWS::CloudWatch::Alarm', `Alarms/${name}`, {
      AlarmName: `tributary-${name}`,
      AlarmDescription: `Something. Begin with: npm run lake -- redrive --dry-run --stack Tributary (docs/operations.md#alarm-${name})`,
      ComparisonOperator: 'GreaterThanThreshold',
      ...{ Threshold: 0, EvaluationPeriods: 1, DatapointsToAlarm: 1, TreatMissingData: 'notBreaching' },
      Metrics: [
        {
          Id: 'm',
          MetricStat: {
            Metric: {
              Namespace: namespace,
              MetricName: metric,
              Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['Dead', 'QueueName'] } }],
            },
            ...{ Period: 300, Stat: 'Maximum' },
          },
          ReturnData: true,
        },
      ],
    });

  beforeEach(async () => {
    await writeLakeVersion(dir);
    writeAssembly(join(dir, 'stack'), {
      resources: {
        Dead: resource('AWS::SQS::Queue', 'Dead/Resource'),
        NoRows: alarm('no-rows', 'NumberOfMessagesSent'),
        DeadLetters: alarm('dead-letters', 'ApproximateNumberOfMessagesVisible'),
      },
    });
  });

  test('are evaluated, those that are raised first, with the command for this lake', () => {
    message('dead', 'letter', 1);
    expect(localAlarms(dir, NOW)).toEqual([
      {
        name: 'tributary-dead-letters',
        state: 'ALARM',
        reason: 'above 0 in the last 5 min: ApproximateNumberOfMessagesVisible 1',
        description: `Something. Begin with: npm run lake -- redrive --dry-run --lake ${dir} (docs/operations.md#alarm-dead-letters)`,
      },
      expect.objectContaining({
        name: 'tributary-no-rows',
        state: 'INSUFFICIENT_DATA',
        reason: 'not measured on this machine: AWS/SQS NumberOfMessagesSent',
      }),
    ]);
  });

  test('calm down when the dead letter is gone', () => {
    expect(localAlarms(dir, NOW).map(({ state }) => state)).toEqual(['INSUFFICIENT_DATA', 'OK']);
  });
});
