import type { MessageQueue } from '../queues/message-queue.ts';

/** Work that is repeated while a queue has messages. */
export interface Worker {
  readonly queue: MessageQueue;
  /**
   * Receives what is visible, which may be nothing by now, and processes it. Rejects only for faults of the emulation
   * itself.
   */
  work(pause: Pause): Promise<void>;
}

/**
 * Waits for something that may never come; during the wait the worker does not count as busy. The signal is aborted
 * when waits are skipped.
 */
export type Pause = (wait: (skipped: AbortSignal) => Promise<unknown>) => Promise<void>;

/** Running workers. */
export interface RunningWorkers {
  /** True if a worker is busy, or if a message is waiting for one. Throws the fault that has stopped a worker. */
  busy(): boolean;
  /**
   * Ends pauses, or if there are none, all waits that would end only with time. Returns false if there were no waits.
   */
  skipWaits(): boolean;
  /** Number of messages that are not done yet. */
  left(): number;
  /** How often a worker has ended its work: grows with each message. */
  worked(): number;
  /** Stops the workers: none starts anything new. */
  stop(): void;
}

/** Starts workers; each waits until its queue has a message. */
export function startWorkers(workers: readonly Worker[]): RunningWorkers {
  const stopped = new AbortController();
  const queues = new Set(workers.map(({ queue }) => queue));
  let atWork = 0;
  let worked = 0;
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
        worked++;
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
      // Messages of a worker that pauses, or is busy after a pause, are hidden and must stay so.
      if (pauses.size === 0 && atWork === 0)
        return [...queues].map((queue) => queue.skipWaits()).some((skipped) => skipped);
      for (const skipped of pauses) skipped.abort();
      return true;
    },
    left: () => [...queues].reduce((sum, queue) => sum + queue.size, 0),
    worked: () => worked,
    stop: () => stopped.abort(),
  };
}
