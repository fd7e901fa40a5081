import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { arnOf, nameOfArn } from '../account.ts';
import { bodyOf } from '../endpoint.ts';
import { AccessDenied, type Caller, requireAccess } from '../iam/caller.ts';
import { TemplateError } from '../template/intrinsics.ts';
import { propertiesOf, refused } from '../template/properties.ts';
import type { Resource, Service } from '../template/resource.ts';
import { queueUrl } from '../template/resource-types.ts';
import { accessOf } from './access.ts';
import { type DeadLetter, MessageQueue, type ReceivedMessage } from './message-queue.ts';

/** SQS on this machine. */
export interface LocalSqs extends Service {
  /** The queues by name. */
  readonly queues: ReadonlyMap<string, MessageQueue>;
  /** Names of the dead-letter queues. */
  readonly deadLetterQueues: ReadonlySet<string>;
  /** Messages that moved to dead-letter queues since the lake was opened. */
  readonly deadLetters: readonly DeadLetter[];
  /**
   * The queue with the given ARN.
   *
   * @throws TemplateError if the stack has none.
   */
  byArn(arn: string): MessageQueue;
}

/** The queues, where they are stored, and the address in their URLs. */
export interface SqsOptions {
  /** Contains a folder per queue. */
  readonly dir: string;
  readonly queues: readonly Resource[];
  readonly url: string;
}

/** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_MESSAGE_BYTES = 1_048_576;
const MAX_BATCH_ENTRIES = 10;
const MAX_VISIBILITY_SECONDS = 43_200;

/** Opens the queues of a stack. No acknowledged message is lost, even if the process crashes. */
export async function openSqs({ dir, queues: resources, url }: SqsOptions): Promise<LocalSqs> {
  const queues = new Map<string, MessageQueue>();
  const deadLetters: DeadLetter[] = [];
  const deadLetterQueues = new Set<string>();
  const declared = resources.map((resource) => ({ resource, ...propertiesOf(resource, queueProperties) }));
  for (const { RedrivePolicy } of declared) {
    if (RedrivePolicy) deadLetterQueues.add(nameOfArn(RedrivePolicy.deadLetterTargetArn));
  }

  const open = async (name: string, path: readonly string[] = []): Promise<MessageQueue> => {
    const existing = queues.get(name);
    if (existing) return existing;
    const queue = declared.find(({ resource }) => resource.localName === name);
    if (!queue) throw new TemplateError(`dead-letter queue ${name} is not in the template`);
    if (path.includes(name)) throw new TemplateError(`queue ${name} is its own dead-letter queue`);
    const { RedrivePolicy: policy, VisibilityTimeout, DelaySeconds } = queue;
    const target = policy && nameOfArn(policy.deadLetterTargetArn);
    const opened = await MessageQueue.open({
      dir: join(dir, name),
      visibilityTimeout: VisibilityTimeout * 1000,
      delay: DelaySeconds * 1000,
      redrive:
        policy && target
          ? { queue: await open(target, [...path, name]), maxReceiveCount: policy.maxReceiveCount }
          : undefined,
      onDeadLetter: (letter) => deadLetters.push({ queue: target ?? name, ...letter }),
    });
    queues.set(name, opened);
    return opened;
  };
  for (const { resource } of declared) await open(resource.localName);

  return {
    name: 'SQS',
    queues,
    deadLetterQueues,
    deadLetters,
    byArn: (arn) => {
      const queue = queues.get(nameOfArn(arn));
      if (!queue) throw new TemplateError(`no queue ${arn} in the stack`);
      return queue;
    },
    handle: (request, response, caller) => answer(request, response, caller, { queues, url }),
    close: async () => {},
  };
}

const queueProperties = z.object({
  VisibilityTimeout: z.number().default(30),
  DelaySeconds: z.number().default(0),
  FifoQueue: refused,
  RedrivePolicy: z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() }).optional(),
});

interface Queues {
  readonly queues: ReadonlyMap<string, MessageQueue>;
  readonly url: string;
}

