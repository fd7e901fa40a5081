import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readLogTime, readTime, rowTime, shownTime } from '../../../../lambdas/core/reading/times.ts';
import { convert } from '../../../../local/firehose/openx-values.ts';

describe('readTime', () => {
  test.each([
    ['2026-11-22 10:00:00,123', '2026-11-22T10:00:00.123Z'],
    ['2026-11-22 10:00:00 +0900', '2026-11-22T01:00:00Z'],
    ['2026-11-22 10:00:00 UTC', '2026-11-22T10:00:00Z'],
    ['2026-11-22T10:00:00.5 GMT', '2026-11-22T10:00:00.5Z'],
    ['2026-11-22T10:00:00.123-09', '2026-11-22T19:00:00.123Z'],
    ['2026-11-22T10:00Z', '2026-11-22T10:00:00Z'],
    ['2026-11-22t10:00:00z', '2026-11-22T10:00:00Z'],
    ['1732880506123456', '2024-11-29T11:41:46.123456Z'],
    ['1732880506123456789', '2024-11-29T11:41:46.123456Z'],
    ['1732880506.5', '2024-11-29T11:41:46.5Z'],
    ['1732880506123', '2024-11-29T11:41:46.123Z'],
    ['2026-1-2T03:04:05+09:30', '2026-01-01T17:34:05Z'],
    ['2026-11-22T10:00:00+18:00', '2026-11-21T16:00:00Z'],
    ['2026-11-22T10:00:00-1800', '2026-11-23T04:00:00Z'],
    ['2026-11-22T10:00:00-00:00', '2026-11-22T10:00:00Z'],
    ['1714557600123.4567', '2024-05-01T10:00:00.123456Z'],
    ['1714557600123.0', '2024-05-01T10:00:00.123Z'],
    ['1714557600123.456787109375', '2024-05-01T10:00:00.123456Z'],
    ['1.714557600123e12', '2024-05-01T10:00:00.123Z'],
    ['1.7145576001234567e+12', '2024-05-01T10:00:00.123456Z'],
    ['1.7145576E9', '2024-05-01T10:00:00Z'],
    ['1.7145576001239999E9', '2024-05-01T10:00:00.123999Z'],
    ['0.0017145576e12', '2024-05-01T10:00:00Z'],
    ['17145576001234567e-4', '2024-05-01T10:00:00.123456Z'],
    ['1714557600123456.7', '2024-05-01T10:00:00.123456Z'],
    ['1.714557600123456e15', '2024-05-01T10:00:00.123456Z'],
    ['1.714557600123456789e18', '2024-05-01T10:00:00.123456Z'],
    ['0', '1970-01-01T00:00:00Z'],
    ['0e0', '1970-01-01T00:00:00Z'],
    ['0.5', '1970-01-01T00:00:00.5Z'],
    ['5e-1', '1970-01-01T00:00:00.5Z'],
    ['5e-4', '1970-01-01T00:00:00.0005Z'],
    ['1e-999999999', '1970-01-01T00:00:00Z'],
    ['1.5e13', '2445-05-01T02:40:00Z'],
    ['-1.5', '1969-12-31T23:59:58.5Z'],
    ['-1.5e0', '1969-12-31T23:59:58.5Z'],
    ['-1714557600123.25', '1915-09-02T13:59:59.87675Z'],
    ['-62135596800.000001', '0000-12-31T23:59:59.999999Z'],
  ])('%s is %s', (logged, expected) => {
    expect(readTime(logged)).toBe(expected);
  });

  test.each([
    '2026-11-22',
    '2026-11-22T10',
    '2026-11-22T10:00:00,',
    '2026-11-22T10:00.5Z',
    '2026-11-22T10:00:00 CET',
    '2026-02-29T10:00:00Z',
    '173288050612345',
    '17328805061234567',
    '173288050612345678901',
    '173288050612345.5',
    '1.7e14',
    '1e999999999',
    '+1714557600',
    '1714557600.',
    '2024-05-01T12:00:00+25:00',
    '2024-05-01T12:00:00+05:60',
    '2024-05-01T12:00:00+18:01',
    '2024-05-01T12:00:00-1830',
    '2024-05-01 12:00:00 +19',
  ])('%s is none', (logged) => {
    expect(readTime(logged)).toBeUndefined();
  });
});

test('readTime reads an epoch in any unit, with a fraction or an exponent, to the microsecond', () => {
  const micros = fc.bigInt({ min: 1_000_000_000_000_000n, max: 9_999_999_999_999_999n });
  fc.assert(
    fc.property(micros, fc.constantFrom(10, 13, 16, 19), fc.integer({ min: -5, max: 5 }), (value, whole, moved) => {
      const digits = `${value}000${'0'.repeat(10)}`;
      const at = (point: number) => `${digits.slice(0, point)}.${digits.slice(point)}`;
      const expected = rowTime(
        `${new Date(Number(value / 1000n)).toISOString().slice(0, 19)}.${String(value).slice(-6)}Z`,
      );
      for (const written of [at(whole), `${at(whole + moved)}e${-moved}`, `${at(1)}E+${whole - 1}`]) {
        expect(rowTime(readTime(written) ?? '')).toEqual(expected);
      }
    }),
  );
});

