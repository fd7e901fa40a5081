import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { clientOptions } from '../helpers/client-options.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { MOST_REPEATED_PER_DEATH } from './balance.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { albObject } from './logs.ts';

const LINES = 220;

/** Moves dead letters back to the queue they came from, as a person does after a fix. */
async function redrive({ lake }: FaultyLake): Promise<number> {
  const endpoint = lake.endpoints.get('SQS') ?? '';
  const sqs = new SQSClient(clientOptions(endpoint));
  const url = (name: string) => `${endpoint}/123456789012/${name}`;
  let moved = 0;
  for (;;) {
    const QueueUrl = url('notifications-dead-letters');
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return moved;
    for (const { Body } of Messages) {
      await sqs.send(new SendMessageCommand({ QueueUrl: url('notifications-queue'), MessageBody: Body }));
      moved++;
    }
  }
}

describe('a function', { timeout: 180_000 }, () => {
  test('a function without enough memory leaves dead letters, which load after the fix', async () => {
    const dir = temporaryFolder();
    const logs = [1, 2].map((index) => albObject(`object-${index}`, LINES));
    // Enough to start, too little for the batches under way.
    const starved = await openFaultyLake({ dir, changes: { memoryMiB: 12 } });
    await starved.put(...logs);
    expect((await starved.drain()).deadLetters).toHaveLength(logs.length);
    expect(readFileSync(join(dir, 'logs/load-objects.log'), 'utf8')).toContain('heap out of memory');
    await starved.lake.close();

    const fixed = await openFaultyLake({ dir });
    expect(await redrive(fixed)).toBe(logs.length);
    expect((await fixed.drain()).deadLetters).toEqual([]);
    const { repeated } = await fixed.expectBalanced('out of memory, then redriven', logs, 10);
    expect(repeated).toBeLessThanOrEqual(10 * MOST_REPEATED_PER_DEATH);
  });

  test('a function that runs out of time goes on in other invocations', async () => {
    let invocations = 0;
    const faulty = await openFaultyLake({
      changes: { timeoutSeconds: 5, concurrency: 1 },
      onInvocation: () => invocations++,
      // A stream that takes a batch a second: what there is takes longer than one invocation has.
      fault: (call) =>
        call.operation === 'PutRecordBatch'
          ? call.forward().then((answer) => sleep(1500).then(() => call.answer(answer)))
          : undefined,
    });
    const logs = [albObject('long', 4 * LINES)];
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    expect(invocations).toBeGreaterThan(1);
    const { repeated } = await faulty.expectBalanced('out of time, continued', logs, invocations - 1);
    // On a busy machine the time kept for sending may not do: then what was under way repeats.
    expect(repeated).toBeLessThanOrEqual((invocations - 1) * MOST_REPEATED_PER_DEATH);
  });

  test('a function killed at its time limit in the middle of an object is followed by one that goes on', async () => {
    let hung = 0;
    const faulty = await openFaultyLake({
      changes: { timeoutSeconds: 3 },
      // Answers that never come: Lambda ends the process.
      fault: (call) => {
        if (call.operation !== 'UpdateItem' || ++hung % 4 !== 3 || hung > 12) return undefined;
        return call.forward().then(() => sleep(10_000).then(() => call.cut()));
      },
    });
    const logs = [1, 2].map((index) => albObject(`object-${index}`, LINES));
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    const { repeated } = await faulty.expectBalanced('killed at the time limit', logs, 3);
    expect(repeated).toBeLessThanOrEqual(3 * MOST_REPEATED_PER_DEATH);
  });

  test('a function that can never read one object gives up on that one alone, until it is mended', async () => {
    let broken = true;
    const waits: unknown[] = [];
    const faulty = await openFaultyLake({
      fault: (call) => {
        if (call.operation === 'ChangeMessageVisibility') {
          return call.json().then(({ VisibilityTimeout }) => waits.push(VisibilityTimeout));
        }
        return broken && call.service === 'S3' && call.url.includes('poison')
          ? Promise.resolve(call.refuse(403, 'AccessDenied'))
          : undefined;
      },
    });
    const poison = albObject('poison', 60);
    const others = Array.from({ length: 6 }, (_, index) => albObject(`object-${index}`, 60));
    await faulty.put(others[0] ?? poison, poison, ...others.slice(1));
    const { deadLetters } = await faulty.drain();
    expect(deadLetters).toEqual([expect.objectContaining({ error: expect.stringContaining('AccessDenied') })]);
    expect(waits).toEqual([10, 20, 40, 80, 160]);
    const found = await faulty.expectBalanced('poison object', others, 5);
    expect(found.repeated).toBe(0);

    broken = false;
    expect(await redrive(faulty)).toBe(1);
    await faulty.drain();
    await faulty.expectBalanced('poison object, redriven', [...others, poison], 5);
  });
});
