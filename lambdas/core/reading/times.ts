/**
 * Reads times as logs write them into the one form that `Row.timestamp` takes, `yyyy-MM-ddTHH:mm:ss[.fraction]Z` in
 * UTC, to the microsecond; and writes that form as the value of a row.
 */
import { withoutFinalZeros } from './numbers.ts';

const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?$/;
const EPOCH = /^(-?)(\d{1,14})(?:\.(\d{1,9}))?$/;
/** Epoch seconds followed by six digits of microseconds or nine of nanoseconds, from 2001 to 2286. */
const LONG_EPOCH = /^(\d{10})(\d{6}|\d{9})$/;
const EPOCH_EXPONENT = /^-?\d(?:\.\d{1,20})?[eE]\+?\d{1,2}$/;
const LOCAL = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** From this many digits on, a whole epoch number is milliseconds: the rule of Firehose's OpenX deserializer. */
const MILLIS_DIGITS = 13;

/**
 * `value` in UTC, or undefined if it has none of these forms: ISO 8601 with `T` or a space, with `Z`, an offset or no
 * zone (UTC), months and days of one or two digits; epoch seconds, also with a fraction; epoch milliseconds. These are
 * the forms of Firehose's OpenX deserializer. In addition: offsets, a comma before the fraction (Python's logging,
 * Log4j), a space before the zone (Ruby), no seconds if they are 0 (Java), epoch microseconds and nanoseconds.
 */
export function readTime(value: string): string | undefined {
  const iso = ISO.exec(value);
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso;
    return utc([year, month, day, hour, minute, second ?? 0].map(Number), fraction, zone);
  }
  const [, seconds, parts] = LONG_EPOCH.exec(value) ?? [];
  if (parts) return format(Number(seconds) * 1000, parts);
  const epoch = EPOCH.exec(value);
  if (epoch) return fromEpoch(epoch[1] === '-', epoch[2] ?? '', epoch[3]);
  return EPOCH_EXPONENT.test(value) ? fromMicros(Math.round(Number(value) * 1e6)) : undefined;
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
  return exists ? format(millis - offsetMillis(zone), fraction) : undefined;
}

function offsetMillis(zone: string | undefined): number {
  if (!zone || !/\d/.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + (zone.length > 3 ? Number(zone.slice(-2)) : 0);
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

function fromEpoch(negative: boolean, whole: string, fraction: string | undefined): string | undefined {
  if (!negative && fraction === undefined) {
    const number = Number(whole);
    if (whole.length < MILLIS_DIGITS) return format(number * 1000, undefined);
    return format(number, number % 1000 === 0 ? undefined : whole.slice(-3));
  }
  // The fraction is kept as text: a double is barely precise enough for an epoch with microseconds.
  if (!negative) return format(Number(whole) * 1000, fraction);
  const micros = fraction === undefined && whole.length >= MILLIS_DIGITS ? 1e3 : 1e6;
  return fromMicros(-Math.round(Number(`${whole}.${fraction ?? 0}`) * micros));
}

function fromMicros(micros: number): string | undefined {
  const seconds = Math.floor(micros / 1e6);
  const fraction = micros - seconds * 1e6;
  return format(seconds * 1000, fraction === 0 ? undefined : String(fraction).padStart(6, '0'));
}

/** Text of a time; `fraction` replaces the milliseconds. Undefined after the year 9999, which no table can hold. */
function format(millis: number, fraction: string | undefined): string | undefined {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  if (iso.length !== 24) return undefined;
  return fraction === undefined ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 19)}.${fraction.slice(0, 6)}Z`;
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
  const fraction = withoutFinalZeros(parts[7]?.slice(0, 6) ?? '');
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
