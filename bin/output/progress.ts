/**
 * Counts and rate of what takes longer than two seconds, in one line that is redrawn at the end of stderr. Only a terminal
 * gets it: a file of progress helps nobody.
 */
import { say, showLive } from './output.ts';
import { thousands } from './render.ts';
import { terminalWidth } from './terminal.ts';
import { cutInMiddle } from './wrap.ts';

/** Counts processed items and shows the count from time to time. */
export interface Progress {
  /** @param count items that are processed besides those before; 1 by default */
  add(count?: number): void;
  /** Leaves the last counts on a line of their own, if any were shown. */
  end(): void;
}

/** Progress of what also knows its counts as a whole. */
export interface ShownProgress extends Progress {
  set(done: number, total: number): void;
}

const SHOWN_AFTER_MS = 2000;
const REDRAW_MS = 200;
const BAR_WIDTH = 20;

/**
 * Starts counting.
 *
 * @param label what is counted, in the plural
 * @param total number of items, if known
 */
export function showProgress(label: string, total?: number): ShownProgress {
  const begin = performance.now();
  let done = 0;
  let all = total;
  let shown = false;
  const show = () => {
    if (performance.now() - begin < SHOWN_AFTER_MS) return;
    shown = true;
    showLive(cutInMiddle(progressText({ label, done, all, millis: performance.now() - begin }), columns()));
  };
  // A process that has nothing else to do ends, whatever is shown.
  const timer = process.stderr.isTTY ? setInterval(show, REDRAW_MS).unref() : undefined;
  return {
    add: (count = 1) => {
      done += count;
    },
    set: (nowDone, nowAll) => {
      done = nowDone;
      all = nowAll;
    },
    end: () => {
      clearInterval(timer);
      if (!shown) return;
      showLive('');
      say(progressText({ label, done, all: undefined, millis: performance.now() - begin }));
    },
  };
}

/** The last column stays free, or the cursor would be on the next line. */
function columns(): number {
  return (terminalWidth(process.stderr) ?? 80) - 1;
}

interface Counts {
  readonly label: string;
  readonly done: number;
  readonly all: number | undefined;
  readonly millis: number;
}

/** `objects [#####...............] 1,000 of 4,000, 250/s` */
export function progressText({ label, done, all, millis }: Counts): string {
  const rate = (done * 1000) / Math.max(1, millis);
  const shownRate = thousands(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate));
  const of = all === undefined ? '' : ` of ${thousands(all)}`;
  return `${label} ${bar(done, all)}${thousands(done)}${of}, ${shownRate}/s`;
}

function bar(done: number, total: number | undefined): string {
  if (!total) return '';
  const full = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / total));
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] `;
}
