import type { Schedules } from './lambda/schedules.ts';
import type { RunningWorkers } from './lambda/workers.ts';

/** What has work on this machine, and makes it for the others. */
export interface Busy {
  readonly workers: RunningWorkers;
  readonly firehose: { pending(): boolean; flush(): Promise<void> };
  readonly schedules: Schedules;
  /** Expires the leases of processes that died. */
  readonly endDeadLeases: () => Promise<void>;
  readonly progress?: ((line: string) => void) | undefined;
  /** Receives from time to time how many messages and events are left. */
  readonly left?: ((count: number) => void) | undefined;
}

/** Rounds in which no scheduled function says that anything is left, and something is. */
const MAX_ENDLESS_ROUNDS = 20;

/**
 * Resolves when nothing is left to do. In each round, first the workers come to rest and Firehose delivers, and then each
 * scheduled function runs once: what it makes is for the workers, and what they make may be for it. So the last round is
 * one in which nobody makes anything and no function has anything left.
 *
 * @throws Error if scheduled functions make new work for ever
 */
export async function drain(busy: Busy): Promise<void> {
  const { workers, firehose, schedules } = busy;
  const watch = schedules.watch();
  let before = workers.worked();
  for (let endless = 0; endless < MAX_ENDLESS_ROUNDS; ) {
    await rest(busy);
    const worked = workers.worked();
    const left = await watch.run(worked > before);
    before = worked;
    const made = workers.worked() > worked || workers.left() > 0 || firehose.pending();
    if (left === 0 && !made) return;
    endless = left === 0 ? endless + 1 : 0;
  }
  throw new Error(`scheduled functions have nothing left, and made new work in each of ${MAX_ENDLESS_ROUNDS} rounds`);
}

const LOOK_AGAIN_MS = 10;

/** Resolves when the workers have nothing to do and Firehose has delivered everything. */
async function rest({ workers, firehose, endDeadLeases, progress, left }: Busy): Promise<void> {
  for (;;) {
    while (workers.busy()) {
      left?.(workers.left());
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    // No worker is busy, so remaining leases belong to crashed processes: expire them now.
    if (workers.left() > 0) await endDeadLeases();
    if (workers.skipWaits()) continue;
    if (!firehose.pending()) return;
    progress?.('delivering what Firehose has gathered');
    await firehose.flush();
  }
}
