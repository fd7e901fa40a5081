/** What is examined: the configuration that would be deployed, and the stack that is deployed, if one is. */
import { DescribeStacksCommand, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { type FunctionConfiguration, GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import type { SourceSettings } from '../../lambdas/core/settings.ts';
import { ENV, type IcebergSettings, icebergSettings, required } from '../../lambdas/core/settings.ts';
import type { Division, TableOwner } from '../../lambdas/core/tables/fan-out.ts';
import type { Config } from '../../lib/config/config.ts';
import type { ObjectSource } from '../../lib/config/sources.ts';
import { messageOf } from '../../local/files.ts';
import { CommandError } from '../output/command-error.ts';
import type { Plan } from '../plan/plan.ts';
import type { Clients } from './clients.ts';

export interface Examined {
  readonly config: Config;
  readonly region: string;
  /** What the lake needs; undefined if nobody has said how many lines a day come. */
  readonly plan: Plan | undefined;
  /** Undefined before the first deployment. */
  readonly stack: DeployedStack | undefined;
}

/** A stack that is there, with what of it the checks compare. */
export interface DeployedStack {
  readonly name: string;
  /** CloudFormation's word: `UPDATE_COMPLETE`, for example. */
  readonly status: string;
  /** The topic of new objects; undefined if no source has objects. */
  readonly topicArn: string | undefined;
  /** The topic of the alarms that the stack itself has, which sends e-mail; undefined without `alarmEmail`. */
  readonly alarmTopicArn: string | undefined;
  /** The function that loads log events; undefined if no source has log groups. */
  readonly logEventsArn: string | undefined;
  readonly sources: readonly SourceSettings[];
  /** Undefined if no source is on the direct lane. */
  readonly iceberg: DeployedIceberg | undefined;
}

/** What of a stack has to do with Iceberg tables. */
export interface DeployedIceberg {
  readonly settings: IcebergSettings;
  readonly ledgerTable: string;
  readonly lakeBucket: string;
  /** Name of the function that makes tables; undefined if no source has any. */
  readonly manageFunction: string | undefined;
}

/** The Iceberg table of a source that is deployed. */
export interface IcebergTable {
  readonly name: string;
  readonly stackName: string;
  /** Id of the account. */
  readonly catalogId: string;
  readonly database: string;
  readonly manageFunction: string | undefined;
}

/** A deployed source whose files may wait for commits to Iceberg tables. */
export interface CommittedSource {
  readonly name: string;
  readonly ledgerTable: string;
  readonly commitSeconds: number;
  /** Whether its rows are written to Iceberg tables now. */
  readonly isIceberg: boolean;
  /** Whether its rows are divided among tables, which are committed to less often. */
  readonly hasParts: boolean;
}

/** The Iceberg tables that deployments make: not those of single values, which their first rows make. */
export function icebergTables({ stack }: Examined): IcebergTable[] {
  const { iceberg, sources, name: stackName = '' } = stack ?? {};
  if (!iceberg || !sources) return [];
  const { warehouse: catalogId, database } = iceberg.settings;
  const { manageFunction } = iceberg;
  return sources
    .filter(({ tableFormat }) => tableFormat === 'iceberg')
    .map(({ name }) => ({ name, stackName, catalogId, database, manageFunction }));
}

/** A deployed source whose rows are divided among Iceberg tables. */
export interface DividedSource {
  readonly settings: SourceSettings;
  readonly fanOut: Division;
  /** The values that have a table, by cdk.json; undefined if it has no such source. */
  readonly allow: readonly string[] | undefined;
  /** All sources of the stack. */
  readonly owners: readonly TableOwner[];
  readonly stackName: string;
  /** Id of the account. */
  readonly catalogId: string;
  readonly database: string;
  readonly lakeBucket: string;
}

export function dividedSources({ config, stack }: Examined): DividedSource[] {
  const { iceberg, sources: owners, name: stackName = '' } = stack ?? {};
  if (!iceberg || !owners) return [];
  const { warehouse: catalogId, database } = iceberg.settings;
  const { lakeBucket } = iceberg;
  return owners.flatMap((settings) => {
    const { name, fanOut } = settings;
    if (!fanOut) return [];
    const allow = config.sources.find((source) => source.name === name)?.fanOut?.allow;
    return { settings, fanOut, allow, owners, stackName, catalogId, database, lakeBucket };
  });
}

/** All sources: one with another format or lane now may have files that wait since before. */
export function committedSources({ stack }: Examined): CommittedSource[] {
  const { iceberg, sources } = stack ?? {};
  if (!iceberg || !sources) return [];
  const { ledgerTable, settings } = iceberg;
  return sources.map(({ name, tableFormat, fanOut }) => ({
    name,
    ledgerTable,
    commitSeconds: settings.commitSeconds,
    isIceberg: tableFormat === 'iceberg',
    hasParts: fanOut !== undefined,
  }));
}

/** A source on a bucket that is there already. */
export type BucketSource = ObjectSource & { readonly bucket: string };

/** Sources on buckets that are there already. */
export function bucketSources({ config }: Examined): BucketSource[] {
  return config.sources.filter((source) => source.lane === 'objects' && source.bucket !== undefined) as BucketSource[];
}

/** The log groups of all sources that are not retired. */
export function logGroups({ config }: Examined): string[] {
  return config.sources.flatMap((source) => (source.lane === 'events' && !source.retired ? source.logGroups : []));
}

/** @throws CommandError if there is no such stack, or if it cannot be asked */
export async function deployedStack({ cloudFormation, lambda }: Clients, name: string): Promise<DeployedStack> {
  try {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    const resources = new Map<string, string>();
    const functions: string[] = [];
    for await (const { StackResourceSummaries = [] } of paginateListStackResources(
      { client: cloudFormation },
      { StackName: name },
    )) {
      for (const { LogicalResourceId = '', PhysicalResourceId = '', ResourceType } of StackResourceSummaries) {
        resources.set(LogicalResourceId.slice(0, -HASH_LENGTH), PhysicalResourceId);
        if (ResourceType === 'AWS::Lambda::Function') functions.push(PhysicalResourceId);
      }
    }
    const configurations = await Promise.all(
      functions.map((FunctionName) => lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))),
    );
    // Several functions are told of a source of the direct lane.
    const sources = configurations.flatMap(({ Environment }) => sourcesOf(Environment?.Variables?.[ENV.sources]));
    const events = resources.get(COMPARED.logEvents);
    const commits = resources.get(COMPARED.commit);
    return {
      name,
      status: Stacks?.[0]?.StackStatus ?? '',
      topicArn: resources.get(COMPARED.topic),
      alarmTopicArn: resources.get(COMPARED.alarmTopic),
      logEventsArn: configurations.find(({ FunctionName }) => FunctionName !== undefined && FunctionName === events)
        ?.FunctionArn,
      sources: [...new Map(sources.map((source) => [source.name, source])).values()],
      iceberg: icebergOf(
        configurations.find(({ FunctionName }) => FunctionName !== undefined && FunctionName === commits),
        resources.get(COMPARED.manage),
      ),
    };
  } catch (error) {
    throw new CommandError(`stack ${name}: ${messageOf(error)}; --stack expects the name of a deployed stack`, {
      cause: error,
    });
  }
}

/** Logical ids, without the hash at their end, of the resources that are compared. */
export const COMPARED = {
  topic: 'NotificationsTopic',
  alarmTopic: 'AlarmsTopic',
  logEvents: 'LoadLogEvents',
  commit: 'IcebergCommit',
  manage: 'IcebergManage',
} as const;

/** Characters of the hash with which CDK ends a logical id. */
const HASH_LENGTH = 8;

function sourcesOf(json: string | undefined): SourceSettings[] {
  return json === undefined ? [] : (JSON.parse(json) as SourceSettings[]);
}

/** @param commits the function that commits, which is told everything */
function icebergOf(
  commits: FunctionConfiguration | undefined,
  manageFunction: string | undefined,
): DeployedIceberg | undefined {
  const env = commits?.Environment?.Variables;
  return (
    env && {
      settings: icebergSettings(env),
      ledgerTable: required(env, ENV.ledgerTable),
      lakeBucket: required(env, ENV.lakeBucket),
      manageFunction,
    }
  );
}
