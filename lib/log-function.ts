import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, RecursiveLoop, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { ENV, type SourceSettings, type TrackedSettings } from '../lambdas/core/settings.ts';
import { bundle } from './bundle.ts';
import { ConfigError } from './config/config-error.ts';
import { LOG_GROUPS } from './names.ts';

/** One of the functions under lambdas/, and its size. */
export interface LogFunctionProps {
  /** File under lambdas/ without `.ts`; exports `handler`. */
  readonly entry: string;
  readonly description: string;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /** Invocations at a time, taken from the account's own limit. @default - as many as the account has free */
  readonly reservedConcurrency?: number;
  /** It puts back on its queue what is too long for one invocation. @default false */
  readonly continuesThroughItsQueue?: boolean;
}

/** Bytes of all names and values together. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_ENVIRONMENT_BYTES = 4096;

/** What else stands in the environment: the lake's own streams, the ledger, the queue. */
const OTHER_ENVIRONMENT_BYTES = 800;

/** The longest name a stream or bucket can have, and the end that CloudFormation gives a name it makes up. */
const MAX_NAME_LENGTH = 64;
const MADE_UP_END_LENGTH = '-ABCDEFGHIJKLM'.length;

/** A function that loads sources: bundled from lambdas/, with a log group and a role of its own. */
export class LogFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: LogFunctionProps) {
    const { entry, description, memoryMiB, timeout, reservedConcurrency, continuesThroughItsQueue } = props;
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      logGroupName: `${LOG_GROUPS}${entry}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Without it CDK attaches AWS's managed policy, which reaches every log group.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description });
    logGroup.grantWrite(role);
    super(scope, id, {
      // The SDK is in the bundle: the version tested is the version that runs, and it starts faster.
      code: Code.fromAsset(bundle(entry)),
      handler: 'index.handler',
      // Young objects die within a line: a nursery of V8's own size would only be 50 MiB more to hold.
      environment: { NODE_OPTIONS: '--enable-source-maps --max-semi-space-size=4' },
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMiB,
      timeout,
      reservedConcurrentExecutions: reservedConcurrency,
      // Each turn comes further than the last, or the object ends; Lambda's own guard would end it after 16.
      ...(continuesThroughItsQueue ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
      role,
      logGroup,
    });
  }

  /**
   * Tells the function its sources, by the environment variable given.
   *
   * @throws ConfigError when they are more than a function's environment holds.
   */
  setSources(sources: readonly (SourceSettings | TrackedSettings)[], variable: string = ENV.sources): void {
    const json = this.stack.toJsonString(sources);
    // The names CloudFormation will put in are not known yet: count the longest.
    const atLongest = JSON.stringify(this.stack.resolve(sources), (_, value) =>
      value?.Ref ? this.#longestName(value.Ref) : value,
    );
    const bytes = Buffer.byteLength(atLongest) + variable.length;
    if (bytes > MAX_ENVIRONMENT_BYTES - OTHER_ENVIRONMENT_BYTES) {
      throw new ConfigError(
        'sources',
        `got ${sources.length} for ${this.node.id} that take ${bytes} bytes of its environment, ` +
          `allowed: at most ${MAX_ENVIRONMENT_BYTES - OTHER_ENVIRONMENT_BYTES}; use fewer sources or streams, or shorter options`,
      );
    }
    this.addEnvironment(variable, json);
  }

  /** The longest name CloudFormation can make up: the stack's, the resource's, something random. */
  #longestName(logicalId: string): string {
    const length = `${this.stack.stackName}-${logicalId}`.length + MADE_UP_END_LENGTH;
    return 'x'.repeat(Math.min(length, MAX_NAME_LENGTH));
  }
}