class SqsError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Answers a request of the AWS JSON 1.0 protocol, which has the action in a header. */
async function answer(request: IncomingMessage, response: ServerResponse, caller: Caller, sqs: Queues): Promise<void> {
  const target = String(request.headers['x-amz-target'] ?? '');
  try {
    const input: unknown = JSON.parse((await bodyOf(request)).toString() || '{}');
    const operation = target.replace(/^AmazonSQS\./, '');
    const action = ACTIONS[operation];
    if (!action) throw new SqsError('UnsupportedOperation', `action ${target || '(none)'} has no local behaviour`);
    requireAccess(caller, accessOf(operation, input));
    reply(response, 200, await action(input, sqs, response));
  } catch (error) {
    const known = refusalOf(error);
    if (!(known instanceof SqsError)) throw error;
    response.setHeader('x-amzn-query-error', `${known.code};Sender`);
    reply(response, 400, { __type: `com.amazonaws.sqs#${known.code}`, message: known.message });
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof z.ZodError) return new SqsError('InvalidParameterValue', z.prettifyError(error));
  return error instanceof AccessDenied ? new SqsError('AccessDenied', error.message) : error;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() });
  response.end(JSON.stringify(body ?? {}));
}

type Action = (input: unknown, sqs: Queues, response: ServerResponse) => Promise<unknown>;

const attributes = z.record(z.string(), z.unknown()).default({});
const toSend = z.object({
  MessageBody: z.string().min(1),
  DelaySeconds: z.number().optional(),
  MessageAttributes: attributes,
});
const toChange = z.object({
  ReceiptHandle: z.string(),
  VisibilityTimeout: z.number().min(0).max(MAX_VISIBILITY_SECONDS),
});
const toDelete = z.object({ ReceiptHandle: z.string() });
const toReceive = z.object({
  MaxNumberOfMessages: z.number().min(1).max(MAX_BATCH_ENTRIES).default(1),
  VisibilityTimeout: z.number().min(0).max(MAX_VISIBILITY_SECONDS).optional(),
  WaitTimeSeconds: z.number().min(0).max(20).default(0),
});

const ACTIONS: Readonly<Record<string, Action>> = {
  SendMessage: async (input, sqs) => send(queueOf(input, sqs), toSend.parse(input)),
  SendMessageBatch: (input, sqs) => {
    const queue = queueOf(input, sqs);
    const entries = batchOf(input, toSend);
    requireSize(entries.reduce((bytes, { MessageBody }) => bytes + Buffer.byteLength(MessageBody), 0));
    return batch(entries, (entry) => send(queue, entry));
  },
  ReceiveMessage: async (input, sqs, response) => {
    const queue = queueOf(input, sqs);
    const { MaxNumberOfMessages, VisibilityTimeout, WaitTimeSeconds } = toReceive.parse(input);
    if (WaitTimeSeconds > 0) {
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      await queue.untilVisible(AbortSignal.any([gone.signal, AbortSignal.timeout(WaitTimeSeconds * 1000)]));
      // If the reader has disconnected, a message received for it would come back only after its visibility timeout.
      if (gone.signal.aborted) return {};
    }
    const visibility = VisibilityTimeout === undefined ? undefined : VisibilityTimeout * 1000;
    const messages = await queue.receive(MaxNumberOfMessages, visibility);
    return messages.length > 0 ? { Messages: messages.map(sdkMessage) } : {};
  },
  DeleteMessage: async (input, sqs) => queueOf(input, sqs).delete(toDelete.parse(input).ReceiptHandle),
  DeleteMessageBatch: (input, sqs) => {
    const queue = queueOf(input, sqs);
    return batch(batchOf(input, toDelete), (entry) => queue.delete(entry.ReceiptHandle));
  },
  ChangeMessageVisibility: async (input, sqs) => changeVisibility(queueOf(input, sqs), toChange.parse(input)),
  ChangeMessageVisibilityBatch: (input, sqs) => {
    const queue = queueOf(input, sqs);
    return batch(batchOf(input, toChange), async (entry) => changeVisibility(queue, entry));
  },
  GetQueueUrl: async (input, sqs) => {
    const { QueueName } = z.object({ QueueName: z.string() }).parse(input);
    existing(sqs, QueueName);
    return { QueueUrl: queueUrl(QueueName, { sqs: sqs.url }) };
  },
  ListQueues: async (input, sqs) => {
    const { QueueNamePrefix } = z.object({ QueueNamePrefix: z.string().default('') }).parse(input);
    const names = [...sqs.queues.keys()].filter((name) => name.startsWith(QueueNamePrefix)).sort();
    return { QueueUrls: names.map((name) => queueUrl(name, { sqs: sqs.url })) };
  },
  GetQueueAttributes: async (input, sqs) => {
    const { AttributeNames } = z.object({ AttributeNames: z.array(z.string()).default([]) }).parse(input);
    const all = queueAttributes(nameOf(input), queueOf(input, sqs));
    const wanted = Object.entries(all).filter(
      ([name]) => AttributeNames.includes('All') || AttributeNames.includes(name),
    );
    return { Attributes: Object.fromEntries(wanted) };
  },
};

