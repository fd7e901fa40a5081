import { arnOf } from '../account.ts';
import type { Access } from '../iam/policy.ts';

/**
 * The permission that a request needs: that for a batch is that for one message. A request that names no queue is about all of
 * them.
 *
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
 */
export function accessOf(operation: string, input: unknown): Access {
  return { action: `sqs:${operation.replace(/Batch$/, '')}`, resource: arnOf('sqs', queueIn(input)) };
}

function queueIn(input: unknown): string {
  const { QueueUrl, QueueName } = Object(input);
  if (typeof QueueName === 'string') return QueueName;
  return typeof QueueUrl === 'string' ? QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1) : '*';
}
