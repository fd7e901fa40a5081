import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHANGES_END, isTimeZone, localZone, UTC } from '../../../../lambdas/core/reading/local-zone.ts';

/** The instant of a local time, as text. */
function instant(zone: string, local: string): string {
  const millis = Date.parse(`${local}Z`);
  return new Date(millis - localZone(zone).offsetAt(millis)).toISOString();
}

/** The local time that clocks of a zone show at an instant, in milliseconds as if it were in UTC; by another way of Intl. */
function shownAt(zone: string, at: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(at);
  const [year = 0, month = 1, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map(
    (type) => Number(parts.find((part) => part.type === type)?.value),
  );
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Asia/Seoul',
  'Africa/Casablanca',
  'America/Sao_Paulo',
  'Pacific/Apia',
  'Europe/Moscow',
];

describe('a time without a zone', () => {
  test.each([
    ['Europe/Berlin', '2024-01-15T12:00:00', '2024-01-15T11:00:00.000Z'],
    ['Europe/Berlin', '2024-07-15T12:00:00', '2024-07-15T10:00:00.000Z'],
    ['Asia/Kolkata', '2024-07-15T12:00:00', '2024-07-15T06:30:00.000Z'],
    ['America/New_York', '2024-07-15T22:00:00', '2024-07-16T02:00:00.000Z'],
    ['UTC', '2024-07-15T12:00:00', '2024-07-15T12:00:00.000Z'],
    ['Europe/Berlin', '1970-07-15T12:00:00', '1970-07-15T11:00:00.000Z'],
    ['Europe/Berlin', '2060-07-15T12:00:00', '2060-07-15T10:00:00.000Z'],
  ])('is read on the clocks of %s: %s is %s', (zone, local, expected) => {
    expect(instant(zone, local)).toBe(expected);
  });

  test.each([
    ['Europe/Berlin', '2024-03-31T01:59:59', '2024-03-31T00:59:59.000Z'],
    ['Europe/Berlin', '2024-03-31T02:00:00', '2024-03-31T01:00:00.000Z'],
    ['Europe/Berlin', '2024-03-31T02:59:59', '2024-03-31T01:59:59.000Z'],
    ['Europe/Berlin', '2024-03-31T03:00:00', '2024-03-31T01:00:00.000Z'],
    ['America/New_York', '2024-03-10T02:30:00', '2024-03-10T07:30:00.000Z'],
    ['Australia/Lord_Howe', '2024-10-06T02:15:00', '2024-10-05T15:45:00.000Z'],
    ['Pacific/Apia', '2011-12-30T12:00:00', '2011-12-30T22:00:00.000Z'],
    ['Europe/Berlin', '1985-03-31T02:30:00', '1985-03-31T01:30:00.000Z'],
    ['Europe/Berlin', '2055-03-28T02:30:00', '2055-03-28T01:30:00.000Z'],
  ])('that clocks did not show, because they were set forward, is read as if they had not been: %s %s', (...at) => {
    const [zone, local, expected] = at;
    expect(instant(zone, local)).toBe(expected);
  });

  test.each([
    ['Europe/Berlin', '2024-10-27T01:59:59', '2024-10-26T23:59:59.000Z'],
    ['Europe/Berlin', '2024-10-27T02:00:00', '2024-10-27T00:00:00.000Z'],
    ['Europe/Berlin', '2024-10-27T02:59:59', '2024-10-27T00:59:59.000Z'],
    ['Europe/Berlin', '2024-10-27T03:00:00', '2024-10-27T02:00:00.000Z'],
    ['America/New_York', '2024-11-03T01:30:00', '2024-11-03T05:30:00.000Z'],
    ['Australia/Lord_Howe', '2024-04-07T01:45:00', '2024-04-06T14:45:00.000Z'],
    ['Europe/Berlin', '1985-09-29T02:30:00', '1985-09-29T00:30:00.000Z'],
    ['Europe/Berlin', '2055-10-31T02:30:00', '2055-10-31T00:30:00.000Z'],
  ])('that clocks showed twice, because they were set back, is the earlier one: %s %s', (...at) => {
    const [zone, local, expected] = at;
    expect(instant(zone, local)).toBe(expected);
  });

  test('is an instant at which clocks show it, and no earlier one, unless they never show it', () => {
    const local = fc.integer({ min: Date.UTC(1975, 0, 1) / 60_000, max: Date.UTC(2075, 0, 1) / 60_000 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), local, (zone, minute) => {
        const at = minute * 60_000;
        const read = at - localZone(zone).offsetAt(at);
        const shown = shownAt(zone, read);
        // Clocks are set by 30 minutes, by hours or by a day.
        const others = [0.5, 1, 2, 24].flatMap((hours) => [-hours, hours]).map((hours) => read + hours * 3_600_000);
        const earlier = others.filter((other) => shownAt(zone, other) === at && other < read);
        expect({ zone, at, earlier }).toEqual({ zone, at, earlier: [] });
        if (shown !== at) expect(others.filter((other) => shownAt(zone, other) === at)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test('the changes of a zone are in order, and UTC has none', () => {
  expect(UTC.changes).toEqual([]);
  const { changes } = localZone('Africa/Casablanca');
  expect(changes.length).toBeGreaterThan(40);
  expect(changes.map(({ from }) => from)).toEqual(changes.map(({ from }) => from).sort((a, b) => a - b));
  expect(changes.at(-1)?.from).toBeLessThan(CHANGES_END);
});

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Etc/GMT+8', true],
  ['Europe/Atlantis', false],
  ['CET', false],
  ['EST', false],
  ['+02:00', false],
  ['', false],
])('whether a time zone is named %s: %s', (name, expected) => {
  expect(isTimeZone(name)).toBe(expected);
});
