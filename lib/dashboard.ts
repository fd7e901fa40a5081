import { Dashboard as CloudWatchDashboard, GraphWidget, type IMetric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { CountMetric, TrackMetric } from '../lambdas/core/duplicates/metrics.ts';
import { duplicateMetric, duplicateRate } from './duplicate-metrics.ts';
import { namesIn } from './names-in.ts';

/** Columns of a dashboard's grid. */
const WIDTH = 24;

/** The CloudWatch dashboard of the stack. */
export class Dashboard extends Construct {
  readonly #dashboard: CloudWatchDashboard;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#dashboard = new CloudWatchDashboard(this, 'Resource');
  }

  /** Adds the results of the duplicate check. */
  addDuplicates(sources: readonly string[]): void {
    this.#dashboard.addWidgets(
      new TextWidget({
        markdown: '## Duplicates\nBy the minute of the events; a minute is counted when its inputs have arrived.',
        width: WIDTH,
        height: 2,
      }),
    );
    const service = namesIn(this).prefix;
    const of = (metric: CountMetric | TrackMetric) =>
      sources.map((source) => duplicateMetric(service, source, metric).with({ label: source }));
    this.#dashboard.addWidgets(
      graph(
        'Duplicate rate, %',
        sources.map((source) => duplicateRate(service, source)),
      ),
      graph('Records checked', of('RecordsChecked')),
    );
    this.#dashboard.addWidgets(
      graph('Inputs delivered again', of('InputsRedelivered')),
      graph('Records outside the time window', of('RecordsOutsideWindow')),
    );
  }
}

/** A graph of half the dashboard's width. */
function graph(title: string, left: readonly IMetric[]): GraphWidget {
  return new GraphWidget({ title, left: [...left], leftYAxis: { min: 0, showUnits: false }, width: WIDTH / 2 });
}
