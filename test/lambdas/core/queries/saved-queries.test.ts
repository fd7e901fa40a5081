import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXAMPLE_HOUR, exampleQueries } from '../../../../bin/docs/example-answers.ts';
import { type ExampleLake, openExampleLake } from '../../../../bin/docs/example-lake.ts';
import { tablesReadWhole } from '../../../../bin/queries/all-days.ts';
import { FORMATS } from '../../../../lambdas/core/formats/registry.ts';
import { savedQueries } from '../../../../lambdas/core/queries/saved-queries.ts';
import { between, rangeOf, type TimeRange } from '../../../../lambdas/core/queries/saved-query.ts';
import type { ColumnType } from '../../../../lambdas/core/tables/table.ts';
import { toJson } from '../../../../local/athena/query-result.ts';

const QUERIES = exampleQueries();

let lake: ExampleLake;
beforeAll(async () => {
  lake = await openExampleLake();
});
afterAll(() => lake.close());

async function answerOf(name: string): Promise<unknown[][]> {
  const query = QUERIES.find((each) => each.name === name);
  if (!query) throw new Error(`no saved query ${name}`);
  return toJson(await lake.athena.query(query.sql(EXAMPLE_HOUR))).map((row) => Object.values(row));
}

/** A time of the day of the example, as a result has it. */
const at = (time: string) => `2026-11-28 ${time}.000000`;

/** What each query answers over the example's hour: worked out by hand from the rows of the example lake. */
const ANSWERS: Readonly<Record<string, unknown[][]>> = {
  'balance-by-day': [
    ['2026-11-28', 'alb', 2, 8, 5, 1, 2, 0],
    ['2026-11-28', 'kong', 1, 4, 3, 1, 0, 0],
    ['2026-11-29', 'alb', 1, 50, 40, 10, 0, 0],
  ],
  'rejected-by-reason': [['alb', 'too_few_fields', 2, 'expected at least 17 fields, got 2']],
  'filtered-by-filter': [
    ['alb', 'blank_line', 7, ''],
    ['alb', 'joined', 3, 'tail'],
    ['kong', 'no_http', 1, 'a line of the error log'],
  ],
  freshness: [
    ['alb', 4, at('10:04:00'), at('10:40:00'), 960, 2160, 2160],
    ['kong', 1, at('10:04:00'), at('10:10:00'), 360, 360, 360],
  ],
  'incomplete-inputs': [['alb', 'gone', 0, 0, 0, 'logs.example.com', 'alb/a2.log.gz', at('10:20:00')]],
  'arrival-days': [
    ['alb', '2026-11-28', 4, 110, at('10:00:00'), at('10:04:00')],
    ['alb', '2026-11-29', 1, 40, at('10:00:00'), at('10:04:00')],
    ['alb', '2026-12-05', 1, 2, at('10:00:00'), at('10:04:00')],
    ['kong', '2026-11-28', 2, 1003, at('10:00:00'), at('10:04:00')],
  ],
  'alb-top-urls': [
    ['GET', 'https://www.example.com:443/orders/17', 3, 1, 3000],
    ['GET', 'https://www.example.com:443/orders/18', 2, 0, 2000],
    ['POST', 'https://www.example.com:443/carts', 1, 1, 1000],
  ],
  'alb-errors-by-target': [
    ['198.51.100.1:80', 3, 1, 1, 33.33],
    ['none', 1, 1, 0, 100],
  ],
  'alb-errors-by-url': [
    ['GET', 'https://www.example.com:443/orders/{id}', 502, 1],
    ['POST', 'https://www.example.com:443/carts', 503, 1],
  ],
  'alb-latency-by-minute': [
    [at('10:00:00'), 3, 0.02, 0.02, 0.02, 0.02],
    [at('10:01:00'), 1, 0.9, 0.9, 0.9, 0.9],
    [at('10:59:00'), 1, 0.016, 0.016, 0.016, 0.016],
  ],
  'alb-slowest-endpoints': [['GET', 'https://www.example.com:443/orders/{id}', 5, 0.02, 0.9, 0.9, 0.9]],
  'alb-traffic-by-client': [
    ['192.0.2.7', 5, 1, 5000],
    ['192.0.2.8', 1, 1, 1000],
  ],
  'alb-rows-by-minute': [
    [at('10:00:00'), 3, 0, 3000],
    [at('10:01:00'), 2, 2, 2000],
    [at('10:59:00'), 1, 0, 1000],
  ],
  'alb-repeats': [['a1', 6, 1, '2026-11-28', '2026-11-29']],
  'kong-top-urls': [
    ['GET', '/items', 2, 1, 1000],
    ['GET', '/posts/1', 1, 0, 500],
  ],
  'kong-errors-by-url': [['GET', '/items', 500, 1]],
  'kong-latency-by-minute': [[at('10:00:00'), 3, 0.05, 0.25, 0.25, 0.25]],
  'kong-slowest-endpoints': [
    ['GET', '/items', 2, 0.05, 0.25, 0.25, 0.25],
    ['GET', '/posts/{id}', 1, 0.01, 0.01, 0.01, 0.01],
  ],
  'kong-traffic-by-client': [['192.0.2.9', 3, 1, 1500]],
  'kong-requests-by-project': [
    ['shop', 2, 1, 50, 1000, 0.05, 0.25, 0.25, 0.25],
    ['blog', 1, 0, 0, 500, 0.01, 0.01, 0.01, 0.01],
  ],
  'kong-rows-by-minute': [[at('10:00:00'), 3, 1, 1500]],
  'kong-repeats': [],
  'app-top-urls': [['GET', '/a', 2, 1]],
  'app-errors-by-url': [['GET', '/a', 500, 1]],
  'app-latency-by-minute': [
    [at('10:00:00'), 2, 10, 20, 20, 20],
    [at('10:02:00'), 1, 30, 30, 30, 30],
  ],
  'app-slowest-endpoints': [['GET', '/a', 2, 10, 20, 20, 20]],
  'app-events-by-level': [
    ['INFO', 2, at('10:00:00'), at('10:02:00')],
    ['ERROR', 1, at('10:00:58'), at('10:00:58')],
  ],
  'app-rows-by-minute': [
    [at('10:00:00'), 2, 1],
    [at('10:02:00'), 1, 0],
  ],
  'app-repeats': [],
};

