/** The main flow of count-duplicates: minutes that have come due to counts. */
import { countPages, type MinuteCounts } from './counting.ts';
import { pageDone } from './page-memory.ts';
import type { CountedMinute, CountStore, MinuteOf, StoredMark } from './store.ts';

/**
 * A minute is counted when no page has come to it for so long. ELB delivers every five minutes; a page
 * that comes later has the minute counted again, which costs all of its pages again. It is also time
 * enough for reads that need not be consistent: those cost half.
 */
export const QUIET_MS = 360_000;

/**
 * No minute waits longer: pages may never stop coming to it, as when a clock has stopped. An hour's first
 * minute, which gathers what tells no time, has all of its pages by then.
 */
export const LONGEST_WAIT_MS = 7_200_000;

export interface CountPorts {
  readonly store: CountStore;
  /** The time that the schedule ran for. */
  readonly now: Date;
  /** Is it too late to begin with another minute? */
  readonly outOfTime: () => boolean;
  /** Told of what a count has changed. */
  readonly emit: (changed: Counted) => void;
}

/** By how much the counts of a minute have changed since they were counted before. */
export interface Counted extends MinuteOf, MinuteCounts {}

/** InputToCheck that a later run will find. */
export interface Left {
  /** Marks that were not counted: too young, or there was no time. */
  readonly left: number;
}

/**
 * Counts each minute that is due, the oldest first.
 *
 * If the process dies after a minute is stored, it stays marked and is counted again: no change is
 * found then, so what had not been put as metrics never is. The table tells the counts, metrics only
 * follow them.
 *
 * @throws what the store throws: whatever is still marked is counted in a later run
 */
export async function countDue({ store, now, outOfTime, emit }: CountPorts): Promise<Left> {
  const all = await store.marks();
  const due = groupsOf(all)
    .map((marks) => dueOf(marks, now.getTime()))
    .filter((marks) => marks.length > 0);
  const before = new Map((await store.counted(due.map(minuteOf))).map((counted) => [keyOf(counted), counted]));
  let done: StoredMark[] = [];
  let left = all.length;
  for (const marks of due) {
    if (outOfTime()) break;
    const counted = await countMinute(marks, before.get(keyOf(minuteOf(marks))), store, emit);
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

/** A death before they are deleted only has their minutes counted once more. */
const MARKS_DELETED_TOGETHER = 100;

/** Marks of one source and minute each, the oldest minute first. */
function groupsOf(marks: readonly StoredMark[]): StoredMark[][] {
  const groups = Map.groupBy(marks, keyOf);
  return [...groups.values()].toSorted((a, b) => minuteOf(a).minute - minuteOf(b).minute);
}

/** Marks of a minute to count now: all or, when it has waited too long, those whose pages any read will see. */
function dueOf(marks: readonly StoredMark[], now: number): readonly StoredMark[] {
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

/** False when another run has counted it meanwhile: the marks stay, and it is counted once more. */
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
