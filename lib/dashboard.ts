import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  SingleValueWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { LOADS, REJECTED_LINES } from '../lambdas/core/tables/lake-tables.ts';
import { type AlarmDefinition, alarmNameOf, filled, type Watched } from './alarms/alarm.ts';
import { type Places, watchedSources } from './alarms/places.ts';
import { duplicateRate } from './alarms/source-alarms.ts';
import { alarmsOf } from './alarms/stack-alarms.ts';
import { ofFunction, ofLake, ofQueue, ofStream } from './alarms/watched.ts';
import type { Config } from './config/config.ts';

export interface DashboardProps {
  readonly config: Config;
  readonly places: Places;
}

/** Four graphs beside each other fill the dashboard's grid, and four rows of them a screen. */
const WIDTH = 6;
const HEIGHT = 4;

/** ELB's delivery interval. */
const PERIOD = Duration.minutes(5);

/** Most alarms in a widget. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const MOST_ALARMS = 100;

/** List price of Firehose in its first tier, ingestion and conversion; a test compares it with bin/plan/prices.json. */
export const FIREHOSE_USD_PER_GB = 0.047;
const GB = 2 ** 30;

/** The CloudWatch dashboard of the stack: one screen, in the order in which the data flows, below the states of the alarms. */
export class Dashboard extends Construct {
  readonly #config: Config;
  readonly #places: Places;
  readonly #sources: readonly string[];

