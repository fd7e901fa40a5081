/** The main flow of count-duplicates: counts the duplicates of each minute that is ready to be counted. */
import { countPages, type MinuteCounts } from './counting.ts';
import { pageDone } from './page-memory.ts';
import type { CountedMinute, CountStore, MinuteOf, StoredMark } from './store.ts';

/**
 * A minute is counted once no page has been written to it for this long. ELB delivers every five minutes. A page that
 * comes later has the minute counted again, which reads all of the minute's pages again. The wait is also long enough
 * for eventually consistent reads to see every page; they cost half of consistent ones.
 */
export const QUIET_MS = 360_000;

/**
 * The longest that a minute waits to be counted: pages may never stop coming to it, for example from a host whose clock
 * has stopped. The first minute of an hour, which also gathers the records without a time, has all of its pages by
 * then.
 */
export const LONGEST_WAIT_MS = 7_200_000;

export interface CountPorts {
  readonly store: CountStore;
  /** The time that the schedule ran for. */
  readonly now: Date;
  /** True if it is too late to begin another minute. */
  readonly outOfTime: () => boolean;
  /** Receives what a count has changed. */
  readonly emit: (changed: Counted) => void;
}

/** How much the counts of a minute have changed since the minute was last counted. */
export interface Counted extends MinuteOf, MinuteCounts {}

/** The result of one run. */
export interface CountRun {
  /** Number of marks that stay for a later run: they are too young, or time ran out. */
  readonly left: number;
}

/**
 * Counts each minute that is ready, the oldest first.
 *
 * If the process crashes after it has stored a minute, the minute's marks remain and the minute is counted again. That
 * count finds no change, so metrics that the crash has lost are never put: the table holds the exact counts, and the
 * metrics only follow them.
 *
 * @throws what the store throws: a later run counts the marks that remain
 */
export async function countDue({ store, now, outOfTime, emit }: CountPorts): Promise<CountRun> {
  const all = await store.marks();
  const ready = groupsOf(all)
    .map((marks) => marksToCount(marks, now.getTime()))
    .filter((marks) => marks.length > 0);
  const countedBefore = new Map((await store.counted(ready.map(minuteOf))).map((counted) => [keyOf(counted), counted]));
  let done: StoredMark[] = [];
  let left = all.length;
  for (const marks of ready) {
    if (outOfTime()) break;
    const counted = await countMinute(marks, countedBefore.get(keyOf(minuteOf(marks))), store, emit);
    if (!counted) continue;
    left -= marks.length;
    done.push(...marks);
    if (done.length < MARKS_DELETED_TOGETHER) continue;
    await store.deleteMarks(done);
    done = [];
  }
  await store.deleteMarks(done);
  return { left };
}

/** If the process crashes before it deletes them, these marks only have their minutes counted once more. */
const MARKS_DELETED_TOGETHER = 100;

/** Groups of marks with the same source and minute, the oldest minute first. */
function groupsOf(marks: readonly StoredMark[]): StoredMark[][] {
  const groups = Map.groupBy(marks, keyOf);
  return [...groups.values()].toSorted((a, b) => minuteOf(a).minute - minuteOf(b).minute);
}

/**
 * The marks of a minute to count now: all of them once all have waited long enough. If one has waited too long, only
 * those whose pages every read is sure to see. Empty if it is too early.
 */
function marksToCount(marks: readonly StoredMark[], now: number): readonly StoredMark[] {
  const settled = marks.filter(({ putAt }) => putAt + QUIET_MS <= now);
  const waited = marks.some(({ putAt }) => putAt + LONGEST_WAIT_MS <= now);
  return settled.length === marks.length || waited ? settled : [];
}

function keyOf({ source, minute }: MinuteOf): string {
  return `${source}#${minute}`;
}

function minuteOf([first]: readonly StoredMark[]): MinuteOf {
  if (!first) throw new Error('a minute is due by one mark at least');
  return { source: first.source, minute: first.minute };
}

/**
 * Returns false if another run has counted the minute in the meantime: the marks stay, and the minute is counted again.
 */
async function countMinute(
  marks: readonly StoredMark[],
  before: CountedMinute | undefined,
  store: CountStore,
  emit: (changed: Counted) => void,
): Promise<boolean> {
  const { source, minute } = minuteOf(marks);
  const shards = new Set([...(before?.shards ?? []), ...marks.flatMap((mark) => mark.shards)]);
  const pages = await store.pages(source, minute, [...shards]);
  const counts = countPages(pages);
  for (const { fingerprints } of pages) pageDone(fingerprints);
  const version = (before?.version ?? 0) + 1;
  const counted = { source, minute, shards: [...shards].sort((a, b) => a - b), ...counts, version };
  if (!(await store.storeMinute(counted))) return false;
  emit(difference(counted, before));
  return true;
}

function difference(counted: CountedMinute, before: CountedMinute | undefined): Counted {
  const { source, minute, sampleRate } = counted;
  return {
    source,
    minute,
    sampleRate,
    checked: counted.checked - (before?.checked ?? 0),
    withinObject: counted.withinObject - (before?.withinObject ?? 0),
    acrossObjects: counted.acrossObjects - (before?.acrossObjects ?? 0),
  };
}
