/**
 * Fingerprints to pages. A page is one DynamoDB item: the fingerprints that one object or payload has
 * in one minute of event time, sorted. The same input gives the same pages whenever it is read again.
 */
import { FINGERPRINT_BYTES, isSampled } from './identity.ts';
import type { DuplicateRecord } from './records.ts';

/**
 * Fingerprints of a page at most: 300 KB. A DynamoDB item holds 400 KB with its keys.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const MAX_PAGE_FINGERPRINTS = 37_500;

/** Records without a time at an object's beginning that wait for the first that has one. */
const MAX_WAITING = 10_000;

const MINUTE_MS = 60_000;
export const MINUTES_PER_HOUR = 60;

/** Fingerprints of one object or payload in one minute. */
export interface Page {
  /** Of event time, minutes since the epoch. */
  readonly minute: number;
  /** Pages of one object or payload and minute are counted from 0. */
  readonly sequence: number;
  /** 8 bytes each, sorted. */
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
  late = 0;
  readonly #props: PagerProps;
  readonly #groups = new Map<number, Group>();
  #lastMinute: number | undefined;
  #lastGroup: Group | undefined;
  #waiting: Uint32Array[] = [];
  /** Minute that stands for records of the object that tell no time. */
  #timeless: number | undefined;

  constructor(props: PagerProps) {
    this.#props = props;
  }

  /**
   * Adds a record of an object. Those without a time go by the hour of the object's first record that has
   * one, where a copy of the object has them as well, and another line of the object that is the same.
   */
  add({ words, at, time }: DuplicateRecord, arrivedAt: number): void {
    if (time !== undefined) {
      this.#release(time);
      this.#keep(words, at, minuteOf(time));
    } else if (this.#timeless !== undefined) {
      this.#keep(words, at, this.#timeless);
    } else {
      this.#waiting.push(words.slice(at, at + 2));
      if (this.#waiting.length === MAX_WAITING) this.#release(arrivedAt);
    }
  }

  /** Adds a log event, which has a time whether its message tells one or not. */
  addEvent({ words, at, time }: DuplicateRecord, timestamp: number): void {
    this.#keep(words, at, time === undefined ? this.#hourOf(timestamp) : minuteOf(time));
  }

  /** There are no more records. */
  end(arrivedAt: number): void {
    this.#release(arrivedAt);
    for (const [minute, group] of this.#groups) {
      this.#give(minute, group);
      group.close();
    }
    this.#groups.clear();
    this.#lastGroup = undefined;
  }

  /** Decides, once, what stands for records without a time. */
  #release(time: number): void {
    if (this.#timeless !== undefined) return;
    this.#timeless = this.#hourOf(time);
    for (const words of this.#waiting) this.#keep(words, 0, this.#timeless);
    this.#waiting = [];
  }

  /**
   * The first minute of an hour stands for all of it: between objects, and between copies that only
   * their arrival dates, more than that may not agree.
   */
  #hourOf(millis: number): number {
    const minute = minuteOf(millis);
    const { from } = this.#props;
    // The hour may have begun before the window; what came in it is not late for that.
    return minute < from ? minute : Math.max(from, minute - (minute % MINUTES_PER_HOUR));
  }

  #keep(words: Uint32Array, at: number, minute: number): void {
    const { from, to, sampleRate } = this.#props;
    if (minute < from || minute > to) {
      this.late++;
      return;
    }
    if (!isSampled(words, at, sampleRate)) return;
    // Lines in a row are mostly of one minute.
    let group = minute === this.#lastMinute ? this.#lastGroup : this.#groups.get(minute);
    if (!group) {
      group = new Group();
      this.#groups.set(minute, group);
    }
    this.#lastMinute = minute;
    this.#lastGroup = group;
    group.add(words, at);
    if (group.count === MAX_PAGE_FINGERPRINTS) this.#give(minute, group);
  }

  #give(minute: number, group: Group): void {
    if (group.count === 0) return;
    this.#props.take({ minute, sequence: group.sequence++, fingerprints: group.take() });
  }
}

/** Minute of a time, both since the epoch. */
export function minuteOf(millis: number): number {
  return Math.floor(millis / MINUTE_MS);
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

  add(words: Uint32Array, at: number): void {
    const to = this.count * 2;
    if (to === this.#words.length) {
      const larger = new Uint32Array(Math.min(to * 2, MAX_PAGE_FINGERPRINTS * 2));
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[to] = words[at] as number;
    this.#words[to + 1] = words[at + 1] as number;
    this.count++;
  }

  /** All that is in it, sorted, in memory of its own. */
  take(): Uint8Array {
    const numbers = new BigUint64Array(this.#words.buffer.slice(0, this.count * FINGERPRINT_BYTES)).sort();
    this.count = 0;
    return new Uint8Array(numbers.buffer);
  }

  /** Nothing is added any more. */
  close(): void {
    if (spare.length < MAX_SPARE) spare.push(this.#words);
  }
}
