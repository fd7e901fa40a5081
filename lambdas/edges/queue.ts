import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { type CreatedObject, continuation } from '../core/loading/notification.ts';
import { ASK_AGAIN_SECONDS, type Waited } from '../core/loading/unavailable.ts';
import { logger } from './logger.ts';

/** First wait of a message that failed. Each further wait is twice as long, up to the longest. */
const FIRST_WAIT_SECONDS = 10;
const LONGEST_WAIT_SECONDS = 900;

/**
 * Announces an unfinished object again, so that another invocation goes on with it. It is a new message rather than a
 * failed one, so that the receive count counts real failures only.
 */
export async function continueLater(
  client: SQSClient,
  queueUrl: string,
  { waited: _, ...object }: Omit<CreatedObject, 'size'>,
  stuckAt: number | undefined,
): Promise<void> {
  // Without the waits of the object, which was there now.
  const MessageBody = continuation({ ...object, ...{ stuckAt } });
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
}

/**
 * Longest delay of a message.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
const LONGEST_DELAY_SECONDS = 900;

/**
 * Announces an object again that is held by another message. The new message is delayed until the lease of the other one
 * is over, but at most by the longest delay. The new message is needed because the other one may never return: it may be
 * in the dead-letter queue, and the message received here may be its redrive.
 *
 * @param leaseOver milliseconds since the epoch
 */
export async function lookAgainLater(
  client: SQSClient,
  queueUrl: string,
  object: Omit<CreatedObject, 'size'>,
  leaseOver: number,
): Promise<void> {
  const seconds = Math.ceil((leaseOver - Date.now()) / 1000);
  const DelaySeconds = Math.min(LONGEST_DELAY_SECONDS, Math.max(0, seconds));
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: continuation(object), DelaySeconds }));
}

/**
 * Announces an object again that S3 does not give. It is a new message, because an object is given up after its own
 * number of tries, whatever else its message has failed for.
 *
 * If the process crashes before the message that it is working on is deleted, both messages ask for the object and each
 * waits for itself.
 */
export async function askAgainLater(
  client: SQSClient,
  queueUrl: string,
  object: Omit<CreatedObject, 'size'>,
  waited: Waited,
): Promise<void> {
  const MessageBody = continuation({ ...object, waited });
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody, DelaySeconds: ASK_AGAIN_SECONDS }));
}

/**
 * Makes a failed message return after a wait that grows with its receive count, rather than after the queue's
 * visibility timeout, which is six times the function's timeout. If the request fails, the message only returns later,
 * so the failure is not thrown.
 *
 * @param moreSeconds seconds that are added to the wait
 */
export async function returnLater(
  client: SQSClient,
  queueUrl: string,
  record: SQSRecord,
  moreSeconds = 0,
): Promise<void> {
  const receives = Number(record.attributes.ApproximateReceiveCount) || 1;
  const VisibilityTimeout = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (receives - 1)) + moreSeconds;
  const { receiptHandle: ReceiptHandle } = record;
  try {
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }));
  } catch (error) {
    logger.warn('visibility not shortened', { messageId: record.messageId, error: error as Error });
  }
}

/**
 * Deletes a finished message before its invocation ends. If the request fails, Lambda deletes the message when the
 * invocation ends, so the failure is not thrown.
 */
export async function deleteNow(client: SQSClient, queueUrl: string, record: SQSRecord): Promise<void> {
  const { messageId, receiptHandle: ReceiptHandle } = record;
  try {
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
  } catch (error) {
    logger.warn('message not deleted early', { messageId, error: error as Error });
  }
}

/** Tells a writer of a batch. If the message is lost, the planner sends another one. */
export async function sendBatch(client: SQSClient, queueUrl: string, batch: string): Promise<void> {
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: batch }));
}

/** Puts an object into the dead-letter queue: a message that announces it, with the reason as an attribute. */
export async function deadLetter(
  client: SQSClient,
  queueUrl: string,
  object: Omit<CreatedObject, 'size'>,
  reason: string,
): Promise<void> {
  const { waited: _, ...fresh } = object;
  await client.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: continuation(fresh),
      MessageAttributes: { reason: { DataType: 'String', StringValue: reason } },
    }),
  );
}