async function send(queue: MessageQueue, entry: z.infer<typeof toSend>): Promise<unknown> {
  requireSize(Buffer.byteLength(entry.MessageBody));
  const delay = entry.DelaySeconds === undefined ? undefined : entry.DelaySeconds * 1000;
  const id = await queue.send(entry.MessageBody, { delay, attributes: entry.MessageAttributes });
  return { MessageId: id, MD5OfMessageBody: md5(entry.MessageBody) };
}

function changeVisibility(queue: MessageQueue, entry: z.infer<typeof toChange>): void {
  if (queue.changeVisibility(entry.ReceiptHandle, entry.VisibilityTimeout * 1000)) return;
  throw new SqsError('MessageNotInflight', `no message in flight has the receipt handle ${entry.ReceiptHandle}`);
}

function sdkMessage(message: ReceivedMessage): unknown {
  return {
    MessageId: message.id,
    ReceiptHandle: message.receiptHandle,
    Body: message.body,
    MD5OfBody: md5(message.body),
    Attributes: systemAttributes(message),
    MessageAttributes: message.attributes,
  };
}

/** The attributes that SQS itself adds to a message. */
export function systemAttributes({ receiveCount, sentAt, firstReceivedAt }: ReceivedMessage): Record<string, string> {
  return {
    ApproximateReceiveCount: String(receiveCount),
    ApproximateFirstReceiveTimestamp: String(firstReceivedAt),
    SentTimestamp: String(sentAt),
    SenderId: 'AIDACKCEVSQ6C2EXAMPLE',
  };
}

/** The MD5 of a message's body in hexadecimal digits, which the SDK compares. */
export function md5(body: string): string {
  return createHash('md5').update(body).digest('hex');
}

function queueAttributes(name: string, queue: MessageQueue): Record<string, string> {
  const { visible, inFlight, delayed } = queue.counts();
  const { redrive, visibilityTimeout, delay = 0 } = queue.options;
  return {
    QueueArn: arnOf('sqs', name),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    VisibilityTimeout: String(visibilityTimeout / 1000),
    DelaySeconds: String(delay / 1000),
    MaximumMessageSize: String(MAX_MESSAGE_BYTES),
    ...(redrive && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: arnOf('sqs', basename(redrive.queue.options.dir)),
        maxReceiveCount: redrive.maxReceiveCount,
      }),
    }),
  };
}

function nameOf(input: unknown): string {
  const { QueueUrl } = z.object({ QueueUrl: z.string() }).parse(input);
  return QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1);
}

function queueOf(input: unknown, sqs: Queues): MessageQueue {
  return existing(sqs, nameOf(input));
}

function existing({ queues }: Queues, name: string): MessageQueue {
  const queue = queues.get(name);
  if (!queue)
    throw new SqsError('QueueDoesNotExist', `no queue ${name}; there are ${[...queues.keys()].join(', ') || 'none'}`);
  return queue;
}

function requireSize(bytes: number): void {
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new SqsError('InvalidParameterValue', `expected at most ${MAX_MESSAGE_BYTES} bytes, got ${bytes}`);
  }
}

type BatchEntry<T> = T & { readonly Id: string };

function batchOf<T extends object>(input: unknown, entry: z.ZodType<T>): BatchEntry<T>[] {
  const ids = z
    .array(z.object({ Id: z.string() }))
    .min(1)
    .max(MAX_BATCH_ENTRIES);
  const { Entries } = z.object({ Entries: z.array(z.unknown()) }).parse(input);
  return ids.parse(Entries).map(({ Id }, index) => ({ ...entry.parse(Entries[index]), Id }));
}

/** Runs a batch entry by entry. Some entries may fail; the answer is 200 nevertheless. */
async function batch<T>(entries: readonly BatchEntry<T>[], run: (entry: T) => Promise<unknown>): Promise<unknown> {
  const Successful: unknown[] = [];
  const Failed: unknown[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...Object(await run(entry)) });
    } catch (error) {
      if (!(error instanceof SqsError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful, Failed };
}
