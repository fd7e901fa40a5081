import type { ColumnType } from '../../lambdas/core/tables/table.ts';

/** Returns the value's own JSON text, with numbers as written. It costs a second parse of the object. */
export type Exact = () => string;

/** A value that does not fit its column. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

/**
 * Converts a JSON value that is not null to the literal that `writeParquet` expects for a column of the type: a
 * timestamp as whole microseconds since the epoch, any other value as itself.
 *
 * How OpenX treats some mismatches is not documented. A number given as text is read as the number, as in the published
 * SerDe. A value that would lose something (a fraction for a whole number, a number out of range) fails, so that no
 * sender comes to rely on it.
 *
 * @throws BadValue saying what was expected and what came.
 */
export function convert(type: ColumnType, value: unknown, exact: Exact): string {
  switch (type) {
    case 'string':
      return string(value, exact);
    case 'int':
      return int(value);
    case 'bigint':
      return bigint(value, exact);
    case 'double':
      return double(value);
    case 'boolean':
      return boolean(value);
    case 'timestamp':
      return timestamp(value);
  }
}

function string(value: unknown, exact: Exact): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'boolean' ? `"${value}"` : quote(exact());
}

function quote(value: string): string {
  // A lone surrogate, which JSON can express but UTF-8 cannot, becomes U+FFFD.
  return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
}

function int(value: unknown): string {
  const number = typeof value === 'string' && WHOLE.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw mismatch('int', value);
  if (number > 2147483647 || number < -2147483648) throw outOfRange('int', value);
  return String(number);
}

function bigint(value: unknown, exact: Exact): string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  const digits = typeof value === 'number' ? exact() : value;
  if (typeof digits !== 'string' || !WHOLE.test(digits)) throw mismatch('bigint', value);
  const whole = BigInt(digits.replace('+', ''));
  if (BigInt.asIntN(64, whole) !== whole) throw outOfRange('bigint', digits);
  return String(whole);
}

function double(value: unknown): string {
  const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
  if (typeof number !== 'number') throw mismatch('double', value);
  if (!Number.isFinite(number)) throw outOfRange('double', value);
  return Object.is(number, -0) ? '-0.0' : String(number);
}

function boolean(value: unknown): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'string' || !/^(true|false)$/i.test(value)) throw mismatch('boolean', value);
  return value.toLowerCase();
}

/**
 * Reads the forms that Firehose documents for OpenX: yyyy-MM-dd'T'HH:mm:ss[.S]'Z' with up to 9 digits, yyyy-[M]M-[d]d
 * HH:mm:ss[.S], and seconds or milliseconds since the epoch. Digits beyond the microsecond are cut.
 */
function timestamp(value: unknown): string {
  const text = typeof value === 'number' ? plain(value) : value;
  if (typeof text !== 'string') throw mismatch('timestamp', value);
  if (EPOCH.test(text)) return epoch(text);
  const [, year, month, day, time, fraction = ''] = ISO.exec(text) ?? SQL.exec(text) ?? [];
  if (!year || !month || !day || !time) throw mismatch('timestamp', value);
  const millis = Date.parse(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}T${time}Z`);
  if (Number.isNaN(millis) || (Number(day) > 28 && isRolledOver(millis, day))) throw mismatch('timestamp', value);
  return micros(millis, fraction.slice(0, 6).padEnd(6, '0'));
}

const WHOLE = /^[+-]?\d{1,40}$/;
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/;
const EPOCH = /^-?\d{1,16}(\.\d+)?$/;
const ISO = /^(\d{4})-(\d\d)-(\d\d)T((?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;
const SQL = /^(\d{4})-(\d\d?)-(\d\d?) ((?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d{1,9}))?$/;

/** The latest and earliest time of a Date, in milliseconds from 1970. */
const MAX_MILLIS = 8.64e15;

/**
 * A number beyond 32 bits is in milliseconds, a number with a point in seconds. The published SerDe has another rule
 * for milliseconds, 13 digits: a sender must be right by both rules.
 * https://github.com/rcongiu/Hive-JSON-Serde/blob/develop/json-serde/src/main/java/org/openx/data/jsonserde/objectinspector/primitive/ParsePrimitiveUtils.java
 */
function epoch(text: string): string {
  const number = Number(text);
  const seconds = text.includes('.') || (number <= 2147483647 && number >= -2147483648);
  const millis = seconds ? number * 1000 : number;
  if (Math.abs(millis) > MAX_MILLIS) throw outOfRange('timestamp', text);
  return String(seconds ? BigInt(Math.round(number * 1e6)) : BigInt(number) * 1000n);
}

/** Date.parse takes 31 February for 2 March. */
function isRolledOver(millis: number, day: string): boolean {
  return new Date(millis).getUTCDate() !== Number(day);
}

function micros(millis: number, fraction: string): string {
  // Joined as text if possible: BigInt arithmetic for every timestamp would double the cost.
  return millis >= 1000 ? `${millis / 1000}${fraction}` : String(BigInt(millis) * 1000n + BigInt(fraction));
}

function plain(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? String(value) : value.toFixed(6);
}

function mismatch(type: ColumnType, value: unknown): BadValue {
  return new BadValue(`expected ${type}, got ${shown(value)}`);
}

function outOfRange(type: ColumnType, value: unknown): BadValue {
  return new BadValue(`out of range for ${type}: ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
