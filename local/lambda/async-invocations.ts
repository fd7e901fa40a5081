import { join } from 'node:path';
import { z } from 'zod';
import { nameOfArn } from '../account.ts';
import { requireDeployable } from '../iam/needs.ts';
import { MessageQueue, type ReceivedMessage } from '../queues/message-queue.ts';
import { type BucketKeys, type S3Caller, s3Caller } from '../s3/access.ts';
import type { ObjectStore } from '../s3/object-store.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import type { LocalFunction, LocalLambda } from './lambda.ts';
import { droppedLine } from './log-lines.ts';
import type { Worker } from './workers.ts';

/** An event that Lambda gave up on. */
export interface FailedEvent {
  readonly functionName: string;
  readonly error: string;
}

/** What asynchronous invocations need. */
export interface AsyncInvocationOptions {
  /** Contains a folder per function, with the events that are not done yet. */
  readonly dir: string;
  readonly resources: readonly Resource[];
  readonly lambda: LocalLambda;
  readonly objects: ObjectStore;
  /** Keys of buckets. @default none */
  readonly keys?: BucketKeys;
  /** The functions that are invoked asynchronously, by name or ARN. */
  readonly targets: readonly string[];
}

/** Lambda's asynchronous invocations. */
export interface AsyncInvocations {
  /**
   * Stores an event (JSON) for a function and invokes the function, with retries, until the event is done or given up.
   *
   * @param label says in the name of the event's file what it is about
   */
  invoke(functionArn: string, payload: string, label?: string): Promise<void>;
  readonly failed: readonly FailedEvent[];
  readonly workers: readonly Worker[];
}

/** How long Lambda waits before each retry: one minute, then two. */
const RETRY_WAITS_MS = [60_000, 120_000];

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const MAX_EVENT_BYTES = 1_048_576;

/**
 * Opens the queues of asynchronous events. Retries of an event have the same request id.
 *
 * @throws TemplateError naming an on-failure destination that is not emulated.
 */
export async function openAsyncInvocations(options: AsyncInvocationOptions): Promise<AsyncInvocations> {
  const queues = new Map<string, MessageQueue>();
  const failed: FailedEvent[] = [];
  const workers: Worker[] = [];
  for (const target of new Set(options.targets.map(nameOfArn))) {
    const local = options.lambda.function(target);
    const channel: EventChannel = {
      ...retriesOf(options.resources, target),
      target: local,
      objects: options.objects,
      s3: s3Caller(local.caller, options.keys ?? new Map()),
      failed,
      // Hidden until it is done: while this process runs, no event is received twice.
      queue: await MessageQueue.open({
        dir: join(options.dir, target),
        visibilityTimeout: Number.POSITIVE_INFINITY,
      }),
    };
    if (channel.onFailure !== undefined) {
      requireDeployable(local.caller, `function ${target}`, ['s3:ListBucket'], `arn:aws:s3:::${channel.onFailure}`);
    }
    queues.set(target, channel.queue);
    for (let worker = 0; worker < local.concurrency; worker++) {
      workers.push({ queue: channel.queue, work: () => handEvent(channel) });
    }
  }
  return {
    failed,
    workers,
    invoke: async (functionArn, payload, label) => {
      const queue = queues.get(nameOfArn(functionArn));
      if (!queue) throw new TemplateError(`function ${functionArn} is not invoked asynchronously in this stack`);
      if (Buffer.byteLength(payload) > MAX_EVENT_BYTES) {
        throw new Error(`expected an event of at most ${MAX_EVENT_BYTES} bytes, got ${Buffer.byteLength(payload)}`);
      }
      await queue.send(payload, { label });
    },
  };
}

const invokeConfigProperties = z.object({
  FunctionName: z.string(),
  MaximumRetryAttempts: z.number().default(2),
  DestinationConfig: z
    .object({
      OnSuccess: z.object({ Destination: z.never({ error: 'has no local behaviour' }) }).optional(),
      OnFailure: z.object({ Destination: z.string() }).optional(),
    })
    .default({}),
});

interface Retries {
  readonly maxRetries: number;
  /** The bucket that failed events are written to. */
  readonly onFailure?: string;
}

interface EventChannel extends Retries {
  readonly target: LocalFunction;
  readonly queue: MessageQueue;
  readonly objects: ObjectStore;
  /** Lambda with the role of the function, which stores failed events so. */
  readonly s3: S3Caller;
  readonly failed: FailedEvent[];
}

function retriesOf(resources: readonly Resource[], target: string): Retries {
  const config = resources
    .filter(({ type }) => type === 'AWS::Lambda::EventInvokeConfig')
    .map((resource) => propertiesOf(resource, invokeConfigProperties))
    .find(({ FunctionName }) => nameOfArn(FunctionName) === target);
  const destination = config?.DestinationConfig.OnFailure?.Destination;
  if (destination !== undefined && !destination.startsWith('arn:aws:s3:::')) {
    throw new TemplateError(
      `function ${target}: OnFailure ${destination} is no bucket; others have no local behaviour`,
    );
  }
  return {
    maxRetries: config?.MaximumRetryAttempts ?? 2,
    onFailure: destination === undefined ? undefined : nameOfArn(destination),
  };
}

async function handEvent(channel: EventChannel): Promise<void> {
  const { queue, target, maxRetries, onFailure, objects, s3, failed } = channel;
  const [message] = await queue.receive(1);
  if (!message) return;
  const result = await target.invoke(message.body, message.id);
  if (result.ok) return queue.delete(message.receiptHandle);
  if (message.receiveCount <= maxRetries) {
    queue.changeVisibility(message.receiptHandle, RETRY_WAITS_MS[message.receiveCount - 1] ?? 0);
    return;
  }
  failed.push({ functionName: target.name, error: `${result.errorType}: ${result.errorMessage}` });
  target.note(droppedLine(message.id));
  if (onFailure !== undefined) {
    const record = invocationRecord(target, message, result);
    const key = failureKey(target.name, message.id);
    s3.require('PUT object', onFailure, key);
    await objects.put(onFailure, key, JSON.stringify(record));
  }
  await queue.delete(message.receiptHandle);
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function invocationRecord(
  target: LocalFunction,
  message: ReceivedMessage,
  { errorType, errorMessage }: { readonly errorType: string; readonly errorMessage: string },
): unknown {
  return {
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId: message.id,
      functionArn: `${target.arn}:$LATEST`,
      condition: 'RetriesExhausted',
      approximateInvokeCount: message.receiveCount,
    },
    requestPayload: JSON.parse(message.body),
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: { errorType, errorMessage },
  };
}

/**
 * The key has the request id instead of Lambda's random id, so that a repetition after a crash writes the same object.
 */
function failureKey(functionName: string, requestId: string): string {
  const now = new Date().toISOString();
  const day = now.slice(0, 10).replaceAll('-', '/');
  return `aws/lambda/async/${functionName}/${day}/${now.slice(0, 19).replaceAll(':', '.')}-${requestId}`;
}
