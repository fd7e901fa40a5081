import { join } from 'node:path';
import { ACCOUNT } from './account.ts';
import { runCustomResources } from './custom-resources.ts';
import { damageIn } from './damage.ts';
import { drain } from './drain.ts';
import { openDynamoDb } from './dynamodb/dynamodb.ts';
import { endLeases } from './dynamodb/leases.ts';
import { type Intercept, openEndpoint } from './endpoint.ts';
import { openFirehose } from './firehose/firehose.ts';
import { databasesOf } from './glue/databases.ts';
import { openGlue } from './glue/glue.ts';
import { Sessions } from './iam/caller.ts';
import { bucketKeysOf } from './iam/keys.ts';
import { requireNeeds } from './iam/needs.ts';
import { type OnAccess, Permissions } from './iam/permissions.ts';
import { checkLakeVersion, writeLakeVersion } from './lake-version.ts';
import { functionsOthersInvoke, lambdaApi } from './lambda/api.ts';
import { openAsyncInvocations } from './lambda/async-invocations.ts';
import { eventSourceWorkers } from './lambda/event-sources.ts';
import { openLambda, type StartedInvocation } from './lambda/lambda.ts';
import { schedulesOf } from './lambda/schedules.ts';
import { startWorkers } from './lambda/workers.ts';
import type { Drained, LocalLake } from './local-lake.ts';
import { logsOf } from './logs/logs.ts';
import { notificationsOf } from './queues/notifications.ts';
import { openSqs } from './queues/sqs.ts';
import { openS3 } from './s3/s3.ts';
import type { Resource, Service } from './template/resource.ts';
import { readStack } from './template/template.ts';

/** Hooks through which tests inject faults. */
export interface LakeHooks {
  /** Sees every request to the endpoints first. */
  readonly intercept?: Intercept;
  /** Receives every invocation and the process that runs it. */
  readonly onInvocation?: (invocation: StartedInvocation) => void;
  /** Learns of everything that the roles and services of the stack ask for. */
  readonly onAccess?: OnAccess;
  /**
   * Whether what DynamoDB has written is on the disk before it answers. Who kills processes, and not the machine, need not
   * wait for that.
   *
   * @default true
   */
  readonly durable?: boolean;
}

/** A synthesized stack, and the folder with the data of its account. */
export interface OpenStackOptions {
  readonly dir: string;
  /** The cloud assembly. */
  readonly assembly: string;
  /** Required if the assembly has several stacks. */
  readonly stackName?: string;
  readonly progress?: (line: string) => void;
  /** Whether custom resources are brought up to date, without which the stack may be unable to work. @default true */
  readonly deploy?: boolean;
  readonly hooks?: LakeHooks;
}

/**
 * Runs a synthesized stack in a folder that no other process uses: endpoints, notifications, event sources. It
 * continues with the data in the folder.
 *
 * @throws LakeVersionError if another version of Tributary made the folder; TemplateError naming what in the stack cannot
 * be emulated; DeploymentError if a custom resource of the stack fails.
 */
