import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MOST_REPEATED_PER_DEATH, MOST_REPEATED_PER_LOST_ANSWER } from './balance.ts';
import type { Answer, Call } from './call.ts';
import { openFaultyLake } from './faulty-lake.ts';
import { albObject } from './logs.ts';
import { type Random, random } from './random.ts';

const LINES = 220;

const LONGER_THAN_A_FUNCTION_MS = 6000;

/** Which puts are accepted and not answered. */
const UNANSWERED = [1, 5];

/** What can happen to a put, and whether its records may have arrived without the sender's knowing. */
const FAULTS: readonly {
  readonly name: string;
  readonly lostAnswer: boolean;
  hit(call: Call, draw: Random): unknown;
}[] = [
  { name: 'entries that fail', lostAnswer: false, hit: failEntries },
  { name: 'throttling', lostAnswer: false, hit: (call) => call.refuse(400, 'ThrottlingException') },
  { name: 'service unavailable', lostAnswer: false, hit: (call) => call.refuse(503, 'ServiceUnavailableException') },
  { name: 'internal error', lostAnswer: false, hit: (call) => call.refuse(500, 'InternalFailure') },
  { name: 'connection reset', lostAnswer: false, hit: (call) => call.cut() },
  { name: 'accepted, then reset', lostAnswer: true, hit: acceptThen((call) => call.cut()) },
  { name: 'accepted, then 500', lostAnswer: true, hit: acceptThen((call) => call.refuse(500, 'InternalFailure')) },
];

function acceptThen(go: (call: Call) => void): (call: Call) => Promise<void> {
  return async (call) => {
    await call.forward();
    go(call);
  };
}

/** Hands on some of the entries; the others are answered as failed, as Firehose does when a shard is full. */
async function failEntries(call: Call, draw: Random): Promise<void> {
  const input = await call.json();
  const records = input.Records as unknown[];
  const taken = records.map(() => draw(2) === 0);
  const some = records.filter((_, index) => taken[index]);
  const answer: Answer | undefined = some.length > 0 ? await call.forward({ ...input, Records: some }) : undefined;
  const failed = { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'Slow down.' };
  const RequestResponses = taken.map((ok) => (ok ? { RecordId: 'accepted' } : failed));
  const body = JSON.stringify({ FailedPutCount: records.length - some.length, Encrypted: false, RequestResponses });
  const headers = { 'content-type': 'application/x-amz-json-1.1' };
  call.answer({ status: answer?.status ?? 200, headers, body: Buffer.from(body) });
}

describe('PutRecordBatch', { timeout: 240_000 }, () => {
  test.each(FAULTS)('with $name loses nothing', async ({ name, lostAnswer, hit }) => {
    const draw = random(10);
    let faults = 0;
    const faulty = await openFaultyLake({
      fault: (call) => {
        if (call.operation !== 'PutRecordBatch' || draw(3) > 0) return undefined;
        faults++;
        return Promise.resolve(hit(call, draw));
      },
    });
    const logs = [1, 2].map((index) => albObject(`object-${index}`, LINES));
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    expect(faults).toBeGreaterThan(0);
    const { repeated } = await faulty.expectBalanced(`PutRecordBatch: ${name}`, logs, faults);
    expect(repeated).toBeLessThanOrEqual(lostAnswer ? faults * MOST_REPEATED_PER_LOST_ANSWER : 0);
  });

  test('that accepts and never answers loses nothing, though the time limit ends the function', async () => {
    let puts = 0;
    const faulty = await openFaultyLake({
      changes: { timeoutSeconds: 4 },
      fault: (call) => {
        if (call.operation !== 'PutRecordBatch' || !UNANSWERED.includes(++puts)) return undefined;
        return call.forward().then(() => sleep(LONGER_THAN_A_FUNCTION_MS).then(() => call.cut()));
      },
    });
    const logs = [albObject('unanswered', LINES)];
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    const { repeated } = await faulty.expectBalanced('PutRecordBatch: accepted, no answer', logs, UNANSWERED.length);
    expect(repeated).toBeGreaterThan(0);
    expect(repeated).toBeLessThanOrEqual(UNANSWERED.length * MOST_REPEATED_PER_DEATH);
  });

  test('throttled for longer than an invocation slows loading, and fails none', async () => {
    let [faults, invocations] = [0, 0];
    const passed = new Map<number, number>();
    const faulty = await openFaultyLake({
      changes: { timeoutSeconds: 4 },
      onInvocation: () => invocations++,
      fault: (call) => {
        // Three puts pass in each invocation: it gets further, though never to the end.
        if (call.operation !== 'PutRecordBatch') return undefined;
        const before = passed.get(invocations) ?? 0;
        passed.set(invocations, before + 1);
        if (before < 3) return undefined;
        faults++;
        return Promise.resolve(call.refuse(400, 'ThrottlingException'));
      },
    });
    const logs = [albObject('throttled', 2 * LINES)];
    await faulty.put(...logs);
    expect((await faulty.drain()).deadLetters).toEqual([]);
    expect(invocations).toBeGreaterThan(1);
    const { repeated } = await faulty.expectBalanced('PutRecordBatch: throttled for long', logs, faults);
    expect(repeated).toBeLessThanOrEqual(invocations * MOST_REPEATED_PER_LOST_ANSWER * 2);
  });
});
