import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { arnOf, nameOfArn, REGION } from '../account.ts';
import { type Credentials, temporaryCredentials } from '../credentials.ts';
import { openEndpoint } from '../endpoint.ts';
import type { Caller, Sessions } from '../iam/caller.ts';
import { requireDeployable } from '../iam/needs.ts';
import type { Permissions } from '../iam/permissions.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import { Environment, type Invocation, type Outcome } from './environment.ts';
import { ErrorFinder, FunctionLog } from './function-log.ts';
import { reportLine } from './log-lines.ts';

/** An invocation that has just been delivered to a process. */
export interface StartedInvocation {
  readonly functionName: string;
  readonly requestId: string;
  readonly payload: string;
  readonly pid: number;
}

/** The functions of a stack, and the settings of their processes. */
export interface LambdaOptions {
  /** The output of a function goes to `<dir>/<function>.log`. */
  readonly dir: string;
  readonly functions: readonly Resource[];
  /** The folder of a function's bundle. */
  readonly bundle: (resource: Resource) => string;
  /** Added to every function's environment: the URLs of the other services. */
  readonly env: Readonly<Record<string, string>>;
  /** What the roles of the functions may do. */
  readonly permissions: Permissions;
  /** Gets an access key for each function. */
  readonly sessions: Sessions;
  readonly onInvocation?: (invocation: StartedInvocation) => void;
}

/** Lambda on this machine. */
export interface LocalLambda {
  /**
   * The function with the given name or ARN.
   *
   * @throws TemplateError if the stack has none, or it cannot run here.
   */
  function(nameOrArn: string): LocalFunction;
  /** Kills all processes. */
  close(): Promise<void>;
}

/** The result of an invocation. */
export type InvocationResult =
  /** `logged`: the error that the function printed, if any. */
  | { readonly ok: true; readonly payload: string; readonly logged?: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

/** A function of the stack. */
export interface LocalFunction {
  readonly name: string;
  readonly arn: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Number of invocations that run at a time; others wait. */
  readonly concurrency: number;
  /** The function's role, as Lambda uses it for the function. */
  readonly caller: Caller;
  /** Writes a line into the function's log, after the time. */
  note(line: string): void;
  /** Runs one event and waits for its end; never rejects. */
  invoke(payload: string, requestId?: string): Promise<InvocationResult>;
}

/** Opens the Runtime API. Processes are started when an invocation needs one. */
export async function openLambda(options: LambdaOptions): Promise<LocalLambda> {
  const environments = new Map<string, Environment>();
  const endpoint = await openEndpoint({ signed: false });
  endpoint.serve({
    name: 'LAMBDA_RUNTIME',
    handle: async (request, response) => {
      // The first part of the path identifies the process that asks, and only that process knows it: separate Runtime APIs
      // would need a port each.
      const [, id = '', , path = ''] = /^\/([^/]+)\/(2018-06-01)(\/.*)$/.exec(request.url ?? '') ?? [];
      const environment = environments.get(id);
      if (environment) await environment.handle(path, request, response);
      else response.writeHead(404).end();
    },
    close: async () => {},
  });
  const functions = new Map<string, LocalFunction>();
  const opened = (name: string): LocalFunction => {
    const resource = options.functions.find(({ localName }) => localName === name);
    if (!resource) throw new TemplateError(`no function ${name} in the stack`);
    return localFunction(resource, { ...options, runtimeApi: new URL(endpoint.url).host, environments });
  };
  return {
    function: (nameOrArn) => {
      const name = nameOfArn(nameOrArn);
      const known = functions.get(name) ?? opened(name);
      functions.set(name, known);
      return known;
    },
    close: async () => {
      await Promise.all([...environments.values()].map((environment) => environment.discard()));
      await endpoint.close();
    },
  };
}

const functionProperties = z.object({
  Runtime: z.string().startsWith('nodejs', { error: 'expected nodejs: no other runtime is here' }),
  Handler: z.string(),
  Role: z.string(),
  Timeout: z.number().default(3),
  MemorySize: z.number().default(128),
  ReservedConcurrentExecutions: z.number().optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).default({ Variables: {} }),
  LoggingConfig: z.object({ LogGroup: z.string().optional() }).default({}),
});

interface FunctionSurroundings extends LambdaOptions {
  readonly runtimeApi: string;
  readonly environments: Map<string, Environment>;
}

interface Worker {
  readonly id: string;
  readonly environment: Environment;
  readonly errors: ErrorFinder;
}

