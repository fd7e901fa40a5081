import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { entryIdOf, objectInputKey } from '../../lambdas/core/loading/input.ts';
import { type CreatedObject, createdObjects, UnknownMessageError } from '../../lambdas/core/loading/notification.ts';
import { sourceOfObject } from '../../lambdas/core/loading/sources.ts';
import type { LakeHandle } from './lake-handle.ts';
import { release } from './ledger-entries.ts';
import { MAX_BATCH_MESSAGES, queueOf, sendMessages } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';

/** What became of dead letters. */
export interface DeadLetterCounts {
  /** Sent to the lake's queue again; in a dry run, those there are. */
  readonly redriven: number;
  /** Were sent again by this run and failed again meanwhile: left where they are. */
  readonly failedAgain: number;
}

/** A message taken is dealt with in this time, or another run may take it. */
const VISIBILITY_SECONDS = 60;
/** With a wait, SQS asks all its servers: no answer means there is nothing. */
const WAIT_SECONDS = 1;

/**
 * Sends dead letters to the queue they came from. Each is deleted only once the queue has it: where this
 * dies in between, it is in both, and the ledger skips whatever comes twice.
 */
export async function redriveDeadLetters(lake: LakeHandle, options: OperationOptions): Promise<DeadLetterCounts> {
  const QueueUrl = await deadLetterQueue(lake);
  if (QueueUrl === undefined) return { redriven: 0, failedAgain: 0 };
  const waiting = await messagesIn(lake, QueueUrl);
  if (options.dryRun) return { redriven: waiting, failedAgain: 0 };
  const began = Date.now();
  const counts = { redriven: 0, failedAgain: 0 };
  const progress = options.progress('dead letters', waiting);
  for (;;) {
    const messages = await receive(lake, QueueUrl);
    if (messages.length === 0) break;
    // A message keeps the time it was sent when it becomes a dead letter.
    const [again, old] = split(messages, (message) => sentAt(message) >= began);
    counts.failedAgain += again.length;
    if (old.length === 0) continue;
    await options.rateLimit(old.length);
    for (const letter of old) await releaseObjects(lake, letter);
    await sendMessages(
      lake,
      old.map(({ Body = '' }) => Body),
    );
    await lake.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: old.map(handle) }));
    counts.redriven += old.length;
    progress.add(old.length);
  }
  progress.end();
  return counts;
}

/** The letter's own claims, which live on in the ledger: sent again, it is a message of another id. */
async function releaseObjects(lake: LakeHandle, { Body = '', MessageId = '' }: Message): Promise<void> {
  for (const object of objectsIn(Body)) {
    const match = sourceOfObject(lake.sources, object);
    if (match.outcome === 'skipped') continue;
    await release(lake, entryIdOf(objectInputKey(match.source.settings.name, object)), MessageId);
  }
}

/** A letter nobody can read names no objects; it is sent again all the same, as the function may have learnt to. */
function objectsIn(body: string): CreatedObject[] {
  try {
    return createdObjects(body);
  } catch (error) {
    if (error instanceof UnknownMessageError) return [];
    throw error;
  }
}

async function deadLetterQueue(lake: LakeHandle): Promise<string | undefined> {
  if (lake.queueUrl === undefined) return undefined;
  const { Attributes } = await lake.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueOf(lake), AttributeNames: ['RedrivePolicy'] }),
  );
  const { deadLetterTargetArn }: { deadLetterTargetArn?: string } = JSON.parse(Attributes?.RedrivePolicy ?? '{}');
  if (deadLetterTargetArn === undefined) return undefined;
  const QueueName = deadLetterTargetArn.slice(deadLetterTargetArn.lastIndexOf(':') + 1);
  const { QueueUrl } = await lake.sqs.send(new GetQueueUrlCommand({ QueueName }));
  return QueueUrl;
}

async function messagesIn(lake: LakeHandle, QueueUrl: string): Promise<number> {
  const { Attributes } = await lake.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
}

async function receive(lake: LakeHandle, QueueUrl: string): Promise<Message[]> {
  const { Messages = [] } = await lake.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: MAX_BATCH_MESSAGES,
      VisibilityTimeout: VISIBILITY_SECONDS,
      WaitTimeSeconds: WAIT_SECONDS,
      MessageSystemAttributeNames: ['SentTimestamp'],
    }),
  );
  return Messages;
}

function sentAt({ Attributes }: Message): number {
  return Number(Attributes?.SentTimestamp ?? 0);
}

function handle({ ReceiptHandle }: Message, index: number) {
  return { Id: String(index), ReceiptHandle };
}

function split<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
