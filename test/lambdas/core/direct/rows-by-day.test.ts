import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventDays } from '../../../../lambdas/core/direct/event-days.ts';
import { DayDivider } from '../../../../lambdas/core/direct/rows-by-day.ts';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { compiled } from '../../../helpers/compiled.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const app = compiled('json', { columns: { time: 'timestamp', other: 'timestamp', message: 'string' } });

function batcherOf(format: CompiledFormat): LineBatcher {
  const now = () => new Date(NOW);
  return new LineBatcher({ source: 'app', origin: 'origin000000', format, keepRaw: 'never', shared: new Map(), now });
}

/** The rows of lines, by their days. */
function daysOf(format: CompiledFormat, lines: readonly string[], timeZone = 'UTC') {
  const batcher = batcherOf(format);
  batcher.push(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  batcher.end();
  const divider = new DayDivider(new EventDays(timeZone, 400, NOW), format.columns);
  return batcher.takeRemaining().flatMap(({ rows, times }) => {
    const parts = [...divider.divide(rows, times, '2026-11-20')];
    expect(Buffer.concat(parts.map((part) => part.rows))).toEqual(Buffer.concat([...rows]));
    return parts.flatMap(({ day, rows: bytes }) => rowsOf(bytes).map(() => day));
  });
}

const lineAt = (millis: number | undefined) =>
  JSON.stringify(millis === undefined ? { message: '}{"0":"\\"' } : { time: new Date(millis).toISOString() });

describe('the day of a row', () => {
  test('is that of its event', () => {
    expect(daysOf(app, [lineAt(NOW), lineAt(NOW - DAY_MS), lineAt(NOW)])).toEqual([
      '2026-11-22',
      '2026-11-21',
      '2026-11-22',
    ]);
  });

  test('is that of its object if the event has no time, or one that no query looks for', () => {
    const odd = [undefined, NOW - 401 * DAY_MS, NOW + 2 * DAY_MS, 0];
    expect(daysOf(app, odd.map(lineAt))).toEqual(odd.map(() => '2026-11-20'));
    expect(daysOf(app, [lineAt(undefined), lineAt(NOW)])).toEqual(['2026-11-20', '2026-11-22']);
  });

  test('is on the calendar of the time zone', () => {
    const evening = Date.UTC(2026, 10, 21, 15, 30);
    expect(daysOf(app, [lineAt(evening), lineAt(evening - DAY_MS / 2)], 'Asia/Seoul')).toEqual([
      '2026-11-22',
      '2026-11-21',
    ]);
    // Clocks are set back there on 25 October 2026, so this day has 25 hours.
    const night = Date.UTC(2026, 9, 24, 22);
    const hours = Array.from({ length: 26 }, (_, hour) => lineAt(night + hour * 3_600_000));
    const days = daysOf(app, hours, 'Europe/Berlin');
    expect(days.filter((day) => day === '2026-10-25')).toHaveLength(25);
  });

  test('is found for every row, whatever days lie beside each other', () => {
    const time = fc.option(fc.integer({ min: NOW - 3 * DAY_MS, max: NOW }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 20 }), (times) => {
        const wanted = times.map((at) => (at === undefined ? '2026-11-20' : new Date(at).toISOString().slice(0, 10)));
        expect(daysOf(app, times.map(lineAt))).toEqual(wanted);
      }),
    );
  });

  test.each([...FORMATS.values()].map((format) => [format.name, format] as const))(
    'is that of the time which its load counts as the time of the event: %s',
    (_, format) => {
      const one = format.compile(format.exampleOptions ?? {});
      let timed = 0;
      for (const line of format.exampleLines) {
        const batcher = batcherOf(one);
        batcher.push(Buffer.from(`${line}\n`));
        batcher.end();
        const { firstEventTime: time } = batcher.counts;
        if (time === undefined) continue;
        timed++;
        for (const { rows } of batcher.takeRemaining()) {
          // A time that is not believed has the rows looked at one by one.
          const divider = new DayDivider(new EventDays('UTC', 40_000, time), one.columns);
          const unknown = { rows: 1, timed: 1, first: Number.NaN, last: Number.NaN };
          const [part] = divider.divide(rows, unknown, 'none');
          expect(part?.day).toBe(new Date(time).toISOString().slice(0, 10));
        }
      }
      expect(timed).toBeGreaterThan(0);
    },
  );
});

test('a table that keeps its rows for another time believes other days', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  const days = new EventDays('UTC', 400, now);
  const before = now - 50 * 86_400_000;
  expect(days.keeping(30).dayOfRow(before, 'its object')).toBe('its object');
  expect(days.keeping(60).dayOfRow(before, 'its object')).toBe('2026-10-03');
  expect(days.keeping(undefined)).toBe(days);
});
