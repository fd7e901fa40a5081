import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json } from '../../../../lambdas/core/formats/json.ts';
import { kongJson } from '../../../../lambdas/core/formats/kong-json.ts';
import type { FormatOptions } from '../../../../lambdas/core/reading/format.ts';
import { Row } from '../../../../lambdas/core/reading/row.ts';
import { readLines } from '../../../helpers/read-lines.ts';

const format = json.compile({
  columns: { time: 'timestamp', name: 'string', total: 'bigint', ratio: 'double', ok: 'boolean' },
});

describe('columns that cannot be declared', () => {
  test.each([
    ['neither columns nor a preset', {}, 'preset: expected columns or a preset of server-logs, ecs, '],
    ['a preset unknown', { preset: 'toString' }, 'zap, powertools, lambda-platform, got "toString"'],
    ['a type unknown', { columns: { a: 'integer' } }, 'columns.a: expected a type of timestamp, string, int'],
    ["a name of the lake's own", { columns: { Origin: 'string' } }, 'columns.Origin: expected another name'],
    ["the partition's name", { columns: { dt: 'string' } }, 'columns.dt: expected another name'],
    [
      'names that differ only by case',
      { columns: { a: 'int', A: 'int' } },
      'columns.A: expected names that differ by more',
    ],
    ['a name no table can have', { columns: { 'a.b': 'int' } }, 'columns: expected a name of letters, digits and _'],
    ['a list', { columns: ['a'] }, 'columns: expected an object of name: type, or of name: { type, from }, got ["a"]'],
    ['a column that is a list', { columns: { a: ['int'] } }, 'columns.a: expected a type of timestamp, string, int'],
    [
      'a path without a type',
      { columns: { a: { from: 'b' } } },
      'columns.a.type: expected a type of timestamp, string',
    ],
    [
      'a path that is no text',
      { columns: { a: { type: 'int', from: 1 } } },
      'columns.a.from: expected a key or path of 1',
    ],
    ['an empty path', { columns: { a: { type: 'int', from: '' } } }, '1 to 200 characters, got 0 characters'],
    ['a long path', { columns: { a: { type: 'int', from: 'a'.repeat(201) } } }, 'got 201 characters'],
    [
      'a property unknown',
      { columns: { a: { type: 'int', path: 'b' } } },
      'columns.a: expected type and from, got path',
    ],
    [
      'a path that another column has',
      { columns: { a: 'int', b: { type: 'int', from: 'A' } } },
      "columns.b: expected a key or path that is not another column's, nor within it, nor around it, got A, and a has a",
    ],
    [
      'a path that another column was given, too',
      { columns: { a: { type: 'int', from: 'x' }, b: { type: 'int', from: 'x' } } },
      "columns.b: expected a key or path that is not another column's, nor within it, nor around it, got x, and a has x",
    ],
    ['no type', { columns: { a: { from: 'x' } } }, 'timestamp, string, int, bigint, double, boolean, got nothing'],
    [
      'a path within the value of another column',
      { columns: { a: { type: 'int', from: 'x.y.z' }, b: { type: 'string', from: 'x.y' } } },
      'columns.b: expected a key or path that is not another column',
    ],
    [
      "a path within the value of a preset's column",
      { preset: 'server-logs', columns: { zone: { type: 'string', from: 'timestamp.zone' } } },
      'columns.zone: expected a key or path that is not another column',
    ],
    [
      'a time zone unknown',
      { columns: { a: 'int' }, localTimeZone: 'Europe/Atlantis' },
      'localTimeZone: expected UTC or an IANA time zone as Region/City, such as Europe/Berlin, got "Europe/Atlantis"',
    ],
    ['a time zone that is no text', { columns: { a: 'int' }, localTimeZone: 2 }, 'localTimeZone: expected text'],
    ['none', { columns: {} }, 'columns: expected at least one column, got none'],
  ])('%s is refused', (_, options, message) => {
    expect(() => json.compile(options)).toThrow(message);
  });
});

describe('columns that can be declared', () => {
  const columnsOf = (options: FormatOptions) => Object.entries(json.compile(options).columns);

  test('columns come behind those of a preset, and one of the same name replaces its', () => {
    const names = Object.keys(json.compile({ preset: 'server-logs' }).columns);
    const both = columnsOf({ preset: 'server-logs', columns: { user: 'string', Level: { type: 'int', from: 'lvl' } } });
    expect(both.map(([name]) => name)).toEqual([...names, 'user']);
    expect(both.find(([name]) => name === 'level')?.[1]).toMatchObject({
      type: 'int',
      comment: 'Value of the key or path lvl.',
    });
  });

  test('a path of any text has a comment that Glue takes', () => {
    for (const from of ['\u0000\n'.repeat(100), '\ud800', 'é|漢', '. .', 'a'.repeat(200)]) {
      const [[, { comment = '' } = {}] = []] = columnsOf({ columns: { a: { type: 'int', from } } });
      expect(comment).toMatch(/^Value of the key or path [^\p{Cc}\p{Cs}]{1,229}$/u);
    }
  });
});

