/**
 * Times as logs write them, brought to the one form `Row.timestamp` takes: `yyyy-MM-ddTHH:mm:ss[.fraction]Z`, UTC,
 * to the microsecond.
 */

const ISO = /^(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/;
const EPOCH = /^(-?)(\d{1,14})(?:\.(\d{1,9}))?$/;
const EPOCH_EXPONENT = /^-?\d(?:\.\d{1,20})?[eE]\+?\d{1,2}$/;
const LOCAL = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** From this many digits on, a whole epoch number is milliseconds: OpenX's own rule. */
const MILLIS_DIGITS = 13;

/**
 * `value` in UTC, or undefined when it is none of: ISO 8601 with `T` or a space, with `Z`, an offset or
 * nothing (UTC), months and days of one or two digits; epoch seconds, also with a fraction; epoch
 * milliseconds. These are the forms of Firehose's OpenX deserializer, and offsets besides.
 */
export function readTime(value: string): string | undefined {
  const iso = ISO.exec(value);
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso;
    return utc([year, month, day, hour, minute, second].map(Number), fraction, zone);
  }
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
  if (!zone || zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
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
