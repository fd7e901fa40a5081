/**
 * Makes pages of fingerprints. A page is one DynamoDB item: the sorted fingerprints of one input (an S3 object or a
 * CloudWatch subscription payload) in one minute of event time. The same input gives the same pages each time it is
 * read.
 */
import { MINUTE_WORD, NO_MINUTE, RECORD_WORDS } from '../reading/kernel.ts';
import { MINUTES_PER_HOUR, minuteOf } from './minutes.ts';
import { pack } from './packed-page.ts';
import { FINGERPRINT_WORDS, isSampled } from './record-key.ts';
import type { Records } from './records.ts';
import { sorted } from './sort.ts';

/**
 * Most fingerprints in a page: 300 KB. A DynamoDB item has at most 400 KB, keys included.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const MAX_PAGE_FINGERPRINTS = 59_900;

/** Most records without a time at the beginning of an object that wait for the first record with a time. */
export const MAX_WAITING = 10_000;

/** Fingerprints of one input in one minute. */
export interface Page {
  /** Minutes since the epoch, of event time. */
  readonly minute: number;
  /** Number of the page among those of the same input and minute, from 0. */
  readonly sequence: number;
  readonly count: number;
  /** The bytes of the page, in the format of packed-page.ts, in memory that `pageDone` takes back. */
  readonly fingerprints: Uint8Array;
}

export interface PagerProps {
  /** Share of the records to keep, (0, 1]. */
  readonly sampleRate: number;
  /** First and last minute of the window of event time that is checked. */
  readonly from: number;
  readonly to: number;
  /** Receives each page when it is full, and the remaining ones at the end. */
  readonly take: (page: Page) => void;
}

/** Sorts the records of one input into pages. */
export class Pager {
  /** Number of records whose minute is outside the window. It is exact: sampling does not reduce it. */
  outsideWindow = 0;
  readonly #props: PagerProps;
  readonly #groups = new Map<number, Group>();
  #waiting: Uint32Array[] = [];
  #waitingCount = 0;
  /** The minute under which records without a time are filed, once it is known. */
  #minuteOfTimeless: number | undefined;

  constructor(props: PagerProps) {
    this.#props = props;
  }

  /**
   * Adds records of an object. Records without a time are filed under the hour of the object's first record with a
   * time, or of the object's arrival if MAX_WAITING records come before it. A copy of the object and an equal line of
   * the same object are thus filed under the same hour.
   */
  add(records: Records, arrivedAt: number): void {
    const { count, words, minutes } = records;
    for (let from = 0, to = 0; from < count; from = to) {
      to = endOfMinute(records, from);
      const minute = minutes[from * RECORD_WORDS + MINUTE_WORD] as number;
      if (minute !== NO_MINUTE) {
        this.#fileWaiting(minute);
        this.#keep(words, from, to, minute);
      } else if (this.#minuteOfTimeless !== undefined) {
        this.#keep(words, from, to, this.#minuteOfTimeless);
      } else {
        this.#waiting.push(words.slice(from * RECORD_WORDS, to * RECORD_WORDS));
        this.#waitingCount += to - from;
        if (this.#waitingCount >= MAX_WAITING) this.#fileWaiting(minuteOf(arrivedAt));
      }
    }
  }

  /** Adds log events. An event whose message has no time is filed under CloudWatch's time of it. */
  addEvents(records: Records): void {
    const { count, words, minutes } = records;
    for (let index = 0; index < count; index++) {
      const minute = minutes[index * RECORD_WORDS + MINUTE_WORD] as number;
      const filedUnder = minute === NO_MINUTE ? this.#hourOf(minuteOf(records.timestamp(index) ?? 0)) : minute;
      this.#keep(words, index, index + 1, filedUnder);
    }
  }

  /** Ends the input: no more records follow. */
  end(arrivedAt: number): void {
    this.#fileWaiting(minuteOf(arrivedAt));
    for (const [minute, group] of this.#groups) {
      this.#groups.delete(minute);
      this.#emitPage(minute, group);
      group.close();
    }
  }

  /** Decides, once, the minute for records without a time. */
  #fileWaiting(minute: number): void {
    if (this.#minuteOfTimeless !== undefined) return;
    this.#minuteOfTimeless = this.#hourOf(minute);
    for (const words of this.#waiting) this.#keep(words, 0, words.length / RECORD_WORDS, this.#minuteOfTimeless);
    this.#waiting = [];
  }

  /**
   * The first minute of an hour stands for the whole hour. Two objects that contain the same record without a time, or
   * two copies of an object without times, have the hour in common at best.
   */
  #hourOf(minute: number): number {
    const { from } = this.#props;
    // The hour may have begun before the window; a record from inside the window must not count as outside for that.
    return minute < from ? minute : Math.max(from, minute - (minute % MINUTES_PER_HOUR));
  }

  /** Keeps the records `from` to `to` (exclusive), all of the same minute. */
  #keep(words: Uint32Array, from: number, to: number, minute: number): void {
    const { from: first, to: last, sampleRate } = this.#props;
    if (minute < first || minute > last) {
      this.outsideWindow += to - from;
      return;
    }
    let group = this.#groups.get(minute);
    if (!group) {
      group = new Group();
      this.#groups.set(minute, group);
    }
    for (let next = from; next < to; ) {
      next = group.add(words, next, to, sampleRate);
      if (group.count === MAX_PAGE_FINGERPRINTS) this.#emitPage(minute, group);
    }
  }

