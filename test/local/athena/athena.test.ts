import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ColumnType } from '../../../lambdas/core/tables/table.ts';
import { type Athena, openAthena } from '../../../local/athena/athena.ts';
import { QueryError } from '../../../local/athena/statement.ts';
import { openParquetWriter } from '../../../local/firehose/parquet.ts';
import { sharedFolder } from '../../helpers/folder.ts';
import { tableResource } from '../firehose/firehose-fixture.ts';

const columns = [
  { name: 'name', type: 'string' },
  { name: 'count', type: 'int' },
  { name: 'time', type: 'timestamp' },
] as const;

const dir = sharedFolder();
let athena: Athena;

beforeAll(async () => {
  await writeRows('logs', '2026-01-01', columns.slice(0, 2), ['{"0":"old","1":1}']);
  await writeRows('logs', '2026-01-02', columns, ['{"0":"new","1":2,"2":1704164645123456}']);
  const tables = ['logs', 'empty', 'later'].map((name) => tableResource(name, columns));
  athena = await openAthena({ dir, tables });
});

afterAll(() => athena.close());

async function writeRows(
  table: string,
  day: string,
  written: readonly { name: string; type: ColumnType }[],
  rows: string[],
): Promise<void> {
  const folder = join(dir, 'buckets', 'data', 'data', table, `dt=${day}`);
  await mkdir(folder, { recursive: true });
  const ndjson = join(dir, 'rows.ndjson');
  await writeFile(ndjson, rows.map((row) => `${row}\n`).join(''));
  const writer = await openParquetWriter();
  const file = join(folder, 'rows.parquet');
  await writer.write({ columns: written, ndjson, rows: rows.length, bytes: 100, compression: 'SNAPPY', file });
  writer.close();
}

async function rowsOf(sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await athena.query(sql)).rows;
}

describe('tables', () => {
  test("have the Glue table's columns in order, then the partition; an older file gives null", async () => {
    const { columns: given, rows } = await athena.query('SELECT * FROM logs ORDER BY dt');
    expect(given).toEqual([
      { name: 'name', type: 'varchar' },
      { name: 'count', type: 'integer' },
      { name: 'time', type: 'timestamp' },
      { name: 'dt', type: 'varchar' },
    ]);
    expect(rows).toEqual([
      ['old', 1, null, '2026-01-01'],
      ['new', 2, '2024-01-02 03:04:05.123000', '2026-01-02'],
    ]);
  });

  test('have times to the millisecond as in Athena, which rounds half of one up, or all of them if that is wanted', async () => {
    const micros = [1_704_164_645_123_456, 1_704_164_645_123_499, 1_704_164_645_123_500, -1_500, -1_501, -501, -500];
    const rows = micros.map((time, index) => `{"1":${index},"2":${time}}`);
    await writeRows('precise', '2026-01-01', columns, rows);
    const ends = async (microseconds: boolean) => {
      const own = await openAthena({ dir, tables: [tableResource('precise', columns)], microseconds });
      onTestFinished(() => own.close());
      const { rows: found } = await own.query('SELECT "time" FROM precise ORDER BY "count"');
      return found.map(([time]) => String(time).slice(-9));
    };
    expect(await ends(false)).toEqual([
      ...['05.123000', '05.123000', '05.124000'],
      ...['59.999000', '59.998000', '59.999000', '00.000000'],
    ]);
    expect(await ends(true)).toEqual([
      ...['05.123456', '05.123499', '05.123500'],
      ...['59.998500', '59.998499', '59.999499', '59.999500'],
    ]);
  });

  test('can be named with their database', async () => {
    expect(await rowsOf(`SELECT name FROM "lake"."logs" WHERE dt = '2026-01-02'`)).toEqual([['new']]);
  });

  test('without files are empty, columns and all', async () => {
    const { columns: given, rows } = await athena.query('SELECT * FROM empty');
    expect(given.map(({ name }) => name)).toEqual(['name', 'count', 'time', 'dt']);
    expect(rows).toEqual([]);
  });

  test('show files that come while they are open, and a new column before any file has it', async () => {
    expect(await rowsOf('SELECT count(*) FROM later')).toEqual([[0n]]);
    await writeRows('later', '2026-01-01', columns.slice(0, 1), ['{"0":"x"}']);
    expect(await rowsOf('SELECT * FROM later')).toEqual([['x', null, null, '2026-01-01']]);
  });
});

