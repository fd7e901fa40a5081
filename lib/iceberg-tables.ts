import { createHash } from 'node:crypto';
import { Aws, CustomResource, Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { OPTIMIZERS } from '../lambdas/core/iceberg/optimizers.ts';
import { ENV, type IcebergSettings, type SourceSettings } from '../lambdas/core/settings.ts';
import type { Table } from '../lambdas/core/tables/table.ts';
import type { DirectLane } from './direct-lane.ts';
import { IcebergAccess } from './iceberg-access.ts';
import { LogFunction } from './log-function.ts';

export interface IcebergTablesProps {
  /** The database of the tables, as a reference. */
  readonly databaseName: string;
  /** The sources with `tableFormat: iceberg`, with their tables. */
  readonly tables: readonly { readonly source: SourceSettings; readonly table: Table }[];
  /** Writes the files of the tables. */
  readonly lane: DirectLane;
  readonly lake: Bucket;
  /** After this time, written files of a table wait no longer for others. */
  readonly commitInterval: Duration;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
  /** Grants what Lake Formation asks for, too. */
  readonly lakeFormation: boolean;
}

/** Manifests of a large table are read and merged in memory. */
const COMMIT_MEMORY_MIB = 1024;
/** The next minute's invocation goes on with what one leaves. */
const COMMIT_TIMEOUT = Duration.minutes(5);

const MANAGE_MEMORY_MIB = 512;
/** For permissions that were just granted, and for many tables. */
const MANAGE_TIMEOUT = Duration.minutes(10);

/** What maintains the tables: actions of Glue beside those on definitions of tables. */
const OPTIMIZER_ACTIONS = ['GetTableOptimizer', 'CreateTableOptimizer', 'UpdateTableOptimizer'];

/**
 * The Iceberg tables of the direct lane: a function that commits files to them, one that makes them when the stack is
 * deployed, and the role with which Glue maintains them. Tables are made and changed through Iceberg's own protocol, because
 * CloudFormation's changes of such a table take its metadata away.
 *
 * The committer and the role are there with the lane, whatever the sources' `tableFormat` is now: files of before must be
 * committed, and rows of before must expire.
 */
export class IcebergTables extends Construct {
  /** Commits files to their tables. */
  readonly commit: LogFunction;
  readonly #access: IcebergAccess;
  readonly #settings: IcebergSettings;

  constructor(scope: Construct, id: string, props: IcebergTablesProps) {
    super(scope, id);
    const { lane, tables } = props;
    this.#access = new IcebergAccess(this, 'Access', props);
    this.#settings = settingsOf(props);
    this.commit = new LogFunction(this, 'Commit', {
      entry: 'commit-tables',
      description: 'Commits the written files of the direct lane to their Iceberg tables.',
      memoryMiB: COMMIT_MEMORY_MIB,
      timeout: COMMIT_TIMEOUT,
    });
    // A failed run is not retried: the next one goes on a minute later.
    this.commit.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, 'EachMinute', {
      description: 'Commits what has waited for its interval.',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(this.commit, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
    lane.grantCommit(this.commit);
    this.#tell(this.commit);
    this.#access.grantTables(this.commit, ['GetTable', 'UpdateTable']);
    // Tables of parts of a source are made at their first rows, when no deployment is there to see to their maintenance.
    if (tables.some(({ source }) => source.fanOut)) this.#mayMaintain(this.commit);
    this.#tell(lane.write);
    this.#access.grantTables(lane.write, ['GetTable', 'CreateTable', 'UpdateTable']);
    this.#access.grantFilesOfTables(lane.write, ['AbortMultipartUpload']);
    if (tables.length > 0) this.#manage(props);
  }

  /** Makes the tables before the function that writes them takes new code. It is called again when a column changes. */
  #manage({ tables, lane, lake }: IcebergTablesProps): void {
    const { optimizing, grants } = this.#access;
    const manage = new LogFunction(this, 'Manage', {
      entry: 'manage-tables',
      description: 'Makes Iceberg tables, gives them new columns, and has Glue maintain them, at deployments only.',
      memoryMiB: MANAGE_MEMORY_MIB,
      timeout: MANAGE_TIMEOUT,
    });
    manage.setSources(tables.map(({ source }) => source));
    manage.addEnvironment(ENV.lakeBucket, lake.bucketName);
    this.#tell(manage);
    this.#access.grantTables(manage, ['GetTable', 'CreateTable', 'UpdateTable']);
    this.#mayMaintain(manage);
    const made = new CustomResource(this, 'Tables', {
      resourceType: 'Custom::IcebergTables',
      serviceToken: manage.functionArn,
      serviceTimeout: MANAGE_TIMEOUT.plus(Duration.minutes(1)),
      properties: {
        Tables: tables.map(({ table }) => table.name),
        // CloudFormation calls the function again only if a property is another one.
        Definition: definitionOf(tables.map(({ table }) => table)),
        OptimizerRole: optimizing.roleArn,
      },
    });
    if (manage.role) made.node.addDependency(manage.role, optimizing, ...grants);
    lane.write.node.addDependency(made);
  }

  /** Tells `fn` where the tables are, and lets it add columns to them. */
  grantColumns(fn: LogFunction): void {
    this.#tell(fn);
    this.#access.grantTables(fn, ['GetTable', 'UpdateTable']);
  }

  #mayMaintain(fn: LogFunction): void {
    fn.addEnvironment(ENV.optimizerRole, this.#access.optimizing.roleArn);
    this.#access.grantOptimizers(fn, OPTIMIZER_ACTIONS);
  }

  #tell(fn: LogFunction): void {
    fn.addEnvironment(ENV.iceberg, fn.stack.toJsonString(this.#settings));
  }
}

/** https://docs.aws.amazon.com/glue/latest/dg/connect-glu-iceberg-rest.html */
function settingsOf({ databaseName, commitInterval }: IcebergTablesProps): IcebergSettings {
  return {
    url: `https://glue.${Aws.REGION}.${Aws.URL_SUFFIX}/iceberg`,
    signingName: 'glue',
    region: Aws.REGION,
    warehouse: Aws.ACCOUNT_ID,
    database: databaseName,
    commitSeconds: commitInterval.toSeconds(),
  };
}

/** Another text whenever a table, or how it is maintained, is to become another one. */
function definitionOf(tables: readonly Table[]): string {
  const columns = tables.map((table) => [
    table.name,
    table.columns.map(({ name, type, comment }) => [name, type, comment]),
  ]);
  return createHash('sha256')
    .update(JSON.stringify([columns, OPTIMIZERS]))
    .digest('hex');
}
