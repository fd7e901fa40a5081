import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { localZone } from '../../../../lambdas/core/reading/local-zone.ts';
import { readTime, TIME_FORMS } from '../../../../lambdas/core/reading/time-forms.ts';
import { rowTime } from '../../../../lambdas/core/reading/times.ts';

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

describe('a time as loggers write it', () => {
  test.each([
    // Go
    ['2024-05-01 10:00:00.123456789 +0200 CEST m=+0.0001', '2024-05-01T08:00:00.123456Z'],
    ['2024-05-01 10:00:00.123456789 +0200 CEST m=+9223372036.854775807', '2024-05-01T08:00:00.123456Z'],
    ['2024-05-01 10:00:00 +0000 UTC', '2024-05-01T10:00:00Z'],
    ['2024-05-01 10:00:00.5 -0300 -03', '2024-05-01T13:00:00.5Z'],
    ['2024-05-01 10:00:00 +0530 IST m=-1.000000001', '2024-05-01T04:30:00Z'],
    ['2024/05/01 10:00:00', '2024-05-01T10:00:00Z'],
    ['2024/05/01 10:00:00.123456', '2024-05-01T10:00:00.123456Z'],
    // HTTP and mail
    ['Wed, 01 May 2024 10:00:00 GMT', '2024-05-01T10:00:00Z'],
    ['Wed, 1 May 2024 10:00:00 +0200', '2024-05-01T08:00:00Z'],
    ['1 May 2024 10:00 -0000', '2024-05-01T10:00:00Z'],
    ['Wed, 01 May 2024 10:00:00 +0200 (CEST)', '2024-05-01T08:00:00Z'],
    ['Wednesday, 01-May-2024 10:00:00 UTC', '2024-05-01T10:00:00Z'],
    ['01-May-2024 10:00:00.123', '2024-05-01T10:00:00.123Z'],
    ['01 May 2024 10:00:00,123', '2024-05-01T10:00:00.123Z'],
    // Java
    ['2024-05-01T10:00:00+02:00[Europe/Berlin]', '2024-05-01T08:00:00Z'],
    ['2024-05-01T10:00Z[UTC]', '2024-05-01T10:00:00Z'],
    ['2024-05-01T10:00:00.123456789-03:00[America/Argentina/Buenos_Aires]', '2024-05-01T13:00:00.123456Z'],
    ['2024-05-01T10:00:00+02:00[!Europe/Berlin][u-ca=gregory]', '2024-05-01T08:00:00Z'],
    ['2024-05-01T10:00:00-08:00[Etc/GMT+8]', '2024-05-01T18:00:00Z'],
    ['Wed May 01 10:00:00 UTC 2024', '2024-05-01T10:00:00Z'],
    ['Wed May 01 10:00:00 GMT 2024', '2024-05-01T10:00:00Z'],
    ['Wed May 01 10:00:00 Z 2024', '2024-05-01T10:00:00Z'],
    // C, Unix, Ruby, JavaScript
    ['Wed May  1 10:00:00 2024', '2024-05-01T10:00:00Z'],
    ['Wed May  1 10:00:00.123456 2024', '2024-05-01T10:00:00.123456Z'],
    ['Wed May 01 10:00:00 +0200 2024', '2024-05-01T08:00:00Z'],
    ['Wed May 01 2024 10:00:00 GMT+0200 (Central European Summer Time)', '2024-05-01T08:00:00Z'],
    // without separators
    ['20240501T100000Z', '2024-05-01T10:00:00Z'],
    ['20240501T100000.123456789Z', '2024-05-01T10:00:00.123456Z'],
    ['20240501T100000,5+0200', '2024-05-01T08:00:00.5Z'],
    ['20240501T100000-03:30', '2024-05-01T13:30:00Z'],
    ['20240501T1000+02', '2024-05-01T08:00:00Z'],
    ['20240501T100000', '2024-05-01T10:00:00Z'],
    // web servers
    ['01/May/2024:10:00:00 +0200', '2024-05-01T08:00:00Z'],
    ['01/May/2024:10:00:00.123 +0000', '2024-05-01T10:00:00.123Z'],
    ['[01/May/2024:10:00:00 +0200]', '2024-05-01T08:00:00Z'],
    ['29/Nov/2024:11:41:46 +1800', '2024-11-28T17:41:46Z'],
    ['29/Nov/2024:11:41:46 -0330', '2024-11-29T15:11:46Z'],
    // Python
    ['2024-05-01 10:00:00,123', '2024-05-01T10:00:00.123Z'],
    ['2024-05-01 10:00:00,123+0200', '2024-05-01T08:00:00.123Z'],
  ])('%s is %s', (logged, expected) => {
    expect(readTime(logged)).toBe(expected);
  });

  test.each([
    ['an abbreviation of several zones', '2024-05-01 10:00:00 IST'],
    ['an abbreviation of one zone', 'Wed May 01 10:00:00 CEST 2024'],
    ['an abbreviation in mail', 'Wed, 01 May 2024 10:00:00 EST'],
    ['a military zone', '2024-05-01T10:00:00B'],
    ['a name in brackets without an offset', '2024-05-01T10:00:00[Europe/Berlin]'],
    ['a weekday that is not that of the date', 'Tue, 01 May 2024 10:00:00 GMT'],
    ['a weekday of four letters', 'Wedn, 01 May 2024 10:00:00 GMT'],
    ['a weekday that is none', 'Foo May 01 10:00:00 UTC 2024'],
    ['a month that is none', '01/Mai/2024:10:00:00 +0200'],
    ['a month that is none, in mail', '01 Foo 2024 10:00:00 GMT'],
    ['the common log format without an offset, which is the beginning of a time', '01/May/2024:10:00:00'],
    ['separators of two kinds', '2024-05/01 10:00:00'],
    ['a year of two digits', 'Wednesday, 01-May-24 10:00:00 GMT'],
    ['no year', 'May  1 10:00:00'],
    ['a date whose day and month could be exchanged', '05/01/2024 10:00:00'],
    ['an offset that no clock has', '29/Nov/2024:11:41:46 +9999'],
    ['an offset of 60 minutes', '29/Nov/2024:11:41:46 +0560'],
    ['an offset of more than 18 hours', '29/Nov/2024:11:41:46 -1801'],
    ['the last day of a shorter month', '20240431T100000Z'],
    ['the leap day of another year', 'Wed, 29 Feb 2023 10:00:00 GMT'],
    ['an hour that no clock shows', '2024-05-01T25:00:00Z'],
    ['text after the time', '2024-05-01T10:00:00Z x'],
    ['nothing', ''],
  ])('is none with %s: %s', (_, logged) => {
    expect(readTime(logged)).toBeUndefined();
  });

  test.each([
    ['2024-05-01T24:00:00Z', '2024-05-02T00:00:00Z'],
    ['2024-12-31 24:00', '2025-01-01T00:00:00Z'],
    ['2024-05-01T24:00:00.000+02:00', '2024-05-01T22:00:00.000Z'],
    ['20240228T240000Z', '2024-02-29T00:00:00Z'],
  ])('%s is the midnight at which the next day begins, %s', (logged, expected) => {
    expect(readTime(logged)).toBe(expected);
  });

  test.each(['2024-05-01T24:00:01Z', '2024-05-01T24:01:00Z', '2024-05-01T24:00:00.001Z'])('%s is none', (logged) => {
    expect(readTime(logged)).toBeUndefined();
  });

  test.each([
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
    ['2016-12-31T23:59:60.5Z', '2017-01-01T00:00:00.5Z'],
    ['01/Jan/2017:00:59:60 +0100', '2017-01-01T00:00:00Z'],
    ['Sat, 31 Dec 2016 18:59:60 -0500', '2017-01-01T00:00:00Z'],
  ])('the leap second %s is the second after it, %s', (logged, expected) => {
    expect(readTime(logged)).toBe(expected);
  });

  test('without a zone is in the zone that is given, and with one or as a number is not', () => {
    const seoul = localZone('Asia/Seoul');
    for (const local of ['2024-05-01T10:00:00', '2024/05/01 10:00', '20240501T100000', 'Wed May  1 10:00:00 2024']) {
      expect([local, readTime(local, seoul)]).toEqual([local, '2024-05-01T01:00:00Z']);
    }
    for (const exact of [
      '2024-05-01T10:00:00Z',
      '01/May/2024:12:00:00 +0200',
      '1714557600',
      '1714557600000',
      'Wed, 01 May 2024 10:00:00 GMT',
    ]) {
      expect([exact, readTime(exact, seoul)]).toEqual([exact, '2024-05-01T10:00:00Z']);
    }
    expect(readTime('2017-01-01T08:59:60', seoul)).toBe('2017-01-01T00:00:00Z');
    expect(readTime('2016-12-31T23:59:60', seoul)).toBeUndefined();
    expect(readTime('2024-05-01T24:00:00', seoul)).toBe('2024-05-01T15:00:00Z');
  });

  test.each(['2016-12-31T22:59:60Z', '2016-12-31T23:59:60+01:00', '2016-12-31T23:59:61Z'])(
    '%s is none, because leap seconds end a day of UTC',
    (logged) => {
      expect(readTime(logged)).toBeUndefined();
    },
  );

  test.each(
    TIME_FORMS.flatMap(({ name, pattern, examples }) => examples.map((example) => [name, example, pattern] as const)),
  )('is read in the form of %s: %s', (_, example, pattern) => {
    expect(TIME_FORMS.filter((form) => form.pattern.test(example))).toEqual([expect.objectContaining({ pattern })]);
    expect(readTime(example)).toMatch(/^2024-05-01T(?:10|08):00:00/);
  });

  test('is the same instant in every form', () => {
    const millis = fc.integer({ min: Date.parse('1970-01-02T00:00:00Z'), max: Date.parse('9999-12-30T00:00:00Z') });
    fc.assert(
      fc.property(millis, fc.integer({ min: -18 * 60, max: 18 * 60 }), (instant, offset) => {
        const seconds = new Date(Math.floor(instant / 1000) * 1000);
        const local = new Date(seconds.getTime() + offset * 60_000);
        const [weekday = '', day, month, year, clock] = local.toUTCString().split(' ');
        const clockDigits = clock?.replaceAll(':', '');
        const date = local.toISOString().slice(0, 10);
        const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0');
        const minutes = String(Math.abs(offset) % 60).padStart(2, '0');
        const zone = `${offset < 0 ? '-' : '+'}${hours}${minutes}`;
        for (const written of [
          `${date}T${clock}${zone}`,
          `${date} ${clock} ${zone} XYZ m=+1.000000000`,
          `${date.replaceAll('-', '/')} ${clock} ${zone}`,
          `${date}T${clock}${zone}[Some/Where]`,
          `${date.replaceAll('-', '')}T${clockDigits}${zone}`,
          `${day}/${month}/${year}:${clock} ${zone}`,
          `${weekday} ${day} ${month} ${year} ${clock} ${zone}`,
          `${weekday.slice(0, 3)} ${month} ${day} ${clock} ${zone} ${year}`,
          `${weekday.slice(0, 3)} ${month} ${day} ${year} ${clock} GMT${zone} (Some Where)`,
          seconds.toUTCString(),
          String(seconds.getTime()).padStart(13, '0'),
        ]) {
          if (/^0\d+$/.test(written) || (/^\d+$/.test(written) && written.length > 13)) continue;
          expect([written, readTime(written)]).toEqual([written, `${seconds.toISOString().slice(0, 19)}Z`]);
        }
      }),
    );
  });
});
