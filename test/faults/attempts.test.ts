import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { ENV } from '../../lambdas/core/settings.ts';
import { endLeases } from '../../local/dynamodb/leases.ts';
import type { StartedInvocation } from '../../local/lambda/lambda.ts';
import { isObject } from '../../local/template/intrinsics.ts';
import { clientOptions } from '../helpers/client-options.ts';
import { MOST_REPEATED_PER_DEATH } from './balance.ts';
import type { Call } from './call.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { albObject, type Logs } from './logs.ts';
import { random } from './random.ts';

const LINES = 220;

const LONGEST_FREEZE_MS = 4000;

interface Message {
  readonly receiptHandle: string;
  readonly body: string;
}

function messageOf({ payload }: StartedInvocation): Message | undefined {
  const { Records } = JSON.parse(payload) as { Records?: readonly Message[] };
  return Records?.[0];
}

/** A variable of the function that loads objects. */
function variable({ lake }: FaultyLake, name: string): string {
  const fn = lake.resources.find(({ localName }) => localName === 'load-objects');
  const environment = isObject(fn?.properties.Environment) ? fn.properties.Environment.Variables : undefined;
  return String(isObject(environment) ? environment[name] : undefined);
}

function sqsOf({ lake }: FaultyLake): SQSClient {
  return new SQSClient(clientOptions(lake.endpoints.get('SQS') ?? ''));
}

describe('notifications', { timeout: 120_000 }, () => {
  test('delivered one to five times, out of order and at once, load each object once', async () => {
    const draw = random(30);
    const bodies: string[] = [];
    const faulty = await openFaultyLake({
      onInvocation: (invocation) => {
        const body = messageOf(invocation)?.body;
        if (body !== undefined) bodies.push(body);
      },
    });
    const logs = Array.from({ length: 12 }, (_, index) => albObject(`object-${index}`, 60));
    await faulty.put(...logs);
    await faulty.drain();

    // Once more what came: some among new objects, so that copies meet the first attempt at work.
    const more = Array.from({ length: 12 }, (_, index) => albObject(`more-${index}`, 60));
    const again = bodies.flatMap((body) => Array.from({ length: draw(5) }, () => body));
    const copiesOf = (body: string, from: string, to: string) => body.replaceAll(from, to);
    const QueueUrl = variable(faulty, ENV.queueUrl);
    const sqs = sqsOf(faulty);
    let copies = 0;
    for (const [index, logsOfOne] of more.entries()) {
      await faulty.put(logsOfOne);
      for (let copy = draw(5); copy > 0; copy--) {
        const body = bodies.find((each) => each.includes('object-0.log')) ?? '';
        // Objects of the same lines are the same bytes, so the ETag fits.
        await sqs.send(
          new SendMessageCommand({ QueueUrl, MessageBody: copiesOf(body, 'object-0.log', `more-${index}.log`) }),
        );
        copies++;
      }
      const [repeat] = again.splice(draw(again.length), 1);
      if (repeat !== undefined) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: repeat }));
    }
    for (const MessageBody of again) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    expect((await faulty.drain()).deadLetters).toEqual([]);
    expect(bodies.length).toBeGreaterThan(logs.length + more.length + copies);
    const { repeated } = await faulty.expectBalanced('notified 1-5 times', [...logs, ...more], bodies.length - 24);
    expect(repeated).toBe(0);
  });
});

/** One processor has one process at a time: there are no two attempts then. */
describe.skipIf(availableParallelism() < 2)('two attempts at one object', { timeout: 120_000 }, () => {
  const TAKEOVERS = [
    { name: 'the same message, redelivered', takeOver: redeliver },
    { name: 'another message, after the lease', takeOver: afterTheLease },
  ];
  test.each(TAKEOVERS)('$name: the one overtaken is fenced off, and nothing is lost', async ({ name, takeOver }) => {
    const draw = random(40);
    const logs: Logs[] = [];
    let repeats = 0;
    let frozenAt = 0;
    let first: StartedInvocation | undefined;
    let second = false;
    let frozen = false;
    let thawed = false;
    let latest: NodeJS.Timeout | undefined;
    let requests = 0;
    let shortened = 0;
    const freeze = async (call: Call, invocation: StartedInvocation): Promise<void> => {
      const answer = await call.forward();
      process.kill(invocation.pid, 'SIGSTOP');
      frozen = true;
      // At the latest, should the second one have little to do.
      latest = setTimeout(() => thaw(invocation), LONGEST_FREEZE_MS);
      await takeOver(faulty, invocation);
      shortened = 0;
      call.answer(answer);
    };
    const thaw = ({ pid }: StartedInvocation): void => {
      // Before it is frozen, it would be frozen for ever.
      if (!frozen) return;
      clearTimeout(latest);
      [frozen, thawed] = [false, true];
      process.kill(pid, 'SIGCONT');
    };
    const faulty = await openFaultyLake({
      onInvocation: (invocation) => {
        second ||= first !== undefined && invocation.pid !== first.pid;
        first ??= invocation;
      },
      // The first process stops at a random request; it goes on when the second one is half-way.
      fault: (call) => {
        if (call.operation === 'ChangeMessageVisibility') shortened++;
        if (!first || thawed || call.service === 'SQS') return undefined;
        if (++requests === frozenAt) return freeze(call, first);
        if (second && requests >= frozenAt + 6) thaw(first);
        return undefined;
      },
    });
    for (let turn = 0; turn < 4; turn++) {
      [first, second, thawed, requests, frozenAt] = [undefined, false, false, 0, 1 + draw(7)];
      const log = albObject(`${name.slice(0, 3)}-${turn}`, LINES);
      logs.push(log);
      await faulty.put(log);
      expect((await faulty.drain()).deadLetters).toEqual([]);
      expect(thawed).toBe(true);
      // The one overtaken must not have the message return while the other is at work on it.
      expect(shortened).toBe(0);
      repeats++;
    }
    expect(readFileSync(join(faulty.dir, 'logs/load-objects.log'), 'utf8')).toContain('another attempt has taken over');
    const { repeated } = await faulty.expectBalanced(`two attempts: ${name}`, logs, repeats);
    expect(repeated).toBeLessThanOrEqual(repeats * MOST_REPEATED_PER_DEATH);
  });
});

/** As after a visibility timeout: the message that the frozen process has is there for another. */
async function redeliver(faulty: FaultyLake, invocation: StartedInvocation): Promise<void> {
  const ReceiptHandle = messageOf(invocation)?.receiptHandle;
  const QueueUrl = variable(faulty, ENV.queueUrl);
  await sqsOf(faulty).send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
}

/** As after the lease, which outlasts the invocation by a minute: it is set into the past instead of waited for. */
async function afterTheLease(faulty: FaultyLake, invocation: StartedInvocation): Promise<void> {
  await endLeases(faulty.lake.endpoints.get('DYNAMODB') ?? '', faulty.lake.resources);
  const QueueUrl = variable(faulty, ENV.queueUrl);
  await sqsOf(faulty).send(new SendMessageCommand({ QueueUrl, MessageBody: messageOf(invocation)?.body ?? '' }));
}
