import { Aws, Stack } from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Config } from '../config/config.ts';
import { type AlarmDefinition, alarmNameOf, sectionOf, type Watched } from './alarm.ts';
import type { Places } from './places.ts';
import { alarmsOf } from './stack-alarms.ts';

export interface AlarmsProps {
  readonly config: Config;
  readonly places: Places;
}

/** CloudWatch's alarms of the stack. They tell somebody only if the configuration says whom. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, { config, places }: AlarmsProps) {
    super(scope, id);
    const { stackName } = Stack.of(this);
    const topics = this.#topics(config, places.service);
    for (const definition of alarmsOf(config, places)) {
      const name = alarmNameOf(definition);
      const { above, periods, badPeriods } = definition;
      new CfnAlarm(this, name, {
        alarmName: `${places.service}-${name}`,
        alarmDescription: describe(definition, stackName),
        metrics: metricsOf(definition),
        comparisonOperator: 'GreaterThanThreshold',
        threshold: above,
        evaluationPeriods: periods,
        datapointsToAlarm: badPeriods,
        treatMissingData: 'notBreaching',
        ...(topics.length > 0 && { alarmActions: topics, okActions: topics }),
      });
    }
  }

  /** ARNs of the topics that are told: the stack's own, which sends e-mail, and one that exists already. */
  #topics({ alarmEmail, alarmTopicArn }: Config, prefix: string): string[] {
    const given = alarmTopicArn === undefined ? [] : [alarmTopicArn];
    if (alarmEmail === undefined) return given;
    // Not encrypted: CloudWatch may not use AWS's own key for SNS, and whether a key of the user lets it cannot be told. The
    // messages have names of alarms and numbers, and no log line.
    const topic = new Topic(this, 'Topic', { enforceSSL: true });
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: {
          ArnLike: {
            'aws:SourceArn': Stack.of(this).formatArn({ service: 'cloudwatch', resource: `alarm:${prefix}-*` }),
          },
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
        },
      }),
    );
    topic.addSubscription(new EmailSubscription(alarmEmail));
    return [topic.topicArn, ...given];
  }
}

/** What has happened, what to type first, and where to read on. */
function describe({ happened, command, kind }: AlarmDefinition, stackName: string): string {
  const first = command === undefined ? '' : ` Begin with: npm run lake -- ${command} --stack ${stackName}`;
  return `${happened}${first} (${sectionOf(kind)})`;
}

function metricsOf(definition: AlarmDefinition): CfnAlarm.MetricDataQueryProperty[] {
  const { metrics, expression, periodSeconds } = definition;
  const watched = Object.entries(metrics).map(([id, metric]) => ({
    id,
    metricStat: { metric: metricOf(metric), period: periodSeconds, stat: metric.statistic },
    // An alarm watches one value: its expression's, or its only metric's.
    returnData: expression === undefined,
  }));
  return expression === undefined ? watched : [{ id: 'watched', expression, returnData: true }, ...watched];
}

function metricOf({ namespace, metric, dimensions }: Watched) {
  return {
    namespace,
    metricName: metric,
    dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
  };
}
