import { z } from 'zod';
import { REGION } from '../account.ts';
import { requireDeployable } from '../iam/needs.ts';
import type { MessageQueue, ReceivedMessage } from '../queues/message-queue.ts';
import { type LocalSqs, md5, systemAttributes } from '../queues/sqs.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource } from '../template/resource.ts';
import type { InvocationResult, LocalFunction, LocalLambda } from './lambda.ts';
import type { Pause, Worker } from './workers.ts';

/** What event sources connect. */
export interface EventSourceOptions {
  readonly resources: readonly Resource[];
  readonly sqs: LocalSqs;
  readonly lambda: LocalLambda;
}

/**
 * Lambda's pollers: for each event source mapping, as many as its concurrency allows.
 *
 * @throws TemplateError naming what AWS would refuse, or what would never end on this machine.
 */
export function eventSourceWorkers({ resources, sqs, lambda }: EventSourceOptions): Worker[] {
  return resources
    .filter(({ type }) => type === 'AWS::Lambda::EventSourceMapping')
    .flatMap((resource) => {
      const mapping = propertiesOf(resource, mappingProperties);
      if (!mapping.Enabled) return [];
      const queue = sqs.byArn(mapping.EventSourceArn);
      const target = lambda.function(mapping.FunctionName);
      requireFit(resource, mapping, queue, target);
      requireDeployable(target.caller, `resource ${resource.logicalId}`, POLLING, mapping.EventSourceArn);
      const source: EventSource = {
        queue,
        target,
        arn: mapping.EventSourceArn,
        batchSize: mapping.BatchSize,
        batchingWindow: mapping.MaximumBatchingWindowInSeconds * 1000,
        partial: mapping.FunctionResponseTypes.includes('ReportBatchItemFailures'),
      };
      const pollers = Math.min(target.concurrency, mapping.ScalingConfig.MaximumConcurrency ?? Infinity);
      return Array.from({ length: pollers }, () => ({ queue, work: (pause: Pause) => handBatch(source, pause) }));
    });
}

const mappingProperties = z.object({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  BatchSize: z.number().default(10),
  Enabled: z.boolean().default(true),
  FilterCriteria: refused,
  FunctionResponseTypes: z.array(z.string()).default([]),
  MaximumBatchingWindowInSeconds: z.number().default(0),
  ScalingConfig: z.object({ MaximumConcurrency: z.number().optional() }).default({}),
});

interface EventSource {
  readonly queue: MessageQueue;
  readonly target: LocalFunction;
  readonly arn: string;
  readonly batchSize: number;
  /** Milliseconds that a batch waits to become full. */
  readonly batchingWindow: number;
  /** The batch that is waiting to become full; new messages are added to it. */
  gathering?: Promise<unknown> | undefined;
  /** True if the function reports which messages failed. */
  readonly partial: boolean;
}

/** What Lambda's pollers do with the role of the function: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
const POLLING = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html */
const MOST_WITHOUT_WINDOW = 10;

function requireFit(
  resource: Resource,
  mapping: z.infer<typeof mappingProperties>,
  queue: MessageQueue,
  target: LocalFunction,
): void {
  const { visibilityTimeout, redrive } = queue.options;
  if (visibilityTimeout < target.timeout) {
    throw new TemplateError(
      `resource ${resource.logicalId}: the queue's VisibilityTimeout must be at least the Timeout of ${target.name}, ` +
        `got ${visibilityTimeout / 1000} s and ${target.timeout / 1000} s`,
    );
  }
  const { BatchSize, MaximumBatchingWindowInSeconds } = mapping;
  if (BatchSize > MOST_WITHOUT_WINDOW && MaximumBatchingWindowInSeconds === 0) {
    throw new TemplateError(
      `resource ${resource.logicalId}: a BatchSize of more than ${MOST_WITHOUT_WINDOW} needs a ` +
        `MaximumBatchingWindowInSeconds, got ${BatchSize} without`,
    );
  }
  if (!redrive) {
    throw new TemplateError(
      `resource ${resource.logicalId}: the queue has no RedrivePolicy: what ${target.name} fails at would never end`,
    );
  }
}

/**
 * Receives a batch if there are messages, invokes the function, and deletes the messages that succeeded. The others
 * come back after their visibility timeout.
 */
async function handBatch(source: EventSource, pause: Pause): Promise<void> {
  const { queue, target, arn, partial } = source;
  const { gathering } = source;
  if (gathering) return await pause(() => gathering);
  const gathered = gather(source, pause);
  if (source.batchingWindow > 0) source.gathering = gathered;
  const messages = await gathered.finally(() => {
    source.gathering = undefined;
  });
  if (messages.length === 0) return;
  const event = { Records: messages.map((message) => sqsRecord(message, arn)) };
  const result = await target.invoke(JSON.stringify(event));
  const ids = new Set(messages.map(({ id }) => id));
  const { failed, error } = failuresOf(result, ids, partial);
  for (const { id, receiptHandle } of messages) {
    if (failed.has(id)) queue.noteError(receiptHandle, error);
    else await queue.delete(receiptHandle);
  }
}

/**
 * Receives a batch: a full one, or the messages that have come within the window.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
async function gather({ queue, batchSize, batchingWindow }: EventSource, pause: Pause): Promise<ReceivedMessage[]> {
  const messages = await queue.receive(batchSize);
  if (batchingWindow === 0 || messages.length === 0) return messages;
  const over = AbortSignal.timeout(batchingWindow);
  await pause(async (skipped) => {
    const end = AbortSignal.any([over, skipped]);
    while (messages.length < batchSize && !end.aborted) {
      await queue.untilVisible(end);
      messages.push(...(await queue.receive(batchSize - messages.length)));
    }
  });
  return messages;
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
function sqsRecord(message: ReceivedMessage, eventSourceARN: string): unknown {
  return {
    messageId: message.id,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: systemAttributes(message),
    messageAttributes: message.attributes,
    md5OfBody: md5(message.body),
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: REGION,
  };
}

const batchResponse = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })).nullish() })
  .nullable();

interface Failures {
  readonly failed: ReadonlySet<string>;
  readonly error: string;
}

/**
 * The messages that failed. An answer that names none is a success. An answer that is malformed, or names a message
 * outside the batch, fails all of them.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
function failuresOf(result: InvocationResult, ids: ReadonlySet<string>, partial: boolean): Failures {
  if (!result.ok) return { failed: ids, error: `${result.errorType}: ${result.errorMessage}` };
  if (!partial) return { failed: new Set(), error: '' };
  const answer = batchResponse.safeParse(JSON.parse(result.payload));
  if (!answer.success) {
    return {
      failed: ids,
      error: `expected { batchItemFailures } from the function, got ${result.payload.slice(0, 200)}`,
    };
  }
  const named = answer.data?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier) ?? [];
  const unknown = named.find((id) => !ids.has(id));
  if (unknown !== undefined) {
    return { failed: ids, error: `the function reported a message that was not in its batch: ${unknown}` };
  }
  return {
    failed: new Set(named),
    error: result.logged ?? 'the function reported the message as failed and printed no error',
  };
}
