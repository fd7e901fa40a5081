/**
 * Evaluates alarms as CloudWatch does, from given samples. Pure: it reads no metric itself.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 */
import type { Alarm, Metric, MetricName } from './alarm.ts';
import { parseExpression, type Values } from './expression.ts';

/** A value that a metric had at a time, in milliseconds since the epoch. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** All samples of a metric that may count, in any order. */
export type Samples = (metric: MetricName) => readonly Sample[];

export type State = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** What an evaluation found. */
export interface Evaluation {
  readonly state: State;
  /** Says which values made the state. */
  readonly reason: string;
}

/**
 * CloudWatch looks at somewhat more periods than an alarm counts, in case the newest have no data yet; how many more, it
 * does not say. Its examples have two.
 */
const MORE_PERIODS = 2;

/** @param now milliseconds since the epoch: the last period ends here */
export function evaluate(alarm: Alarm, samples: Samples, now: number): Evaluation {
  const { evaluationPeriods, datapointsToAlarm, threshold, periodSeconds } = alarm;
  const points = pointsOf(alarm, samples, now);
  const real = points.filter((point) => point.value !== undefined);
  // If there are enough values, those that are missing do not count.
  const counted = real.length >= evaluationPeriods ? real.slice(0, evaluationPeriods) : real;
  const missing = evaluationPeriods - counted.length;
  const bad = counted.filter(({ value = 0 }) => value > threshold);
  const period = durationText(periodSeconds);
  const span = evaluationPeriods === 1 ? period : `${evaluationPeriods} periods of ${period}`;
  if (missing === evaluationPeriods && alarm.treatMissingData === 'missing')
    return { state: 'INSUFFICIENT_DATA', reason: `no data in the last ${span}` };
  const treatedAsBad = alarm.treatMissingData === 'breaching' ? missing : 0;
  const state = bad.length + treatedAsBad >= datapointsToAlarm ? 'ALARM' : 'OK';
  const data = missing === 0 ? '' : `; ${missing} had no data`;
  // The newest bad period says which of several conditions it was.
  const values = bad[0] ? `: ${valuesText(alarm, bad[0])}` : '';
  const found =
    evaluationPeriods === 1
      ? `${bad.length === 0 ? 'not above' : 'above'} ${short(threshold)} in the last ${span}`
      : `${bad.length} of the last ${span} above ${short(threshold)} (raised by ${datapointsToAlarm})`;
  return { state, reason: `${found}${values}${data}` };
}

interface Point {
  readonly value: number | undefined;
  /** The values of the metrics by their ids. */
  readonly of: Values;
}

/** The metrics that have a value other than 0; of several with one name, the highest. */
function valuesText({ metrics }: Alarm, { of }: Point): string {
  const byName = new Map<string, number>();
  for (const { id, name } of metrics) byName.set(name, Math.max(byName.get(name) ?? 0, of(id) ?? 0));
  return [...byName].flatMap(([name, value]) => (value === 0 ? [] : [`${name} ${short(value)}`])).join(', ');
}

/** The value of each period that counts, the newest first. */
function pointsOf(alarm: Alarm, samples: Samples, now: number): Point[] {
  const period = alarm.periodSeconds * 1000;
  const count = alarm.evaluationPeriods + MORE_PERIODS;
  const byPeriod = new Map(
    alarm.metrics.map((metric) => {
      const periods = Array.from({ length: count }, (): number[] => []);
      for (const { at, value } of samples(metric)) periods[Math.floor((now - at) / period)]?.push(value);
      return [metric.id, periods.map((values) => statistic(metric, values))] as const;
    }),
  );
  const of =
    (index: number): Values =>
    (id) =>
      byPeriod.get(id)?.[index];
  const watched = alarm.expression === undefined ? undefined : parseExpression(alarm.expression);
  const [only] = alarm.metrics;
  return Array.from({ length: count }, (_, index) => ({
    value: watched ? watched(of(index)) : of(index)(only?.id ?? ''),
    of: of(index),
  }));
}

function statistic({ statistic }: Metric, values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return statistic === 'Sum' ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function durationText(seconds: number): string {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds / 60} min`;
}
