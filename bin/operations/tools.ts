/** What every operation is given: a pace, and a way to tell how far it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../output/output.ts';

/** How an operation is to be carried out. */
export interface Tools {
  /** Change nothing, count only. */
  readonly dryRun: boolean;
  /** Waits for the turn of so many things. */
  readonly turn: (things?: number) => Promise<void>;
  /** Begins to tell how far something is. */
  readonly progress: (what: string, total?: number) => Progress;
}

/** Tells how far something is. */
export interface Progress {
  add(things?: number): void;
  end(): void;
}

/** Lets at most `perSecond` things through a second, evenly; all at once where undefined. */
export function pace(perSecond: number | undefined): (things?: number) => Promise<void> {
  let next = 0;
  return async (things = 1) => {
    if (perSecond === undefined) return;
    const now = Date.now();
    const start = Math.max(now, next);
    next = start + (things * 1000) / perSecond;
    if (start > now) await sleep(start - now);
  };
}

const BAR_WIDTH = 30;
const REDRAW_MS = 100;
/** Without a terminal a line now and then is enough. */
const LINE_MS = 5000;

/** A bar on a terminal's stderr; elsewhere a line now and then, and one at the end. */
export function progressOn(stream: NodeJS.WriteStream): Tools['progress'] {
  return (what, total) => {
    const begin = Date.now();
    let done = 0;
    let told = begin;
    const text = () => {
      const rate = Math.round((done * 1000) / Math.max(1, Date.now() - begin));
      return `${what} ${bar(done, total, stream.isTTY)}${done}${total === undefined ? '' : ` of ${total}`}, ${rate}/s`;
    };
    const tell = () => {
      if (stream.isTTY) stream.write(`\r\x1b[K${text()}`);
      else say(text());
    };
    return {
      add: (things = 1) => {
        done += things;
        if (Date.now() - told < (stream.isTTY ? REDRAW_MS : LINE_MS)) return;
        told = Date.now();
        tell();
      },
      end: () => {
        if (done === 0) return;
        tell();
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