const REPLACED = ['balance-by-day', 'filtered-by-filter', 'incomplete-inputs'];
const ANSWERS_FROM_LOADS = [...REPLACED, 'freshness', 'arrival-days'];

describe('a saved query answers for the hour alone', () => {
  test('and there is an answer to each of them', () => {
    expect(QUERIES.map(({ name }) => name).sort()).toEqual(Object.keys(ANSWERS).sort());
  });

  test.each(Object.entries(ANSWERS))('%s', async (name, answer) => {
    expect(await answerOf(name)).toEqual(answer);
  });

  // The tables alb and loads have files of four days, of which the hour needs two; and what replaced an object came on
  // the day of its load or later.
  const ofFourDays = QUERIES.filter(({ name }) => name.startsWith('alb-') || ANSWERS_FROM_LOADS.includes(name));
  test.each(ofFourDays.map((query) => [query.name, query] as const))(
    'and %s opens no other days',
    async (name, query) => {
      const { rows } = await lake.athena.query(`EXPLAIN ${query.sql(EXAMPLE_HOUR)}`);
      const plan = String(rows[0]?.[1]);
      const scans = [...plan.matchAll(/Scanning Files:\s*(\d+\/\d+)/g)].map(([, files]) => files);
      // A plan names the reader of each scan twice.
      expect(plan.match(/READ_PARQUET/g)).toHaveLength(2 * scans.length);
      expect([...new Set(scans)].sort()).toEqual(
        name === 'arrival-days' ? ['3/4'] : REPLACED.includes(name) ? ['2/4', '3/4'] : ['2/4'],
      );
    },
  );
});

/** Queries of every format's table, as its examples configure it, and of columns that only a user would have. */
const ALL_FORMATS = savedQueries({
  database: 'tributary',
  tables: [
    ...[...FORMATS.values()].map(({ name, compile, exampleOptions = {} }) => ({
      name: name.replace('-', '_'),
      columns: Object.entries(compile(exampleOptions).columns).map(([column, { type }]) => ({ name: column, type })),
    })),
    table('own', { path: 'string', upstream_addr: 'string', status: 'bigint', took_ms: 'double', log_level: 'int' }),
  ],
});

function table(name: string, columns: Readonly<Record<string, ColumnType>>) {
  return { name, columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })) };
}

describe('every saved query, of every format', () => {
  const queries = ALL_FORMATS.map((query) => [query.name, query.sql(EXAMPLE_HOUR)] as const);

  test.each(queries)('%s reads the days around its hour and no view', async (_, sql) => {
    expect(await tablesReadWhole(sql)).toEqual([]);
    expect(sql).toMatch(/dt (BETWEEN '2026-11-27' AND '2026-11-29'|>= '2026-11-27')/);
    expect(sql).not.toContain('_once');
  });

  test('compares times with literals of their type, if its table has a time', () => {
    for (const { name, source, sql } of ALL_FORMATS) {
      const text = sql(EXAMPLE_HOUR);
      if (source === 'own') expect(text).not.toContain('timestamp');
      else expect(text, name).toContain("timestamp '2026-11-28 10:00:00'");
    }
  });

  test('has a name of its own', () => {
    expect(new Set(queries.map(([name]) => name)).size).toBe(queries.length);
  });
});

