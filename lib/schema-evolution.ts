import { ArnFormat, Aws, Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnPrincipalPermissions } from 'aws-cdk-lib/aws-lakeformation';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ENV, type SourceSettings } from '../lambdas/core/settings.ts';
import type { Table } from '../lambdas/core/tables/table.ts';
import type { Catalog } from './catalog.ts';
import type { IcebergTables } from './iceberg-tables.ts';
import type { Ledger } from './ledger.ts';
import { LogFunction } from './log-function.ts';
import { namesIn } from './names-in.ts';

export interface SchemaEvolutionProps {
  /** The sources whose keys become columns, with their tables: at least one. */
  readonly tables: readonly { readonly source: SourceSettings; readonly table: Table }[];
  readonly catalog: Catalog;
  readonly iceberg: IcebergTables;
  readonly ledger: Ledger;
  readonly lake: Bucket;
  readonly removalPolicy: RemovalPolicy;
  /** Grants what Lake Formation asks for, too. */
  readonly lakeFormation: boolean;
}

const MEMORY_MIB = 512;
const TIMEOUT = Duration.minutes(5);

/** Bytes of `IcebergSettings` and of the names of the database and the bucket in an environment. */
const OTHER_ENVIRONMENT_BYTES = 450;

/** The function that promotes keys to columns. */
export class SchemaEvolution extends Construct {
  /** Name of the function, which alarms watch. */
  readonly promote: string;

  constructor(scope: Construct, id: string, { tables, ...props }: SchemaEvolutionProps) {
    super(scope, id);
    const { catalog, iceberg, ledger, lake } = props;
    const fn = new LogFunction(this, 'Promote', {
      entry: 'promote-columns',
      description: 'Makes columns of the keys of JSON lines that come often.',
      memoryMiB: MEMORY_MIB,
      timeout: TIMEOUT,
    });
    this.promote = fn.functionName;
    // Three failures of one hour's run, within some minutes, are what the alarm looks for.
    fn.configureAsyncInvoke({ retryAttempts: 2, maxEventAge: Duration.minutes(30) });
    new Rule(this, 'EachHour', {
      description: 'Promotes what comes often, and puts back what a deployment has taken out of a table.',
      schedule: Schedule.rate(Duration.hours(1)),
      targets: [new LambdaFunction(fn, { retryAttempts: 0 })],
    });
    fn.setSources(
      tables.map(({ source }) => source),
      ENV.sources,
      OTHER_ENVIRONMENT_BYTES,
    );
    fn.addEnvironment(ENV.database, catalog.databaseName);
    fn.addEnvironment(ENV.lakeBucket, lake.bucketName);
    iceberg.grantColumns(fn);
    ledger.grantColumns(fn);
    for (const { table } of tables) this.#grantTable(fn, table, props);
  }

  /** Lets `fn` change the definition of a Parquet table. */
  #grantTable(
    fn: LogFunction,
    table: Table,
    { catalog, lakeFormation, removalPolicy }: Omit<SchemaEvolutionProps, 'tables'>,
  ) {
    const { database } = namesIn(this);
    const resources = [['catalog'], ['database', database], ['table', `${database}/${table.name}`]].map(
      ([resource = '', resourceName]) =>
        Stack.of(this).formatArn({
          service: 'glue',
          resource,
          resourceName,
          arnFormat: resourceName ? ArnFormat.SLASH_RESOURCE_NAME : ArnFormat.NO_RESOURCE_NAME,
        }),
    );
    fn.addToRolePolicy(new PolicyStatement({ actions: ['glue:GetTable', 'glue:UpdateTable'], resources }));
    if (!lakeFormation || !fn.role) return;
    const grant = new CfnPrincipalPermissions(this, `${table.name}Permissions`, {
      principal: { dataLakePrincipalIdentifier: fn.role.roleArn },
      resource: {
        table: { catalogId: Aws.ACCOUNT_ID, databaseName: catalog.databaseName, name: catalog.tableName(table) },
      },
      permissions: ['DESCRIBE', 'ALTER'],
      permissionsWithGrantOption: [],
    });
    grant.applyRemovalPolicy(removalPolicy);
  }
}
