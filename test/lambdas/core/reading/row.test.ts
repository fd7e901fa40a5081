import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Row } from '../../../../lambdas/core/reading/row.ts';
import { bigint, double, int, numbered, OWN, text, timestamp } from '../../../../lambdas/core/tables/table.ts';

const columns = {
  name: text('Text.'),
  count: int('A count.'),
  size: bigint('A size.'),
  ratio: double('A ratio.'),
  time: timestamp('A time.'),
} as const;

const KEY = Object.fromEntries([...numbered(columns), ...Object.values(OWN)].map(({ name, key }) => [name, key]));

/** The row by column name; extra and errors read from their JSON text. */
function written(write: (row: Row) => void, keepRaw: 'never' | 'on-error' | 'always' = 'never') {
  const row = new Row(columns);
  row.begin();
  write(row);
  const json = row.json('origin', 7, 'the raw line', keepRaw);
  const values = JSON.parse(json) as Record<string, unknown>;
  const named: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(KEY)) if (values[key] !== undefined) named[name] = values[key];
  for (const name of ['extra', 'errors']) if (name in named) named[name] = JSON.parse(named[name] as string);
  return { json, named, row };
}

const read = (method: 'int' | 'bigint' | 'double' | 'timestamp', column: string, value: string) => {
  const { named } = written((row) => row[method](column, value));
  const errors = named.errors as Record<string, { value: string; reason: string }> | undefined;
  return errors ? errors[column] : named[column];
};

