import { describe, expect, test } from 'vitest';
import { allDaysWarning, tablesReadWhole } from '../../../bin/queries/all-days.ts';

describe('a query that reads all days is found', () => {
  test.each([
    ['without a condition', 'SELECT count(*) FROM alb', ['alb']],
    ['with a time alone', "SELECT 1 FROM alb WHERE time > timestamp '2026-11-28 00:00:00'", ['alb']],
    ['with dt selected alone', 'SELECT dt, count(*) FROM alb GROUP BY dt', ['alb']],
    ['with dt compared with a column', 'SELECT 1 FROM alb WHERE dt = request_verb', ['alb']],
    ['with dt compared with what another query finds', 'SELECT 1 FROM alb WHERE dt = (SELECT 1)', ['alb']],
    ['with dt in one of two alternatives', "SELECT 1 FROM alb WHERE dt = '2026-11-28' OR elb = 'x'", ['alb']],
    ['with dt excluded', "SELECT 1 FROM alb WHERE dt <> '2026-11-28'", ['alb']],
    ['in a join', 'SELECT 1 FROM alb JOIN loads USING (origin)', ['alb', 'loads']],
    ['in one part of a union', "SELECT 1 FROM alb WHERE dt = '1' UNION ALL SELECT 1 FROM kong", ['kong']],
    [
      'in a subquery of a condition',
      "SELECT 1 FROM alb WHERE dt = '1' AND origin IN (SELECT origin FROM loads)",
      ['loads'],
    ],
    ['in a WITH query', 'WITH a AS (SELECT * FROM alb) SELECT * FROM a', ['alb']],
    ['by a view without repeats', "SELECT 1 FROM alb_once WHERE dt = '2026-11-28'", ['alb_once']],
    ['by EXPLAIN, which DuckDB’s parser does not read', 'EXPLAIN ANALYZE SELECT 1 FROM alb', ['*']],
    ['in SQL of Athena alone', "UNLOAD (SELECT 1 FROM alb WHERE raw = 'dt') TO 's3://b/'", ['*']],
  ])('%s', async (_, sql, tables) => {
    expect(await tablesReadWhole(sql)).toEqual(tables);
  });
});

describe('a query that reads some days is not', () => {
  test.each([
    ['by a day', "SELECT 1 FROM alb WHERE dt = '2026-11-28'"],
    ['by a range', "SELECT 1 FROM alb a WHERE a.dt BETWEEN '2026-11-27' AND '2026-11-29' AND elb = 'x'"],
    ['by a list', "SELECT 1 FROM alb WHERE dt IN ('2026-11-27', '2026-11-28')"],
    ['by a pattern', "SELECT 1 FROM alb WHERE dt LIKE '2026-11-%'"],
    ['by the present day', "SELECT 1 FROM alb WHERE dt >= date_format(current_date - interval '1' day, '%Y-%m-%d')"],
    ['by two alternatives', "SELECT 1 FROM alb WHERE dt = '2026-11-28' OR dt = '2026-11-30'"],
    ['by a condition around a subquery', "SELECT 1 FROM (SELECT * FROM alb) WHERE dt = '2026-11-28'"],
    ['by a condition in a WITH query', "WITH a AS (SELECT * FROM alb WHERE dt = '1') SELECT * FROM a"],
    ['by a condition on a join', "SELECT 1 FROM alb a JOIN loads l USING (origin) WHERE a.dt = '1' AND l.dt = '1'"],
    ['with no table', 'SELECT 1'],
    ['of the catalog', 'SELECT table_name FROM information_schema.tables'],
    ['in SQL of Athena alone', "UNLOAD (SELECT 1 FROM alb WHERE dt = '1') TO 's3://b/'"],
    ['that is none', 'SHOW PARTITIONS alb'],
    ['that is only explained', 'EXPLAIN SELECT 1 FROM alb'],
  ])('%s', async (_, sql) => {
    expect(await tablesReadWhole(sql)).toEqual([]);
  });
});

test('the warning names the tables, and says of a view that only its own query helps', () => {
  expect(allDaysWarning([])).toBeUndefined();
  expect(allDaysWarning(['alb', 'kong'])).toBe(
    "warning: the query reads all days of alb, kong: nothing there compares dt with a value, such as dt >= '2026-11-28'",
  );
  expect(allDaysWarning(['*'])).toContain('all days of its tables');
  expect(allDaysWarning(['alb', 'alb_once'])).toMatch(/^warning: the view alb_once reads all days .* dt inside$/);
});
