/** The day of a row on the direct lane: its partition `dt`. */

const QUARTER_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** Days are asked of Intl once for each quarter of an hour: no zone changes its day within one. */
const MAX_REMEMBERED = 10_000;

/** Says on which day an event was, on the calendar of a time zone. */
export class EventDays {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, string>();
  readonly #from: number;
  readonly #until: number;
  readonly #timeZone: string;
  readonly #now: number;

  /**
   * @param timeZone a name for which `isTimeZone` is true
   * @param retentionDays how long a table keeps rows: a time before that is not believed, and neither is one after
   * tomorrow, because no query looks at such days
   * @param now milliseconds since the epoch
   */
  constructor(timeZone: string, retentionDays: number, now: number) {
    // This locale writes yyyy-MM-dd.
    this.#format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    this.#from = now - retentionDays * DAY_MS;
    this.#until = now + DAY_MS;
    this.#timeZone = timeZone;
    this.#now = now;
  }

  /** The same for a table that keeps its rows for another time; undefined: for the same. */
  keeping(retentionDays: number | undefined): EventDays {
    return retentionDays === undefined ? this : new EventDays(this.#timeZone, retentionDays, this.#now);
  }

  /** The day of a time in milliseconds since the epoch, as yyyy-MM-dd. */
  dayOf(millis: number): string {
    const quarter = Math.floor(millis / QUARTER_MS);
    const known = this.#days.get(quarter);
    if (known !== undefined) return known;
    if (this.#days.size >= MAX_REMEMBERED) this.#days.clear();
    const day = this.#format.format(quarter * QUARTER_MS);
    this.#days.set(quarter, day);
    return day;
  }

  /** True if a row may lie under the day of this time. */
  isBelieved(millis: number): boolean {
    return millis >= this.#from && millis <= this.#until;
  }

  /**
   * @param millis time of the event; undefined if the row has none
   * @param otherwise day of a row without a time that is believed: that of its object
   */
  dayOfRow(millis: number | undefined, otherwise: string): string {
    return millis !== undefined && this.isBelieved(millis) ? this.dayOf(millis) : otherwise;
  }
}
