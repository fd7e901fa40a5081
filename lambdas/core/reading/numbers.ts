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
