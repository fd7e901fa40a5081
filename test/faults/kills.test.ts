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

/** Kills of the function that loads objects; of the other, a tenth: `FAULT_KILLS=2000 npm test -- test/faults/kills`. */
const KILLS = Number(process.env.FAULT_KILLS ?? 200);

/** How often a function is killed. */
interface Killed {
  readonly most: number;
  readonly mostPerMessage: number;
}

interface Killing {
  readonly faulty: FaultyLake;
  kills(): number;
}

/**
 * A lake whose function dies at a random request of each invocation, so often in all and for one message:
 * before the service sees the request, after the service has done it, or in the middle of the answer.
 */
async function openKilling(draw: Random, { most, mostPerMessage }: Killed): Promise<Killing> {
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
    if (moment === 0) {
      kill(victim);
      return call.cut();
    }
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
      const spared = kills === most || (killed.get(message) ?? 0) >= mostPerMessage;
      current = { message, pid, dead: false, requestsLeft: spared ? Number.POSITIVE_INFINITY : 1 + draw(REQUESTS) };
    },
    fault: (call) => (--current.requestsLeft === 0 ? die(call) : undefined),
  });
  return { faulty, kills: () => kills };
}

describe('a function killed at a random point', { timeout: 900_000 }, () => {
  test('loses nothing of its objects, and repeats at most what was under way', async () => {
    const killed = { most: KILLS, mostPerMessage: MOST_KILLS_PER_MESSAGE };
    const { faulty, kills } = await openKilling(random(1), killed);
    const logs: Logs[] = [];
    while (kills() < killed.most) {
      const count = Math.ceil((killed.most - kills()) / MOST_KILLS_PER_MESSAGE);
      const more = Array.from({ length: count }, (_, index) => albObject(`object-${logs.length + index}`, LINES));
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual({ deadLetters: [], failedEvents: [], conversionFailures: [], damaged: [] });
    }
    const { repeated } = await faulty.expectBalanced('kill, objects', logs, kills());
    expect(repeated).toBeLessThanOrEqual(kills() * MOST_REPEATED_PER_DEATH);
  });

  test('loses nothing of log events, and repeats at most what was under way', async () => {
    const killed = { most: Math.ceil(KILLS / 10), mostPerMessage: MOST_KILLS_PER_EVENT };
    const { faulty, kills } = await openKilling(random(3), killed);
    const logs: Logs[] = [];
    while (kills() < killed.most) {
      const more = Array.from({ length: 3 }, (_, index) => appEvents(`stream-${logs.length + index}`, 150));
      logs.push(...more);
      await faulty.put(...more);
      expect(await faulty.drain()).toEqual({ deadLetters: [], failedEvents: [], conversionFailures: [], damaged: [] });
    }
    const { repeated } = await faulty.expectBalanced('kill, log events', logs, kills());
    expect(repeated).toBeLessThanOrEqual(kills() * MOST_REPEATED_PER_DEATH);
  });
});
