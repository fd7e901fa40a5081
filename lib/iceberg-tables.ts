import { createHash } from 'node:crypto';
import { Aws, CustomResource, Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { OPTIMIZERS } from '../lambdas/core/iceberg/optimizers.ts';
import { ENV, type IcebergSettings, type SourceSettings } from '../lambdas/core/settings.ts';
import type { Table } from '../lambdas/core/tables/table.ts';
import { IcebergAccess } from './iceberg-access.ts';
import { LogFunction } from './log-function.ts';

export interface IcebergTablesProps {
  /** The database of the tables, as a reference. */
  readonly databaseName: string;
  /** The sources with `tableFormat: iceberg`, with their tables: at least one. */
  readonly tables: readonly { readonly source: SourceSettings; readonly table: Table }[];
  readonly lake: Bucket;
  /** @default - S3's own encryption */
  readonly encryptionKey?: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
  /** Grants what Lake Formation asks for, too. */
  readonly lakeFormation: boolean;
}

const MANAGE_MEMORY_MIB = 512;
/** For permissions that were just granted, and for many tables. */
const MANAGE_TIMEOUT = Duration.minutes(10);

/** What maintains the tables: actions of Glue beside those on definitions of tables. */
const OPTIMIZER_ACTIONS = ['GetTableOptimizer', 'CreateTableOptimizer', 'UpdateTableOptimizer'];

/**
 * The Iceberg tables of sources: a function that makes them when the stack is deployed, and the role with which Glue maintains
 * them. Tables are made and changed through Iceberg's own protocol, because CloudFormation's changes of such a table take its
 * metadata away.
 */
export class IcebergTables extends Construct {
  readonly #access: IcebergAccess;
  readonly #settings: IcebergSettings;

  constructor(scope: Construct, id: string, props: IcebergTablesProps) {
    super(scope, id);
    this.#access = new IcebergAccess(this, 'Access', props);
    this.#settings = settingsOf(props);
    this.#manage(props);
  }

  /** Makes the tables. The function is called again when a column changes. */
  #manage({ tables, lake }: IcebergTablesProps): void {
    const { optimizing, grants } = this.#access;
    const manage = new LogFunction(this, 'Manage', {
      entry: 'manage-tables',
      description: 'Makes Iceberg tables, gives them new columns, and has Glue maintain them, at deployments only.',
      memoryMiB: MANAGE_MEMORY_MIB,
      timeout: MANAGE_TIMEOUT,
    });
    manage.setSources(tables.map(({ source }) => source));
    manage.addEnvironment(ENV.lakeBucket, lake.bucketName);
    manage.addEnvironment(ENV.optimizerRole, optimizing.roleArn);
    this.#tell(manage);
    this.#access.grantTables(manage, ['GetTable', 'CreateTable', 'UpdateTable']);
    this.#access.grantOptimizers(manage, OPTIMIZER_ACTIONS);
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
  }

  #tell(fn: LogFunction): void {
    fn.addEnvironment(ENV.iceberg, fn.stack.toJsonString(this.#settings));
  }
}

/** https://docs.aws.amazon.com/glue/latest/dg/connect-glu-iceberg-rest.html */
function settingsOf({ databaseName }: IcebergTablesProps): IcebergSettings {
  return {
    url: `https://glue.${Aws.REGION}.${Aws.URL_SUFFIX}/iceberg`,
    signingName: 'glue',
    region: Aws.REGION,
    warehouse: Aws.ACCOUNT_ID,
    database: databaseName,
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
