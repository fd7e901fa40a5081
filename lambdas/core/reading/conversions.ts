/** Converts numbers from the text that was logged to the JSON of a row. */
import { withoutFinalZeros } from './numbers.ts';

/** The JSON of a value, or why the value does not convert to the column's type. */
export type Converted = { readonly json: string } | { readonly json?: undefined; readonly reason: string };

const WHOLE = /^[+-]?\d+$/;
const INT = /^[+-]?\d{1,10}$/;
const BIGINT = /^[+-]?\d{1,19}$/;
/** A JSON number without an exponent: a double in this form is written as it was logged. */
const PLAIN_DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
/** A number with more digits is not kept exactly by a double. */
const MAX_DOUBLE_DIGITS = 17;
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

const MAX_INT = 2147483647;
const MIN_INT = -2147483648;
const MAX_BIGINT = 9223372036854775807n;
const MIN_BIGINT = -9223372036854775808n;

export function toInt(text: string): Converted {
  const number = INT.test(text) ? Number(text) : Number.NaN;
  if (number <= MAX_INT && number >= MIN_INT) return { json: String(number) };
  return { reason: WHOLE.test(text) ? 'out of range for int' : 'not a whole number' };
}

export function toBigint(text: string): Converted {
  if (!BIGINT.test(text)) return { reason: WHOLE.test(text) ? 'out of range for bigint' : 'not a whole number' };
  const exact = BigInt(text.replace('+', ''));
  return exact > MAX_BIGINT || exact < MIN_BIGINT ? { reason: 'out of range for bigint' } : { json: String(exact) };
}

export function toDouble(text: string): Converted {
  if (PLAIN_DECIMAL.test(text) && text.replace(/\D/g, '').length <= MAX_DOUBLE_DIGITS) {
    const short = text.includes('.') ? withoutFinalZeros(text) : text;
    return { json: short === '-0' ? '0' : short };
  }
  if (!DECIMAL.test(text)) return { reason: 'not a number' };
  const number = Number(text);
  return Number.isFinite(number) ? { json: JSON.stringify(number) } : { reason: 'out of range for double' };
}
