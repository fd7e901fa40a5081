/** How an operation is carried out: as a dry run or not, at which rate, and how its progress is shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../output/progress.ts';

export interface OperationOptions {
  /** Change nothing, count only. */
  readonly dryRun: boolean;
  /** Waits until `count` more items (objects, messages, lines, …) may be processed. @param count 1 by default */
  readonly rateLimit: (count?: number) => Promise<void>;
  /**
   * Starts showing progress.
   *
   * @param label what is counted, in the plural
   * @param total number of items, if known
   */
  readonly progress: (label: string, total?: number) => Progress;
}

/** Lets at most `perSecond` items through per second, evenly spaced; no limit if undefined. */
export function rateLimiter(perSecond: number | undefined): OperationOptions['rateLimit'] {
  let next = 0;
  return async (count = 1) => {
    if (perSecond === undefined) return;
    const now = performance.now();
    const start = Math.max(now, next);
    next = start + (count * 1000) / perSecond;
    if (start > now) await sleep(start - now);
  };
}
