import type { MessageQueue } from './message-queue.ts';

/** Something that is done again and again while a queue has messages to give. */
export interface Worker {
  readonly queue: MessageQueue;
  /** Takes what is visible, which may be gone by now, and has it done. Rejects only for faults of the lake itself. */
  work(): Promise<void>;
}

/** Workers at work. */
export interface RunningWorkers {
  /** Is one at work, or is there a message for one? Throws what made a worker stop. */
  busy(): boolean;
  /** Ends all waits that only time would end; false when there were none. */
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
  let fault: { readonly error: unknown } | undefined;

  const run = async ({ queue, work }: Worker): Promise<void> => {
    for (;;) {
      await queue.untilVisible(stopped.signal);
      if (stopped.signal.aborted) return;
      atWork++;
      try {
        await work();
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
    skipWaits: () => [...queues].map((queue) => queue.skipWaits()).some((skipped) => skipped),
    left: () => [...queues].reduce((sum, queue) => sum + queue.size, 0),
    stop: () => stopped.abort(),
  };
}
