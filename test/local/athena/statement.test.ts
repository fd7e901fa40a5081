import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Athena, openAthena } from '../../../local/athena/athena.ts';
import { checkExpression } from '../../../local/athena/expression.ts';
import { QueryError } from '../../../local/athena/statement.ts';
import { sharedFolder } from '../../helpers/folder.ts';
import { tableResource } from '../firehose/firehose-fixture.ts';

const dir = sharedFolder();
/** A file in a bucket, which DuckDB may open: what would write to it must not run. */
const victim = join(dir, 'buckets', 'data', 'victim.csv');
let athena: Athena;

beforeAll(async () => {
  await mkdir(join(dir, 'buckets', 'data'), { recursive: true });
  await writeFile(victim, 'a\n1\n');
  athena = await openAthena({ dir, tables: [tableResource('logs', [{ name: 'name', type: 'string' }])] });
});

afterAll(() => athena.close());

async function refusalOf(sql: string): Promise<string> {
  const error = await athena.query(sql).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(QueryError);
  return String(error);
}

describe('a query that only reads runs', () => {
  test.each([
    ['SELECT', 'SELECT 1'],
    ['SELECT in lower case, with a semicolon and comments', '/* one */ select 1; -- the end'],
    ['WITH', 'WITH one AS (SELECT 1 AS x) SELECT * FROM one'],
    ['a union in parentheses', '(SELECT 1) UNION ALL (SELECT 2)'],
    ['TABLE', 'TABLE logs'],
    ['VALUES', 'VALUES (1), (2)'],
    ['SHOW TABLES', 'SHOW TABLES'],
    ['DESCRIBE', 'DESCRIBE logs'],
    ['a list as a table', 'SELECT x FROM UNNEST(ARRAY[1, 2]) AS t(x)'],
    ['information_schema', 'SELECT table_name FROM information_schema.tables'],
    ['EXPLAIN', 'EXPLAIN SELECT * FROM logs'],
    ['EXPLAIN below a comment', '-- how?\nEXPLAIN/* so */(SELECT 1)'],
    ['EXPLAIN ANALYZE', 'explain analyze WITH one AS (SELECT 1 AS x) SELECT * FROM one'],
    ['EXPLAIN with a format', 'EXPLAIN (FORMAT JSON) SELECT 1'],
    ['EXPLAIN of VALUES', 'EXPLAIN VALUES (1)'],
    ['a statement within quotes', `SELECT 'COPY x TO y; DROP TABLE z -- "' AS text`],
  ])('%s', async (_name, sql) => {
    await expect(athena.query(sql)).resolves.toBeDefined();
  });
});

