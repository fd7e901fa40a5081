import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { moment } from '../../../bin/commands/operation.ts';
import { progressOn } from '../../../bin/operations/operation-options.ts';

describe('progressOn', () => {
  test('draws a bar on a terminal and ends the line', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream;
    const progress = progressOn(stream)('objects', 4);
    progress.add();
    progress.add();
    progress.end();

    const drawn = String(stream.read());
    expect(drawn).toContain(`objects [${'#'.repeat(15)}${'.'.repeat(15)}] 2 of 4`);
    expect(drawn.endsWith('\n')).toBe(true);
  });

  test('shows nothing if nothing was processed', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream;
    progressOn(stream)('objects', 4).end();
    expect(stream.read()).toBeNull();
  });
});

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