describe('readLogTime', () => {
  test.each([
    ['29/Nov/2024:11:41:46 +0000', '2024-11-29T11:41:46Z'],
    ['29/Nov/2024:11:41:46 +1800', '2024-11-28T17:41:46Z'],
    ['29/Nov/2024:11:41:46 -0330', '2024-11-29T15:11:46Z'],
  ])('%s is %s', (logged, expected) => {
    expect(readLogTime(logged)).toBe(expected);
  });

  test.each(['29/Nov/2024:11:41:46 +9999', '29/Nov/2024:11:41:46 +0560', '29/Nov/2024:11:41:46 -1801'])(
    '%s is none',
    (logged) => {
      expect(readLogTime(logged)).toBeUndefined();
    },
  );
});

describe('rowTime', () => {
  test.each([
    ['whole seconds', '2026-11-22T10:00:00Z', 1795341600],
    ['whole seconds with zeros behind them', '2026-11-22T10:00:00.000000Z', 1795341600],
    ['the first second', '1970-01-01T00:00:00Z', 0],
    ['the last second of 31 bits', '2038-01-19T03:14:07Z', 2147483647],
    ['the second after it, in milliseconds', '2038-01-19T03:14:08Z', 2147483648000],
    ['milliseconds', '2026-11-22T10:00:00.123Z', 1795341600123],
    ['milliseconds with zeros behind them', '2026-11-22 10:00:00.120000', 1795341600120],
    ['milliseconds of a time in nanoseconds, kept to microseconds', '2026-11-22T10:00:00.123000999Z', 1795341600123],
    ['the first milliseconds of 13 digits', '2001-09-09T01:46:40.001Z', 1000000000001],
    ['the last milliseconds of 13 digits', '2286-11-20T17:46:39.999Z', 9999999999999],
  ])('writes %s as a number', (_, time, value) => {
    expect(rowTime(time)?.value).toBe(value);
  });

  test.each([
    ['microseconds', '2026-11-22T10:00:00.123456Z', '2026-11-22 10:00:00.123456'],
    ['microseconds but for zeros at their end', '2026-11-22T10:00:00.123450Z', '2026-11-22 10:00:00.12345'],
    ['milliseconds of 12 digits', '2001-09-09T01:46:39.999Z', '2001-9-9 01:46:39.999'],
    ['seconds whose milliseconds have 14 digits', '2286-11-20T17:46:40Z', '2286-11-20 17:46:40'],
    ['seconds before 1970', '1969-12-31T23:59:59Z', '1969-12-31 23:59:59'],
    ['a year of two digits, which is no year of the last century', '0070-01-01T00:00:00Z', '0070-1-1 00:00:00'],
  ])('writes %s as text', (_, time, value) => {
    expect(rowTime(time)?.value).toBe(value);
  });

  test('tells milliseconds since the epoch in whatever form', () => {
    for (const iso of ['0070-01-01T00:00:00.000Z', '0000-02-29T00:00:00.000Z', '1969-12-31T23:59:59.500Z']) {
      expect(rowTime(iso)?.millis).toBe(Date.parse(iso));
    }
    expect(rowTime('2026-11-22T10:00:00.123456Z')?.millis).toBe(Date.parse('2026-11-22T10:00:00.123Z'));
  });

  test('is none for a day that does not exist', () => {
    expect(rowTime('0100-02-29T00:00:00Z')).toBeUndefined();
    expect(rowTime('2026-02-29T00:00:00Z')).toBeUndefined();
  });

  test('loses nothing of a time, and the deserializer and people read the same from it', () => {
    const seconds = fc.oneof(
      fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }),
      fc.integer({ min: 0, max: 4_294_967_296 }),
      ...[0, 1e9, 2_147_483_647, 1e10].map((limit) => fc.integer({ min: limit - 2, max: limit + 2 })),
    );
    const fraction = fc.oneof(
      fc.constant(0),
      fc.nat(999).map((millis) => millis * 1000),
      fc.nat(999_999),
    );
    fc.assert(
      fc.property(seconds, fraction, (whole, micros) => {
        const digits = String(micros).padStart(6, '0');
        const iso = `${new Date(whole * 1000).toISOString().slice(0, 19)}.${digits}Z`;
        const value = rowTime(iso)?.value;
        expect(convert('timestamp', value, () => JSON.stringify(value))).toBe(
          String(BigInt(whole) * 1_000_000n + BigInt(micros)),
        );
        expect(shownTime(value)).toBe(iso.replace('T', ' ').replace(/\.?0*Z$/, ''));
      }),
    );
  });
});

test('shownTime leaves what rowTime does not write as it is', () => {
  for (const value of ['n/a', null, -1, 1.5, 2147483648, 999999999999, 10_000_000_000_000, 1e300]) {
    expect(shownTime(value)).toBe(value);
  }
});