describe('reading', () => {
  test('keeps every digit of a bigint that is written with an exponent', () => {
    const row = new Row(format.columns);
    row.begin();
    format.reader.read('{"total":922337203685477580.7e1}', row);
    expect(row.json('origin', 1, '', 'never')).toContain(':9223372036854775807}');
  });

  test('keeps every digit of a bigint, in columns and within nested values', () => {
    const row = new Row(format.columns);
    row.begin();
    format.reader.read('{"total":9223372036854775807,"other":{"id":9223372036854775807}}', row);
    const text = row.json('origin', 1, '', 'never');
    expect(text).toContain(':9223372036854775807');
    expect(text).toContain('{\\\\\\"id\\\\\\":9223372036854775807}');
  });

  test.each([1_000, 100_000])('keeps a value nested %i deep as text', (depth) => {
    const deep = '['.repeat(depth) + ']'.repeat(depth);
    expect(readLines(format, [`{"name":"a","deep":${deep}}`])).toEqual([{ row: { name: 'a', extra: { deep } } }]);
  });

  test('gives back what an object held, whatever its values', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => value.isWellFormed());
    const time = fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true });
    fc.assert(
      fc.property(
        time,
        text,
        fc.maxSafeInteger(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        text,
        fc.nat(2),
        (date, name, total, ratio, ok, other, indent) => {
          const object = { time: date.toISOString(), name, total, ratio, ok, other };
          // Zeros at a fraction's end are left out.
          const row = {
            time: date
              .toISOString()
              .replace('T', ' ')
              .replace(/\.?0*Z$/, ''),
            name,
            total,
            ratio,
            ok,
            extra: { other },
          };
          // JSON has no minus zero: what is expected goes through it too.
          expect(readLines(format, [JSON.stringify(object, null, indent)])).toEqual([
            { row: JSON.parse(JSON.stringify(row)) },
          ]);
        },
      ),
    );
  });

  test('loses no key, whatever the keys', () => {
    const members = fc.array(
      fc.tuple(fc.oneof(fc.constantFrom('a', 'A', '__proto__', 'a#2', 'a#3'), fc.string()), fc.nat()),
    );
    fc.assert(
      fc.property(members, (pairs) => {
        const line = `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
        const [reading] = readLines(json.compile({ columns: { unused: 'string' } }), [line]);
        const { row = {} } = reading && 'row' in reading ? reading : {};
        const kept = Object.keys(row.extra ?? {}).length + Object.keys(row.errors ?? {}).length;
        expect(kept + ('unused' in row ? 1 : 0)).toBe(pairs.length);
      }),
    );
  });

  test('never throws and writes JSON, whatever the line', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      '\\x',
      '\\u',
      '"name"',
      'null',
      '1e9',
      ' ',
      '\uFEFF',
    );
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 5 }))).map((parts) => parts.join('')),
      fc
        .dictionary(
          fc.constantFrom('client_ip', 'request', 'response', 'latencies', 'time', 'name', 'total'),
          fc.jsonValue(),
        )
        .map((value) => JSON.stringify(value)),
    );
    const records = kongJson.compile({ filters: { no_client_address: false } });
    fc.assert(
      fc.property(line, fc.constantFrom(format, records), (text, compiled) => {
        expect(readLines(compiled, [text.toWellFormed()])).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['the same key', '"a":1,'],
    ['keys that look numbered', '"a#2":1,"a#3":1,"a":1,'],
    ['backslashes', '"b":"\\\\\\\\\\\\\\\\",'],
    ['space', '"c" : [ 1 , 2 ] ,      '],
    ['a key a record has once', '"client_ip":"192.0.2.1",'],
  ])('a megabyte of %s is one line', (_, piece) => {
    const line = `{${piece.repeat(1_000_000 / piece.length)}"name":"end"}`;
    expect(readLines(format, [line])).toMatchObject([{ row: { name: 'end' } }]);
    expect(readLines(kongJson.compile({}), [line, `{"client_ip":"192.0.2.1","request":${line}}`])).toHaveLength(2);
  });
});
