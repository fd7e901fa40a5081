import { AthenaClient } from '@aws-sdk/client-athena';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { icebergDatabaseOf } from '../../lambdas/core/tables/lake-tables.ts';
import { firehoseClient } from '../../lambdas/edges/firehose.ts';
import { icebergCatalog } from '../../lambdas/edges/iceberg-catalog.ts';
import { s3Client } from '../../lambdas/edges/s3.ts';
import { namesOf } from '../../lib/names.ts';
import { messageOf } from '../../local/files.ts';
import { CommandError } from '../output/command-error.ts';
import { athenaQuery } from './aws-athena.ts';
import { awsFanOutValues } from './aws-fan-out-values.ts';
import { awsIcebergTables } from './aws-iceberg-tables.ts';
import { awsLogReader, awsPutLogEvents } from './aws-logs.ts';
import { awsMetricSum } from './aws-metrics.ts';
import { isOfWriter, type LakeHandle, lakeSettings, withPromoted } from './lake-handle.ts';
import { stateFolderOf } from './state.ts';

/**
 * Rows acknowledged this long ago are in the tables: Firehose's longest buffer interval is 15 minutes, and the rest is
 * for writing the file.
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
 */
const SETTLED_AFTER_MS = 20 * 60_000;

/**
 * Opens a deployed lake. Credentials and Region come from the SDK's default chain, names from the stack, and settings
 * from the environment variables of its functions.
 *
 * @throws CommandError if the stack does not exist or is not a Tributary stack
 */
export async function openDeployedLake(stackName: string): Promise<LakeHandle> {
  const { outputs, functions } = await deployedStack(stackName);
  const lambda = new LambdaClient({});
  const configurations = await Promise.all(
    functions.map((FunctionName) => lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))),
  );
  const output = (name: string): string => {
    const value = outputs.get(name);
    if (value) return value;
    throw new CommandError(`stack ${stackName}: expected an output ${name}, got ${[...outputs.keys()].join(', ')}`);
  };
  const dynamodb = new DynamoDBClient({});
  const environments = configurations.map(({ Environment }) => Environment?.Variables ?? {});
  const settings = await withPromoted(lakeSettings(environments, `stack ${stackName}`), dynamodb);
  const { iceberg } = settings;
  const s3 = s3Client();
  const logs = new CloudWatchLogsClient({});
  const owners = settings.sources.map((source) => source.settings);
  const writer = configurations.find(({ Environment }) => isOfWriter(Environment?.Variables ?? {}))?.FunctionName;
  const arns = configurations.flatMap(({ FunctionArn }) => FunctionArn ?? []);
  const database = output('Database');
  const hasIceberg = settings.sources.some(({ settings: { tableFormat } }) => tableFormat === 'iceberg');
  // Rows of Iceberg tables are written as others are, and then wait for their commit.
  const commitMs = hasIceberg && iceberg ? iceberg.commitSeconds * 1000 : 0;
  return {
    ...settings,
    s3,
    catalog: iceberg && icebergCatalog({ ...iceberg, credentials: s3.config.credentials }),
    sqs: new SQSClient({}),
    dynamodb,
    glue: new GlueClient({}),
    firehose: firehoseClient(),
    accountId: arns[0]?.split(':')[4] ?? '',
    lakeBucket: output('LakeBucket'),
    database,
    icebergTables: awsIcebergTables(new GlueClient({}), icebergDatabaseOf(database), owners),
    fanOutValues: async () => {
      if (writer === undefined)
        throw new CommandError(`stack ${stackName}: no function writes batches: deploy it again`);
      return awsFanOutValues(lambda, writer);
    },
    query: athenaQuery(new AthenaClient({}), output('Workgroup'), database),
    logs: awsLogReader(logs, arns),
    putLogEvents: awsPutLogEvents(logs),
    metricSum: awsMetricSum(new CloudWatchClient({}), namesOf(stackName).prefix),
    damaged: () => [],
    stateFolder: stateFolderOf(stackName),
    settledBefore: () => new Date(Date.now() - SETTLED_AFTER_MS - commitMs),
    settle: async () => [],
    close: async () => {},
  };
}

/** What the commands need to know of a deployed stack: its outputs, and the names of its functions and alarms. */
export interface DeployedStack {
  readonly outputs: ReadonlyMap<string, string>;
  readonly functions: readonly string[];
  readonly alarms: readonly string[];
}

/** @throws CommandError if the stack cannot be read */
export async function deployedStack(StackName: string): Promise<DeployedStack> {
  const client = new CloudFormationClient({});
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
    const outputs = Stacks?.[0]?.Outputs ?? [];
    const [functions, alarms]: [string[], string[]] = [[], []];
    for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName })) {
      for (const { ResourceType, PhysicalResourceId } of StackResourceSummaries) {
        if (!PhysicalResourceId) continue;
        if (ResourceType === 'AWS::Lambda::Function') functions.push(PhysicalResourceId);
        if (ResourceType === 'AWS::CloudWatch::Alarm') alarms.push(PhysicalResourceId);
      }
    }
    return {
      outputs: new Map(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue])),
      functions,
      alarms,
    };
  } catch (error) {
    throw new CommandError(
      `stack ${StackName}: ${messageOf(error)}; ` +
        '--stack expects the name of a deployed stack, --lake a folder on this machine',
      { cause: error },
    );
  }
}
