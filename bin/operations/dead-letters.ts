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
import { MAX_BATCH_MESSAGES, sendMessages } from './objects.ts';
import type { OperationOptions } from './operation-options.ts';

/** A queue whose dead letters are sent again. */
interface Redriven {
  readonly queueUrl: string | undefined;
  /** What is to be done about a dead letter before it is sent again. */
  readonly prepare: (letter: Message) => Promise<void>;
  readonly label: string;
}

/** Result of redriving dead letters. */
export interface DeadLetterCounts {
  /** Messages sent to the lake's queue again; in a dry run, messages in the dead-letter queue. */
  readonly redriven: number;
  /** Messages that this run sent again and that have failed again: they are left in the dead-letter queue. */
  readonly failedAgain: number;
}

/** Time to process a received message; afterwards another run may receive it. */
const VISIBILITY_SECONDS = 60;
/** With a wait, SQS asks all its servers, so that an empty answer means an empty queue. */
const WAIT_SECONDS = 1;

/** Sends the dead letters of loading again. */
export function redriveDeadLetters(lake: LakeHandle, options: OperationOptions): Promise<DeadLetterCounts> {
  const prepare = (letter: Message) => releaseObjects(lake, letter);
  return redriveLetters(lake, options, { queueUrl: lake.queueUrl, prepare, label: 'dead letters' });
}

/**
 * Sends the dead letters of the duplicate check again. A message that comes twice is recognised there: pages are written
 * over themselves.
 */
export function redriveCheckDeadLetters(lake: LakeHandle, options: OperationOptions): Promise<DeadLetterCounts> {
  const label = 'dead letters of the duplicate check';
  return redriveLetters(lake, options, { queueUrl: lake.checkQueueUrl, prepare: async () => {}, label });
}

/**
 * Sends dead letters to the queue they came from. A dead letter is deleted only after the queue has accepted it. After
 * a crash in between, it is in both queues, and the ledger skips the object that is announced twice.
 */
async function redriveLetters(
  lake: LakeHandle,
  options: OperationOptions,
  { queueUrl, prepare, label }: Redriven,
): Promise<DeadLetterCounts> {
  const QueueUrl = queueUrl === undefined ? undefined : await deadLetterQueue(lake, queueUrl);
  if (queueUrl === undefined || QueueUrl === undefined) return { redriven: 0, failedAgain: 0 };
  const waiting = await messagesIn(lake, QueueUrl);
  if (options.dryRun) return { redriven: waiting, failedAgain: 0 };
  const began = Date.now();
  const counts = { redriven: 0, failedAgain: 0 };
  const progress = options.progress(label, waiting);
  for (;;) {
    const messages = await receive(lake, QueueUrl);
    if (messages.length === 0) break;
    // A message keeps the time it was sent when it becomes a dead letter.
    const [again, old] = split(messages, (message) => sentAt(message) >= began);
    counts.failedAgain += again.length;
    if (old.length === 0) continue;
    await options.rateLimit(old.length);
    for (const letter of old) await prepare(letter);
    await sendMessages(
      lake,
      queueUrl,
      old.map(({ Body = '' }) => Body),
    );
    await lake.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: old.map(handle) }));
    counts.redriven += old.length;
    progress.add(old.length);
  }
  progress.end();
  return counts;
}

/**
 * Releases the claims that the dead letter's message still holds in the ledger: sent again, the message has another
 * id, which could not take them over.
 */
async function releaseObjects(lake: LakeHandle, { Body = '', MessageId = '' }: Message): Promise<void> {
  for (const object of objectsIn(Body)) {
    const match = sourceOfObject(lake.sources, object);
    if (match.outcome === 'skipped') continue;
    await release(lake, entryIdOf(objectInputKey(match.source.settings.name, object)), MessageId);
  }
}

/** Objects in a dead letter; none if it cannot be read. It is sent again anyway: the function may be fixed by now. */
function objectsIn(body: string): CreatedObject[] {
  try {
    return createdObjects(body);
  } catch (error) {
    if (error instanceof UnknownMessageError) return [];
    throw error;
  }
}

async function deadLetterQueue(lake: LakeHandle, queueUrl: string): Promise<string | undefined> {
  const { Attributes } = await lake.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['RedrivePolicy'] }),
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
