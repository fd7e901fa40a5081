import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExampleLake, openExampleLake } from '../../../bin/docs/example-lake.ts';
import { ATHENA_FUNCTIONS } from '../../../local/athena/functions.ts';
import { toJson } from '../../../local/athena/query-result.ts';
import { QueryError } from '../../../local/athena/statement.ts';

/**
 * What Trino 435 (io.trino:trino-main) answered to these queries, a line each: the query, a tab, and the answer as JSON.
 * Athena's engine version 3 is made of Trino.
 */
const ANSWERS = readFileSync(join(import.meta.dirname, 'trino-answers.txt'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t') as [sql: string, answer: string]);

/** The table `t` of the queries. */
const T = "(VALUES (1, 1.5e0, 'a'), (2, 2.5e0, 'b'), (3, 7e0, 'c'), (4, 1e1, 'd')) AS t (x, d, g)";

let lake: ExampleLake;
beforeAll(async () => {
  lake = await openExampleLake([]);
});
afterAll(() => lake.close());

async function answerTo(sql: string): Promise<unknown> {
  const rows = toJson(await lake.athena.query(sql.replace('FROM t', `FROM ${T}`))).map((row) => Object.values(row));
  return rows.length === 1 && rows[0]?.length === 1 ? rows[0][0] : rows;
}

/** Doubles may differ in their last digit. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(12));
  return Array.isArray(value) ? value.map(rounded) : value;
}

describe("Athena's functions", () => {
  test('answer here as in Trino', async () => {
    const differing: unknown[] = [];
    for (const [sql, answer] of ANSWERS) {
      const found = await answerTo(sql).catch(String);
      if (JSON.stringify(rounded(found)) !== JSON.stringify(rounded(JSON.parse(answer)))) differing.push([sql, found]);
    }
    expect(differing).toEqual([]);
  });

  test('are all asked, each at least once', () => {
    const asked = ANSWERS.map(([sql]) => sql).join('\n');
    expect(ANSWERS.length).toBeGreaterThan(400);
    expect(ATHENA_FUNCTIONS.filter((name) => !new RegExp(`\\b${name}\\(`, 'i').test(asked))).toEqual([]);
  });

  test.each([
    ['of DuckDB alone', "strftime(now(), '%Y')", 'function strftime: '],
    ['of DuckDB alone, over rows', 'quantile_cont(x, 0.5)', 'function quantile_cont: '],
    ['of DuckDB alone, over a window', 'first(x) OVER ()', 'function first: '],
    ['of Athena that means another thing to DuckDB', "format('%s', x)", 'function format: '],
    ['of Athena that DuckDB has not', 'format_datetime(now(), g)', 'function format_datetime: '],
    ['within another', "upper(list_filter([g], lambda e: e = 'a')[1])", 'function list_filter: '],
    ['that macros use', "json_path('$')", 'function json_path: '],
    ['misspelt', 'aprox_distinct(x)', 'function aprox_distinct: '],
  ])('a function %s is refused by its name', async (_, call, message) => {
    const error = await lake.athena.query(`SELECT ${call} FROM ${T}`).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(QueryError);
    expect(String(error)).toContain(`${message}expected one of Athena's functions that work here too`);
    expect(String(error)).toMatch(/docs\/queries\.md lists them$/);
  });

  test('a function that is nearly one is refused with what it is nearly', async () => {
    await expect(lake.athena.query('SELECT aprox_distinct(1)')).rejects.toThrow(', did you mean approx_distinct?');
  });

  test('arguments that a function does not take are refused with what it takes', async () => {
    await expect(lake.athena.query("SELECT date_diff('day', 1)")).rejects.toThrow('date_diff');
  });
});
