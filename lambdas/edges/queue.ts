import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { continuation } from '../core/notification.ts';
import type { ObjectId } from '../core/origin.ts';
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

/**
 * Has a failed message return after a wait that grows with its receives; the queue's own timeout is six
 * times the function's. A courtesy: if it fails, the message returns later.
 */
export async function returnLater(client: SQSClient, queueUrl: string, record: SQSRecord): Promise<void> {
  const receives = Number(record.attributes.ApproximateReceiveCount) || 1;
  const VisibilityTimeout = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (receives - 1));
  const { receiptHandle: ReceiptHandle } = record;
  try {
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }));
  } catch (error) {
    logger.warn('visibility not shortened', { messageId: record.messageId, error: error as Error });
  }
}