describe('a table of a user is asked what its columns can answer', () => {
  const namesFor = (columns: Readonly<Record<string, ColumnType>>) =>
    savedQueries({ database: 'd', tables: [table('own', columns)] }).flatMap(({ name, source }) =>
      source === undefined ? [] : [name.replace('own-', '')],
    );

  test('with a time alone, how many rows there were, and how many twice', () => {
    expect(namesFor({ seen: 'timestamp' })).toEqual(['rows-by-minute', 'repeats']);
  });

  test('with a duration of its own name, how long it took', () => {
    const names = namesFor({ time: 'timestamp', job_duration_s: 'double', path: 'string' });
    expect(names).toEqual(['top-urls', 'latency-by-minute', 'slowest-endpoints', 'rows-by-minute', 'repeats']);
  });

  test('but not for a status that is no number', () => {
    expect(namesFor({ time: 'timestamp', path: 'string', status: 'string' })).not.toContain('errors-by-url');
  });
});

describe('the days of a range', () => {
  const days = (since: string, until: string) => rangeOf(new Date(since), new Date(until)).days;

  test('reach from the day before it to the day after its last moment', () => {
    expect(days('2026-11-28T00:00:00Z', '2026-11-29T00:00:00Z')).toEqual({ from: '2026-11-27', to: '2026-11-29' });
    expect(days('2026-12-31T23:59:00Z', '2027-01-01T00:00:00.001Z')).toEqual({ from: '2026-12-30', to: '2027-01-02' });
  });

  test('have four digits for the year, however early or late an event says it was', () => {
    const [first, last] = [new Date('0000-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59.999Z')];
    const range = rangeOf(first, new Date(last.getTime() + 1));
    expect(range.days).toEqual({ from: '0000-01-01', to: '9999-12-31' });
    expect(between('t', range)).toBe("t >= timestamp '0000-01-01 00:00:00' AND t < timestamp '10000-01-01 00:00:00'");
  });

  test('of no time at all are those around its moment', () => {
    expect(days('2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z')).toEqual({ from: '2026-02-28', to: '2026-03-02' });
  });
});

test('ask a source whose rows are divided about the tables that are named, which may lack columns', async () => {
  const columns = [
    { name: 'time', type: 'timestamp' as const },
    { name: 'tenant', type: 'string' as const },
    { name: 'dt', type: 'string' as const },
  ];
  const divided = {
    ...{ name: 'app', columns, note: 'The rows are divided.' },
    places: [
      { database: 'i', name: 'app_a' },
      { database: 'i', name: 'app_b', columns: ['time', 'dt'] },
    ] as const,
    where: ({ days }: TimeRange) => `tenant = 'a' AND dt <> '${days.from}'`,
  };
  const sql = savedQueries({ database: 'lake', tables: [divided] })
    .find(({ name }) => name === 'app-rows-by-minute')
    ?.sql(EXAMPLE_HOUR);
  expect(sql).toMatch(/^-- Rows of app .*\n-- The rows are divided.\n-- Times are UTC/);
  const all = 'SELECT "time", "tenant", "dt" FROM "i"."app_a"';
  const without = 'SELECT "time", NULL AS "tenant", "dt" FROM "i"."app_b"';
  expect(sql).toContain(`FROM (${all} UNION ALL ${without})\nWHERE`);
  expect(sql).toContain("  AND dt BETWEEN '2026-11-27' AND '2026-11-29'\n  AND tenant = 'a' AND dt <> '2026-11-27'\n");
  expect(await tablesReadWhole(sql ?? '')).toEqual([]);
});

test('ask a source about its table in the database that has it, and the lake about its own', () => {
  const tables = [
    { name: 'web', database: 'lake_iceberg', columns: [{ name: 'origin', type: 'string' as const }] },
    { name: 'app', columns: [{ name: 'origin', type: 'string' as const }] },
  ];
  const from = savedQueries({ database: 'lake', tables }).map(
    ({ sql }) => sql(EXAMPLE_HOUR).match(/FROM ("\w+"\."\w+")/)?.[1],
  );
  expect([...new Set(from)].sort()).toEqual([
    ...['"lake"."app"', '"lake"."loads"', '"lake"."rejected_lines"', '"lake_iceberg"."web"'],
  ]);
});
