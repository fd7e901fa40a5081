/** Writes times as values of rows, and shows these values to people. */
import { withoutFinalZeros } from './numbers.ts';

/** Digits of a fraction that are kept. */
export const MICROS_DIGITS = 6;

/**
 * The form that all times are converted to, of a time in milliseconds since the epoch. Undefined for a time that no
 * table can hold.
 */
export function isoTime(millis: number): string | undefined {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  return iso.length === 24 ? iso : undefined;
}

/** The form that all times are converted to. A space may replace the `T`, and the `Z` may be missing. */
const PLAIN = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?$/;

/**
 * AWS does not document how the deserializer distinguishes seconds from milliseconds. Two rules are known: a number is
 * in milliseconds if it exceeds 31 bits, or if it has 13 digits or more. Within these limits both rules agree.
 */
const MAX_SECONDS = 2_147_483_647;
const MIN_MILLIS = 1_000_000_000_000;
const MAX_MILLIS = 9_999_999_999_999;

/** A time for a row. */
export interface RowTime {
  /** The value that the row has. */
  readonly value: number | string;
  /** Milliseconds since the epoch, rounded down. */
  readonly millis: number;
}

/**
 * The value of a row for the time `value`, which is `yyyy-MM-ddTHH:mm:ss[.fraction][Z]` in UTC. Of the forms that
 * Firehose's deserializer takes, it is the shortest one that loses nothing. Whole seconds are epoch seconds, whole
 * milliseconds epoch milliseconds. All other times, and those whose number could be misread, are `yyyy-M-d
 * HH:mm:ss[.fraction]`, to the microsecond and without zeros at the end. Epoch seconds with a fraction are never used,
 * because the deserializer cuts them to milliseconds.
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
 *
 * @returns undefined for a day or time that does not exist
 */
export function rowTime(value: string): RowTime | undefined {
  const parts = PLAIN.exec(value);
  const wholeMillis = parts ? wholeSecondMillis(parts.slice(1, 7).map(Number)) : undefined;
  if (!parts || wholeMillis === undefined) return undefined;
  const fraction = withoutFinalZeros(parts[7]?.slice(0, MICROS_DIGITS) ?? '');
  const millis = wholeMillis + Number(fraction.slice(0, 3).padEnd(3, '0'));
  if (fraction === '' && millis >= 0 && millis <= MAX_SECONDS * 1000) return { value: millis / 1000, millis };
  if (fraction.length <= 3 && millis >= MIN_MILLIS && millis <= MAX_MILLIS) return { value: millis, millis };
  const day = `${parts[1]}-${Number(parts[2])}-${Number(parts[3])}`;
  return { value: `${day} ${value.slice(11, 19)}${fraction && `.${fraction}`}`, millis };
}

/** The beginning of a time that is text in a row. */
const SHORT_DATE = /^(\d{4})-(\d\d?)-(\d\d?)(?= )/;

/**
 * Turns a row's time into the form shown to people, `yyyy-MM-dd HH:mm:ss[.fraction]`. Other values are returned
 * unchanged.
 */
export function shownTime(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(SHORT_DATE, (_, year, ...of) =>
      [year, ...of.slice(0, 2).map((number) => number.padStart(2, '0'))].join('-'),
    );
  }
  if (!Number.isInteger(value)) return value;
  const number = Number(value);
  const isSeconds = number >= 0 && number <= MAX_SECONDS;
  if (!isSeconds && (number < MIN_MILLIS || number > MAX_MILLIS)) return value;
  const iso = new Date(isSeconds ? number * 1000 : number).toISOString();
  return withoutFinalZeros(iso.replace('T', ' ').slice(0, -1));
}

/** Milliseconds since the epoch, rounded down, of a row's time; undefined if the value is none. */
export function rowTimeMillis(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 && value <= MAX_SECONDS ? value * 1000 : value;
  const shown = shownTime(value);
  return typeof shown === 'string' ? rowTime(shown)?.millis : undefined;
}

/** The Gregorian calendar repeats after this many years. */
const CYCLE_YEARS = 400;
const CYCLE_MILLIS = 146_097 * 86_400_000;

/** Undefined for a day or time that does not exist. */
function wholeSecondMillis([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[]) {
  const midnight = utcMillis(year, month, day);
  if (midnight === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** Milliseconds since the epoch of a day's beginning, or undefined for a day that does not exist. */
export function utcMillis(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1) return undefined;
  // Date.UTC takes years 0-99 as 1900-1999, so a later year with the same calendar is used.
  const later = year + CYCLE_YEARS;
  // Day 0 of the next month is the last day of this one.
  if (day > 28 && day > new Date(Date.UTC(later, month, 0)).getUTCDate()) return undefined;
  return Date.UTC(later, month - 1, day) - CYCLE_MILLIS;
}
