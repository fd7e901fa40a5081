/**
 * Reads times as logs write them into the one form that `Row.timestamp` takes, `yyyy-MM-ddTHH:mm:ss[.fraction]Z` in
 * UTC, to the microsecond; and writes that form as the value of a row.
 */
import { exactNumber, withoutFinalZeros } from './numbers.ts';

const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?$/;
const EPOCH = /^(-?)(\d+)(?:\.(\d+))?$/;
const LOCAL = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * An epoch number of fewer digits before its point is seconds, the rule of Firehose's OpenX deserializer. Of so many
 * digits it is milliseconds, microseconds or nanoseconds, of which that many are a fraction of a second; the last two
 * from 2001 to 2286 only.
 */
const MILLIS_DIGITS = 13;
const FRACTION_DIGITS: ReadonlyMap<number, number> = new Map([
  [MILLIS_DIGITS, 3],
  [14, 3],
  [16, 6],
  [19, 9],
]);

/** Digits of a fraction that are kept. */
const MICROS_DIGITS = 6;

/** No clock is further from UTC, by the rule of java.time. */
const MAX_OFFSET_MINUTES = 18 * 60;

/**
 * `value` in UTC, or undefined if it has none of these forms: ISO 8601 with `T` or a space, with `Z`, an offset or no
 * zone (UTC), months and days of one or two digits; epoch seconds, also with a fraction; epoch milliseconds. These are
 * the forms of Firehose's OpenX deserializer. In addition: offsets of up to 18 hours, a comma before the fraction
 * (Python's logging, Log4j), a space before the zone (Ruby), no seconds if they are 0 (Java), epoch microseconds and
 * nanoseconds, and epoch numbers of any unit with a fraction (JavaScript's performance.now) or an exponent (Java, Go).
 * A fraction is cut after the microsecond.
 */
export function readTime(value: string): string | undefined {
  const iso = ISO.exec(value);
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso;
    return utc([year, month, day, hour, minute, second ?? 0].map(Number), fraction, zone);
  }
  const epoch = EPOCH.exec(value);
  if (epoch) {
    const [, sign, whole = '', part = ''] = epoch;
    return fromEpoch(sign === '-', whole + part, whole.length);
  }
  const number = /[eE]/.test(value) ? exactNumber(value) : undefined;
  return number && number.sign !== '+' ? fromEpoch(number.sign === '-', number.digits, number.point) : undefined;
}

/**
 * `value` in UTC if it is nginx's `$time_local`, such as `29/Nov/2024:11:41:46 +0000`; otherwise the same as
 * `readTime`.
 */
export function readLogTime(value: string): string | undefined {
  const local = LOCAL.exec(value);
  if (!local) return readTime(value);
  const [, day, month, year, hour, minute, second, zone] = local;
  const monthNumber = MONTHS.indexOf(month ?? '') + 1;
  return utc([Number(year), monthNumber, Number(day), Number(hour), Number(minute), Number(second)], undefined, zone);
}

function utc(parts: readonly number[], fraction: string | undefined, zone: string | undefined): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const millis = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(millis);
  // Date.UTC rolls 31 February over and takes years 0-99 as 1900-1999: a time exists only if it comes back unchanged.
  const exists =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  const offset = offsetMillis(zone);
  return exists && offset !== undefined ? format(millis - offset, fraction) : undefined;
}

/** Undefined for an offset that no clock has. */
function offsetMillis(zone: string | undefined): number | undefined {
  if (!zone || !/\d/.test(zone)) return 0;
  const ofHour = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + ofHour;
  if (ofHour > 59 || minutes > MAX_OFFSET_MINUTES) return undefined;
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

/**
 * Time of an epoch number. It is read as text: a double is barely precise enough for an epoch with microseconds.
 *
 * @param whole number of the digits before the point
 */
function fromEpoch(negative: boolean, digits: string, whole: number): string | undefined {
  const fractionDigits = whole < MILLIS_DIGITS ? 0 : FRACTION_DIGITS.get(whole);
  if (fractionDigits === undefined) return undefined;
  const point = whole - fractionDigits;
  const start = Math.max(0, point);
  const seconds = Number(digits.slice(0, start).padEnd(start, '0'));
  const fraction = `${'0'.repeat(Math.min(start - point, MICROS_DIGITS))}${digits.slice(start)}`.slice(
    0,
    MICROS_DIGITS,
  );
  const micros = Number(fraction.padEnd(MICROS_DIGITS, '0'));
  if (micros === 0) return format((negative ? -seconds : seconds) * 1000, undefined);
  if (!negative) return format(seconds * 1000, withoutFinalZeros(fraction));
  return format((-seconds - 1) * 1000, withoutFinalZeros(String(1e6 - micros).padStart(MICROS_DIGITS, '0')));
}

/** Text of a time; `fraction` replaces the milliseconds. Undefined after the year 9999, which no table can hold. */
function format(millis: number, fraction: string | undefined): string | undefined {
  const iso = isoTime(millis);
  if (iso === undefined) return undefined;
  return fraction === undefined ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 19)}.${fraction.slice(0, MICROS_DIGITS)}Z`;
}

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
  const wholeMillis = parts ? utcMillis(parts.slice(1, 7).map(Number)) : undefined;
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

/** The Gregorian calendar repeats after this many years. */
const CYCLE_YEARS = 400;
const CYCLE_MILLIS = 146_097 * 86_400_000;

/** Milliseconds since the epoch, or undefined for a day or time that does not exist. */
function utcMillis(parts: readonly number[]): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  // Date.UTC takes years 0-99 as 1900-1999, so a later year with the same calendar is used.
  const later = year + CYCLE_YEARS;
  // Day 0 of the next month is the last day of this one.
  if (day > 28 && day > new Date(Date.UTC(later, month, 0)).getUTCDate()) return undefined;
  return Date.UTC(later, month - 1, day, hour, minute, second) - CYCLE_MILLIS;
}
