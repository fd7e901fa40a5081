import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventDays } from '../../../../lambdas/core/direct/event-days.ts';
import { RowDivider } from '../../../../lambdas/core/direct/rows-by-table.ts';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { LineBatcher } from '../../../../lambdas/core/loading/line-batcher.ts';
import { rowsOf } from '../../../../lambdas/core/loading/pack.ts';
import type { CompiledFormat } from '../../../../lambdas/core/reading/format.ts';
import { FanOutTables } from '../../../../lambdas/core/tables/fan-out.ts';
import { sourceTable } from '../../../../lambdas/core/tables/table.ts';
import { compiled } from '../../../helpers/compiled.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const app = compiled('json', { columns: { time: 'timestamp', other: 'timestamp', message: 'string' } });

function tableOf({ columns }: CompiledFormat) {
  return sourceTable('app', '', columns, 'objects');
}

function batcherOf(format: CompiledFormat): LineBatcher {
  const now = () => new Date(NOW);
  return new LineBatcher({ source: 'app', origin: 'origin000000', format, keepRaw: 'never', shared: new Map(), now });
}

/** The rows of lines, by their days. */
function daysOf(format: CompiledFormat, lines: readonly string[], timeZone = 'UTC') {
  const batcher = batcherOf(format);
  batcher.push(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  batcher.end();
  const divider = new RowDivider(new EventDays(timeZone, 400, NOW), tableOf(format), format.columns);
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
          const divider = new RowDivider(new EventDays('UTC', 40_000, time), tableOf(one), one.columns);
          const unknown = { rows: 1, timed: 1, first: Number.NaN, last: Number.NaN };
          const [part] = divider.divide(rows, unknown, 'none');
          expect(part?.day).toBe(new Date(time).toISOString().slice(0, 10));
        }
      }
      expect(timed).toBeGreaterThan(0);
    },
  );
});

describe('the table of a row', () => {
  const tenants = compiled('json', { columns: { time: 'timestamp', tenant: 'string', message: 'string' } });
  const fanOut = new FanOutTables('app', { by: 'tenant', allow: ['acme', 'Acme', 'ü"\\\n😀', '7'], other: 'rest' });

  /** Where the rows of lines go, and that they are the rows. */
  function placesOf(lines: readonly string[]): string[] {
    const batcher = batcherOf(tenants);
    batcher.push(Buffer.from(lines.map((line) => `${line}\n`).join('')));
    batcher.end();
    const divider = new RowDivider(new EventDays('UTC', 400, NOW), tableOf(tenants), tenants.columns, fanOut);
    return batcher.takeRemaining().flatMap(({ rows, times }) => {
      const parts = [...divider.divide(rows, times, '2026-11-20')];
      expect(Buffer.concat(parts.map((part) => part.rows))).toEqual(Buffer.concat([...rows]));
      return parts.flatMap(({ table, day, rows: bytes }) => rowsOf(bytes).map(() => `${table.name} ${day}`));
    });
  }

  const line = (tenant: unknown, millis = NOW, message = '') =>
    JSON.stringify({ time: new Date(millis).toISOString(), ...(tenant !== undefined && { tenant }), message });

  test.each([
    ['a listed value', 'acme', 'app_acme'],
    ['one that differs by its case alone', 'Acme', /^app_acme_h/],
    ['one that JSON escapes', 'ü"\\\n😀', /^app_h/],
    ['one that was a number in the line', 7, 'app_7'],
    ['another value', 'globex', 'app_rest'],
    ['one with another case', 'ACME', 'app_rest'],
    ['one with a space', ' acme', 'app_rest'],
    ['an empty one', '', 'app_rest'],
    ['null', null, 'app_rest'],
    ['none', undefined, 'app_rest'],
    ['the name of a member of all objects', '__proto__', 'app_rest'],
    ['a very long one', 'acme'.repeat(100_000), 'app_rest'],
  ])('is that of %s', (_, tenant, table) => {
    expect(placesOf([line(tenant)]).map((place) => place.split(' ')[0])).toEqual([expect.stringMatching(table)]);
  });

  test('does not follow from what other columns have', () => {
    const inside = line('globex', NOW, '"tenant":"acme","b":"acme"}{"b":"acme"');
    expect(placesOf([inside])).toEqual(['app_rest 2026-11-22']);
  });

  test('is found for every row, whatever tables and days lie beside each other', () => {
    const tenant = fc.constantFrom('acme', '7', 'globex', undefined);
    const days = fc.integer({ min: 0, max: 2 });
    fc.assert(
      fc.property(fc.array(fc.tuple(tenant, days), { minLength: 1, maxLength: 30 }), (rows) => {
        const wanted = rows.map(([value, before]) => {
          const day = new Date(NOW - before * DAY_MS).toISOString().slice(0, 10);
          return `${value === 'acme' || value === '7' ? `app_${value}` : 'app_rest'} ${day}`;
        });
        expect(placesOf(rows.map(([value, before]) => line(value, NOW - before * DAY_MS)))).toEqual(wanted);
      }),
    );
  });

  test('is refused to be looked for in a column that is not there', () => {
    const missing = new FanOutTables('app', { by: 'host', allow: ['a'] });
    const make = () => new RowDivider(new EventDays('UTC', 400, NOW), tableOf(tenants), tenants.columns, missing);
    expect(make).toThrow('source app: expected a column host to divide its rows by, got none');
  });
});

test('a table that keeps its rows for another time believes other days', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  const days = new EventDays('UTC', 400, now);
  const before = now - 50 * 86_400_000;
  expect(days.keeping(30).dayOfRow(before, 'its object')).toBe('its object');
  expect(days.keeping(60).dayOfRow(before, 'its object')).toBe('2026-10-03');
  expect(days.keeping(undefined)).toBe(days);
});
