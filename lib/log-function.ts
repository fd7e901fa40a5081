import { Aws, CfnCondition, type Duration, Fn, RemovalPolicy, type Size } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type CfnFunction,
  Code,
  Function as LambdaFunction,
  RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { ENV, type SourceSettings, type TrackedSettings } from '../lambdas/core/settings.ts';
import { bundleWith, type Files } from './bundle.ts';
import { ConfigError } from './config/config-error.ts';
import { namesIn } from './names-in.ts';

/** One of the functions under lambdas/, and its size. */
export interface LogFunctionProps {
  /** File under lambdas/ without `.ts`; exports `handler`. */
  readonly entry: string;
  /** Name of its log group, in the folder of the lake's log groups. @default - `entry` */
  readonly logName?: string;
  /** Texts of files beside its code, by their names. @default - none */
  readonly files?: Files;
  readonly description: string;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /** Of the folder for temporary files. @default 512 MiB */
  readonly diskSize?: Size;
  /** Invocations at a time, reserved from the account's limit. @default - as many as the account has free */
  readonly reservedConcurrency?: number;
  /** The function puts an object that is too long for one invocation back on its queue. @default false */
  readonly continuesThroughItsQueue?: boolean;
}

/**
 * Limit for all names and values together, in bytes.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const MAX_ENVIRONMENT_BYTES = 4096;

/** Bytes of the other variables: the lake's own streams, the ledger, the queue, the stack's name. */
const OTHER_ENVIRONMENT_BYTES = 800;

/**
 * Regions without PutFunctionRecursionConfig, which CloudFormation calls for the property RecursiveLoop.
 * https://github.com/aws/aws-lambda-roadmap/issues/18
 */
const REGIONS_WITHOUT_RECURSIVE_LOOP = ['us-gov-east-1', 'us-gov-west-1', 'mx-central-1', 'ap-southeast-6'];

/** Longest name of a stream or bucket, and the random ending of a name that CloudFormation generates. */
const MAX_NAME_LENGTH = 64;
const RANDOM_ENDING_LENGTH = '-ABCDEFGHIJKLM'.length;

/** A function of the lake: bundled from lambdas/, with its own log group and role. */
export class LogFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: LogFunctionProps) {
    const {
      entry,
      logName = entry,
      files = {},
      description,
      memoryMiB,
      timeout,
      diskSize,
      reservedConcurrency,
      continuesThroughItsQueue,
    } = props;
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      logGroupName: `${namesIn(scope).logGroups}${logName}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Without its own role, CDK attaches AWS's managed policy, which allows every log group.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description });
    logGroup.grantWrite(role);
    super(scope, id, {
      // The SDK is in the bundle: the version that was tested is the one that runs, and it starts faster.
      code: Code.fromAsset(bundleWith(entry, files)),
      handler: 'index.handler',
      // Most objects live for one line, so a 4 MiB semi-space suffices; V8's default costs 50 MiB more.
      environment: {
        NODE_OPTIONS: '--enable-source-maps --max-semi-space-size=4',
        [ENV.service]: namesIn(scope).prefix,
      },
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMiB,
      timeout,
      ephemeralStorageSize: diskSize,
      reservedConcurrentExecutions: reservedConcurrency,
      role,
      logGroup,
    });
    if (continuesThroughItsQueue) this.#allowItsLoop();
  }

  /**
   * Each time an object is put back on the queue, its load has made progress or gives up, so the loop ends. Lambda's
   * recursion guard would stop it after 16. CloudFormation fails where Lambda has no API for this setting.
   */
  #allowItsLoop(): void {
    const without = new CfnCondition(this, 'WithoutRecursiveLoop', {
      expression: Fn.conditionOr(
        ...REGIONS_WITHOUT_RECURSIVE_LOOP.map((region) => Fn.conditionEquals(Aws.REGION, region)),
      ),
    });
    const fn = this.node.defaultChild as CfnFunction;
    fn.recursiveLoop = Fn.conditionIf(without.logicalId, Aws.NO_VALUE, RecursiveLoop.ALLOW).toString();
  }

  /**
   * Passes the function its sources in the given environment variable.
   *
   * @param besides bytes of variables that other functions do not have
   * @throws ConfigError if they exceed the size of a function's environment.
   */
  setSources(
    sources: readonly (SourceSettings | TrackedSettings)[],
    variable: string = ENV.sources,
    besides: number = 0,
  ): void {
    const json = this.stack.toJsonString(sources);
    // The names that CloudFormation will insert are not known yet: assume the longest ones.
    const atLongest = JSON.stringify(this.stack.resolve(sources), (_, value) =>
      value?.Ref ? this.#longestName(value.Ref) : value,
    );
    const bytes = Buffer.byteLength(atLongest) + variable.length;
    const room = MAX_ENVIRONMENT_BYTES - OTHER_ENVIRONMENT_BYTES - besides;
    if (bytes > room) {
      throw new ConfigError(
        'sources',
        `got ${sources.length} for ${this.node.id} that take ${bytes} bytes of its environment, ` +
          `allowed: at most ${room}; use fewer sources or streams, or shorter options`,
      );
    }
    this.addEnvironment(variable, json);
  }

  /** The longest name that CloudFormation can generate: the stack's name, the resource's, and a random ending. */
  #longestName(logicalId: string): string {
    const length = `${this.stack.stackName}-${logicalId}`.length + RANDOM_ENDING_LENGTH;
    return 'x'.repeat(Math.min(length, MAX_NAME_LENGTH));
  }
}
