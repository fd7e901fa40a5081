/** What is examined: the configuration that would be deployed, and the stack that is deployed, if one is. */
import { DescribeStacksCommand, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import type { SourceSettings } from '../../lambdas/core/settings.ts';
import { ENV } from '../../lambdas/core/settings.ts';
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
    return {
      name,
      status: Stacks?.[0]?.StackStatus ?? '',
      topicArn: resources.get(COMPARED.topic),
      alarmTopicArn: resources.get(COMPARED.alarmTopic),
      logEventsArn: configurations.find(({ FunctionName }) => FunctionName !== undefined && FunctionName === events)
        ?.FunctionArn,
      sources: [...new Map(sources.map((source) => [source.name, source])).values()],
    };
  } catch (error) {
    throw new CommandError(`stack ${name}: ${messageOf(error)}; --stack expects the name of a deployed stack`, {
      cause: error,
    });
  }
}

/** Logical ids, without the hash at their end, of the resources that are compared. */
export const COMPARED = { topic: 'NotificationsTopic', alarmTopic: 'AlarmsTopic', logEvents: 'LoadLogEvents' } as const;

/** Characters of the hash with which CDK ends a logical id. */
const HASH_LENGTH = 8;

function sourcesOf(json: string | undefined): SourceSettings[] {
  return json === undefined ? [] : (JSON.parse(json) as SourceSettings[]);
}