describe('queries that cannot be run say why in one line', () => {
  test.each([
    ['an unknown table', 'SELECT * FROM nope', 'Table with name nope does not exist! Tables: empty, later, logs'],
    ['a table whose name is like another', 'SELECT * FROM log', 'Tables: empty, later, logs, did you mean logs?'],
    ['an unknown column', 'SELECT nope FROM logs', 'Referenced column "nope" not found'],
    ['a syntax error', 'SELEC 1', 'Parser Error: syntax error at or near "SELEC"'],
    ['nothing', ' ', 'expected a query, got nothing'],
    ['no statement', '; -- nothing', 'expected a query, got nothing'],
    ['two queries', 'SELECT 1; SELECT 2', 'expected one query, got 2'],
    [
      'a table made',
      'CREATE TABLE x (a int)',
      'expected a SELECT, or EXPLAIN of one, got "CREATE TABLE x (a int)": tables',
    ],
  ])('%s', async (_name, sql, message) => {
    const error = await athena.query(sql).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(QueryError);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('\n');
  });
});

describe('queries that cannot be run show the place, and name what comes near', () => {
  const caughtFrom = async (sql: string) => (await athena.query(sql).catch((error: unknown) => error)) as QueryError;

  test.each([
    ['an unknown column', 'SELECT naem FROM logs', 'Candidate bindings: "name"', 'naem'],
    ['a syntax error', 'SELECT 1 FRM logs', 'syntax error at or near "logs"', 'logs'],
    [
      'a syntax error behind long lines and letters of two bytes',
      `SELECT 'é${'x'.repeat(90)}'\n, 'é' FRM logs`,
      '',
      'logs',
    ],
    ['a syntax error far to the right', `SELECT '${'x'.repeat(90)}' FRM logs`, 'syntax error', 'logs'],
    ['a query that is explained', 'EXPLAIN SELECT 1 FRM logs', '', 'logs'],
  ])('%s', async (_name, sql, message, word) => {
    const { message: told, context = '', failed } = await caughtFrom(sql);
    expect(told).toContain(message);
    const [line = '', caret = ''] = context.split('\n');
    expect(line).toMatch(/^LINE [12]: /);
    expect(line.slice(caret.indexOf('^'))).toMatch(new RegExp(`^${word}`));
    expect(failed).toBe(false);
  });

  test('a query that fails while it runs is no wrong query', async () => {
    expect(await caughtFrom("SELECT CAST(name AS integer) FROM (VALUES ('x')) AS t(name)")).toMatchObject({
      failed: true,
    });
  });
});

