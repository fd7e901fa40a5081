import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { loadsTable, rejectedTable } from '../lambdas/core/lake-tables.ts';
import { ENV } from '../lambdas/core/settings.ts';
import type { Table } from '../lambdas/core/table.ts';
import type { LoadFunction } from './load-function.ts';
import { LOG_GROUPS } from './names.ts';
import { type DeliveryProps, TableStream } from './table-stream.ts';

/** The tables to deliver to, and how. */
export interface StreamsProps extends Omit<DeliveryProps, 'logs'> {
  readonly tables: readonly Table[];
}

/** One stream for each table: the sources', and the lake's own. */
export class Streams extends Construct {
  readonly #streams = new Map<string, TableStream>();

  constructor(scope: Construct, id: string, { tables, ...delivery }: StreamsProps) {
    super(scope, id);
    const logs = new LogGroup(this, 'Logs', {
      logGroupName: `${LOG_GROUPS}delivery`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    for (const table of tables) {
      this.#streams.set(table.name, new TableStream(this, table.name, { ...delivery, logs, table }));
    }
  }

  /** Name of the stream into a table, as a reference. */
  nameFor(table: Table): string {
    return this.#streamFor(table).streamName;
  }

  /** Lets `fn` put rows of `tables` and what every load reports, and tells it the lake's own streams. */
  grantLoad(fn: LoadFunction, tables: readonly Table[]): void {
    const streams = [...tables, loadsTable, rejectedTable].map((table) => this.#streamFor(table).streamArn);
    fn.addToRolePolicy(new PolicyStatement({ actions: ['firehose:PutRecordBatch'], resources: streams }));
    fn.addEnvironment(ENV.loadsStream, this.nameFor(loadsTable));
    fn.addEnvironment(ENV.rejectedStream, this.nameFor(rejectedTable));
  }

  #streamFor(table: Table): TableStream {
    const stream = this.#streams.get(table.name);
    if (!stream) throw new Error(`${this.node.path}: table ${table.name} has no stream`);
    return stream;
  }
}
