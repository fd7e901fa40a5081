import { describe, expect, test } from 'vitest';
import { MOST_REPEATED_PER_DEATH } from './balance.ts';
import type { Call } from './call.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import { albObject, appEvents, type Logs } from './logs.ts';
import { type Random, random } from './random.ts';

/** Receives that a message has before it is a dead letter, less the last, which must succeed. */
const MOST_KILLS_PER_MESSAGE = 4;
/** Lambda invokes an event three times. */
const MOST_KILLS_PER_EVENT = 2;

/** Requests of an invocation that loads an object of three batches: claim, get, puts, checkpoints, finish. */
const REQUESTS = 11;

/** Lines of an object of between two and three batches. */
const LINES = 220;

/** Kills of functions that load objects, in two lakes: `npm run test:kills` does two hundred. */
const KILLS = Number(process.env.TRIBUTARY_KILLS ?? 20);

interface Killing {
  readonly faulty: FaultyLake;
  kills(): number;
}

/**
 * A lake whose function dies at a random request of each invocation, at most so often for one message:
 * before the service sees the request, after the service has done it, or in the middle of the answer.
 */
async function openKilling(draw: Random, mostPerMessage: number): Promise<Killing> {
  const killed = new Map<string, number>();
  let current = { message: '', pid: 0, requestsLeft: 0, dead: false };
  let kills = 0;
  /** Unless it has been killed by another request since: then it is another process's turn. */
  const kill = (victim: typeof current): void => {
    if (victim !== current || victim.dead) return;
    victim.dead = true;
    kills++;
    killed.set(victim.message, (killed.get(victim.message) ?? 0) + 1);
    process.kill(victim.pid, 'SIGKILL');
  };
  const die = async (call: Call): Promise<void> => {
    const victim = current;
    const moment = draw(3);
    if (moment === 0) return kill(victim);
    const answer = await call.forward();
    if (moment === 1) {
      kill(victim);
      return call.cut();
    }
    // Into the body: of an object, half of it has come by then.
    await call.answerSlowly(answer, 2, async (part) => {
      if (part === 0) kill(victim);
    });
  };
  const faulty = await openFaultyLake({
    // One process at a time: every request is then known to be its.
    changes: { concurrency: 1 },
    onInvocation: ({ payload, requestId, pid }) => {
      const { Records: [record] = [] } = JSON.parse(payload) as { Records?: { messageId: string }[] };
      const message = record?.messageId ?? requestId;
      const spared = (killed.get(message) ?? 0) >= mostPerMessage;
      current = { message, pid, dead: false, requestsLeft: spared ? Number.POSITIVE_INFINITY : 1 + draw(REQUESTS) };
    },
    fault: (call) => (--current.requestsLeft === 0 ? die(call) : undefined),
  });
  return { faulty, kills: () => kills };
}

describe('a function killed at a random point', { timeout: 900_000 }, () => {
  test.concurrent.each([1, 2])(
    'loses nothing of its objects, and repeats at most what was under way (%i)',
    async (salt) => {
      const draw = random(salt);
      const { faulty, kills } = await openKilling(draw, MOST_KILLS_PER_MESSAGE);
      const logs: Logs[] = [];
      while (kills() < KILLS / 2) {
        const more = Array.from({ length: Math.ceil(KILLS / 2 / MOST_KILLS_PER_MESSAGE) }, (_, index) =>
          albObject(`${salt}-${logs.length + index}`, LINES),
        );
        logs.push(...more);
        await faulty.put(...more);
        expect(await faulty.drain()).toEqual({ deadLetters: [], failedEvents: [], conversionFailures: [] });
      }
      const { repeated } = await faulty.expectBalanced(`kill, objects ${salt}`, logs, kills());
      expect(repeated).toBeLessThanOrEqual(kills() * MOST_REPEATED_PER_DEATH);
    },
  );

  test('loses nothing of log events, and repeats at most what was under way', async () => {
    const { faulty, kills } = await openKilling(random(3), MOST_KILLS_PER_EVENT);
    const logs: Logs[] = [];
    while (kills() < KILLS / 4) {
      const more = Array.from({ length: 3 }, (_, index) => appEvents(`stream-${logs.length + index}`, 150));
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual({ deadLetters: [], failedEvents: [], conversionFailures: [] });
    }
    const { repeated } = await faulty.expectBalanced('kill, log events', logs, kills());
    expect(repeated).toBeLessThanOrEqual(kills() * MOST_REPEATED_PER_DEATH);
  });
});
