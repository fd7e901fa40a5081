import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { addQuery } from '../../../bin/commands/query.ts';
import { exampleQueries } from '../../../bin/docs/example-answers.ts';
import { EXAMPLE_TABLES, type ExampleLake, openExampleLake } from '../../../bin/docs/example-lake.ts';
import { scannedText } from '../../../bin/queries/scanned.ts';
import { type QueryResult, toJson } from '../../../local/athena/query-result.ts';
import { clientEnvironment } from '../../helpers/client-options.ts';
import {
  type FakeService,
  failure,
  json,
  openFakeService,
  type Reply,
  type ServedRequest,
} from '../../helpers/fake-service.ts';

/** Athena and Glue of a deployed stack: they answer as AWS documents it, and what the example lake answers. */
let lake: ExampleLake;
let aws: FakeService;
const results = new Map<string, QueryResult>();
const statements: string[] = [];
let output = { stdout: '', stderr: '' };

beforeAll(async () => {
  lake = await openExampleLake();
  aws = await openFakeService(answer);
  for (const [name, value] of Object.entries(clientEnvironment(aws.url))) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await aws.close();
  await lake.close();
});
beforeEach(() => {
  output = { stdout: '', stderr: '' };
  statements.length = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      output[name] += String(chunk);
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The tables of the source kong, whose rows are divided; the last of them has no column of it. */
const DIVIDED = ['kong', 'kong_blog', 'kong_shop'];
let divided = DIVIDED;
const dividedTable = (Name: string | undefined) => {
  const kong = EXAMPLE_TABLES.find(({ table }) => table.name === 'kong')?.table;
  const names = (kong?.columns ?? []).map(({ name }) => name);
  const has = Name === DIVIDED.at(-1) ? names.filter((name) => name !== 'project_name') : names;
  return { Name, StorageDescriptor: { Columns: has.map((column) => ({ Name: column, Type: 'string' })) } };
};

async function answer({ operation, body }: ServedRequest): Promise<Reply> {
  const input = JSON.parse(body);
  if (operation === 'AWSGlue.GetTables') {
    if (input.DatabaseName === 'second_lake_iceberg') {
      expect(input.Expression).toBe('kong_*');
      return json({ TableList: divided.slice(1).map(dividedTable) });
    }
    expect(input.DatabaseName).toBe('second_lake');
    const tables = EXAMPLE_TABLES.map(({ table: { name, columns } }) => ({
      Name: name,
      TableType: 'EXTERNAL_TABLE',
      ...(name === 'kong' && {
        Parameters: { 'tributary.tableFormat': 'iceberg', 'tributary.fanOut': '{"by":"project_name"}' },
      }),
      ...(name === 'app' && { Parameters: { EXTERNAL: 'TRUE', 'tributary.tableFormat': 'iceberg' } }),
      StorageDescriptor: { Columns: columns.map((column) => ({ Name: column.name, Type: column.type })) },
    }));
    const view = { ...tables[0], Name: 'alb_once', TableType: 'VIRTUAL_VIEW' };
    return json({ TableList: [...tables, view, { Name: 'of_somebody', StorageDescriptor: { Columns: [] } }] });
  }
  if (operation === 'AWSGlue.GetTable') {
    expect(input).toEqual({ DatabaseName: 'second_lake_iceberg', Name: 'kong' });
    return divided.length > 0 ? json({ Table: dividedTable(divided[0]) }) : failure('EntityNotFoundException');
  }
  if (operation === 'AmazonAthena.StartQueryExecution') {
    expect(input).toMatchObject({ WorkGroup: 'second-lake', QueryExecutionContext: { Database: 'second_lake' } });
    statements.push(input.QueryString);
    results.set('one', await lake.athena.query(input.QueryString.replaceAll('"second_lake"', '"tributary"')));
    return json({ QueryExecutionId: 'one' });
  }
  if (operation === 'AmazonAthena.GetQueryExecution') {
    const Statistics = { DataScannedInBytes: 3 * 2 ** 30, TotalExecutionTimeInMillis: 2345 };
    return json({ QueryExecution: { Status: { State: 'SUCCEEDED' }, Statistics } });
  }
  const { columns, rows } = results.get('one') ?? { columns: [], rows: [] };
  const names = columns.map(({ name }) => name);
  const cells = (values: readonly unknown[]) => ({
    Data: values.map((value) => (value === null ? {} : { VarCharValue: String(value) })),
  });
  return json({
    ResultSet: {
      Rows: [names, ...toJson({ columns, rows }).map((row) => Object.values(row))].map(cells),
      ResultSetMetadata: { ColumnInfo: columns.map(({ name, type }) => ({ Name: name, Type: type })) },
    },
  });
}

const query = (...args: readonly string[]) => {
  const program = new Command().exitOverride();
  addQuery(program);
  return program.parseAsync(['node', 'lake', 'query', ...args, '--stack', 'Second-Lake']);
};

describe('lake query --stack', () => {
  test('lists the saved queries of the tables in Glue, without views and tables of others', async () => {
    await query('--json');
    const names: string[] = JSON.parse(output.stdout).map(({ name }: { name: string }) => name);
    expect(names).toContain('balance-by-day');
    expect(names).toContain('kong-requests-by-project');
    expect(names.filter((name) => /once|somebody/.test(name))).toEqual([]);
  });

  test.each(exampleQueries().map(({ name }) => [name]))('knows %s by its name', async (name) => {
    await query(name, '--print');
    expect(output.stdout).toMatch(/^-- .*\n(?:-- The rows are divided .*\n)?-- Times are UTC/);
  });

  test('runs a saved query in the workgroup over the range asked for, and says what it scanned and costs', async () => {
    await query('alb-traffic-by-client', '--since', '2026-11-28T10:00:00Z', '--until', '2026-11-28T11:00:00Z');
    expect(output.stdout.split('\n')).toEqual([
      'client     requests  errors_5xx  response_bytes',
      '192.0.2.7         5           1            5000',
      '192.0.2.8         1           1            1000',
      '',
    ]);
    expect(output.stderr.split('\n')).toEqual([
      'alb-traffic-by-client: 2026-11-28 10:00:00 to 2026-11-28 11:00:00 UTC, dt from 2026-11-27 to 2026-11-29',
      'scanned 3.0 GiB in 2.3 s, about 1.5 cents',
      '',
    ]);
    expect(statements[0]).toContain('FROM "second_lake"."alb"');
  });

  test('reads the Iceberg table of a source whose rows are written there', async () => {
    await query('app-events-by-level', '--print');
    expect(output.stdout).toContain('FROM "second_lake_iceberg"."app"');
    output.stdout = '';
    await query('alb-repeats', '--print');
    expect(output.stdout).toContain('FROM "second_lake"."alb"');
  });

  test('asks all tables of a source whose rows are divided, or those that may have the rows of a value', async () => {
    const range = ['--since', '2026-11-28T10:00:00Z', '--until', '2026-11-28T11:00:00Z', '--print'];
    await query('kong-repeats', ...range);
    expect(output.stdout.match(/FROM "second_lake_iceberg"."\w+"/g)).toEqual(
      DIVIDED.map((name) => `FROM "second_lake_iceberg"."${name}"`),
    );
    expect(output.stdout).toContain('-- The rows are divided by project_name; these are of 3 tables.');
    expect(output.stdout).toContain(`WHERE source = 'kong' AND dt >= '2026-11-27')`);
    expect(output.stdout).toContain('NULL AS "project_name"');
    output.stdout = '';
    await query('kong-repeats', ...range, '--value', "it's", '--value', 'blog');
    expect(output.stdout.match(/FROM "second_lake_iceberg"."\w+"/g)).toEqual([
      'FROM "second_lake_iceberg"."kong"',
      'FROM "second_lake_iceberg"."kong_blog"',
    ]);
    expect(output.stdout).toContain(`"project_name" IN ('it''s', 'blog')`);
    await expect(query('alb-repeats', '--value', 'blog')).rejects.toThrow(
      '--value: alb-repeats asks no source with fanOut',
    );
  });

  test('refuses to ask more tables than a query can read, and says what can be asked', async () => {
    divided = Array.from({ length: 81 }, (_, index) => `kong_${index}`);
    onTestFinished(() => {
      divided = DIVIDED;
    });
    await expect(query('kong-repeats', '--print')).rejects.toThrow(
      'the rows of kong are in 81 tables, and a query reads at most 80: --value, which may be given several times',
    );
    await query('kong-repeats', '--print', '--value', '7');
    expect(output.stdout).toContain('FROM "second_lake_iceberg"."kong_7"');
    divided = [];
    await expect(query('kong-repeats', '--print')).rejects.toThrow('no table has rows of kong yet');
  });

  test('reads the days on which rows arrived, where these are given', async () => {
    const hour = ['--since', '2026-11-28T10:00:00Z', '--until', '2026-11-28T11:00:00Z'];
    await query('alb-rows-by-minute', ...hour, '--arrived', '2026-12-05', '--csv');
    expect(output.stdout.split('\r\n')[1]).toBe('2026-11-28 10:30:00.000000,1,1,1000');
    output.stdout = '';
    await query('alb-traffic-by-client', ...hour, '--arrived', '2026-12-06..2026-12-07');
    expect(output.stderr).toContain('no rows in this range. Logs that came late lie under the day');
  });

  test('asks for the last day if no time is given', async () => {
    vi.setSystemTime('2026-11-28T12:00:00Z');
    await query('kong-repeats', '--print');
    vi.useRealTimers();
    expect(statements).toEqual([]);
    expect(output.stdout).toContain(
      `"log_time" >= timestamp '2026-11-27 12:00:00' AND "log_time" < timestamp '2026-11-28 12:00:00'`,
    );
    expect(output.stdout).toContain("dt BETWEEN '2026-11-26' AND '2026-11-29'");
  });

  test('warns of a query that reads all days, and runs it', async () => {
    await query('SELECT count(*) AS found FROM tributary.alb');
    expect(output.stderr).toMatch(/^lake: warning: the query reads all days of alb: .*\nscanned /);
    expect(output.stdout).toBe('found\n    9\n');
  });

  test.each([
    [['alb'], 'no saved query alb: `lake query` without a name lists them'],
    [['no-such-query'], 'no saved query no-such-query: `lake query` without a name lists them'],
    [['SELECT 1', '--since', '1h'], 'error: --since: expected the name of a saved query beside it'],
    [['alb-repeats', '--arrived', '2026-13-01'], 'expected a day such as 2026-11-28, or two with .. between'],
    [['alb-repeats', '--arrived', '2026-11-28..2026-11-27'], 'got 2026-11-28..2026-11-27'],
  ])('%j is refused', async (args, message) => {
    await expect(query(...args)).rejects.toThrow(message);
  });
});

test.each([
  [0, 'scanned 0 B in 0.5 s, about 0 cents'],
  [1, 'scanned 1 B in 0.5 s, about 0.0048 cents'],
  [10 * 2 ** 20 + 1, 'scanned 10.0 MiB in 0.5 s, about 0.0052 cents'],
  [2 ** 40, 'scanned 1.0 TiB in 0.5 s, about 500 cents'],
])('%d bytes scanned are billed in whole megabytes, at least ten: %s', (bytes, text) => {
  expect(scannedText({ bytes, millis: 500 })).toBe(text);
});
