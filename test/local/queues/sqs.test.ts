import { join } from 'node:path';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openEndpoint } from '../../../local/endpoint.ts';
import { openSqs } from '../../../local/queues/sqs.ts';
import type { Resource } from '../../../local/template/resource.ts';
import { clientOptions } from '../../helpers/client-options.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function queue(localName: string, properties: Record<string, unknown> = {}): Resource {
  return { logicalId: localName, type: 'AWS::SQS::Queue', localName, properties };
}

const QUEUES = [
  queue('load', {
    VisibilityTimeout: 30,
    RedrivePolicy: { deadLetterTargetArn: 'arn:aws:sqs:us-east-1:123456789012:dead', maxReceiveCount: 2 },
  }),
  queue('dead'),
];

async function opened({ dir = temporaryFolder(), queues = QUEUES } = {}) {
  const endpoint = await openEndpoint();
  const service = await openSqs({ dir: join(dir, 'queues'), queues, url: endpoint.url });
  endpoint.serve(service);
  const sqs = new SQSClient(clientOptions(endpoint.url));
  onTestFinished(async () => {
    sqs.destroy();
    await endpoint.close();
  });
  const QueueUrl = `${endpoint.url}/123456789012/load`;
  const send = (MessageBody: string, more: object = {}) =>
    sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
  const receive = async (more: object = {}): Promise<Message[]> => {
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'], ...more }),
    );
    return Messages ?? [];
  };
  const bodies = async (more: object = {}) => (await receive(more)).map(({ Body }) => Body).sort();
  return { dir, service, sqs, QueueUrl, send, receive, bodies };
}

describe('a queue', () => {
  test('hands a message out once, until its visibility timeout', async () => {
    const { send, receive, bodies, QueueUrl, sqs } = await opened();
    await send('hello', { MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } } });
    const [message] = await receive();
    expect(message).toMatchObject({ Body: 'hello', MessageAttributes: { a: { StringValue: 'b' } } });
    expect(message?.Attributes).toMatchObject({ ApproximateReceiveCount: '1' });
    expect(await bodies()).toEqual([]);
    await sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 0 }),
    );
    const [again] = await receive();
    expect(again).toMatchObject({ MessageId: message?.MessageId, Attributes: { ApproximateReceiveCount: '2' } });
  });

  test('forgets a message deleted by its latest handle, and by no older one', async () => {
    const { dir, send, receive, QueueUrl, sqs } = await opened();
    await send('hello');
    const [first] = await receive({ VisibilityTimeout: 0 });
    const [second] = await receive();
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    expect((await opened({ dir })).service.queues.get('load')?.size).toBe(1);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: second?.ReceiptHandle }));
    expect((await opened({ dir })).service.queues.get('load')?.size).toBe(0);
  });

  test('hides a message that was sent with a delay', async () => {
    const { send, bodies, service } = await opened();
    await send('later', { DelaySeconds: 900 });
    expect(await bodies()).toEqual([]);
    expect(service.queues.get('load')?.skipWaits()).toBe(true);
    expect(await bodies()).toEqual(['later']);
  });

  test('wakes a reader who waits for a message', async () => {
    const { send, bodies } = await opened();
    const waiting = bodies({ WaitTimeSeconds: 20 });
    await send('hello');
    expect(await waiting).toEqual(['hello']);
  });

  test('moves a message that was received too often to the dead-letter queue, with the last error', async () => {
    const { dir, send, receive, bodies, service, sqs, QueueUrl } = await opened();
    await send('poison');
    for (let failure = 1; failure <= 2; failure++) {
      const [message] = await receive();
      service.queues.get('load')?.noteError(message?.ReceiptHandle ?? '', `failure ${failure}`);
      service.queues.get('load')?.skipWaits();
    }
    expect(await receive()).toEqual([]);
    expect(service.deadLetters).toEqual([{ queue: 'dead', body: 'poison', error: 'failure 2' }]);
    expect(await bodies({ QueueUrl: QueueUrl.replace('load', 'dead') })).toEqual(['poison']);
    const reopened = await opened({ dir });
    expect(await reopened.bodies()).toEqual([]);
    expect(await reopened.bodies({ QueueUrl: reopened.QueueUrl.replace('load', 'dead') })).toEqual(['poison']);
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'load' }))).resolves.toMatchObject({ QueueUrl });
  });
});

describe('a queue opened again', () => {
  test('has every message that was acknowledged, and those in flight at once', async () => {
    const { dir, send, receive } = await opened();
    await send('one');
    await send('two');
    expect(await receive({ MaxNumberOfMessages: 1 })).toHaveLength(1);
    expect(await (await opened({ dir })).bodies()).toEqual(['one', 'two']);
  });

  test('counts the receives that failed and not the one the process died in', async () => {
    const { dir, send, receive } = await opened();
    await send('one');
    await receive({ VisibilityTimeout: 0 });
    await receive();
    const [message] = await (await opened({ dir })).receive();
    expect(message?.Attributes?.ApproximateReceiveCount).toBe('2');
  });
});

describe('batches and queries', () => {
  test('are carried out entry by entry', async () => {
    const { sqs, QueueUrl, receive, bodies } = await opened();
    const Entries = ['a', 'b', 'c'].map((MessageBody, index) => ({ Id: `id${index}`, MessageBody }));
    const { Successful } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(Successful?.map(({ Id }) => Id)).toEqual(['id0', 'id1', 'id2']);
    const received = await receive();
    const done = received.slice(0, 2).map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: done }));
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '1',
      QueueArn: 'arn:aws:sqs:us-east-1:123456789012:load',
    });
    expect(await bodies()).toEqual([]);
  });

  test('list the queues', async () => {
    const { sqs, QueueUrl } = await opened();
    const { QueueUrls } = await sqs.send(new ListQueuesCommand({}));
    expect(QueueUrls).toEqual([QueueUrl.replace('load', 'dead'), QueueUrl]);
  });

  test('name a queue that is not there, and refuse a message that is too great', async () => {
    const { sqs, send } = await opened();
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'nowhere' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      message: 'no queue nowhere; there are dead, load',
    });
    await expect(send('x'.repeat(1_048_577))).rejects.toThrow('expected at most 1048576 bytes, got 1048577');
  });
});

test('a dead-letter queue that is not in the template is named', async () => {
  const queues = QUEUES.slice(0, 1);
  await expect(opened({ queues })).rejects.toThrow('dead-letter queue dead is not in the template');
});
