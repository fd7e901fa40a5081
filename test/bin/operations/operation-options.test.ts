import { describe, expect, test } from 'vitest';
import { moment } from '../../../bin/commands/operation.ts';

describe('moment', () => {
  test.each([
    ['2026-01-05', '2026-01-05T00:00:00.000Z'],
    ['2026-01-05T10:00:00', '2026-01-05T10:00:00.000Z'],
    ['2026-01-05T10:00:00+02:00', '2026-01-05T08:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(moment(text).toISOString()).toBe(iso);
  });

  test('reads a duration as the time that long ago', () => {
    const began = Date.now();
    const ago = moment('12h').getTime();
    expect(ago).toBeGreaterThanOrEqual(began - 12 * 3_600_000);
    expect(ago).toBeLessThanOrEqual(Date.now() - 12 * 3_600_000);
  });

  test('refuses anything else', () => {
    expect(() => moment('yesterday')).toThrow('expected a date');
  });
});