describe('a query that could do more is refused, and does nothing', () => {
  const copy = `COPY (SELECT 1) TO '${victim}'`;

  test.each([
    ['COPY', copy],
    ['EXPLAIN COPY', `EXPLAIN ${copy}`],
    ['EXPLAIN ANALYZE COPY', `EXPLAIN ANALYZE ${copy}`],
    ['EXPLAIN ANALYZE COPY with comments', `/* a */ EXPLAIN -- b\n ANALYZE /* c */ ${copy}`],
    ['EXPLAIN ANALYZE COPY after a nested comment', `/* /* */ */ EXPLAIN ANALYZE ${copy}`],
    ['EXPLAIN ANALYZE COPY with white space of Unicode', `EXPLAIN\u00a0ANALYZE\u2003${copy}`],
    ['EXPLAIN with the option ANALYZE', `EXPLAIN (ANALYZE) ${copy}`],
    ['EXPLAIN with options', `EXPLAIN (FORMAT JSON, ANALYZE) ${copy}`],
    ['EXPLAIN ANALYZE of a table', `EXPLAIN ANALYZE COPY logs TO '${victim}'`],
    ['EXPLAIN ANALYZE CREATE TABLE', 'EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1'],
    ['EXPLAIN ANALYZE INSERT', 'EXPLAIN ANALYZE INSERT INTO logs SELECT 1'],
    ['EXPLAIN ANALYZE EXECUTE', 'EXPLAIN ANALYZE EXECUTE x'],
    ['EXPLAIN ANALYZE of a pivot, which creates a type', 'EXPLAIN ANALYZE PIVOT logs ON name'],
    ['EXPLAIN of EXPLAIN', `EXPLAIN EXPLAIN ANALYZE ${copy}`],
    ['COPY in a table expression', `WITH x AS (${copy}) SELECT * FROM x`],
    ['COPY in a subquery', `SELECT * FROM (${copy})`],
    ['a second statement', `SELECT 1; ${copy}`],
    ['a second statement after a comment', `SELECT 1 -- ;\n; ${copy}`],
    ['a second statement after EXPLAIN', `EXPLAIN SELECT 1; ${copy}`],
    ['a second statement after a NUL', `SELECT 1\0; ${copy}`],
    ['EXPORT', `EXPORT DATABASE '${dir}/buckets/data'`],
    ['CREATE', 'CREATE TABLE x (a int)'],
    ['CREATE MACRO', 'CREATE MACRO one() AS 1'],
    ['INSERT', 'INSERT INTO logs VALUES (1)'],
    ['UPDATE', 'UPDATE logs SET name = 1'],
    ['DELETE', 'DELETE FROM logs'],
    ['DROP', 'DROP VIEW lake.logs'],
    ['ATTACH', `ATTACH '${dir}/buckets/data/x.db'`],
    ['PRAGMA', 'PRAGMA version'],
    ['CALL', `CALL enable_logging(storage = 'file', storage_path = '${victim}')`],
    ['SET', "SET memory_limit = '1GB'"],
    ['RESET', 'RESET lock_configuration'],
    ['INSTALL', 'INSTALL httpfs'],
    ['LOAD', 'LOAD httpfs'],
    ['PREPARE', `PREPARE x AS ${copy}`],
    ['BEGIN', 'BEGIN'],
    ['VACUUM', 'VACUUM'],
    ['CHECKPOINT', 'CHECKPOINT'],
  ])('%s', async (_name, sql) => {
    expect(await refusalOf(sql)).toMatch(/tables can only be read|expected one query|Parser Error|character NUL/);
    expect(await readFile(victim, 'utf8')).toBe('a\n1\n');
  });

  test.each([
    ['a log of queries', `SELECT * FROM enable_logging(storage = 'file', storage_path = '${dir}/buckets/data')`],
    ['a profile', `SELECT * FROM enable_profiling(save_location = '${victim}')`],
    ['a function within a table expression', `WITH x AS (SELECT * FROM enable_profiling()) SELECT * FROM x`],
    ['a function within EXPLAIN ANALYZE', 'EXPLAIN ANALYZE SELECT * FROM enable_profiling()'],
    ['a function within a subquery', 'SELECT (SELECT count(*) FROM Enable_Profiling())'],
    ['a function within a condition', 'SELECT 1 WHERE EXISTS (SELECT 1 FROM enable_profiling())'],
    ['a function within DESCRIBE', 'DESCRIBE SELECT * FROM enable_profiling()'],
    ['a function with its schema', 'SELECT * FROM system.main.enable_profiling()'],
    ['a lateral join', 'SELECT * FROM logs, LATERAL (SELECT * FROM enable_profiling())'],
    ['SQL in a text', `SELECT * FROM query('SELECT * FROM enable_profiling()')`],
    ['SQL as JSON', `SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))`],
    ['a file of the machine', `SELECT * FROM read_csv('/etc/passwd')`],
    ['a file in a bucket', `SELECT * FROM read_text('${victim}')`],
    ['names of files', `SELECT * FROM glob('/etc/*')`],
    ['the parser', 'SELECT * FROM enable_peg_parser()'],
  ])('by a table function: %s', async (_name, sql) => {
    expect(await refusalOf(sql)).toMatch(/table function \w+: a query can read tables only/);
    expect(await readdir(join(dir, 'buckets', 'data'))).toEqual(['victim.csv']);
    expect(await readFile(victim, 'utf8')).toBe('a\n1\n');
  });

  test.each([
    ['a file beside the buckets', () => `SELECT * FROM '${dir}/buckets/../version.json'`],
    ['a file of the machine', () => `SELECT * FROM '/etc/passwd.csv'`],
    ['the network', () => `SELECT * FROM 'http://192.0.2.1/x.csv'`],
  ])('by the name of a table: %s', async (_name, sql) => {
    expect(await refusalOf(sql())).toMatch(/file system operations are disabled by configuration|does not exist/);
  });

  test('and a variable of the environment has no function', async () => {
    expect(await refusalOf(`SELECT getenv('HOME')`)).toContain('function getenv: expected one of');
  });
});

describe('checkExpression', () => {
  test.each([
    'true',
    "reason = 'too_few_fields'",
    "reason IN ('a', 'b') AND (position > 5 OR raw LIKE '%--%')",
    "raw = 'a); SELECT (1' OR \"object_key\" = '/* x */'",
    "regexp_like(raw, '^[0-9]+$') AND rejected_at >= TIMESTAMP '2026-01-05 10:00:00'",
    'origin IN (SELECT origin FROM loads WHERE "rows" = 0)',
    "ARRAY['a', reason][1] = 'a'",
    'position - -1 > 0',
  ])('takes %s', async (text) => {
    await expect(checkExpression(text)).resolves.toBeUndefined();
  });

  test.each([
    ['nothing', ''],
    ['a parenthesis closed and opened', "true) OR (reason = 'x'"],
    ['a bracket closed and opened', 'true], [true'],
    ['both', 'true)], [(true'],
    ['a statement', 'true); DROP TABLE loads; SELECT (true'],
    ['a semicolon', 'true;'],
    ['a query', 'SELECT true'],
    ['a list', "true, reason = 'x'"],
    ['a part of a query', 'true ORDER BY origin'],
    ['another query', 'true) UNION (SELECT 1'],
    ['a comment up to the end', 'true --'],
    ['a comment of a line', 'true -- x\n'],
    ['a comment that stays open', 'true /* '],
    ['a comment', 'true /* x */'],
    ['a nested comment', 'true /* /* */ ) OR (true -- */\n*/'],
    ['an open quote', "reason = 'x"],
    ['an escape of DuckDB', "reason = E'\\') OR (true --'"],
    ['half a condition', 'reason ='],
  ])('refuses %s', async (_name, text) => {
    await expect(checkExpression(text)).rejects.toThrow(QueryError);
  });
});
