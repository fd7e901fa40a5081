import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowTime, shownTime } from '../../../../lambdas/core/reading/times.ts';
import { convert } from '../../../../local/firehose/openx-values.ts';

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
