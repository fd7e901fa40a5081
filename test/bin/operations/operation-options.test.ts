import { describe, expect, test } from 'vitest';
import { moment, requireRange, stackName } from '../../../bin/commands/operation.ts';

describe('moment', () => {
  test.each([
    ['2026-01-05', '2026-01-05T00:00:00.000Z'],
    ['2026-01-05T10:00:00', '2026-01-05T10:00:00.000Z'],
    ['2026-01-05T10:00:00+02:00', '2026-01-05T08:00:00.000Z'],
    ['2026-01-05 10:00', '2026-01-05T10:00:00.000Z'],
    ['2026-01-05T10:00:00.123456Z', '2026-01-05T10:00:00.123Z'],
  ])('reads %s', (text, iso) => {
    expect(moment(text).toISOString()).toBe(iso);
  });

  test('reads a duration as the time that long ago', () => {
    const began = Date.now();
    const ago = moment('12h').getTime();
    expect(ago).toBeGreaterThanOrEqual(began - 12 * 3_600_000);
    expect(ago).toBeLessThanOrEqual(Date.now() - 12 * 3_600_000);
  });

  test.each([
    ['a word', 'yesterday'],
    ['a number, which JavaScript takes for a month', '5'],
    ['a word with a number', 'tomorrow 3'],
    ['a day that does not exist', '2026-02-30'],
    ['an hour that does not exist', '2026-01-05T25:00:00'],
    ['a year', '2026'],
    ['a month', '2026-01'],
    ['a day as it is written in one country', '11/28/2026'],
    ['seconds since 1970', '1795348980'],
    ['a duration in another unit', '2w'],
    ['a duration before all times', '999999999999d'],
  ])('refuses %s', (_, text) => {
    expect(() => moment(text)).toThrow(`expected a date, a time such as 2026-01-05T10:00:00Z, or a duration`);
  });
});

test('a range of time ends after it begins', () => {
  const [earlier, later] = [new Date('2026-01-05'), new Date('2026-01-06')];
  expect(() => requireRange(later, earlier)).toThrow(
    '--until: expected a time after that of --since, 2026-01-06T00:00:00.000Z, got 2026-01-05T00:00:00.000Z',
  );
  expect(() => requireRange(later, later)).toThrow('--until');
  for (const [since, until] of [
    [earlier, later],
    [undefined, earlier],
    [later, undefined],
  ] as const) {
    expect(() => requireRange(since, until)).not.toThrow();
  }
});

test('the name of a stack is one word, so that SQL or a URL after --stack is not taken for it', () => {
  expect(stackName('Tributary-2')).toBe('Tributary-2');
  expect(stackName('arn:aws:cloudformation:us-east-1:123456789012:stack/Tributary/1-2')).toContain('stack/Tributary');
  for (const text of ['SELECT 1', 's3://landing/a', '', './mine', 'x.log']) {
    expect(() => stackName(text)).toThrow('expected the name of a stack');
  }
});
