/** How an operation is carried out: as a dry run or not, at which rate, and how its progress is shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../output/output.ts';

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

/** Counts processed items and shows the count from time to time. */
export interface Progress {
  add(count?: number): void;
  end(): void;
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

const BAR_WIDTH = 30;
const REDRAW_MS = 100;
/** Output that is not a terminal cannot be redrawn, so that each update is another line: updates are rarer there. */
const LINE_MS = 5000;

/** Shows progress as a bar on a terminal; elsewhere as a line every few seconds and one at the end. */
export function progressOn(stream: NodeJS.WriteStream): OperationOptions['progress'] {
  return (label, total) => {
    const begin = performance.now();
    let done = 0;
    let shownAt = begin;
    const text = () => {
      const rate = Math.round((done * 1000) / Math.max(1, performance.now() - begin));
      const of = total === undefined ? '' : ` of ${total}`;
      return `${label} ${bar(done, total, stream.isTTY)}${done}${of}, ${rate}/s`;
    };
    const show = () => {
      if (stream.isTTY) stream.write(`\r\x1b[K${text()}`);
      else say(text());
    };
    return {
      add: (count = 1) => {
        done += count;
        if (performance.now() - shownAt < (stream.isTTY ? REDRAW_MS : LINE_MS)) return;
        shownAt = performance.now();
        show();
      },
      end: () => {
        if (done === 0) return;
        show();
        if (stream.isTTY) stream.write('\n');
      },
    };
  };
}

function bar(done: number, total: number | undefined, tty: boolean | undefined): string {
  if (!tty || !total) return '';
  const full = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / total));
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] `;
}
