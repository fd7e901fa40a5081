/** Alarms as they stand in a template: AWS::CloudWatch::Alarm with a list of metrics. */
import { z } from 'zod';
import { propertiesOf } from '../../local/template/properties.ts';
import type { Resource } from '../../local/template/resource.ts';

/** Which metric is meant. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** A metric that an alarm looks at. */
export interface Metric extends MetricName {
  /** Its name in the alarm's expression. */
  readonly id: string;
  readonly statistic: 'Sum' | 'Maximum';
}

/** An alarm, with what CloudWatch needs for evaluating it. It is bad above its threshold. */
export interface Alarm {
  readonly name: string;
  readonly description: string;
  readonly metrics: readonly Metric[];
  /** Metric math over the ids of the metrics. Absent: the alarm watches its only metric. */
  readonly expression?: string;
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: 'missing' | 'notBreaching' | 'breaching';
}

const metricStat = z.object({
  Metric: z.object({
    Namespace: z.string(),
    MetricName: z.string(),
    Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
  }),
  Period: z.number(),
  Stat: z.enum(['Sum', 'Maximum']),
});

const properties = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  ComparisonOperator: z.literal('GreaterThanThreshold'),
  DatapointsToAlarm: z.number(),
  EvaluationPeriods: z.number(),
  Threshold: z.number(),
  TreatMissingData: z.enum(['missing', 'notBreaching', 'breaching']),
  Metrics: z
    .array(z.object({ Id: z.string(), Expression: z.string().optional(), MetricStat: metricStat.optional() }))
    .min(1),
});

/** The alarms among a stack's resources. @throws TemplateError for an alarm of another kind than this stack has */
export function alarmsIn(resources: readonly Resource[]): Alarm[] {
  return resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm').map(alarmOf);
}

function alarmOf(resource: Resource): Alarm {
  const alarm = propertiesOf(resource, properties);
  const expression = alarm.Metrics.flatMap(({ Expression }) => Expression ?? [])[0];
  const stats = alarm.Metrics.flatMap(({ Id, MetricStat }) => (MetricStat ? [{ Id, ...MetricStat }] : []));
  return {
    name: alarm.AlarmName,
    description: alarm.AlarmDescription,
    metrics: stats.map(({ Id, Metric, Stat }) => ({
      id: Id,
      namespace: Metric.Namespace,
      name: Metric.MetricName,
      dimensions: Object.fromEntries(Metric.Dimensions.map(({ Name, Value }) => [Name, Value])),
      statistic: Stat,
    })),
    ...(expression !== undefined && { expression }),
    threshold: alarm.Threshold,
    periodSeconds: Math.max(...stats.map(({ Period }) => Period)),
    evaluationPeriods: alarm.EvaluationPeriods,
    datapointsToAlarm: alarm.DatapointsToAlarm,
    treatMissingData: alarm.TreatMissingData,
  };
}