  constructor(scope: Construct, id: string, { config, places }: DashboardProps) {
    super(scope, id);
    this.#config = config;
    this.#places = places;
    this.#sources = watchedSources(config).map(({ name }) => name);
    const dashboard = new CloudWatchDashboard(this, 'Resource');
    dashboard.addWidgets(this.#alarms());
    for (const row of [this.#arriving(), this.#loading(), this.#quality(), this.#duplicatesAndCost(), this.#commits()])
      dashboard.addWidgets(...row);
  }

  #alarms(): IWidget {
    const arn = (definition: AlarmDefinition) =>
      Stack.of(this).formatArn({
        service: 'cloudwatch',
        resource: `alarm:${this.#places.service}-${alarmNameOf(definition)}`,
      });
    return new AlarmStatusWidget({
      title: 'Alarms: docs/operations.md says what to do',
      alarms: alarmsOf(this.#config, this.#places)
        .slice(0, MOST_ALARMS)
        .map((definition) => Alarm.fromAlarmArn(this, `Of-${alarmNameOf(definition)}`, arn(definition))),
      width: 4 * WIDTH,
      height: 3,
    });
  }

  /** What comes, and what waits. */
  #arriving(): IWidget[] {
    const { objects, events } = this.#places;
    return [
      graph('Arriving: objects, payloads of log events', [
        ...(objects
          ? [
              metric(ofQueue(objects.queue, 'NumberOfMessagesSent', 'Sum'), 'objects'),
              metric(ofQueue(objects.queue, 'ApproximateNumberOfMessagesVisible'), 'waiting'),
              metric(ofQueue(objects.queue, 'ApproximateNumberOfMessagesNotVisible'), 'in flight'),
            ]
          : []),
        ...(events ? [metric(ofFunction(events.loader, 'Invocations'), 'payloads')] : []),
      ]),
      graph('Arriving: age of the oldest, s', [
        ...(objects ? [metric(ofQueue(objects.queue, 'ApproximateAgeOfOldestMessage'), 'objects')] : []),
        ...(events ? [inSeconds(ofFunction(events.loader, 'AsyncEventAge', 'Maximum'), 'age', 'payloads')] : []),
      ]),
      graph('Given up: dead letters, log events', [
        ...(objects
          ? [metric(ofQueue(objects.deadLetters, 'ApproximateNumberOfMessagesVisible'), 'dead letters')]
          : []),
        ...(events ? [metric(ofFunction(events.loader, 'AsyncEventsDropped'), 'log events')] : []),
      ]),
      graph('Lines read', this.#perSource('LinesRead')),
    ];
  }

  /** What the functions and Firehose make of it, and how fresh it is. */
  #loading(): IWidget[] {
    const { service, objects, events, direct, streams } = this.#places;
    const loaders = [objects?.loader, events?.loader, direct?.write, direct?.commit].flatMap((name) => name ?? []);
    const longest = (name: string, label: string) => metric(ofLake(service, name, undefined, 'Maximum'), label);
    const tables = [...this.#sources, LOADS, REJECTED_LINES];
    return [
      graph('Loading: errors and throttles', [
        ...loaders.flatMap((name) => [
          metric(ofFunction(name, 'Errors'), `errors ${name}`),
          metric(ofFunction(name, 'Throttles'), `throttles ${name}`),
        ]),
      ]),
      graph('Loading: longest invocation and waits, s', [
        ...loaders.map((name, index) => inSeconds(ofFunction(name, 'Duration', 'Maximum'), `d${index}`, name)),
        longest('ThrottledSeconds', 'wait for Firehose'),
        longest('UnfinishedSeconds', 'unfinished object'),
        ...(direct
          ? [
              longest('WaitingSeconds', 'wait for a batch'),
              longest('UnwrittenSeconds', 'batch not written'),
              longest('SealedSeconds', 'sealed batch not completed'),
              longest('UncommittedSeconds', 'files not committed'),
            ]
          : []),
      ]),
      graph('Delivering: age of the oldest record, s', [
        ...tables.flatMap((table) =>
          streams(table)
            .slice(0, 1)
            .map((stream) => metric(ofStream(stream, 'DeliveryToS3.DataFreshness', 'Maximum'), table)),
        ),
      ]),
      graph('Freshness: age of the newest event when loaded, s', this.#perSource('NewestEventAgeSeconds', 'Maximum')),
    ];
  }

  #quality(): IWidget[] {
    const { streams } = this.#places;
    return [
      graph('Rows', this.#perSource('RowsAcknowledged')),
      graph(
        'Rejected lines, %',
        this.#sources.map((source, index) => {
          const [lines, rejected] = [`lines${index}`, `rejected${index}`];
          return new MathExpression({
            expression: `100 * ${rejected} / ${lines}`,
            label: source,
            usingMetrics: {
              [lines]: metric(ofLake(this.#places.service, 'LinesRead', source)),
              [rejected]: metric(ofLake(this.#places.service, 'LinesRejected', source)),
            },
            period: PERIOD,
          });
        }),
      ),
      graph('Values: not converted, or of unknown fields', [
        ...this.#perSource('FieldErrors', 'Sum', 'errors '),
        ...this.#perSource('UnknownFields', 'Sum', 'unknown '),
      ]),
      graph('Objects not read, records not converted', [
        ...this.#perSource('RejectedObjects', 'Sum', 'objects '),
        ...this.#sources.flatMap((source) =>
          streams(source)
            .slice(0, 1)
            .map((stream) => metric(ofStream(stream, 'FailedConversion.Records', 'Sum'), `records ${source}`)),
        ),
      ]),
    ];
  }

  #duplicatesAndCost(): IWidget[] {
    const { service } = this.#places;
    const duplicates = this.#config.duplicates.enabled
      ? [
          graph(
            'Duplicates, % of the records checked',
            this.#sources.map((source, index) => this.#duplicateRate(source, index)),
          ),
          graph('Duplicate check: records, and what it missed', [
            ...this.#perSource('RecordsChecked', 'Sum', 'checked '),
            ...this.#perSource('RecordsOutsideWindow', 'Sum', 'outside the window '),
            ...this.#perSource('InputsRedelivered', 'Sum', 'inputs again '),
            metric(ofLake(service, 'PayloadsNotChecked'), 'payloads not checked'),
          ]),
        ]
      : [];
    return [
      ...duplicates,
      graph('Cost: bytes that Firehose bills', this.#perSource('BytesBilled')),
      new SingleValueWidget({
        title: 'Cost: Firehose today, US dollars (list price; UTC)',
        metrics: [this.#dollars()],
        width: WIDTH,
        height: HEIGHT,
      }),
    ];
  }

  /** What becomes of the files of Iceberg tables; nothing if no source has one. */
  #commits(): IWidget[] {
    const sources = watchedSources(this.#config).filter(({ tableFormat }) => tableFormat === 'iceberg');
    if (sources.length === 0) return [];
    const perSource = (name: string, statistic: Watched['statistic'] = 'Sum') =>
      sources.map(({ name: source }) => metric(ofLake(this.#places.service, name, source, statistic), source));
    return [
      graph('Iceberg: tables committed to', perSource('TablesCommitted')),
      graph('Iceberg: files committed', perSource('FilesCommitted')),
      graph('Iceberg: commits tried again', perSource('CommitConflicts')),
      graph('Iceberg: metadata of the largest table, bytes', perSource('TableMetadataBytes', 'Maximum')),
    ];
  }

  #duplicateRate(source: string, index: number): IMetric {
    const { metrics, expression } = duplicateRate(this.#places.service, source);
    // Sources share a graph, so each one's metrics need ids of their own.
    const own = (id: string) => `${id}${index}`;
    return new MathExpression({
      expression: expression.replace(/[a-z]+/g, own),
      label: source,
      usingMetrics: Object.fromEntries(Object.entries(metrics).map(([id, watched]) => [own(id), metric(watched)])),
      period: PERIOD,
    });
  }

  /** What the bytes of the day have cost. */
  #dollars(): IMetric {
    const bytes = Object.fromEntries(
      this.#sources.map((source, index) => [
        `b${index}`,
        metric(ofLake(this.#places.service, 'BytesBilled', source), source, Duration.days(1)),
      ]),
    );
    const sum = Object.keys(bytes).map(filled).join(' + ');
    return new MathExpression({
      expression: `(${sum}) / ${GB} * ${FIREHOSE_USD_PER_GB}`,
      label: 'dollars',
      usingMetrics: bytes,
      period: Duration.days(1),
    });
  }

  #perSource(name: string, statistic: Watched['statistic'] = 'Sum', before = ''): IMetric[] {
    return this.#sources.map((source) =>
      metric(ofLake(this.#places.service, name, source, statistic), `${before}${source}`),
    );
  }
}

function metric({ namespace, metric: metricName, dimensions, statistic }: Watched, label?: string, period = PERIOD) {
  return new Metric({ namespace, metricName, dimensionsMap: { ...dimensions }, statistic, label, period });
}

function inSeconds(watched: Watched, id: string, label: string): IMetric {
  return new MathExpression({
    expression: `${id} / 1000`,
    label,
    usingMetrics: { [id]: metric(watched) },
    period: PERIOD,
  });
}

function graph(title: string, left: readonly IMetric[]): GraphWidget {
  return new GraphWidget({
    title,
    left: [...left],
    leftYAxis: { min: 0, showUnits: false },
    width: WIDTH,
    height: HEIGHT,
  });
}
