/** Changes numbers as text, which loses no digit and takes no longer than the text is. */

const ZERO = 0x30;
const POINT = 0x2e;

/** Removes the zeros at the end of a fraction, and a point before them. */
export function withoutFinalZeros(fraction: string): string {
  let end = fraction.length;
  while (fraction.charCodeAt(end - 1) === ZERO) end--;
  if (fraction.charCodeAt(end - 1) === POINT) end--;
  return fraction.slice(0, end);
}

/** A number exactly as it was written: `sign` 0.`digits` times ten to the power of `point`. */
export interface ExactNumber {
  readonly sign: string;
  /** The digits that count, without zeros around them; none for zero. */
  readonly digits: string;
  /** The place of the decimal point among the digits; negative if zeros follow the point, 0 for zero. */
  readonly point: number;
}

const NUMBER = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A number with or without a fraction and an exponent, or undefined if the text is none. */
export function exactNumber(text: string): ExactNumber | undefined {
  const [, sign = '', whole, fraction = '', exponent] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const all = whole + fraction;
  let first = 0;
  while (all.charCodeAt(first) === ZERO) first++;
  let end = all.length;
  while (end > first && all.charCodeAt(end - 1) === ZERO) end--;
  const point = first === end ? 0 : whole.length - first + Number(exponent ?? 0);
  return { sign, digits: all.slice(first, end), point };
}

/** No column takes a whole number of so many digits. */
const TOO_MANY_DIGITS = 20;

/**
 * A whole number without its exponent and without a fraction that is zero: `1.5e3` is `1500`, `200.0` is `200`. It is
 * exact, and cut to TOO_MANY_DIGITS. Any other text is returned unchanged.
 */
export function wholeNumber(value: string): string {
  const number = /[.eE]/.test(value) ? exactNumber(value) : undefined;
  if (!number) return value;
  const { sign, digits, point } = number;
  if (digits === '') return `${sign}0`;
  if (point < digits.length) return value;
  return sign + digits.slice(0, TOO_MANY_DIGITS).padEnd(Math.min(point, TOO_MANY_DIGITS), '0');
}
