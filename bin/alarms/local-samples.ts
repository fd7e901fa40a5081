/** Samples of a local lake's metrics: of its functions' logs, and of the messages in its queues. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { METRIC_NAMESPACE } from '../../lambdas/core/settings.ts';
import { DELIVERY_LOG, deliveryIn, invocationIn, isDropped, timeOf } from '../../local/lambda/log-lines.ts';
import { isObject } from '../../local/template/intrinsics.ts';
import type { MetricName } from './alarm.ts';
import type { Sample, Samples } from './evaluate.ts';

/** CloudWatch has a value of a queue for each minute. */
const MINUTE_MS = 60_000;

/** Longest time back for which the values of a queue are made: more than any alarm looks at. */
const QUEUE_MINUTES = 120;

/**
 * The metrics of the lake in a folder, as CloudWatch would have them. Of those that are not measured here there is no
 * sample. A log that has grown too long for one file has lost its oldest lines.
 */
export function localSamples(dir: string, now: number): Samples {
  const logged = loggedSamples(dir);
  return (metric) =>
    metric.namespace === 'AWS/SQS' ? queueSamples(dir, metric, now) : (logged.get(keyOf(metric)) ?? []);
}

/** What of AWS's own metrics this machine has, or need not have: nothing is throttled or refused here. */
const MEASURED: Readonly<Record<string, readonly string[]>> = {
  'AWS/SQS': ['ApproximateAgeOfOldestMessage', 'ApproximateNumberOfMessagesVisible'],
  'AWS/Firehose': ['DeliveryToS3.DataFreshness', 'FailedConversion.Records'],
  'AWS/Logs': ['DeliveryErrors', 'DeliveryThrottling'],
  'AWS/Lambda': ['Invocations', 'Errors', 'Duration', 'Throttles', 'AsyncEventsDropped', 'DestinationDeliveryFailures'],
};

/** Whether the samples of a metric say everything about it. */
export function isMeasured({ namespace, name }: MetricName): boolean {
  return namespace === METRIC_NAMESPACE || (MEASURED[namespace]?.includes(name) ?? false);
}

function keyOf({ namespace, name, dimensions }: MetricName): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Samples of everything in the logs, by `keyOf`. */
function loggedSamples(dir: string): ReadonlyMap<string, readonly Sample[]> {
  const samples = new Map<string, Sample[]>();
  const add = (metric: MetricName, sample: Sample) => {
    const key = keyOf(metric);
    const known = samples.get(key);
    if (known) known.push(sample);
    else samples.set(key, [sample]);
  };
  for (const file of globSync(join(dir, 'logs', '*.log*'))) {
    const FunctionName = basename(file).replace(/\.log(?:\.\d)?$/, '');
    const ofFunction = (name: string, sample: Sample) =>
      add({ namespace: 'AWS/Lambda', name, dimensions: { FunctionName } }, sample);
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line.includes('"_aws"')) for (const [metric, sample] of embeddedMetrics(line)) add(metric, sample);
      const invocation = invocationIn(line);
      if (invocation) {
        const { at, milliseconds, ok } = invocation;
        ofFunction('Invocations', { at, value: 1 });
        ofFunction('Errors', { at, value: ok ? 0 : 1 });
        ofFunction('Duration', { at, value: milliseconds });
      } else if (isDropped(line)) {
        ofFunction('AsyncEventsDropped', { at: timeOf(line), value: 1 });
      } else if (basename(file).startsWith(DELIVERY_LOG)) {
        for (const [metric, sample] of deliveryMetrics(line)) add(metric, sample);
      }
    }
  }
  return samples;
}

/** Firehose's metrics in a line about a delivery. */
function deliveryMetrics(line: string): [MetricName, Sample][] {
  const delivery = deliveryIn(line);
  if (!delivery) return [];
  const at = timeOf(line);
  const of = (name: string, value: number): [MetricName, Sample] => [
    { namespace: 'AWS/Firehose', name, dimensions: { DeliveryStreamName: delivery.stream } },
    { at, value },
  ];
  return [
    of('DeliveryToS3.DataFreshness', delivery.freshnessSeconds),
    of('FailedConversion.Records', delivery.failedRecords),
  ];
}

/**
 * The metrics in a line of the embedded metric format, each once for every set of dimensions.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
function* embeddedMetrics(line: string): Generator<[MetricName, Sample]> {
  const values = objectIn(line);
  if (!values || !isObject(values._aws)) return;
  const { Timestamp, CloudWatchMetrics } = values._aws;
  for (const directive of listOf(CloudWatchMetrics)) {
    if (!isObject(directive)) continue;
    for (const set of listOf(directive.Dimensions)) {
      const dimensions = Object.fromEntries(listOf(set).map((name) => [String(name), String(values[String(name)])]));
      for (const metric of listOf(directive.Metrics)) {
        const name = isObject(metric) ? String(metric.Name) : '';
        const value = Number(values[name]);
        yield [
          { namespace: String(directive.Namespace), name, dimensions },
          { at: Number(Timestamp), value },
        ];
      }
    }
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function objectIn(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    // The process died while it wrote the line.
    return undefined;
  }
}

/**
 * The minutes of a queue, as far as the messages that are still there tell: what was received and deleted meanwhile has
 * left no trace. The time of a message's file is when it came to its queue; a dead letter's age counts from when it was
 * first sent.
 */
function queueSamples(dir: string, { name, dimensions }: MetricName, now: number): Sample[] {
  const messages = globSync(join(dir, 'queues', dimensions.QueueName ?? '', '*.json')).flatMap((file) => {
    const sentAt = Number(objectIn(readFileSync(file, 'utf8'))?.sentAt);
    return Number.isNaN(sentAt) ? [] : [{ sentAt, cameAt: statSync(file).mtimeMs }];
  });
  return Array.from({ length: QUEUE_MINUTES }, (_, minute) => now - minute * MINUTE_MS).flatMap((at) => {
    const there = messages.filter(({ cameAt }) => cameAt <= at);
    if (name === 'ApproximateNumberOfMessagesVisible') return [{ at, value: there.length }];
    if (name !== 'ApproximateAgeOfOldestMessage') return [];
    return [{ at, value: Math.max(0, ...there.map(({ sentAt }) => (at - sentAt) / 1000)) }];
  });
}