function localFunction(resource: Resource, surroundings: FunctionSurroundings): LocalFunction {
  const properties = propertiesOf(resource, functionProperties);
  const { localName: name } = resource;
  const arn = arnOf('lambda', `function:${name}`);
  const timeout = properties.Timeout * 1000;
  const concurrency = Math.min(availableParallelism(), properties.ReservedConcurrentExecutions ?? Infinity);
  const log = new FunctionLog(join(surroundings.dir, `${name}.log`));
  const caller = surroundings.permissions.assumedBy('lambda.amazonaws.com', properties.Role, name);
  const credentials = temporaryCredentials(`${properties.Role} ${name}`);
  surroundings.sessions.add({ credentials, caller });
  const logGroup = arnOf('logs', `log-group:${logGroupOf(name, properties)}`);
  requireDeployable(
    caller,
    `function ${name}`,
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
    `${logGroup}:log-stream:any`,
  );
  const env = environmentOf(resource, surroundings.bundle(resource), { services: surroundings.env, credentials });
  const { environments, onInvocation } = surroundings;

  const start = (): Worker => {
    const id = randomUUID();
    const errors = new ErrorFinder();
    const environment = new Environment({
      functionArn: arn,
      env: { ...env, AWS_LAMBDA_RUNTIME_API: `${surroundings.runtimeApi}/${id}`, AWS_LAMBDA_LOG_STREAM_NAME: id },
      memoryMiB: properties.MemorySize,
      timeout,
      onOutput: (chunk) => {
        log.write(chunk);
        errors.read(chunk);
      },
      onDelivered: ({ requestId, payload }, pid) => onInvocation?.({ functionName: name, requestId, payload, pid }),
    });
    environments.set(id, environment);
    return { id, environment, errors };
  };

  const note = (line: string) => log.write(`${new Date().toISOString()} ${line}\n`);
  const idle: Worker[] = [];
  const run = async (invocation: Invocation): Promise<InvocationResult> => {
    for (;;) {
      const worker = idle.pop() ?? start();
      worker.errors.begin();
      const begun = performance.now();
      const outcome = await worker.environment.invoke(invocation);
      if (outcome.kind === 'undelivered') {
        environments.delete(worker.id);
        continue;
      }
      const result = await resultOf(outcome, worker.errors);
      if (worker.environment.alive) idle.push(worker);
      else environments.delete(worker.id);
      if (!result.ok) note(`${result.errorType}: ${result.errorMessage}`);
      note(reportLine(invocation.requestId, performance.now() - begun, result.ok));
      return result;
    }
  };
  const turns = new Turns(concurrency);
  return {
    name,
    arn,
    timeout,
    concurrency,
    caller,
    note,
    invoke: (payload, requestId = randomUUID()) => turns.take(() => run({ requestId, payload })),
  };
}

/** Long enough for the process's output to arrive through its pipe, which is separate from the answer. */
const OUTPUT_LAG_MS = 5;

async function resultOf(
  outcome: Exclude<Outcome, { kind: 'undelivered' }>,
  errors: ErrorFinder,
): Promise<InvocationResult> {
  if (outcome.kind === 'error') {
    return { ok: false, errorType: outcome.errorType, errorMessage: outcome.errorMessage };
  }
  // Only an answer that names failures needs the error that was printed.
  if (!outcome.payload.includes('itemIdentifier')) return { ok: true, payload: outcome.payload };
  await new Promise((done) => setTimeout(done, OUTPUT_LAG_MS));
  return { ok: true, payload: outcome.payload, logged: errors.found };
}

/**
 * The environment of a function's process, without the Runtime API's address.
 *
 * @param services URLs of the other services; they override the function's own settings
 * @param credentials of the function's role
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export function environmentOf(
  resource: Resource,
  bundle: string,
  {
    services,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  }: { readonly services: Readonly<Record<string, string>>; readonly credentials: Required<Credentials> },
): Record<string, string> {
  const { localName: name } = resource;
  const {
    Runtime,
    Handler,
    MemorySize,
    Environment: variables,
    LoggingConfig,
  } = propertiesOf(resource, functionProperties);
  return {
    ...variables.Variables,
    PATH: process.env.PATH ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    LAMBDA_TASK_ROOT: resolve(bundle),
    _HANDLER: Handler,
    AWS_EXECUTION_ENV: `AWS_Lambda_${Runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MemorySize),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: logGroupOf(name, { LoggingConfig }),
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...services,
  };
}

function logGroupOf(
  name: string,
  { LoggingConfig }: Pick<z.output<typeof functionProperties>, 'LoggingConfig'>,
): string {
  return LoggingConfig.LogGroup ?? `/aws/lambda/${name}`;
}

/** Lets at most `limit` calls run at a time; the others wait in order. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async take<T>(run: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
