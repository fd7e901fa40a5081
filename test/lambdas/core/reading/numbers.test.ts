import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeNumber, withoutFinalZeros } from '../../../../lambdas/core/reading/numbers.ts';

describe('wholeNumber', () => {
  test.each([
    ['1e+06', '1000000'],
    ['1.5e3', '1500'],
    ['100e-2', '1'],
    ['1.521835103E9', '1521835103'],
    ['200.0', '200'],
    ['-4.20e1', '-42'],
    ['+7.000', '+7'],
    ['0.0e-999999999', '0'],
    ['-0e5', '-0'],
    ['0.015e3', '15'],
    ['922337203685477580.7e1', '9223372036854775807'],
    ['-9223372036854775808.0', '-9223372036854775808'],
  ])('%s is %s', (written, digits) => {
    expect(wholeNumber(written)).toBe(digits);
  });

  test.each([
    '1.5',
    '15e-1',
    '1e-999999999',
    '1.',
    '.5e1',
    'e5',
    '1e',
    '1e5.0',
    '1.0.0',
    '0x10',
    ' 1e3',
    '',
    '12',
    '1 000',
  ])('%j is none with an exponent or a fraction, and stays as it is', (written) => {
    expect(wholeNumber(written)).toBe(written);
  });

  test.each([
    '1e20',
    '1e999999999',
    '123456789012345678901234567890.0',
    `1${'0'.repeat(100_000)}.0`,
    `1e${'9'.repeat(1000)}`,
  ])('%.30s is cut to digits that are still too many', (written) => {
    expect(wholeNumber(written)).toMatch(/^1\d{19}$/);
  });

  test('reads any whole number with any exponent as itself', () => {
    const places = fc.integer({ min: -30, max: 30 });
    const number = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(number, places, fc.nat(5), fc.constantFrom('e', 'E', 'e+'), (value, moved, zeros, exponent) => {
        const sign = value < 0n ? '-' : '';
        const digits = String(value).replace('-', '').padStart(31, '0') + '0'.repeat(31);
        const point = 31 + moved;
        const mantissa = `${digits.slice(0, point).replace(/^0+(?=\d)/, '')}.${digits.slice(point)}${'0'.repeat(zeros)}`;
        const e = moved > 0 ? 'e' : exponent;
        expect(BigInt(wholeNumber(`${sign}${mantissa}${e}${-moved}`))).toBe(value);
      }),
    );
  });
});

test.each([
  ['1.50', '1.5'],
  ['100.000', '100'],
  ['1.05', '1.05'],
  ['000', ''],
  ['', ''],
])('withoutFinalZeros makes %j %j', (written, expected) => {
  expect(withoutFinalZeros(written)).toBe(expected);
});
