import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import type { ObjectId } from '../core/loading/input.ts';
import { continuation } from '../core/loading/notification.ts';
import { logger } from './logger.ts';

/** First wait of a message that failed; each further one is twice as long, up to the longest. */
const FIRST_WAIT_SECONDS = 10;
const LONGEST_WAIT_SECONDS = 900;

/**
 * Announces the object once more, so that another invocation goes on with it: as a new message, which
 * leaves the receive count for real failures.
 */
export async function continueLater(client: SQSClient, queueUrl: string, object: ObjectId): Promise<void> {
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: continuation(object) }));
}

/** Longest delay of a message. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const LONGEST_DELAY_SECONDS = 900;

/**
 * Announces an object once more that another message holds, for when its lease will be over. That message
 * may lie in the dead-letter queue, and this one be what was redriven from there: nobody else may come.
 *
 * @param leaseOver milliseconds since the epoch
 */
export async function lookAgainLater(
  client: SQSClient,
  queueUrl: string,
  object: ObjectId,
  leaseOver: number,
): Promise<void> {
  const DelaySeconds = Math.min(LONGEST_DELAY_SECONDS, Math.ceil((leaseOver - Date.now()) / 1000));
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: continuation(object), DelaySeconds }));
}

/**
 * Has a failed message return after a wait that grows with its receives; the queue's own timeout is six
 * times the function's. A courtesy: if it fails, the message returns later.
 *
 * @param moreSeconds wait so much longer
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

/** Deletes a message that is done before its invocation is over. A courtesy: if it fails, Lambda deletes it then. */
export async function deleteNow(client: SQSClient, queueUrl: string, record: SQSRecord): Promise<void> {
  const { messageId, receiptHandle: ReceiptHandle } = record;
  try {
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
  } catch (error) {
    logger.warn('message not deleted early', { messageId, error: error as Error });
  }
}
