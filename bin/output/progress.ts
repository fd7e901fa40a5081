/**
 * Counts and rate of what takes longer than two seconds, in one line that is redrawn at the end of stderr. Only a terminal
 * gets it: a file of progress helps nobody.
 */
import { say, showLive } from './output.ts';
import { bytesText, thousands } from './render.ts';
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
export function showProgress(label: string, total?: number, unit: Unit = 'items'): ShownProgress {
  const begin = performance.now();
  let done = 0;
  let all = total;
  let shown = false;
  const show = () => {
    if (performance.now() - begin < SHOWN_AFTER_MS) return;
    shown = true;
    showLive(cutInMiddle(progressText({ label, unit, done, all, millis: performance.now() - begin }), columns()));
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
      say(progressText({ label, unit, done, all: undefined, millis: performance.now() - begin }));
    },
  };
}

/** The last column stays free, or the cursor would be on the next line. */
function columns(): number {
  return (terminalWidth(process.stderr) ?? 80) - 1;
}

/** What is counted: items, or the bytes of what differs much in size. */
export type Unit = 'items' | 'bytes';

interface Counts {
  readonly label: string;
  readonly unit: Unit;
  readonly done: number;
  readonly all: number | undefined;
  readonly millis: number;
}

/** `objects [#####...............] 1,000 of 4,000, 250/s`, or `objects, 12 s` as long as there is nothing to count. */
export function progressText({ label, unit, done, all, millis }: Counts): string {
  if (done === 0 && all === undefined) return `${label}, ${thousands(Math.round(millis / 1000))} s`;
  const rate = (done * 1000) / Math.max(1, millis);
  const of = all === undefined ? '' : ` of ${amount(all, unit)}`;
  return `${label} ${bar(done, all)}${amount(done, unit)}${of}, ${amount(rate, unit)}/s`;
}

function amount(count: number, unit: Unit): string {
  if (unit === 'bytes') return bytesText(count);
  return thousands(count < 10 ? Math.round(count * 10) / 10 : Math.round(count));
}

function bar(done: number, total: number | undefined): string {
  if (!total) return '';
  const full = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / total));
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] `;
}

/** Shows how much of the lake's work is done, while it drains. */
export function showWaiting(): { readonly left: (count: number) => void; readonly end: () => void } {
  const progress = showProgress('messages and events');
  let most = 0;
  return {
    left: (count) => {
      most = Math.max(most, count);
      progress.set(most - count, most);
    },
    end: progress.end,
  };
}
