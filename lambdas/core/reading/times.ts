/**
 * Times as logs write them, brought to the one form `Row.timestamp` takes: `yyyy-MM-ddTHH:mm:ss[.fraction]Z`, UTC,
 * to the microsecond; and how that stands in a row.
 */

const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?$/;
const EPOCH = /^(-?)(\d{1,14})(?:\.(\d{1,9}))?$/;
/** Seconds, and microseconds or nanoseconds of them: of 2001 to 2286. */
const LONG_EPOCH = /^(\d{10})(\d{6}|\d{9})$/;
const EPOCH_EXPONENT = /^-?\d(?:\.\d{1,20})?[eE]\+?\d{1,2}$/;
const LOCAL = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** From this many digits on, a whole epoch number is milliseconds: OpenX's own rule. */
const MILLIS_DIGITS = 13;

/**
 * `value` in UTC, or undefined when it is none of: ISO 8601 with `T` or a space, with `Z`, an offset or
 * nothing (UTC), months and days of one or two digits; epoch seconds, also with a fraction; epoch
 * milliseconds. These are the forms of Firehose's OpenX deserializer, and besides them offsets, a comma before the
 * fraction (Python's logging, Log4j), a space before the zone (Ruby), none of the seconds where they are 0 (Java),
 * epoch microseconds and nanoseconds.
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

/** `value` in UTC when it is nginx's `$time_local`, as `29/Nov/2024:11:41:46 +0000`; otherwise as `readTime`. */
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
  // Date.UTC rolls 31 February over and takes years 0-99 as 1900-1999: only a time it gives back unchanged exists.
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
  // A fraction of seconds is read as text: a double holds an epoch to the microsecond only barely.
  if (!negative) return format(Number(whole) * 1000, fraction);
  const micros = fraction === undefined && whole.length >= MILLIS_DIGITS ? 1e3 : 1e6;
  return fromMicros(-Math.round(Number(`${whole}.${fraction ?? 0}`) * micros));
}

function fromMicros(micros: number): string | undefined {
  const seconds = Math.floor(micros / 1e6);
  const fraction = micros - seconds * 1e6;
  return format(seconds * 1000, fraction === 0 ? undefined : String(fraction).padStart(6, '0'));
}

/** Text of a time; `fraction` replaces the milliseconds. Undefined past the year 9999, which no table can hold. */
function format(millis: number, fraction: string | undefined): string | undefined {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  if (iso.length !== 24) return undefined;
  return fraction === undefined ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 19)}.${fraction.slice(0, 6)}Z`;
}

/** The form all times are brought to; the `T` may be a space, and the `Z` missing. */
const PLAIN = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?$/;

/**
 * AWS does not say how the deserializer tells seconds from milliseconds. Two rules are known: milliseconds is what does
 * not fit 31 bits, or what has 13 digits or more. These are the numbers that are the same by both.
 */
const MAX_SECONDS = 2_147_483_647;
const MIN_MILLIS = 1_000_000_000_000;
const MAX_MILLIS = 9_999_999_999_999;

/** A time for a row. */
export interface RowTime {
  /** As the row has it. */
  readonly value: number | string;
  /** Milliseconds since the epoch, rounded down. */
  readonly millis: number;
}

/**
 * `value`, which is `yyyy-MM-ddTHH:mm:ss[.fraction][Z]` in UTC, as a row has it: of the forms Firehose's deserializer
 * takes, the shortest that loses nothing. Whole seconds are epoch seconds, whole milliseconds epoch milliseconds; others,
 * and those whose number might be misread, are `yyyy-M-d HH:mm:ss[.fraction]`, kept to microseconds and without zeros at
 * the end. Never epoch seconds with a fraction, of which the deserializer makes whole milliseconds.
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
 *
 * @returns undefined for a day or time that does not exist
 */
export function rowTime(value: string): RowTime | undefined {
  const parts = PLAIN.exec(value);
  const wholeMillis = parts ? utcMillis(parts.slice(1, 7).map(Number)) : undefined;
  if (!parts || wholeMillis === undefined) return undefined;
  const fraction = parts[7]?.slice(0, 6).replace(/0+$/, '') ?? '';
  const millis = wholeMillis + Number(fraction.slice(0, 3).padEnd(3, '0'));
  if (fraction === '' && millis >= 0 && millis <= MAX_SECONDS * 1000) return { value: millis / 1000, millis };
  if (fraction.length <= 3 && millis >= MIN_MILLIS && millis <= MAX_MILLIS) return { value: millis, millis };
  const day = `${parts[1]}-${Number(parts[2])}-${Number(parts[3])}`;
  return { value: `${day} ${value.slice(11, 19)}${fraction && `.${fraction}`}`, millis };
}

/** How a time begins that is text in a row. */
const SHORT_DATE = /^(\d{4})-(\d\d?)-(\d\d?)(?= )/;

/** A time as people see it, `yyyy-MM-dd HH:mm:ss[.fraction]`, from what a row has; all else is as it is. */
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
  return iso.replace('T', ' ').replace(/\.?0*Z$/, '');
}

/** The Gregorian calendar repeats itself after so many years. */
const CYCLE_YEARS = 400;
const CYCLE_MILLIS = 146_097 * 86_400_000;

/** Milliseconds since the epoch; undefined for a day or time that does not exist. */
function utcMillis(parts: readonly number[]): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  // Date.UTC takes years 0-99 as 1900-1999.
  const later = year + CYCLE_YEARS;
  // Day 0 of the next month is the last of this one.
  if (day > 28 && day > new Date(Date.UTC(later, month, 0)).getUTCDate()) return undefined;
  return Date.UTC(later, month - 1, day, hour, minute, second) - CYCLE_MILLIS;
}