  #emitPage(minute: number, group: Group): void {
    if (group.count === 0) return;
    const { count } = group;
    this.#props.take({ minute, sequence: group.sequence++, count, fingerprints: group.take() });
  }
}

/**
 * Index after the last consecutive record with the same minute as record `from`; most lines follow others of their
 * minute.
 */
function endOfMinute({ count, minutes }: Records, from: number): number {
  const minute = minutes[from * RECORD_WORDS + MINUTE_WORD];
  let to = from + 1;
  while (to < count && minutes[to * RECORD_WORDS + MINUTE_WORD] === minute) to++;
  return to;
}

/** Memory of closed groups, for new groups, so that their memory need not grow and be collected each time. */
const spare: Uint32Array[] = [];
/** Somewhat more than the minutes in an object that covers five. */
const MAX_SPARE = 8;
const FIRST_WORDS = 32;

/** Fingerprints of one minute that are not in a page yet. */
class Group {
  sequence = 0;
  count = 0;
  #words = spare.pop() ?? new Uint32Array(FIRST_WORDS);

  /** Adds records until `to` or until the page is full. Returns the index of the first record that was not added. */
  add(words: Uint32Array, from: number, to: number, sampleRate: number): number {
    const end = Math.min(to, from + MAX_PAGE_FINGERPRINTS - this.count);
    const kept = this.#room((this.count + end - from) * FINGERPRINT_WORDS);
    const all = sampleRate >= 1;
    let put = this.count * FINGERPRINT_WORDS;
    for (let at = from * RECORD_WORDS; at < end * RECORD_WORDS; at += RECORD_WORDS) {
      if (!all && !isSampled(words[at + 1] as number, sampleRate)) continue;
      kept[put++] = words[at] as number;
      kept[put++] = words[at + 1] as number;
    }
    this.count = put / FINGERPRINT_WORDS;
    return end;
  }

  /** Makes a page of the group's fingerprints and empties the group. */
  take(): Uint8Array {
    const words = this.#words.subarray(0, this.count * FINGERPRINT_WORDS);
    this.count = 0;
    return pack(sorted(words));
  }

  /** Gives the group's memory back. The group must not be used any more. */
  close(): void {
    if (spare.length < MAX_SPARE) spare.push(this.#words);
  }

  /** The group's memory, grown to at least `words` words. */
  #room(words: number): Uint32Array {
    if (words > this.#words.length) {
      const larger = new Uint32Array(Math.min(words * 2, MAX_PAGE_FINGERPRINTS * FINGERPRINT_WORDS));
      larger.set(this.#words);
      this.#words = larger;
    }
    return this.#words;
  }
}
