/**
 * Offsets from UTC of times that were written without a zone, on the clocks of a time zone. The zone's rules are those
 * of Node's Intl.
 */

/** From when on a clock of the zone has an offset, until the next change. Both are of the local time, in milliseconds. */
export interface OffsetChange {
  readonly from: number;
  readonly offset: number;
}

/** A time zone, as times without a zone are read in it. */
export interface LocalZone {
  /**
   * Offset from UTC, in milliseconds, of a local time, which is given as the milliseconds that it would be in UTC. Where
   * clocks were set forward, the time that they did not show is read as if they had not been set. A time that they showed
   * twice is the earlier one.
   */
  offsetAt(local: number): number;
  /** The offsets for local times from the first change on and before CHANGES_END, in order. None for UTC. */
  readonly changes: readonly OffsetChange[];
}

/** The zone of times without a zone, unless a source says otherwise. */
export const UTC: LocalZone = { offsetAt: () => 0, changes: [] };

/** Local times for which the offsets are known in advance. Those of other times are asked for one by one. */
const CHANGES_START = Date.UTC(2000, 0, 1);
export const CHANGES_END = Date.UTC(2050, 0, 1);

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** No zone changes its offset and changes it back within a week. */
const WEEK_MS = 7 * DAY_MS;

/** True if the text is `UTC`, or the name of a zone of the IANA database, such as `Europe/Berlin`. */
export function isTimeZone(name: string): boolean {
  // Intl takes abbreviations and offsets too, which say nothing of when clocks are set.
  if (name !== 'UTC' && !name.includes('/')) return false;
  try {
    return intlFormat(name) !== undefined;
  } catch {
    return false;
  }
}

const ZONES = new Map<string, LocalZone>([['UTC', UTC]]);

/**
 * The zone of a name for which `isTimeZone` is true.
 *
 * @throws RangeError for any other name
 */
export function localZone(name: string): LocalZone {
  const zone = ZONES.get(name) ?? new IntlZone(name);
  ZONES.set(name, zone);
  return zone;
}

function intlFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
}

class IntlZone implements LocalZone {
  readonly #format: Intl.DateTimeFormat;
  #changes: readonly OffsetChange[] | undefined;

  constructor(name: string) {
    this.#format = intlFormat(name);
  }

  /** Found once, when the first time without a zone is read: it takes some milliseconds. */
  get changes(): readonly OffsetChange[] {
    this.#changes ??= this.#findChanges();
    return this.#changes;
  }

  offsetAt(local: number): number {
    const { changes } = this;
    if (local < (changes[0]?.from ?? CHANGES_END) || local >= CHANGES_END) return this.#askedOffset(local);
    let low = 0;
    let high = changes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((changes[middle] as OffsetChange).from <= local) low = middle;
      else high = middle - 1;
    }
    return (changes[low] as OffsetChange).offset;
  }

  /**
   * The offset before a change applies to local times up to the later of the two that clocks show at the change: so the
   * time that they pass over has it, and so has the first of the two times that they show twice.
   */
  #findChanges(): OffsetChange[] {
    let before = this.#utcOffset(CHANGES_START);
    const changes = [{ from: CHANGES_START + before, offset: before }];
    for (let at = CHANGES_START; at < CHANGES_END; at += WEEK_MS) {
      const after = this.#utcOffset(at + WEEK_MS);
      if (after === before) continue;
      const from = this.#changeBetween(at, at + WEEK_MS, before) + Math.max(before, after);
      changes.push({ from, offset: after });
      before = after;
    }
    return changes;
  }

  /** When the offset changes from `before`, to the minute. */
  #changeBetween(start: number, end: number, before: number): number {
    let [low, high] = [start / MINUTE_MS, end / MINUTE_MS];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#utcOffset(middle * MINUTE_MS) === before) low = middle;
      else high = middle;
    }
    return high * MINUTE_MS;
  }

  /** The same rule for a time outside of the changes, from the offsets a day before and a day after it. */
  #askedOffset(local: number): number {
    const before = this.#utcOffset(local - DAY_MS);
    const after = this.#utcOffset(local + DAY_MS);
    if (before === after || this.#utcOffset(local - before) === before) return before;
    return this.#utcOffset(local - after) === after ? after : before;
  }

  /** Offset at an instant; 0 for one that no date can hold. */
  #utcOffset(instant: number): number {
    const [, sign, hours, minutes, seconds = 0] = OFFSET.exec(this.#format.format(instant)) ?? [];
    const offset = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds)) * 1000;
    return sign === '-' ? -offset : offset;
  }
}

/** The offset at the end of a date: `GMT`, `GMT+02:00`, or of a time before 1972 `GMT-00:44:30`. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;