describe("Athena's functions", () => {
  const utc = ' UTC';

  test.each<[string, unknown]>([
    ['from_unixtime(1475996660)', `2016-10-09 07:04:20.000000${utc}`],
    ["to_unixtime(TIMESTAMP '2016-10-09 07:04:20.5')", 1475996660.5],
    ["at_timezone(TIMESTAMP '2012-10-31 01:00:00', 'America/Los_Angeles')", '2012-10-30 18:00:00.000000'],
    ["date_parse('2022/10/20/05', '%Y/%m/%d/%H')", '2022-10-20 05:00:00.000000'],
    ["date_parse('2013-05-17 12:35:10 PM', '%Y-%m-%d %h:%i:%s %p')", '2013-05-17 12:35:10.000000'],
    ["date_parse('9 January 2001', '%e %M %Y')", '2001-01-09 00:00:00.000000'],
    ["date_format(TIMESTAMP '2022-10-20 05:10:00', '%m-%d-%Y %H')", '10-20-2022 05'],
    [
      "date_format(TIMESTAMP '2001-01-09 13:04:05.321', '%a|%b|%c|%d|%e|%f|%H|%h|%i|%j|%k|%l|%M|%m|%p|%r|%S|%s|%T|%v|%W|%x|%Y|%y|%%i')",
      'Tue|Jan|1|09|9|321000|13|01|04|009|13|1|January|01|PM|01:04:05 PM|05|05|13:04:05|02|Tuesday|2001|2001|01|%i',
    ],
    ["date_format(TIMESTAMP '2001-01-09 13:04:05.321987', '%f')", '321000'],
    ["date_format(DATE '2001-01-09', '%Y-%m-%d')", '2001-01-09'],
    ["regexp_like('1a 2b 14m', '\\d+b')", true],
    ["regexp_like('1a 2b 14m', '^\\d+b')", false],
    ["json_extract_scalar('[1, 2, 3]', '$[2]')", '3'],
    [`json_extract_scalar('{"store":{"book":[{"author":"x"}]}}', '$.store.book[0].author')`, 'x'],
    [`json_extract_scalar('{"a.b":true}', '$["a.b"]')`, 'true'],
    [`json_extract_scalar('{"a":{"b":1}}', '$.a')`, null],
    [`json_extract_scalar('{"a":null}', '$.a')`, null],
    ["json_extract_scalar('no JSON', '$.a')", null],
    ['element_at(ARRAY[1, 2], -1)', 2],
    ['element_at(ARRAY[1, 2], 3)', null],
    ["element_at(MAP {'k': 7}, 'k')", 7],
    ["element_at(MAP {'k': 7}, 'other')", null],
    ["url_extract_parameter('http://example.com/p?k1=v1&k2=v2&k3#r', 'k2')", 'v2'],
    ["url_extract_parameter('http://example.com/p?k1=v1&k3#r', 'k3')", ''],
    ["url_extract_parameter('http://example.com/p?k1=v1', 'k5')", null],
    ["url_extract_parameter('http://example.com/p?k=a=b=c&x=y', 'k')", 'a=b=c'],
    ["url_extract_parameter('http://example.com/p?k=a%26b+c', 'k')", 'a&b c'],
    ["url_extract_parameter('foo', 'k1')", null],
  ])('%s', async (call, expected) => {
    expect(await rowsOf(`SELECT ${call}`)).toEqual([[expected]]);
  });

  test.each<[string, unknown[]]>([
    ['http://example.com/path1/p.php?k1=v1&k2=v2#Ref1', ['http', 'example.com', null, '/path1/p.php', 'k1=v1&k2=v2']],
    ['http://example.com/path1/p.php?', ['http', 'example.com', null, '/path1/p.php', '']],
    ['http://example.com:8080/path1/p.php', ['http', 'example.com', 8080n, '/path1/p.php', '']],
    ['https://username:password@example.com', ['https', 'example.com', null, '', '']],
    ['https://[2001:db8::1]:443/a%20b?x=%41', ['https', '[2001:db8::1]', 443n, '/a b', 'x=A']],
    ['http://h:80-', ['http', '', null, '', '']],
    ['http://h:80-/p', ['http', '', null, '/p', '']],
    ['http://a_b.example.com/p', ['http', '', null, '/p', '']],
    ['http://-a.example.com', ['http', '', null, '', '']],
    ['http://a-b.example.com.:/p', ['http', 'a-b.example.com.', null, '/p', '']],
    ['http://192.0.2.1:81', ['http', '192.0.2.1', 81n, '', '']],
    ['http://192.0.2.256:81', ['http', '', null, '', '']],
    ['http://example.1', ['http', '', null, '', '']],
    ['http://u@v@example.com', ['http', '', null, '', '']],
    ['http://80/p', ['http', '80', null, '/p', '']],
    ['http://example.com?a=b:1', ['http', 'example.com', null, '', 'a=b:1']],
    ['mailto:test@example.com', ['mailto', '', null, '', '']],
    ['foo', ['', '', null, 'foo', '']],
    ['http://example.com/^', [null, null, null, null, null]],
    ['http://example.com/100%', [null, null, null, null, null]],
  ])('the parts of %s', async (url, expected) => {
    const parts = ['protocol', 'host', 'port', 'path', 'query'].map((part) => `url_extract_${part}('${url}')`);
    expect(await rowsOf(`SELECT ${parts.join(', ')}`)).toEqual([expected]);
  });

  test('approx_distinct and approx_percentile are exact, with one percentile or several', async () => {
    const sql = 'SELECT approx_distinct(x % 700), approx_percentile(x, 0.5), approx_percentile(x, ARRAY[0.1, 0.9])';
    expect(await rowsOf(`${sql} FROM range(1, 1001) t(x)`)).toEqual([[700n, 500n, [100n, 900n]]]);
  });

  test('date_parse and date_format work on columns', async () => {
    expect(
      await rowsOf(`SELECT date_parse(dt, '%Y-%m-%d'), date_format(time, '%H:%i') FROM logs WHERE name = 'new'`),
    ).toEqual([['2026-01-02 00:00:00.000000', '03:04']]);
  });
});

test('a folder whose name DuckDB would read as a pattern is refused', async () => {
  await expect(openAthena({ dir: '/tmp/a[1]', tables: [] })).rejects.toThrow('expected a path without');
});
