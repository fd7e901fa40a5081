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
  #waiting: Buffer[] = [];
  /** Minute that stands for records of the object that tell no time. */
  #timeless: number | undefined;

  constructor(props: PagerProps) {
    this.#props = props;
  }

  /**
   * Adds a record of an object. Those without a time go by the hour of the object's first record that has
   * one, where a copy of the object has them as well, and another line of the object that is the same.
   */
  add({ fingerprint, time }: DuplicateRecord, arrivedAt: number): void {
    if (time !== undefined) {
      this.#release(time);
      this.#keep(fingerprint, minuteOf(time));
    } else if (this.#timeless !== undefined) {
      this.#keep(fingerprint, this.#timeless);
    } else {
      this.#waiting.push(Buffer.from(fingerprint));
      if (this.#waiting.length === MAX_WAITING) this.#release(arrivedAt);
    }
  }

  /** Adds a log event, which has a time whether its message tells one or not. */
  addEvent({ fingerprint, time }: DuplicateRecord, timestamp: number): void {
    this.#keep(fingerprint, time === undefined ? this.#hourOf(timestamp) : minuteOf(time));
  }

  /** There are no more records. */
  end(arrivedAt: number): void {
    this.#release(arrivedAt);
    for (const [minute, group] of this.#groups) this.#give(minute, group);
    this.#groups.clear();
  }

  /** Decides, once, what stands for records without a time. */
  #release(time: number): void {
    if (this.#timeless !== undefined) return;
    this.#timeless = this.#hourOf(time);
    for (const fingerprint of this.#waiting) this.#keep(fingerprint, this.#timeless);
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

  #keep(fingerprint: Buffer, minute: number): void {
    const { from, to, sampleRate } = this.#props;
    if (minute < from || minute > to) {
      this.late++;
      return;
    }
    if (!isSampled(fingerprint, sampleRate)) return;
    let group = this.#groups.get(minute);
    if (!group) {
      group = new Group();
      this.#groups.set(minute, group);
    }
    group.add(fingerprint);
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

/** Fingerprints of one minute that are not yet a page. */
class Group {
  sequence = 0;
  count = 0;
  #bytes = Buffer.allocUnsafeSlow(16 * FINGERPRINT_BYTES);

  add(fingerprint: Buffer): void {
    const at = this.count * FINGERPRINT_BYTES;
    if (at === this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(at * 2, MAX_PAGE_FINGERPRINTS * FINGERPRINT_BYTES));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    fingerprint.copy(this.#bytes, at);
    this.count++;
  }

  take(): Uint8Array {
    const numbers = new BigUint64Array(this.#bytes.buffer.slice(0, this.count * FINGERPRINT_BYTES)).sort();
    this.count = 0;
    return new Uint8Array(numbers.buffer);
  }
}