export async function openStack(options: OpenStackOptions): Promise<LocalLake> {
  const closers: Closer[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await open(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Closer = () => Promise<void>;

async function open(
  { dir, assembly, stackName, progress, deploy = true, hooks = {} }: OpenStackOptions,
  closers: Closer[],
): Promise<Omit<LocalLake, 'close'>> {
  checkLakeVersion(dir);
  await writeLakeVersion(dir);
  const damagedBefore = new Set(damageIn(dir).map(({ file }) => file));
  const endpoints = new Map<string, string>();
  const sessions = new Sessions();
  const serve = async (service: Service, opened?: Awaited<ReturnType<typeof openEndpoint>>): Promise<void> => {
    closers.push(() => service.close());
    const endpoint = opened ?? (await openEndpoint({ sessions, intercept: hooks.intercept }));
    if (!opened) closers.push(() => endpoint.close());
    endpoint.serve(service);
    endpoints.set(service.name, endpoint.url);
  };

  // The URLs of queues are part of the stack's own settings, so this endpoint comes first.
  const sqsEndpoint = await openEndpoint({ sessions, intercept: hooks.intercept });
  closers.push(() => sqsEndpoint.close());
  const stack = readStack({ directory: assembly, stackName, urls: { sqs: sqsEndpoint.url } });
  const { resources } = stack;
  const permissions = new Permissions(resources, hooks.onAccess);
  const keys = bucketKeysOf(resources);
  const ofType = (type: string): Resource[] => resources.filter((resource) => resource.type === type);

  const sqs = await openSqs({ dir: join(dir, 'queues'), queues: ofType('AWS::SQS::Queue'), url: sqsEndpoint.url });
  await serve(sqs, sqsEndpoint);

  const notifications = notificationsOf({
    resources,
    stackName: stack.name,
    sendToQueue: async (arn, body) => void (await sqs.byArn(arn).send(body)),
  });
  const ownBuckets = ofType('AWS::S3::Bucket').map(({ localName }) => localName);
  const buckets = new Set([...ownBuckets, ...notifications.importedBuckets]);
  const s3 = await openS3({ dir, buckets, keys, onCreated: notifications.created });
  await serve(s3);

  const firehose = await openFirehose({
    dir,
    streams: ofType('AWS::KinesisFirehose::DeliveryStream'),
    tables: ofType('AWS::Glue::Table'),
    buckets: { put: async (bucket, key, file) => void (await s3.objects.putFile(bucket, key, file)) },
    callerOf: (role, stream) => permissions.assumedBy('firehose.amazonaws.com', role, stream, FIREHOSE_CONTEXT),
    keys,
  });
  await serve(firehose);

  const { durable = true } = hooks;
  const dynamoDb = await openDynamoDb({ dir: join(dir, 'dynamodb'), tables: ofType('AWS::DynamoDB::Table'), durable });
  await serve(dynamoDb);

  const definitions = ofType('AWS::Glue::Table');
  const glue = await openGlue({ dir, databases: databasesOf(resources), definitions, objects: s3.objects, keys });
  await serve(glue);

  const lambdaEndpoint = await openEndpoint({ sessions, intercept: hooks.intercept });
  closers.push(() => lambdaEndpoint.close());
  endpoints.set('LAMBDA', lambdaEndpoint.url);
  const lambda = await openLambda({
    dir: join(dir, 'logs'),
    functions: ofType('AWS::Lambda::Function'),
    bundle: stack.bundle,
    env: endpointVariables(endpoints),
    permissions,
    sessions,
    onInvocation: hooks.onInvocation,
  });
  closers.push(() => lambda.close());

  const logs = logsOf({
    resources,
    invoke: (...event) => events.invoke(...event),
    putRecord: (stream, record) => firehose.put(stream, record),
  });
  const events = await openAsyncInvocations({
    dir: join(dir, 'invocations'),
    resources,
    lambda,
    objects: s3.objects,
    keys,
    targets: [...logs.targets, ...functionsOthersInvoke(resources)],
  });
  lambdaEndpoint.serve(lambdaApi(events.invoke));
  if (deploy) await runCustomResources({ dir, stackName: stack.name, resources, lambda, progress });
  const schedules = schedulesOf({ resources, lambda });
  requireNeeds(permissions, [...notifications.needs, ...logs.needs, ...schedules.needs]);
  const workers = startWorkers([...eventSourceWorkers({ resources, sqs, lambda }), ...events.workers]);
  closers.push(async () => workers.stop());
  const damaged = damageIn(dir).filter(({ file }) => !damagedBefore.has(file));
  progress?.(`stack ${stack.name} runs on this machine: ${buckets.size} buckets, ${sqs.queues.size} queues`);

  return {
    dir,
    resources,
    endpoints,
    tables: glue.tables,
    codeOf: stack.bundle,
    putObject: async (bucket, key, file) => void (await s3.objects.putFile(bucket, key, file)),
    putLogEvents: (logGroup, logStream, logEvents) => logs.put(logGroup, logStream, logEvents),
    drain: async (left): Promise<Drained> => {
      const endDeadLeases = () => endLeases(dynamoDb.url, resources);
      await drain({ workers, firehose, schedules, endDeadLeases, progress, left });
      const deadLetters = [...sqs.deadLetters];
      return {
        deadLetters,
        failedEvents: [...events.failed, ...schedules.failed],
        conversionFailures: firehose.failures(),
        damaged,
        denied: permissions.denied,
      };
    },
  };
}

/**
 * The variables by which the SDK in a function finds the services; services that are not emulated must not be looked
 * for elsewhere.
 */
function endpointVariables(endpoints: ReadonlyMap<string, string>): Record<string, string> {
  const variables = [...endpoints].map(([name, url]) => [`AWS_ENDPOINT_URL_${name}`, url]);
  return { ...Object.fromEntries(variables), AWS_ENDPOINT_URL: UNREACHABLE };
}

/** Which of these Firehose sends is not documented; its guide and CDK's own class check one each. */
const FIREHOSE_CONTEXT = { 'aws:SourceAccount': ACCOUNT, 'sts:ExternalId': ACCOUNT };

/** The discard port, where nothing listens: a call of any other service fails at once and never leaves this machine. */
const UNREACHABLE = 'http://127.0.0.1:9';
