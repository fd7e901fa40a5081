import type { MessageQueue } from '../queues/message-queue.ts';

/** Something that is done again and again while a queue has messages to give. */
export interface Worker {
  readonly queue: MessageQueue;
  /** Takes what is visible, which may be gone by now, and has it done. Rejects only for faults of the lake itself. */
  work(pause: Pause): Promise<void>;
}

/** Waits for what may never come: meanwhile the worker is not at work. The signal is aborted when waits are skipped. */
export type Pause = (wait: (skipped: AbortSignal) => Promise<unknown>) => Promise<void>;

/** Workers at work. */
export interface RunningWorkers {
  /** Is one at work, or is there a message for one? Throws what made a worker stop. */
  busy(): boolean;
  /** Ends pauses, or else all waits that only time would end; false when there were none. */
  skipWaits(): boolean;
  /** Messages not done yet. */
  left(): number;
  /** No worker starts anything new. */
  stop(): void;
}

/** Starts workers; each waits until its queue has something. */
export function startWorkers(workers: readonly Worker[]): RunningWorkers {
  const stopped = new AbortController();
  const queues = new Set(workers.map(({ queue }) => queue));
  let atWork = 0;
  const pauses = new Set<AbortController>();
  let fault: { readonly error: unknown } | undefined;

  const pause: Pause = async (wait) => {
    const skipped = new AbortController();
    pauses.add(skipped);
    atWork--;
    try {
      await wait(AbortSignal.any([skipped.signal, stopped.signal]));
    } finally {
      pauses.delete(skipped);
      atWork++;
    }
    stopped.signal.throwIfAborted();
  };
  const run = async ({ queue, work }: Worker): Promise<void> => {
    for (;;) {
      await queue.untilVisible(stopped.signal);
      if (stopped.signal.aborted) return;
      atWork++;
      try {
        await work(pause);
      } finally {
        atWork--;
      }
    }
  };
  for (const worker of workers) {
    run(worker).catch((error) => {
      if (stopped.signal.aborted) return;
      fault ??= { error };
      stopped.abort();
    });
  }
  return {
    busy: () => {
      if (fault) throw fault.error;
      return atWork > 0 || [...queues].some((queue) => queue.counts().visible > 0);
    },
    skipWaits: () => {
      // What a worker in a pause has taken, or at work since one, is hidden and must stay so.
      if (pauses.size === 0 && atWork === 0)
        return [...queues].map((queue) => queue.skipWaits()).some((skipped) => skipped);
      for (const skipped of pauses) skipped.abort();
      return true;
    },
    left: () => [...queues].reduce((sum, queue) => sum + queue.size, 0),
    stop: () => stopped.abort(),
  };
}
