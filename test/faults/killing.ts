/** Functions that die at random requests. */
import type { FunctionChanges } from './assembly.ts';
import type { Call } from './call.ts';
import { type FaultyLake, openFaultyLake } from './faulty-lake.ts';
import type { Random } from './random.ts';

/** How often a function is killed. */
export interface Killed {
  readonly most: number;
  /** Of the invocations for one message, one event, or one batch of the direct lane. */
  readonly mostPerMessage: number;
  /** Requests of an invocation. */
  readonly requests: number;
  readonly changes?: FunctionChanges;
}

export interface Killing {
  readonly faulty: FaultyLake;
  kills(): number;
}

/**
 * A lake whose function dies at a random request of each invocation, so often in all and for one message:
 * before the service sees the request, after the service has done it, or in the middle of the answer.
 */
export async function openKilling(draw: Random, { most, mostPerMessage, requests, changes }: Killed): Promise<Killing> {
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
    changes: { ...changes, concurrency: 1 },
    onInvocation: ({ payload, requestId, pid }) => {
      const message = messageOf(payload) ?? requestId;
      const isScheduled = message.startsWith(SCHEDULE);
      const limit = isScheduled ? 1 : mostPerMessage;
      const spared = kills === most || (killed.get(message) ?? 0) >= limit;
      // Of a schedule, which comes again and again, every other one may be killed.
      if (spared && isScheduled) killed.delete(message);
      current = { message, pid, dead: false, requestsLeft: spared ? Number.POSITIVE_INFINITY : 1 + draw(requests) };
    },
    fault: (call) => (--current.requestsLeft === 0 ? die(call) : undefined),
  });
  return { faulty, kills: () => kills };
}

/** What a schedule is known by, before its own name: each has its turns of its own. */
const SCHEDULE = 'schedule ';

/** A batch may be sent several times, in messages of their own. */
function messageOf(payload: string): string | undefined {
  const event = JSON.parse(payload) as {
    source?: string;
    resources?: string[];
    Records?: { messageId: string; body: string }[];
  };
  if (event.source === 'aws.events') return `${SCHEDULE}${event.resources?.[0]}`;
  const [record] = event.Records ?? [];
  return record && (record.body.startsWith('{') ? record.messageId : record.body);
}