describe('Row', () => {
  test('keeps what goes to extra and errors in the order of the line, keys that are numbers too', () => {
    const { json } = written((row) => {
      for (const key of ['b', '404', '__proto__', '7', 'b']) row.extra(key, 'x');
      for (const key of ['z', '10', '10']) row.error(key, 'x', 'odd');
    });
    const texts = JSON.parse(json) as Record<string, string>;
    const keysOf = (key: string | undefined) =>
      [...(texts[key ?? ''] ?? '').matchAll(/[{,]"([^"]*)":/g)].map(([, name]) => name);
    expect(keysOf(KEY.extra)).toEqual(['b', '404', '__proto__', '7', 'b#5']);
    expect(keysOf(KEY.errors).filter((name) => name !== 'value' && name !== 'reason')).toEqual(['z', '10', '10#3']);
  });

  test.each([
    ['the largest int', 'int', 'count', '2147483647', 2147483647],
    ['the smallest int', 'int', 'count', '-2147483648', -2147483648],
    ['an int with zeros before it', 'int', 'count', '007', 7],
    ['a double as logged', 'double', 'ratio', '0.001', 0.001],
    ['a double of many digits', 'double', 'ratio', '1e-7', 1e-7],
    ['a time with microseconds', 'timestamp', 'time', '2026-11-22T10:00:00.123456Z', '2026-11-22 10:00:00.123456'],
    ['a time with milliseconds', 'timestamp', 'time', '2026-11-22T10:00:00.123Z', 1795341600123],
    ['a time without fraction', 'timestamp', 'time', '2026-11-22T10:00:00Z', 1795341600],
    ['a time without zone', 'timestamp', 'time', '2018-12-20T02:59:40', 1545274780],
    [
      'nanoseconds, kept to microseconds',
      'timestamp',
      'time',
      '2026-11-22T10:00:00.123456789Z',
      '2026-11-22 10:00:00.123456',
    ],
  ] as const)('reads %s', (_, method, column, value, expected) => {
    expect(read(method, column, value)).toEqual(expected);
  });

  test.each([
    ['an int too large', 'int', 'count', '2147483648', 'out of range for int'],
    ['an int too small', 'int', 'count', '-2147483649', 'out of range for int'],
    ['an int of twelve digits', 'int', 'count', '123456789012', 'out of range for int'],
    ['words for an int', 'int', 'count', '12x', 'not a whole number'],
    ['a fraction for an int', 'int', 'count', '1.5', 'not a whole number'],
    ['nothing for an int', 'int', 'count', '', 'not a whole number'],
    ['a bigint too large', 'bigint', 'size', '9223372036854775808', 'out of range for bigint'],
    ['a bigint of twenty digits', 'bigint', 'size', '12345678901234567890', 'out of range for bigint'],
    ['words for a bigint', 'bigint', 'size', '12x', 'not a whole number'],
    ['words for a double', 'double', 'ratio', 'NaN', 'not a number'],
    ['a double too large', 'double', 'ratio', '1e999', 'out of range for double'],
    ['hexadecimal for a double', 'double', 'ratio', '0x10', 'not a number'],
    ['a day that does not exist', 'timestamp', 'time', '2026-02-31T10:00:00Z', 'not a timestamp'],
    ['an hour that does not exist', 'timestamp', 'time', '2026-02-01T24:00:00Z', 'not a timestamp'],
    ['words for a time', 'timestamp', 'time', 'yesterday', 'not a timestamp'],
  ] as const)('keeps %s as an error with value and reason', (_, method, column, value, reason) => {
    expect(read(method, column, value)).toEqual({ value, reason });
  });

  test('writes a bigint with all its digits', () => {
    const { json } = written((row) => row.bigint('size', '9223372036854775807'));
    expect(json).toContain(`"${KEY.size}":9223372036854775807`);
  });

  test('keeps the line when something did not convert, never, or always, as told', () => {
    const bad = (row: Row) => row.int('count', 'x');
    const good = (row: Row) => row.int('count', '1');
    expect(written(bad, 'on-error').named.raw).toBe('the raw line');
    expect(written(good, 'on-error').named.raw).toBeUndefined();
    expect(written(bad, 'never').named.raw).toBeUndefined();
    expect(written(good, 'always').named.raw).toBe('the raw line');
  });

  test('counts values, errors and unknown fields, and begins anew', () => {
    const { row } = written((each) => {
      each.text('name', 'a');
      each.int('count', 'x');
      each.extra('35', 'new');
    });
    expect([row.values, row.fieldErrors, row.unknownFields]).toEqual([1, 1, 1]);
    row.begin();
    expect([row.values, row.fieldErrors, row.unknownFields, row.eventTime]).toEqual([0, 0, 0, undefined]);
    expect(JSON.parse(row.json('o', 1, '', 'on-error'))).toEqual({
      [KEY.origin as string]: 'o',
      [KEY.position as string]: 1,
    });
  });

  test('takes the event time from the first time written, in milliseconds', () => {
    const { row } = written((each) => {
      each.timestamp('time', '2026-11-22T10:00:00.123456Z');
      each.timestamp('time', '2027-11-22T10:00:00Z');
    });
    expect(row.eventTime).toBe(Date.parse('2026-11-22T10:00:00.123Z'));
  });

  test('puts values that all rows share into every row', () => {
    const row = new Row(columns, new Map([['name', 'shared']]));
    row.begin();
    expect(JSON.parse(row.json('o', 1, '', 'never'))[KEY.name as string]).toBe('shared');
    expect(row.values).toBe(0);
  });

  test('writes one line of well-formed JSON that holds exactly the text given, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (value, name) => {
        const { json, named } = written((row) => {
          row.text('name', value);
          row.error('count', value, 'reason');
          row.extra(name, value);
        });
        const kept = value.toWellFormed();
        expect(json.isWellFormed()).toBe(true);
        expect(json).not.toMatch(/[\n\r]/);
        expect(named.name).toBe(kept);
        expect((named.errors as { count: { value: string } }).count.value).toBe(kept);
        expect(Object.entries(named.extra as object)).toEqual([[name.toWellFormed(), kept]]);
      }),
    );
  });

  test('refuses a column its table does not have: a fault of the format, not of the line', () => {
    expect(() => written((row) => row.text('nmae', 'x'))).toThrow('row: no column nmae');
  });
});
