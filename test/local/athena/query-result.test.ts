import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { escapeControls } from '../../../bin/output/render.ts';
import { type Athena, openAthena } from '../../../local/athena/athena.ts';
import { toCsv, toJson } from '../../../local/athena/query-result.ts';

let athena: Athena;

beforeAll(async () => {
  athena = await openAthena({ dir: '/nonexistent', tables: [] });
});

afterAll(() => athena.close());

async function json(expression: string): Promise<unknown> {
  return toJson(await athena.query(`SELECT ${expression} AS x`))[0]?.x;
}

describe('toJson', () => {
  test.each<[string, string, unknown]>([
    ['a bigint that a double holds is a number', '9007199254740991::BIGINT', 9007199254740991],
    ['one that it does not is text', '9007199254740993::BIGINT', '9007199254740993'],
    ['a sum of bigints is a number too', 'sum(3::BIGINT)', 3],
    ['a decimal', '1.50', 1.5],
    ['a decimal of many digits is text', '1234567890123.456789', '1234567890123.456789'],
    ['a timestamp has its microseconds', "TIMESTAMP '2024-01-02 03:04:05'", '2024-01-02 03:04:05.000000'],
    ['a timestamp with a zone is in UTC', "TIMESTAMPTZ '2024-01-02 03:04:05.5+01'", '2024-01-02 02:04:05.500000 UTC'],
    ['a date', "DATE '2024-01-02'", '2024-01-02'],
    ['a list', '[1::BIGINT, NULL]', [1, null]],
    ['a struct', "{'a': TIMESTAMP '2024-01-02 03:04:05'}", { a: '2024-01-02 03:04:05.000000' }],
    ['a map', "MAP {'a': 1}", { a: 1 }],
    ['what is no number', "'NaN'::DOUBLE", 'NaN'],
    ['null', 'NULL', null],
    ['a boolean', 'true', true],
  ])('%s', async (_name, expression, expected) => {
    expect(await json(expression)).toEqual(expected);
  });
});

test('toJson keeps columns of one name, under numbered names that no other column has', async () => {
  const result = await athena.query('SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a, 5 AS b, 6 AS "__proto__"');
  const [row] = toJson(result);
  expect(Object.entries(row ?? {})).toEqual([
    ['a', 1],
    ['a_3', 2],
    ['a_2', 3],
    ['a_4', 4],
    ['b', 5],
    ['__proto__', 6],
  ]);
});

describe('toCsv', () => {
  test('quotes what needs it, leaves null empty and an empty text not, and ends lines as RFC 4180 says', async () => {
    const result = await athena.query(
      `SELECT 'a"b' AS "x,y", 'line\nbreak' AS b, NULL AS c, '' AS d, [1] AS e, true AS f, 'é' AS g`,
    );
    expect(toCsv(result)).toBe('"x,y",b,c,d,e,f,g\r\n"a""b","line\nbreak",,"",[1],true,é\r\n');
  });

  test('escapes for a terminal what it would obey, in values and in names', async () => {
    const result = await athena.query(`SELECT chr(27) || '[2J' || chr(10) || '"' AS "a\u001bb"`);
    expect(toCsv(result, escapeControls)).toBe('a\\x1bb\r\n"\\x1b[2J\\n"""\r\n');
    expect(toCsv(result)).toBe('a\x1bb\r\n"\x1b[2J\n"""\r\n');
  });
});
