/**
 * Fingerprints to pages. A page is one DynamoDB item: the fingerprints that one object or payload has
 * in one minute of event time, sorted. The same input gives the same pages whenever it is read again.
 */
import { MINUTE_WORD, NO_MINUTE, RECORD_WORDS } from '../reading/kernel.ts';
import { MINUTES_PER_HOUR, minuteOf } from './minutes.ts';
import { pack } from './packed-page.ts';
import { FINGERPRINT_WORDS, isSampled } from './record-key.ts';
import type { Records } from './records.ts';
import { sorted } from './sort.ts';

/**
 * Fingerprints of a page at most: 300 KB. A DynamoDB item holds 400 KB with its keys.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const MAX_PAGE_FINGERPRINTS = 59_900;

/** Records without a time at an object's beginning that wait for the first that has one. */
export const MAX_WAITING = 10_000;

/** Fingerprints of one object or payload in one minute. */
export interface Page {
  /** Of event time, minutes since the epoch. */
  readonly minute: number;
  /** Pages of one object or payload and minute are counted from 0. */
  readonly sequence: number;
  readonly count: number;
  /** As packed-page.ts has them; in memory that `pageDone` takes back. */
  readonly fingerprints: Uint8Array;
}

export interface PagerProps {
  /** Share of the records to keep, (0, 1]. */
  readonly sampleRate: number;
  /** Minutes of event time looked at; records outside of them are late. */
  readonly from: number;
  readonly to: number;
  /** Takes pages as they get full, and the rest at the end. */
  readonly take: (page: Page) => void;
}

/** Sorts one object's or payload's records into pages. */
export class Pager {
  /** Records that fit no minute looked at. Not sampled: each is counted. */
  outsideWindow = 0;
  readonly #props: PagerProps;
  readonly #groups = new Map<number, Group>();
  #waiting: Uint32Array[] = [];
  #waitingCount = 0;
  /** Minute that stands for records of the object that tell no time. */
  #timeless: number | undefined;

  constructor(props: PagerProps) {
    this.#props = props;
  }

  /**
   * Adds records of an object. Those without a time go by the hour of the object's first record that has
   * one, where a copy of the object has them as well, and another line of the object that is the same.
   */
  add(records: Records, arrivedAt: number): void {
    const { count, words, minutes } = records;
    for (let from = 0, to = 0; from < count; from = to) {
      to = endOfMinute(records, from);
      const minute = minutes[from * RECORD_WORDS + MINUTE_WORD] as number;
      if (minute !== NO_MINUTE) {
        this.#release(minute);
        this.#keep(words, from, to, minute);
      } else if (this.#timeless !== undefined) {
        this.#keep(words, from, to, this.#timeless);
      } else {
        this.#waiting.push(words.slice(from * RECORD_WORDS, to * RECORD_WORDS));
        this.#waitingCount += to - from;
        if (this.#waitingCount >= MAX_WAITING) this.#release(minuteOf(arrivedAt));
      }
    }
  }

  /** Adds log events, each of which has a time whether its message tells one or not: its timestamp, in milliseconds. */
  addEvents(records: Records, timestampOf: (position: number) => number): void {
    const { count, words, minutes } = records;
    for (let index = 0; index < count; index++) {
      const minute = minutes[index * RECORD_WORDS + MINUTE_WORD] as number;
      const own = minute === NO_MINUTE ? this.#hourOf(minuteOf(timestampOf(records.position(index)))) : minute;
      this.#keep(words, index, index + 1, own);
    }
  }

  /** There are no more records. */
  end(arrivedAt: number): void {
    this.#release(minuteOf(arrivedAt));
    for (const [minute, group] of this.#groups) {
      this.#groups.delete(minute);
      this.#give(minute, group);
      group.close();
    }
  }

  /** Decides, once, what stands for records without a time. */
  #release(minute: number): void {
    if (this.#timeless !== undefined) return;
    this.#timeless = this.#hourOf(minute);
    for (const words of this.#waiting) this.#keep(words, 0, words.length / RECORD_WORDS, this.#timeless);
    this.#waiting = [];
  }

  /**
   * The first minute of an hour stands for all of it: between objects, and between copies that only
   * their arrival dates, more than that may not agree.
   */
  #hourOf(minute: number): number {
    const { from } = this.#props;
    // The hour may have begun before the window; what came in it is not late for that.
    return minute < from ? minute : Math.max(from, minute - (minute % MINUTES_PER_HOUR));
  }

  /** Of records of one minute, the `from`-th and those that follow, up to the `to`-th. */
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
      if (group.count === MAX_PAGE_FINGERPRINTS) this.#give(minute, group);
    }
  }

  #give(minute: number, group: Group): void {
    if (group.count === 0) return;
    const { count } = group;
    this.#props.take({ minute, sequence: group.sequence++, count, fingerprints: group.take() });
  }
}

/** Where those end that are of one record's minute and follow it, as lines mostly do. */
function endOfMinute({ count, minutes }: Records, from: number): number {
  const minute = minutes[from * RECORD_WORDS + MINUTE_WORD];
  let to = from + 1;
  while (to < count && minutes[to * RECORD_WORDS + MINUTE_WORD] === minute) to++;
  return to;
}

/** Memory of groups that are given, for those to come, so that it need not grow and be collected for each. */
const spare: Uint32Array[] = [];
/** Minutes that an object of five touches, and then some. */
const MAX_SPARE = 8;
const FIRST_WORDS = 32;

/** Fingerprints of one minute that are not yet a page. */
class Group {
  sequence = 0;
  count = 0;
  #words = spare.pop() ?? new Uint32Array(FIRST_WORDS);

  /** @returns the record it has come to: as many are added as a page holds */
  add(words: Uint32Array, from: number, to: number, sampleRate: number): number {
    const end = Math.min(to, from + MAX_PAGE_FINGERPRINTS - this.count);
    const own = this.#room((this.count + end - from) * FINGERPRINT_WORDS);
    const all = sampleRate >= 1;
    let put = this.count * FINGERPRINT_WORDS;
    for (let at = from * RECORD_WORDS; at < end * RECORD_WORDS; at += RECORD_WORDS) {
      if (!all && !isSampled(words[at + 1] as number, sampleRate)) continue;
      own[put++] = words[at] as number;
      own[put++] = words[at + 1] as number;
    }
    this.count = put / FINGERPRINT_WORDS;
    return end;
  }

  /** A page of all that is in it. */
  take(): Uint8Array {
    const words = this.#words.subarray(0, this.count * FINGERPRINT_WORDS);
    this.count = 0;
    return pack(sorted(words));
  }

  /** Nothing is added any more. */
  close(): void {
    if (spare.length < MAX_SPARE) spare.push(this.#words);
  }

  /** Its memory, of so many words at least. */
  #room(words: number): Uint32Array {
    if (words > this.#words.length) {
      const larger = new Uint32Array(Math.min(words * 2, MAX_PAGE_FINGERPRINTS * FINGERPRINT_WORDS));
      larger.set(this.#words);
      this.#words = larger;
    }
    return this.#words;
  }
}
