import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ENV } from '../lambdas/core/settings.ts';
import { loadsTable, rejectedTable } from '../lambdas/core/tables/lake-tables.ts';
import type { Table } from '../lambdas/core/tables/table.ts';
import type { LogFunction } from './log-function.ts';
import { namesIn } from './names-in.ts';
import { type DeliveryProps, TableStreams, type TableStreamsProps } from './table-streams.ts';

/** The tables to deliver to, each with its number of streams, and how rows are delivered. */
export interface StreamsProps extends Omit<DeliveryProps, 'logs'> {
  readonly tables: readonly Pick<TableStreamsProps, 'table' | 'streams' | 'retired' | 'format'>[];
}

/** The streams into each table, both the sources' tables and the lake's own. */
export class Streams extends Construct {
  /** Where Firehose logs why it could not deliver. */
  readonly logs: LogGroup;
  readonly #streams = new Map<string, TableStreams>();

  constructor(scope: Construct, id: string, { tables, ...delivery }: StreamsProps) {
    super(scope, id);
    this.logs = new LogGroup(this, 'Logs', {
      logGroupName: `${namesIn(this).logGroups}delivery`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    for (const each of tables) {
      this.#streams.set(
        each.table.name,
        new TableStreams(this, each.table.name, { ...delivery, ...each, logs: this.logs }),
      );
    }
  }

  /** Names of the streams into a table of this name, as references. */
  namesFor(table: string): readonly string[] {
    return this.#streamsFor(table).map(({ name }) => name);
  }

  /**
   * Lets `fn` put rows into `tables` and into the lake's own tables, and passes it the names of the streams of the
   * latter.
   */
  grantLoad(fn: LogFunction, tables: readonly Table[]): void {
    const streams = [...tables, loadsTable, rejectedTable].flatMap(({ name }) => this.#streamsFor(name));
    fn.addToRolePolicy(
      new PolicyStatement({ actions: ['firehose:PutRecordBatch'], resources: streams.map(({ arn }) => arn) }),
    );
    fn.addEnvironment(ENV.loadsStream, this.#onlyNameFor(loadsTable));
    fn.addEnvironment(ENV.rejectedStream, this.#onlyNameFor(rejectedTable));
  }

  #onlyNameFor(table: Table): string {
    const [name, another] = this.namesFor(table.name);
    if (name === undefined || another !== undefined) throw new Error(`${table.name}: expected one stream`);
    return name;
  }

  #streamsFor(table: string): TableStreams['streams'] {
    const streams = this.#streams.get(table);
    if (!streams) throw new Error(`${this.node.path}: table ${table} has no stream`);
    return streams.streams;
  }
}
