/**
 * Reads times in the forms in which logs write them into the one form that `Row.timestamp` takes,
 * `yyyy-MM-ddTHH:mm:ss[.fraction]Z` in UTC, to the microsecond.
 */
import { type LocalZone, UTC } from './local-zone.ts';
import { exactNumber, withoutFinalZeros } from './numbers.ts';
import { isoTime, MICROS_DIGITS, utcMillis } from './times.ts';

/** The parts of a time. `dash` and `same` are separators that must be the same. */
const PARTS = [
  ...(['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'zone', 'weekday', 'dash', 'same'] as const),
];
type Part = (typeof PARTS)[number];

/** A form of time. */
interface TimeForm {
  /** What it is, and who writes it, for docs/sources.md. */
  readonly name: string;
  readonly pattern: RegExp;
  /** What the groups of the pattern are, in their order. */
  readonly parts: readonly Part[];
  readonly examples: readonly string[];
}

/**
 * The forms that are text. No zone has a name other than UTC, GMT and Z: other abbreviations have several meanings. An
 * abbreviation that follows an offset, or a name in brackets, says nothing more about the instant and is passed over.
 */
export const TIME_FORMS: readonly TimeForm[] = [
  {
    name: 'ISO 8601 and RFC 3339, as most loggers write it, also with a space or with slashes (Go, Python, Java, Ruby)',
    pattern:
      /^(\d{4})([-/])(\d{1,2})([-/])(\d{1,2})[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?:\[!?[\w+\-/=~]{1,60}\]){0,3})?$/,
    parts: ['year', 'dash', 'month', 'same', 'day', 'hour', 'minute', 'second', 'fraction', 'zone'],
    examples: [
      '2024-05-01T10:00:00.123456789Z',
      '2024-05-01 10:00:00,123',
      '2024-05-01T10:00:00+02:00[Europe/Berlin]',
      '2024/05/01 10:00:00.123456',
    ],
  },
  {
    name: 'The common log format of web servers',
    pattern: /^\[?(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ([+-]\d{4})\]?$/,
    parts: ['day', 'month', 'year', 'hour', 'minute', 'second', 'fraction', 'zone'],
    examples: ['01/May/2024:10:00:00 +0200', '[01/May/2024:10:00:00 +0200]'],
  },
  {
    name: 'ISO 8601 without separators',
    pattern: /^(\d{4})(\d\d)(\d\d)[Tt](\d\d)(\d\d)(?:(\d\d)(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?$/,
    parts: ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'zone'],
    examples: ['20240501T100000Z', '20240501T100000.123+0200'],
  },
  {
    name: "Go's Time.String",
    pattern:
      /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([+-]\d{4}) (?:[A-Z]{2,5}|[+-]\d\d(?:\d\d)?)(?: m=[+-]\d{1,12}\.\d{1,9})?$/,
    parts: ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'zone'],
    examples: ['2024-05-01 10:00:00.123456789 +0200 CEST m=+0.000100000'],
  },
  {
    name: 'RFC 1123 and RFC 2822 (HTTP, mail), Log4j, Tomcat and PHP',
    pattern:
      /^(?:([A-Z][a-z]{2,8}), )?(\d{1,2})[ -]([A-Z][a-z]{2})[ -](\d{4}) (\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: (Z|UTC|GMT|[+-]\d{4})(?: \([^()]{1,60}\))?)?$/,
    parts: ['weekday', 'day', 'month', 'year', 'hour', 'minute', 'second', 'fraction', 'zone'],
    examples: ['Wed, 01 May 2024 10:00:00 GMT', 'Wed, 1 May 2024 10:00:00 +0200', '01-May-2024 10:00:00.123'],
  },
  {
    name: "Java's Date.toString, and the date of C and of Unix",
    pattern:
      /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ( ?\d{1,2}) (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: (Z|UTC|GMT|[+-]\d{4}))? (\d{4})$/,
    parts: ['weekday', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'zone', 'year'],
    examples: ['Wed May 01 10:00:00 UTC 2024', 'Wed May  1 10:00:00 2024'],
  },
  {
    name: "JavaScript's Date.toString",
    pattern:
      /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) (\d\d) (\d{4}) (\d\d):(\d\d):(\d\d) GMT([+-]\d{4})(?: \([^()]{1,60}\))?$/,
    parts: ['weekday', 'month', 'day', 'year', 'hour', 'minute', 'second', 'zone'],
    examples: ['Wed May 01 2024 10:00:00 GMT+0200 (Central European Summer Time)'],
  },
];

const EPOCH = /^(-?)(\d+)(?:\.(\d+))?$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

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

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** No clock is further from UTC, by the rule of java.time. */
const MAX_OFFSET_MINUTES = 18 * 60;

/**
 * `value` in UTC, or undefined if it has none of the forms of TIME_FORMS and is no epoch number: seconds, milliseconds,
 * microseconds or nanoseconds, with or without a fraction (JavaScript's performance.now) or an exponent (Java, Go). A fraction
 * is cut after the microsecond.
 *
 * `24:00:00` is the midnight at which the next day begins. A leap second, `23:59:60` in UTC, is the second after it, as on
 * a clock of POSIX. A weekday that is not that of the date makes the value no time, because one of the two is wrong.
 *
 * @param zone the zone of a time that was written without one
 */
export function readTime(value: string, zone: LocalZone = UTC): string | undefined {
  const epoch = EPOCH.exec(value);
  if (epoch) {
    const [, sign, whole = '', part = ''] = epoch;
    return fromEpoch(sign === '-', whole + part, whole.length);
  }
  for (const [index, { pattern }] of TIME_FORMS.entries()) {
    const groups = pattern.exec(value);
    if (groups) return fromParts(groups, PLACES[index] as Places, zone);
  }
  const number = /[eE]/.test(value) ? exactNumber(value) : undefined;
  return number && number.sign !== '+' ? fromEpoch(number.sign === '-', number.digits, number.point) : undefined;
}

/** The number of each part's group in a pattern; -1 for a part that the form does not have. */
type Places = Readonly<Record<Part, number>>;

const PLACES = TIME_FORMS.map(
  ({ parts }) => Object.fromEntries(PARTS.map((part) => [part, parts.indexOf(part) + 1 || -1])) as Places,
);

function fromParts(groups: readonly (string | undefined)[], at: Places, zone: LocalZone): string | undefined {
  const year = Number(groups[at.year]);
  const fraction = groups[at.fraction];
  const second = Number(groups[at.second] ?? 0);
  const weekday = groups[at.weekday];
  if (year < MIN_YEAR || groups[at.dash] !== groups[at.same]) return undefined;
  const midnight = utcMillis(year, monthOf(groups[at.month] ?? ''), Number(groups[at.day]));
  const clock = clockMillis(Number(groups[at.hour]), Number(groups[at.minute]), second, fraction);
  if (midnight === undefined || clock === undefined) return undefined;
  const written = groups[at.zone];
  const offset = written === undefined ? zone.offsetAt(midnight + clock) : offsetMillis(written);
  if (offset === undefined) return undefined;
  if (weekday !== undefined && !isWeekday(weekday, new Date(midnight))) return undefined;
  const millis = midnight + clock - offset;
  if (second === LEAP_SECOND && millis % DAY_MS !== 0) return undefined;
  return format(millis, fraction);
}

/** Weekdays have their whole name, or its first three letters. */
function isWeekday(name: string, date: Date): boolean {
  const weekday = WEEKDAYS[date.getUTCDay()] ?? '';
  return name === weekday || name === weekday.slice(0, 3);
}

function monthOf(text: string): number {
  return DIGIT.test(text) ? Number(text) : MONTHS.indexOf(text) + 1;
}

const DIGIT = /\d/;

/** The second that follows 59 where a leap second is inserted. */
const LEAP_SECOND = 60;

/** Years of fewer digits are more likely a mistake. */
const MIN_YEAR = 100;

/** Milliseconds since midnight, without the fraction; undefined for a time of day that no clock shows. */
function clockMillis(hour: number, minute: number, second: number, fraction = ''): number | undefined {
  const isEndOfDay = hour === 24 && minute === 0 && second === 0 && !/[1-9]/.test(fraction);
  if ((hour > 23 && !isEndOfDay) || minute > 59 || second > LEAP_SECOND) return undefined;
  return (hour * 60 + minute) * MINUTE_MS + second * 1000;
}

/** Undefined for an offset that no clock has. */
function offsetMillis(zone: string): number | undefined {
  if (!DIGIT.test(zone)) return 0;
  const ofHour = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + ofHour;
  if (ofHour > 59 || minutes > MAX_OFFSET_MINUTES) return undefined;
  return (zone.startsWith('-') ? -minutes : minutes) * MINUTE_MS;
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
